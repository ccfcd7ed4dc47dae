"""``python -m tests.house.write_tools``: write what can be known of each tool to ``docs/tools.md``."""

from pathlib import Path
from typing import Any

from arena.client import hooks
from arena.client.counting import module, tool_names
from arena.client.models import Keeps
from arena.usage.models import TOOL_BY_ID

FILE = Path(__file__).parents[2] / "docs" / "tools.md"

PAGE = """# What is known of each tool

Every figure comes from what the tool itself leaves on the machine. "Exact" is as the tool wrote it, "derived" is worked
out from what it wrote, and where nothing is written nothing is guessed: it is shown as unknown, never as 0.

- **Tokens** are input and output, thinking included; **cache** is what was read from a prompt cache or stored in it.
- **Cost** is exact where the tool notes what it was billed; the box keeps that beside its own sum, which it works out
  from tokens and dated prices for every tool whose tokens are known.
- **Tool calls** are counted by the name of the built-in tool, those of MCP servers together; **lines** are those that
  were added and deleted.
- **Hook**: when the tool calls arena by itself, once `arena hooks install` was run. Where there is none, and for all
  tools together, `arena hooks install --schedule` has the system run `arena sync` every 15 minutes.
- **Status line**: `arena hooks install --statusline` has the tool show rank, today's usage and streak.

{table}

{notes}
"""


def page() -> str:
    """The whole page."""
    notes = [f"- **{_display(tool)}.** {note}" for tool in _tools() if (note := _note(tool))]
    return PAGE.format(table=table(), notes="\n".join(notes))


def table() -> str:
    """The table alone, as it stands in README too."""
    head = ("Tool", "Tokens", "Cache", "Cost", "Tool calls", "Lines", "Hook", "Status line")
    rows = [head, ("---",) * len(head), *map(_row, _tools())]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _tools() -> list[Any]:
    return sorted((module(name) for name in tool_names()), key=lambda tool: _display(tool).lower())


def _row(tool: Any) -> tuple[str, ...]:
    keeps: Keeps = tool.KEEPS
    sure = (keeps.tokens, keeps.cache, keeps.cost, keeps.calls, keeps.lines)
    return (_display(tool), *(each or "not available" for each in sure), _hook(tool), _line(tool))


def _hook(tool: Any) -> str:
    if tool.NAME not in hooks.hookable():
        return "none"
    return getattr(tool, "HOOK_AT", "when a session ends")


def _line(tool: Any) -> str:
    return "yes" if hasattr(tool, "STATUS_LINE") else "no"


def _note(tool: Any) -> str:
    return " ".join(filter(None, (tool.KEEPS.note, getattr(tool, "HOOK_NOTE", ""))))


def _display(tool: Any) -> str:
    return TOOL_BY_ID[tool.NAME].display_name


if __name__ == "__main__":
    FILE.write_text(page())
