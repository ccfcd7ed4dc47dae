"""A language model of cardboard: both wire formats over a real socket, with faults on demand."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.peers.server import Postbox

README = """# Tally

Counts words in text files, from a terminal.

## Install

Run `pip install tally` with Python 3.11 or newer.

## Use

`tally notes.txt` prints how often each word occurs.
"""
QUOTES = ("Counts words in text files, from a terminal.", "Run pip install tally with Python 3.11 or newer.")


def verdict(functionality: Any = 4, practicality: Any = 3, **more: Any) -> dict[str, Any]:
    """What a model that does as it is told says of `README`; a half that is no score stands as it is."""
    halves = (("functionality", functionality, QUOTES[0]), ("practicality", practicality, QUOTES[1]))
    said: dict[str, Any] = {
        half: {"score": score, "reason": f"Why {half}.", "evidence": [quote] if score else []}
        if isinstance(score, int)
        else score
        for half, score, quote in halves
    }
    return {**said, "feedback": "Clear and small. Show an example next.", **more}


Fault = int | bytes | Callable[[BaseHTTPRequestHandler], None]


class Model(Postbox):
    """Answers what `says` says; ``faults`` come first, one a request: a status, bytes, or a function."""

    def __init__(self) -> None:
        self.says: list[Any] = []
        """What it says next: verdicts, or texts that are none. Then what `judge` makes of the question."""
        self.judge: Callable[[str], Any] = lambda _: verdict()
        """Given the text that was put before it."""
        self.faults: list[Fault] = []
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.delay = 0.0
        self.busy = self.busiest = 0
        self.lock = threading.Lock()
        super().__init__()

    def env(self, provider: str = "openai_compatible", **more: str) -> dict[str, str]:
        """The environment of a box that asks this model."""
        url = self.url + ("/v1" if provider == "openai_compatible" else "")
        said = {"PROVIDER": provider, "URL": url, "MODEL": "gpt-5-mini", "API_KEY": "sk-test", "TIMEOUT": "5", **more}
        return {f"ARENA_LLM__{name}": value for name, value in said.items()}

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        raw = to.rfile.read(int(to.headers["Content-Length"]))
        with self.lock:
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
            asked = json.loads(raw)
            self.asked.append(asked)
            self.headers.append({name.lower(): value for name, value in to.headers.items()})
            fault = self.faults.pop(0) if self.faults else None
            said = self.says.pop(0) if self.says and fault is None else None
        if said is None:
            said = self.judge(asked["messages"][-1]["content"])
        try:
            time.sleep(self.delay)
            if callable(fault):
                fault(to)
            elif isinstance(fault, int):
                send(to, fault, b'{"error":{"message":"as you wished"}}')
            elif fault is not None:
                send(to, 200, fault)
            else:
                wrapped = anthropic(said) if to.path == "/v1/messages" else openai(said)
                send(to, 200, json.dumps(wrapped).encode())
        finally:
            with self.lock:
                self.busy -= 1


def openai(said: Any, **changed: Any) -> dict[str, Any]:
    """A chat completion."""
    text = said if isinstance(said, str) else json.dumps(said)
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", **changed}
    usage = {"prompt_tokens": 1_000, "completion_tokens": 200, "prompt_tokens_details": {"cached_tokens": 400}}
    return {"id": "c", "object": "chat.completion", "choices": [choice], "usage": usage}


def anthropic(said: Any, **changed: Any) -> dict[str, Any]:
    """A message with the use of a tool."""
    block = {"type": "tool_use", "id": "t", "name": "verdict", "input": said}
    usage = {"input_tokens": 600, "output_tokens": 200, "cache_read_input_tokens": 400}
    return {"type": "message", "content": [block], "stop_reason": "tool_use", "usage": usage, **changed}


def send(to: BaseHTTPRequestHandler, status: int, content: bytes, **headers: str) -> None:
    """Answer with JSON."""
    to.send_response(status)
    to.send_header("Content-Type", "application/json")
    to.send_header("Content-Length", str(len(content)))
    for name, value in headers.items():
        to.send_header(name.replace("_", "-"), value)
    to.end_headers()
    to.wfile.write(content)
