"""Make the wheel that puts the laptop's half on a laptop: the box hands out what it runs itself."""

import io
import zipfile
from base64 import urlsafe_b64encode
from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import arena

DISTRIBUTION = "arena-box"
LEFT_OUT = ("__pycache__", "templates", "static")
"""A laptop shows no pages. What is left is plain Python, whose only requirement is msgspec."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


@cache
def wheel() -> tuple[str, bytes]:
    """Build the wheel of the running program, the same bytes each time: its file name and its content."""
    package = Path(arena.__file__).parent
    name = f"{DISTRIBUTION.replace('-', '_')}-{arena.__version__}"
    info = f"{name}.dist-info"
    distribution = metadata.distribution(DISTRIBUTION)
    files = {
        f"arena/{file.relative_to(package).as_posix()}": file.read_bytes()
        for file in sorted(package.rglob("*"))
        if file.is_file() and not set(file.relative_to(package).parts) & set(LEFT_OUT)
    }
    files[f"{info}/METADATA"] = (distribution.read_text("METADATA") or "").encode()
    files[f"{info}/entry_points.txt"] = (distribution.read_text("entry_points.txt") or "").encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: arena\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return f"{name}-py3-none-any.whl", packed.getvalue()


def _record(files: dict[str, bytes], itself: str) -> bytes:
    """List every file with its hash and size, as the wheel format asks (PEP 427)."""
    lines = []
    for path, content in files.items():
        digest = urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(content)}")
    return "\n".join([*lines, f"{itself},,", ""]).encode()
