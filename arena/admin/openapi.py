"""``arena admin openapi``: what programs may call."""

# isort: skip_file
from arena.core import sqlite  # noqa: F401

import argparse

import msgspec

from arena.admin.command import Opened, alone, run
from arena.app import build
from arena.openapi import document


def main(argv: list[str]) -> int:
    """Print the document that the box serves at ``/api/openapi.json``."""
    return run(alone("openapi", "print the OpenAPI document of what programs may call", _print, "openapi"), argv)


def _print(box: Opened, _: argparse.Namespace) -> None:
    made = build(box.config, box.place)
    print(msgspec.json.format(document(made.app, made.box.address)).decode())
