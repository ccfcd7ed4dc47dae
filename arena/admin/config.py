"""``arena admin config``: the configuration as the box believes it."""

# isort: skip_file
from arena.core import sqlite  # noqa: F401

import argparse
from typing import Any

import msgspec

from arena.admin.command import Opened, alone, run


MASKED = "********"


def main(argv: list[str]) -> int:
    """Print every key; of a secret, only that there is one."""
    return run(alone("config", "print the configuration as the box believes it, as TOML", _print, "config"), argv)


def _print(box: Opened, _: argparse.Namespace) -> None:
    _print_tables("", msgspec.to_builtins(box.config, enc_hook=lambda _: MASKED))


def _print_tables(name: str, table: dict[str, Any]) -> None:
    keys = {key: value for key, value in table.items() if not isinstance(value, dict)}
    if keys:
        print(f"[{name}]")
        for key, value in keys.items():
            print(f"{key} = {msgspec.json.encode(value).decode()}")
        print()
    for key, value in table.items():
        if isinstance(value, dict):
            _print_tables(f"{name}.{key}".lstrip("."), value)
