"""The tools that a laptop can read and the tools that the box knows are the same ones."""

import os

from arena.client.counting import module, tool_names
from arena.client.models import Keeps
from arena.usage.models import TOOL_BY_ID
from tests.house import write_tools


def test_the_box_knows_every_tool_that_a_laptop_reads() -> None:
    assert set(tool_names()) <= set(TOOL_BY_ID)


def test_a_tool_s_file_is_called_after_it_and_is_complete() -> None:
    for name in tool_names():
        tool = module(name)
        assert name == tool.NAME
        assert tool.COLLECTOR.startswith(f"{name}/")
        assert all(map(os.path.isabs, tool.places()))
        assert callable(tool.sources)


def test_what_a_tool_keeps_is_what_the_box_takes_it_for() -> None:
    for name in tool_names():
        keeps: Keeps = module(name).KEEPS  # type: ignore[attr-defined]
        assert TOOL_BY_ID[name].keeps_tokens is bool(keeps.tokens)
        assert bool(keeps.tokens) is bool(keeps.cache)
        assert keeps.cost


def test_the_page_on_tools_is_current() -> None:
    assert write_tools.FILE.read_text() == write_tools.page(), "python -m tests.house.write_tools writes it anew"
    assert write_tools.table() in (write_tools.FILE.parents[1] / "README.md").read_text()
