"""What the page of the system shows."""

from typing import Any

import msgspec
from msgspec import Struct

from arena.core.config import Config
from arena.operations.models import Facts, Finding

MASKED = "********"


class Setting(Struct, frozen=True):
    """A key of the configuration as it is believed; a secret is masked."""

    section: str
    key: str
    value: str
    is_usual: bool


class SystemPage(Struct, frozen=True):
    """What `operations/system.html` shows."""

    findings: tuple[Finding, ...]
    facts: Facts
    address: str
    tls: str
    zone: str
    worker_runs: bool
    readers: int
    """Open live streams."""
    rows: dict[str, int]
    settings: tuple[Setting, ...]
    now: int


def settings(config: Config) -> tuple[Setting, ...]:
    """Write the configuration down, key by key."""
    return tuple(_settings("", _plain(config), _plain(Config())))


def tls(config: Config, address: str) -> str:
    """Say who speaks TLS: the box itself, a proxy before it, or nobody."""
    if config.server.tls_cert:
        return "by the box itself"
    return "by a proxy" if address.startswith("https://") else "no"


def _settings(section: str, tree: dict[str, Any], usual: dict[str, Any]) -> list[Setting]:
    keys: list[Setting] = []
    for key, value in tree.items():
        if isinstance(value, dict):
            keys += _settings(f"{section}.{key}".lstrip("."), value, usual.get(key, {}))
        else:
            keys.append(Setting(section, key, msgspec.json.encode(value).decode(), value == usual.get(key)))
    return keys


def _plain(config: Config) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(config, enc_hook=lambda _: MASKED)
    return plain
