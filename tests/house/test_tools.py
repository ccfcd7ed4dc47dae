"""The tools that a laptop can read and the tools that the box knows are the same ones."""

import os

from arena.client.counting import module, tool_names
from arena.usage.models import TOOL_BY_ID


def test_the_box_knows_every_tool_that_a_laptop_reads() -> None:
    assert set(tool_names()) <= set(TOOL_BY_ID)


def test_a_tool_s_file_is_called_after_it_and_is_complete() -> None:
    for name in tool_names():
        tool = module(name)
        assert name == tool.NAME
        assert tool.COLLECTOR.startswith(f"{name}/")
        assert all(map(os.path.isabs, tool.places()))
        assert callable(tool.sources)
