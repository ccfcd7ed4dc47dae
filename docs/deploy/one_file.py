"""Build all of arena into one file that runs by itself: ``python3 docs/deploy/one_file.py [FILE]``.

Without a name it is ``dist/arena``. Needs Python 3.11 or newer with pip. The file needs a Python of the same minor
version, and the platform it was built on: the last line says which. Every package is the one of
``requirements/server.txt``, checked by its digest.
"""

import os
import platform
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Build the file; 0 if it is there in the end."""
    if sys.version_info < (3, 11):  # noqa: UP036  (whoever starts this may have an older one)
        print(f"arena needs Python 3.11 or newer; this is {platform.python_version()}.", file=sys.stderr)
        return 2
    file = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist" / "arena").absolute()
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), file)
    print(f"{file}: {file.stat().st_size:,} bytes, for Python {minor()} on {sys.platform}, {platform.machine()}")
    return 0


def build(folder: Path, file: Path) -> None:
    """Gather the wheels, and let pex put them into the file."""
    venv.create(folder / "env", with_pip=True)
    python, wheels = folder / "env" / "bin" / "python", folder / "wheels"
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    run([*pip, "install", "--require-hashes", "-r", ROOT / "requirements" / "one-file.txt"])
    locked = ["--require-hashes", "-r", ROOT / "requirements" / "server.txt"]
    run([*pip, "download", "--only-binary", ":all:", *locked, "--dest", wheels])
    run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, ROOT])
    # The environment that the first start unpacks costs later ones next to nothing, and the worker, a child, is found
    # in it. Without a constraint each start would look for it in vain.
    how = ["--venv", "prepend", "--sh-boot", "--interpreter-constraint", f"CPython=={minor()}.*"]
    what = ["arena-box[server,s3]", "--pre-resolved-dists", wheels, "--console-script", "arena"]
    run([python, "-m", "pex", *what, *how, "--output-file", file])


def minor() -> str:
    """The Python that this is, without its last number."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def run(command: list[str | Path]) -> None:
    """Run a command that must succeed, in places of its own."""
    done = subprocess.run(
        command, env={**os.environ, "PEX_ROOT": str(Path(command[0]).parents[2] / "pex")}, check=False
    )
    if done.returncode:
        sys.exit(f"This failed: {' '.join(map(str, command))}")


if __name__ == "__main__":
    sys.exit(main())
