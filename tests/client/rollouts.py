"""Writes the lines of Codex rollouts, traps included."""

from pathlib import Path
from typing import Any

Json = dict[str, Any]
SECRET = "CANARY"


def stamp(at: float) -> str:
    """Write an instant, in seconds after ten o'clock."""
    minutes, seconds = divmod(at, 60)
    return f"2026-02-01T10:{int(minutes):02}:{seconds:06.3f}Z"


def line(kind: str, payload: Json, at: float, **more: Any) -> Json:
    """Make any line."""
    return {"timestamp": stamp(at), **more, "type": kind, "payload": payload}


def meta(session: str = "s-1", at: float = 0, **more: Any) -> Json:
    """Make the line that a session begins with."""
    made = {"id": session, "timestamp": stamp(at), "cwd": f"/home/dev/{SECRET}", "originator": "codex_cli_rs"}
    return line("session_meta", {**made, "cli_version": "0.149.0", "source": "cli", **more}, at)


def fork(session: str, at: float, parent: str = "s-1", **more: Any) -> Json:
    """Make the line that a fork begins with."""
    return meta(session, at, forked_from_id=parent, **more)


def context(model: str = "gpt-5.2-codex", at: float = 0.1) -> Json:
    """Make the line that tells the model."""
    return line("turn_context", {"cwd": f"/home/dev/{SECRET}", "model": model, "effort": "high"}, at)


def prompt(at: float = 0.2) -> Json:
    """Make a person's line."""
    return line("event_msg", {"type": "user_message", "message": SECRET, "images": []}, at)


def usage(input: int, cached: int, output: int, reasoning: int = 0, **more: Any) -> Json:
    """Make the counts of one response, or a sum of them."""
    counts = {"input_tokens": input, "cached_input_tokens": cached, "output_tokens": output}
    return {**counts, "reasoning_output_tokens": reasoning, "total_tokens": input + output, **more}


def count(total: Json | None, at: float, last: Json | None = None) -> Json:
    """Make a count of tokens."""
    info = {"total_token_usage": total, "last_token_usage": last, "model_context_window": 272000}
    limits = {"primary": {"used_percent": 3.0, "window_minutes": 300}, "plan_type": "plus"}
    return line("event_msg", {"type": "token_count", "info": info, "rate_limits": limits}, at)


def counts(*outputs: int, at: float = 10, step: float = 10, before: Json | None = None) -> list[Json]:
    """Make the counts of responses of 100 tokens in, 60 of them cached, one after the other."""
    made = []
    total = before or usage(0, 0, 0)
    for number, output in enumerate(outputs):
        last = usage(100, 60, output, output // 2)
        total = {name: total[name] + last[name] for name in total}
        made.append(count(total, at + step * number, last))
    return made


def call(name: str, at: float = 5, kind: str = "function_call", **more: Any) -> Json:
    """Make a call of a tool."""
    return line("response_item", {"type": kind, "name": name, "call_id": f"call-{name}-{at}", **more}, at)


def record(session: str, response: str, cost: Json, total: Json, at: float, **more: Any) -> Json:
    """Make a newer version's record of a response."""
    payload = {"thread_id": session, "turn_id": "t-1", "response_id": response, "usage": cost}
    return line("token_usage_record", {**payload, "thread_token_usage": total}, at, **more)


def place(home: Path, session: str = "s-1", folder: str = "sessions/2026/02/01") -> Path:
    """Name a session's rollout."""
    return home / folder / f"rollout-2026-02-01T10-00-00-{session}.jsonl"
