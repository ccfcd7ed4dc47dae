"""Where templates and static files are: inside the installed package, else beside it in a checkout."""

from functools import cache
from hashlib import sha256
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def folder(name: str) -> Path:
    """The folder `templates` or `static`."""
    installed = _PACKAGE / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


@cache
def asset(name: str) -> str:
    """The address of a static file, with a mark of its content so that browsers may keep it for ever."""
    content = (folder("static") / name).read_bytes()
    return f"/static/{name}?v={sha256(content).hexdigest()[:10]}"
