"""The spool: one small file for each word that a hook left, written whole or not at all.

The hook imports this, so it needs json and os only.
"""

import json
import os

from arena.client.home import spool_folder

LIMIT = 10_000
"""Files looked at in one go; a spool that nobody empties must not slow anybody down."""


def leave(word: dict[str, str]) -> str:
    """Leave word of a session for the next `arena sync --spooled`; says where."""
    name = os.path.join(spool_folder(), os.urandom(12).hex())
    handle = os.open(name + ".new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, json.dumps(word).encode())
    finally:
        os.close(handle)
    # A kill before this line leaves a file that nobody reads.
    os.replace(name + ".new", name + ".json")
    return name + ".json"


def words() -> dict[str, dict[str, str]]:
    """Read what hooks left, by the file that holds it; what cannot be read counts as an empty word."""
    found: dict[str, dict[str, str]] = {}
    folder = spool_folder()
    for name in sorted(os.listdir(folder))[:LIMIT]:
        if name.endswith(".json"):
            path = os.path.join(folder, name)
            found[path] = _word(path)
    return found


def clear(paths: list[str]) -> None:
    """Take away words that were acted upon."""
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue


def _word(path: str) -> dict[str, str]:
    try:
        with open(path, "rb") as file:
            word = json.loads(file.read())
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in word.items() if isinstance(v, str)} if isinstance(word, dict) else {}
