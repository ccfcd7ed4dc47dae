"""Write a tree of invented Codex rollouts, the same bytes for the same arguments, and what it holds.

    python tests/bench/make_rollouts.py --out DIR --size 100M

Writes ``DIR/sessions/<year>/<month>/<day>/rollout-….jsonl``, some of them in ``DIR/archived_sessions`` too or only
there, and ``DIR/truth.json``. Point a reader at it with CODEX_HOME=DIR. Counts of tokens are sums over a session; some
repeat the one before, some say nothing, and one that is full begins anew. Forks and sub-agents begin with their
parent's lines: written again within a moment, or with their old times and their old first line. Some only take over
the sum. The model changes now and then, and a few lines are cut, empty or no JSON.
"""

import argparse
import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from make_transcripts import DAYS, FIRST_DAY, Line, Prose, _pick, _stamp, _uuid, encode, size_of

MODELS = {"gpt-5.2-codex": 60, "gpt-5.2": 25, "gpt-5.1-codex-mini": 15}
CALLS = {"exec_command": 60, "apply_patch": 20, "update_plan": 10, "mcp__tracker__find": 10}
COUNTS = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens", "total_tokens")


class Truth:
    """What a correct reader finds, by day (UTC) and model."""

    def __init__(self) -> None:
        self.days: dict[str, dict[str, Counter[str]]] = {}
        self.responses = self.prompts = self.sessions = self.lines_added = self.lines_deleted = 0
        self.tools: Counter[str] = Counter()

    def bill(self, at: float, model: str, cost: dict[str, int]) -> None:
        """Count one response."""
        self.responses += 1
        self.days.setdefault(_stamp(at)[:10], {}).setdefault(model, Counter()).update(
            input=cost["input_tokens"] - cost["cached_input_tokens"],
            cache_read=cost["cached_input_tokens"],
            output=cost["output_tokens"],
        )

    def told(self) -> dict[str, Any]:
        """Everything, for ``truth.json``."""
        days = {day: {name: dict(sums) for name, sums in sorted(by.items())} for day, by in sorted(self.days.items())}
        rest = {"responses": self.responses, "sessions": self.sessions, "prompts": self.prompts}
        lines = {"lines_added": self.lines_added, "lines_deleted": self.lines_deleted}
        return {"models": days, "tools": dict(sorted(self.tools.items())), **rest, **lines}


