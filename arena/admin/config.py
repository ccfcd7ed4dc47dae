"""``arena admin config``: the configuration as the box believes it."""

# isort: skip_file
from arena.core import sqlite  # noqa: F401

import argparse

import msgspec

from arena.admin.command import Opened, alone, run


def main(argv: list[str]) -> int:
    """Print every key. Secrets are not part of the configuration, so there is nothing to mask."""
    return run(alone("config", "print the configuration as the box believes it, as TOML", _print, "config"), argv)


def _print(box: Opened, _: argparse.Namespace) -> None:
    for section, keys in msgspec.to_builtins(box.config).items():
        print(f"[{section}]")
        for key, value in keys.items():
            print(f"{key} = {msgspec.json.encode(value).decode()}")
        print()
