"""Who this machine is signed in as: a key and a server, from the environment or ``credentials.json``."""

import json
import os
import re
from typing import NamedTuple

from arena.client import settings
from arena.client.home import Refused, config_folder, read_if_there, write_private

DEFAULT_SERVER = "http://127.0.0.1:8000"
KEY = re.compile(r"(modu_arena_|moai_rank_)[0-9a-f]{8}_[0-9a-f]{32}")


class Credentials(NamedTuple):
    """A key for a server; ``username`` is empty where the environment gave the key.

    ``own``: the key was made for this machine alone.
    """

    server: str
    api_key: str
    username: str = ""
    own: bool = False

    @property
    def account(self) -> str:
        """Name the account at its server, for telling one from another."""
        return f"{self.server} {self.username or self.api_key[:20]}"


def current() -> Credentials | None:
    """Say who is signed in; the environment wins over the file."""
    kept = _kept()
    key = os.environ.get("ARENA_API_KEY") or kept.get("api_key", "")
    if not key:
        return None
    server = os.environ.get("ARENA_SERVER") or kept.get("server") or DEFAULT_SERVER
    same = key == kept.get("api_key")
    return Credentials(checked_server(server), checked_key(key), kept.get("username", "") if same else "")


def required() -> Credentials:
    """Say who is signed in, or refuse with the way to sign in."""
    found = current()
    if found is None:
        raise Refused("nobody is signed in here; run `arena login --server ADDRESS`.")
    return found


def kept() -> Credentials | None:
    """Say who is signed in by the file alone."""
    found = _kept()
    if not found.get("api_key") or not found.get("server"):
        return None
    return Credentials(found["server"], found["api_key"], found.get("username", ""), found.get("own") == "yes")


def kept_server() -> str:
    """Name the server that this machine is signed in at, or nothing."""
    return _kept().get("server", "")


def keep(credentials: Credentials) -> None:
    """Remember who is signed in."""
    content = {"server": credentials.server, "api_key": credentials.api_key, "username": credentials.username}
    if credentials.own:
        content["own"] = "yes"
    write_private(_path(), json.dumps(content, indent=2).encode() + b"\n")


def forget() -> bool:
    """Remove the key from this machine; says whether there was one."""
    try:
        os.unlink(_path())
    except FileNotFoundError:
        return False
    return True


def checked_key(key: str) -> str:
    """Let a well-formed key pass."""
    key = key.strip()
    if not KEY.fullmatch(key):
        raise Refused(
            "this is not an arena key (modu_arena_, 8 hex digits, _, 32 hex digits); copy it again from the dashboard."
        )
    return key


def checked_server(address: str, insecure: bool = False) -> str:
    """Let an https address pass, and a plain http one of this machine or one that ``--insecure`` allowed once."""
    from urllib.parse import urlsplit

    address = address.strip().rstrip("/")
    if "://" not in address:
        address = "https://" + address
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"} or parts.query or parts.fragment or "@" in parts.netloc:
        raise Refused(f"{address} is not a server's address; give one like https://arena.example.org.")
    if parts.scheme == "http" and not _loopback(host):
        if insecure:
            settings.allow_insecure(address)
        elif address not in settings.current().insecure:
            raise Refused(
                f"{address} would carry your key in clear; use https, or allow it with `arena login --insecure`."
            )
    return address


def _loopback(host: str) -> bool:
    if host in {"localhost", "127.0.0.1"}:
        return True
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _kept() -> dict[str, str]:
    content = read_if_there(_path())
    if not content:
        return {}
    try:
        kept = json.loads(content)
    except ValueError:
        kept = None
    if not isinstance(kept, dict):
        raise Refused(f"{_path()} cannot be read; run `arena login --server ADDRESS` again.")
    return {name: value for name, value in kept.items() if isinstance(value, str)}


def _path() -> str:
    return os.path.join(config_folder(), "credentials.json")