class Rollout:
    """One session's lines, the history that it began with included."""

    def __init__(self, rng: random.Random, prose: Prose, truth: Truth, parent: "Rollout | None" = None) -> None:
        self.rng, self.prose, self.truth = rng, prose, truth
        self.id = _uuid(rng)
        self.model = parent.model if parent else _pick(rng, MODELS)
        self.at = parent.at + rng.uniform(5, 9_000) if parent else FIRST_DAY + rng.random() * DAYS * 86_400
        self.began = self.at
        self.cwd = "/home/someone/backend"
        self.sum = dict.fromkeys(COUNTS, 0)
        self.context = rng.randrange(9_000, 20_000)
        self.side = False
        self.lines: list[bytes] = []
        self.size = 0
        self._open(parent)

    def work(self, budget: int) -> None:
        """Work until about so many bytes are written."""
        own = False
        while self.size < budget or not own:
            self.at += self.rng.uniform(5, 400)
            self._event("user_message", message=self.prose.some(self.rng, 160))
            self.truth.prompts += not self.side
            if self.rng.random() < 0.1:
                self.model = _pick(self.rng, MODELS)
            self._context()
            for _ in range(1 + min(30, int(self.rng.expovariate(0.15)))):
                own = True
                self._respond()
            self._odd_line()
        self.truth.sessions += 1

    def _open(self, parent: "Rollout | None") -> None:
        born = {"id": self.id, "timestamp": _stamp(self.at), "cwd": self.cwd, "cli_version": "0.149.0"}
        if parent is None:
            self._line("session_meta", {**born, "source": "cli"})
            return
        if self.rng.random() < 0.5:
            self.side = True
            spawned = {"parent_thread_id": parent.id, "depth": 1}
            born |= {"source": {"subagent": {"thread_spawn": spawned}}, "thread_source": "subagent"}
        self._line("session_meta", {**born, "forked_from_id": parent.id})
        self.sum = dict(parent.sum)
        way = self.rng.random()
        if way < 0.45:
            for line in parent.lines[1:]:
                self.at += 0.002
                self._raw(_stamped(line, self.at))
        elif way < 0.8:
            for line in parent.lines:
                self._raw(line)
        self.at += 3

    def _respond(self) -> None:
        rng = self.rng
        self.at += rng.uniform(1, 30)
        self._item("reasoning", encrypted_content=f"{rng.getrandbits(3_000):0750x}", summary=[])
        tool = _pick(rng, CALLS)
        if rng.random() < 0.7:
            self._call(tool)
        else:
            said = {"type": "output_text", "text": self.prose.some(rng, 400)}
            self._item("message", role="assistant", content=[said])
        thought = int(rng.lognormvariate(4, 1))
        cost = dict.fromkeys(COUNTS, 0)
        cost["input_tokens"] = self.context + rng.randrange(50, 2_000)
        cost["cached_input_tokens"] = int(self.context * rng.choice((0, 0.7, 0.98)))
        cost["reasoning_output_tokens"] = thought
        cost["output_tokens"] = thought + 10 + int(rng.lognormvariate(5, 1))
        cost["total_tokens"] = cost["input_tokens"] + cost["output_tokens"]
        self.sum = {name: self.sum[name] + cost[name] for name in COUNTS}
        self.truth.bill(self.at, self.model, cost)
        self._count(cost)
        for _ in range(rng.choice((0, 0, 0, 1, 2))):
            self.at += 0.2
            self._count(cost)
        if rng.random() < 0.05:
            self._event("token_count", info=None, rate_limits={"primary": {"used_percent": 3.0}})
        self.context = cost["input_tokens"] if self.context < 200_000 else self._full()

    def _full(self) -> int:
        """The window is full: what counts now begins anew, with a note that bills nothing."""
        full = dict.fromkeys(COUNTS, 0) | {"total_tokens": 272_000}
        self.at += 0.5
        self._event("token_count", info={"total_token_usage": full, "last_token_usage": {"total_tokens": 9}})
        self.sum = full
        return 12_000

    def _call(self, tool: str) -> None:
        call = f"call_{self.rng.getrandbits(96):024x}"
        self.truth.tools["mcp" if tool.startswith("mcp__") else tool] += 1
        if tool == "apply_patch":
            rows = "\n".join(f"+{row}" for row in self.prose.rows(self.rng, 8))
            self.truth.lines_added += 8
            self.truth.lines_deleted += 1
            patch = f"*** Begin Patch\n*** Update File: a.py\n@@\n-old\n{rows}\n*** End Patch\n"
            self._item("custom_tool_call", name=tool, call_id=call, input=patch, status="completed")
        else:
            self._item("function_call", name=tool, call_id=call, arguments=encode({"cmd": "ls", "q": "retry"}))
        self.at += self.rng.uniform(0.1, 8)
        self._item("function_call_output", call_id=call, output=self.prose.some(self.rng, 1_500, 30_000))

    def _context(self) -> None:
        self._line("turn_context", {"cwd": self.cwd, "model": self.model, "effort": "high"})

    def _count(self, cost: dict[str, int]) -> None:
        info = {"total_token_usage": self.sum, "last_token_usage": cost, "model_context_window": 272_000}
        self._event("token_count", info=info, rate_limits={"primary": {"used_percent": 3.0}, "plan_type": "plus"})

    def _event(self, kind: str, **more: Any) -> None:
        self._line("event_msg", {"type": kind, **more})

    def _item(self, kind: str, **more: Any) -> None:
        self._line("response_item", {"type": kind, **more})

    def _line(self, kind: str, payload: Line) -> None:
        self._raw(encode({"timestamp": _stamp(self.at), "type": kind, "payload": payload}).encode() + b"\n")

    def _raw(self, line: bytes) -> None:
        self.lines.append(line)
        self.size += len(line)

    def _odd_line(self) -> None:
        chance = self.rng.random()
        if chance < 0.03:
            self._raw(b'{"timestamp":"2026-02-01T10:00:00.000Z","type":"event_msg","payload":{"type":"token_co\n')
        elif chance < 0.05:
            self._raw(b"\n")


def make_rollouts(out: Path, size: int, seed: int = 1) -> dict[str, Any]:
    """Write rollouts of about so many bytes; return what they hold."""
    rng, prose, truth = random.Random(f"rollouts {seed}"), Prose(seed), Truth()
    written = files = 0
    parents: list[Rollout] = []
    while written < size:
        parent = rng.choice(parents) if parents and rng.random() < 0.3 else None
        rollout = Rollout(rng, prose, truth, parent)
        rollout.work(rollout.size + min(int(rng.lognormvariate(11.5, 1.2)), 20 * 2**20))
        if rollout.size < 2**20:
            parents = [*parents[-9:], rollout]
        for file in _places(out, rollout, rng.random()):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"".join(rollout.lines))
            written += rollout.size
            files += 1
    told = {"bytes": written, "files": files, "size": size, "seed": seed, **truth.told()}
    (out / "truth.json").write_text(json.dumps(told, indent=1))
    return told


def _places(out: Path, rollout: Rollout, chance: float) -> list[Path]:
    day = _stamp(rollout.began)
    name = f"rollout-{day[:19].replace(':', '-')}-{rollout.id}.jsonl"
    active, archived = out / "sessions" / day[:4] / day[5:7] / day[8:10] / name, out / "archived_sessions" / name
    return [active, archived] if chance < 0.05 else [archived] if chance < 0.2 else [active]


def _stamped(line: bytes, at: float) -> bytes:
    start = b'{"timestamp":"'
    return start + _stamp(at).encode() + line[len(start) + 24 :] if line.startswith(start) else line


def main() -> int:
    """Write the rollouts that the arguments describe."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="a folder that is new or empty")
    parser.add_argument("--size", default="100M", help="bytes, with K, M or G (default 100M)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.out.exists() and any(options.out.iterdir()):
        print(f"{options.out} is not empty; name another folder", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    told = make_rollouts(options.out, size_of(options.size), options.seed)
    print(f"{told['bytes'] / 2**20:.0f} MiB in {told['files']} files, {told['responses']} responses")
    return 0


if __name__ == "__main__":
    sys.exit(main())
