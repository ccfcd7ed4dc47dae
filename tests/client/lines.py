"""Writes the lines of Claude Code transcripts, traps included."""

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]
START = "2026-02-01T10:00:{:06.3f}Z"


def usage(output: int = 100, **more: Any) -> Json:
    return {"input_tokens": 10, "output_tokens": output, **more}


def answer(message: str | None = "msg_1", request: str | None = "req_1", at: float = 1, **more: Any) -> Json:
    """Make an assistant line; ``calls`` maps ids of tool calls to names."""
    calls: dict[str, str] = more.pop("calls", {})
    body: Json = {"role": "assistant", "model": more.pop("model", "claude-opus-4-6"), "type": "message"}
    if message:
        body["id"] = message
    body["content"] = [{"type": "text", "text": 'a "quoted" + word\n'}] + [
        {"type": "tool_use", "id": call, "name": name, "input": {"id": "no", "name": "no"}}
        for call, name in calls.items()
    ]
    body["usage"] = more.pop("usage", None) or usage()
    line = {**_base("assistant"), "message": body, "uuid": f"uuid-{message}-{at}", "timestamp": START.format(at)}
    if request:
        line["requestId"] = request
    return {**line, **more}


def prompt(text: Any = "please", at: float = 0, **more: Any) -> Json:
    """Make a person's line."""
    return {**_base("user"), "message": {"role": "user", "content": text}, "timestamp": START.format(at), **more}


def result(call: str, outcome: Any, at: float = 2, **more: Any) -> Json:
    """Make a tool's answer."""
    content = [{"tool_use_id": call, "type": "tool_result", "content": "+ done\n- done"}]
    return {**prompt(content, at), "toolUseResult": outcome, **more}


def patch(*lines: str) -> Json:
    """Make what an edit answers."""
    return {"filePath": "/secret.py", "structuredPatch": [{"oldStart": 1, "newStart": 1, "lines": list(lines)}]}


def write(path: Path, *lines: Json | bytes) -> Path:
    """Write a transcript anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(map(_raw, lines)))
    return path


def append(path: Path, *lines: Json | bytes) -> None:
    """Write on."""
    with path.open("ab") as file:
        file.write(b"".join(map(_raw, lines)))


def _raw(line: Json | bytes) -> bytes:
    return line if isinstance(line, bytes) else json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _base(kind: str) -> Json:
    return {"parentUuid": None, "isSidechain": False, "cwd": "/home/dev/api", "sessionId": "s-1", "type": kind}
