"""The addresses of static files."""

from functools import cache
from hashlib import sha256

from arena.core.folders import folder


@cache
def asset(name: str) -> str:
    """The address of a static file, with a mark of its content so that browsers may keep it for ever."""
    content = (folder("static") / name).read_bytes()
    return f"/static/{name}?v={sha256(content).hexdigest()[:10]}"
