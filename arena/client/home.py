"""Where the laptop half keeps its things, and how: folders for the owner alone, files written whole or not at all.

The hook imports this, so it needs os and sys only.
"""

import os
import sys


class Refused(Exception):
    """Something that the person must know or do, in one sentence."""


def config_folder() -> str:
    """Make and name the folder of credentials and configuration."""
    return _folder("config")


def state_folder() -> str:
    """Make and name the folder of ledger, lock and keys."""
    return _folder("state")


def spool_folder() -> str:
    """Make and name the folder in which hooks leave word."""
    return _private(os.path.join(_folder("state"), "spool"))


def write_private(path: str, content: bytes) -> None:
    """Replace a file in one step, readable by its owner alone."""
    scratch = f"{path}.{os.getpid()}.new"
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise


def read_if_there(path: str) -> bytes:
    """Read a file, or nothing where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def laptop_secret() -> bytes:
    """Read the random key that hashes project paths; it is made once and never leaves this machine."""
    path = os.path.join(state_folder(), "project-key")
    secret = read_if_there(path)
    if len(secret) != 32:
        secret = os.urandom(32)
        write_private(path, secret)
    return secret


def keyed_hash(text: str) -> str:
    """Hash a path so that only this machine could tell it from another, 16 hex digits."""
    import hmac

    return hmac.new(laptop_secret(), text.encode("utf-8", "surrogateescape"), "sha256").hexdigest()[:16]


def _folder(kind: str) -> str:
    home = os.environ.get("ARENA_HOME")
    if home:
        return _private(os.path.abspath(os.path.expanduser(home)))
    if sys.platform == "win32":
        base = os.environ.get("APPDATA" if kind == "config" else "LOCALAPPDATA") or os.path.expanduser("~")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Application Support")
    elif kind == "config":
        base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    else:
        base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return _private(os.path.join(base, "arena"))


def _private(folder: str) -> str:
    try:
        if os.stat(folder).st_mode & 0o077:
            os.chmod(folder, 0o700)
    except FileNotFoundError:
        os.makedirs(folder, 0o700, exist_ok=True)
    return folder
