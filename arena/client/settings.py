"""What a person decided for this machine, in ``config.toml``: projects never sent, plain-http servers allowed."""

import os
from typing import NamedTuple

from arena.client.home import Refused, config_folder, read_if_there, write_private


class Settings(NamedTuple):
    """Excluded folders and patterns, and servers that may be spoken to without TLS."""

    excluded: tuple[str, ...] = ()
    insecure: tuple[str, ...] = ()


def current() -> Settings:
    """Read the decisions."""
    content = read_if_there(path())
    if not content:
        return Settings()
    import tomllib

    try:
        table = tomllib.loads(content.decode())
    except ValueError:
        # Going on without the exclusions would send what must never be sent.
        raise Refused(
            f"{path()} is not valid TOML; mend it, or move it away and exclude your projects again."
        ) from None
    return Settings(_texts(table.get("excluded")), _texts(table.get("insecure")))


def exclude(pattern: str) -> None:
    """Add a folder or pattern that is never sent."""
    known = current()
    if pattern not in known.excluded:
        _write(known._replace(excluded=(*known.excluded, pattern)))


def include(pattern: str) -> bool:
    """Take an exclusion back; says whether there was one."""
    known = current()
    _write(known._replace(excluded=tuple(old for old in known.excluded if old != pattern)))
    return pattern in known.excluded


def allow_insecure(server: str) -> None:
    """Remember that a server may be spoken to without TLS."""
    known = current()
    if server not in known.insecure:
        _write(known._replace(insecure=(*known.insecure, server)))


def path() -> str:
    """Name the file."""
    return os.path.join(config_folder(), "config.toml")


def _texts(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise Refused(f"{path()}: `excluded` and `insecure` must be lists of texts; mend it.")
    return tuple(value)


def _write(decided: Settings) -> None:
    import json

    lines = ["# Written by `arena`.", "", "# Projects that are never sent (`arena exclude`).", "excluded = ["]
    # A JSON text is a TOML text.
    lines += [f"  {json.dumps(text)}," for text in decided.excluded]
    lines += ["]", "", "# Servers that may be spoken to over plain http (`arena login --insecure`).", "insecure = ["]
    lines += [f"  {json.dumps(text)}," for text in decided.insecure]
    write_private(path(), "\n".join([*lines, "]", ""]).encode())
