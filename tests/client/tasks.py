"""Writes tasks of Cline and its forks, traps included."""

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]
AT = 1_773_050_400_000


def request(at: int = 10, used: tuple[int, int, int, int] = (12, 250, 0, 0), **more: Any) -> Json:
    """Make the message of a request; ``outer`` stands beside its text, all else in it."""
    outer = more.pop("outer", {})
    names = ("tokensIn", "tokensOut", "cacheWrites", "cacheReads")
    said = {
        "request": 'secret "tokensIn":777, \\"tokensOut\\":888 \\\\"cost\\\\":9',
        **dict(zip(names, used, strict=True)),
    }
    return says("api_req_started", at, json.dumps({**said, **more}, separators=(",", ":")), **outer)


def says(kind: str, at: int = 0, text: str = "secret", **more: Any) -> Json:
    """Make a message that the tool says."""
    return {"ts": AT + at, "type": "say", "say": kind, "text": text, **more}


def asks(kind: str, text: str = "secret", at: int = 20) -> Json:
    """Make a message that asks the person."""
    return {"ts": AT + at, "type": "ask", "ask": kind, "text": text}


def task(storage: Path, *messages: Any, name: str = "t-1", **beside: Any) -> Path:
    """Write a task; ``beside`` names further files in its folder."""
    folder = storage / "tasks" / name
    folder.mkdir(parents=True, exist_ok=True)
    for other, content in beside.items():
        (folder / f"{other}.json").write_text(json.dumps(content, separators=(",", ":")))
    path = folder / "ui_messages.json"
    path.write_text(json.dumps(list(messages), separators=(",", ":")))
    return path


def prompt(at: int, model: str = "anthropic/claude-sonnet-4.5", folder: str = "/home/dev/api", said: str = "x") -> Json:
    """Make a message of the conversation with the marks that the tool leaves in it."""
    marks = f"# Current Mode\n<slug>code</slug>\n<name>Code</name>\n<model>{model}</model>\n\n"
    marks += f"# Current Workspace Directory ({folder}) Files\nsecret.py\n"
    content = [{"type": "text", "text": said}, {"type": "text", "text": f"<environment_details>\n{marks}"}]
    return {"role": "user", "ts": AT + at, "content": content}


def figures(record: Json) -> list[int]:
    """Take a record's tokens out of it."""
    return [record.get(name, 0) for name in ("input", "output", "cache_write_5m", "cache_read")]
