"""Write a tree of invented Claude Code transcripts, the same bytes for the same arguments, and what it holds.

    python tests/bench/make_transcripts.py --out DIR --size 1G

Writes ``DIR/projects/<project>/<session>.jsonl``, sub-agents' files beside them, and ``DIR/truth.json``. Point a
reader at it with CLAUDE_CONFIG_DIR=DIR. Responses span one to four lines; results of tools are most of the bytes and
bill nothing; sub-agents have files of their own, their parents repeat some of their lines (`progress`) and their
results repeat their usage; resumed sessions begin with copies of older lines; some models have no request ids; a few
lines are cut, empty or no JSON. A response is billed once, on the day of its first line, with its largest figures.
"""

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FIGURES = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")
MODELS = {
    "claude-sonnet-4-5-20250929": 45,
    "claude-opus-4-5-20251101": 30,
    "claude-haiku-4-5-20251001": 20,
    "qwen3-max": 5,
}
CALLS = {"Read": 32, "Bash": 26, "Edit": 22, "Grep": 10, "Write": 4, "Task": 2, "TodoWrite": 2, "mcp__tracker__find": 2}
PROJECTS = ("backend", "frontend", "notebooks", "deploy", "manual", "phone", "tools", "사이트")
FIRST_DAY = 1_767_571_200
"""2026-01-05 00:00 UTC, epoch seconds."""
DAYS = 90
UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}

encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
Line = dict[str, Any]


class Prose:
    """Text that looks like code, cut from one pool."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(f"prose {seed}")
        words = "order basket price invoice row column cache retry event queue token reader writer index page".split()
        self.lines = []
        for number in range(20_000):
            first, second, third = rng.choices(words, k=3)
            self.lines.append(
                rng.choice(
                    (
                        f"def {first}_{second}({third}: int) -> str:",
                        f'    return f"{first} {{{second}}}: \\"{third}\\""',
                        f"    {first}.{second}[{number}] = {third} + {number % 97}",
                        f"    # {first} {second}, {third} 설명 …",
                        f"\tif {first} != '{second}' and not {third}: raise ValueError({number})",
                        "",
                    )
                )
            )
        self.text = "\n".join(self.lines)

    def some(self, rng: random.Random, median: int, most: int = 60_000) -> str:
        """About so many characters; a few times as many now and then."""
        length = min(most, int(median * rng.lognormvariate(0, 0.9)) + 1)
        start = rng.randrange(len(self.text) - length)
        return self.text[start : start + length]

    def rows(self, rng: random.Random, count: int) -> list[str]:
        """So many whole lines."""
        start = rng.randrange(len(self.lines) - count)
        return self.lines[start : start + count]


class Truth:
    """What a correct reader finds."""

    def __init__(self) -> None:
        self.days: dict[str, Counter[str]] = {}
        self.models: dict[str, dict[str, Counter[str]]] = {}
        self.tools: Counter[str] = Counter()
        self.lines_added = self.lines_deleted = self.prompts = self.responses = 0

    def bill(self, at: float, model: str, figures: dict[str, int]) -> None:
        """Count one response."""
        self.responses += 1
        day = _stamp(at)[:10]
        self.days.setdefault(day, Counter()).update(figures)
        self.models.setdefault(day, {}).setdefault(model, Counter()).update(figures)

    def told(self) -> dict[str, Any]:
        """Everything, for ``truth.json``."""
        total: Counter[str] = Counter(dict.fromkeys(FIGURES, 0))
        for day in self.days.values():
            total.update(day)
        return {
            "totals": dict(total),
            "responses": self.responses,
            "days": {day: dict(counts) for day, counts in sorted(self.days.items())},
            "models": {
                day: {model: dict(counts) for model, counts in sorted(models.items())}
                for day, models in sorted(self.models.items())
            },
            "tools": dict(sorted(self.tools.items())),
            "lines_added": self.lines_added,
            "lines_deleted": self.lines_deleted,
            "prompts": self.prompts,
        }


class Session:
    """One stretch of work: its own lines, and those of its sub-agents by the name of their file."""

    def __init__(self, rng: random.Random, prose: Prose, truth: Truth, project: str) -> None:
        self.rng, self.prose, self.truth = rng, prose, truth
        self.id = _uuid(rng)
        self.at = FIRST_DAY + rng.random() * DAYS * 86_400
        self.cwd = f"/home/someone/{project}"
        self.model = _pick(rng, MODELS)
        self.growing = rng.random() < 0.4
        """Whether this tool version wrote interim figures on all lines of a response but the last."""
        self.context = rng.randrange(12_000, 30_000)
        self.lines: list[bytes] = []
        self.size = 0
        self.agents: dict[str, list[bytes]] = {}
        self.agent = ""
        self.parent: str | None = None

    def write(self, budget: int, history: list[bytes]) -> None:
        """Work until about so many bytes are written; ``history`` is what a resumed session begins with."""
        for line in history:
            self._put({**json.loads(line), "sessionId": self.id})
        while self.size < budget:
            self._put(self._snapshot())
            self._prompt()
            for _ in range(1 + min(30, int(self.rng.expovariate(0.15)))):
                self._step(_pick(self.rng, CALLS))
                if self.size >= budget:
                    break
            self._response(None)
            self._odd_line()

    def _step(self, tool: str) -> None:
        call, line = self._response(tool)
        result = self._sub_agent() if tool == "Task" and not self.agent else None
        if result is None and self.agent:
            tool = "Bash" if tool in ("Edit", "Write", "Task") else tool
        self._result(tool, call, line, result)

    def _put(self, line: Line) -> None:
        self._raw(encode(line).encode() + b"\n")

    def _raw(self, line: bytes) -> None:
        (self.agents[self.agent] if self.agent else self.lines).append(line)
        self.size += len(line)

    def _line(self, kind: str, **more: Any) -> Line:
        own = _uuid(self.rng)
        line: Line = {
            "parentUuid": self.parent,
            "isSidechain": bool(self.agent),
            "userType": "external",
            "cwd": self.cwd,
            "sessionId": self.id,
            "version": "2.0.31" if self.growing else "2.1.140",
            "gitBranch": "main",
        }
        if self.agent:
            line["agentId"] = self.agent
        line.update({"type": kind, **more, "uuid": own, "timestamp": _stamp(self.at)})
        self.parent = own
        return line

    def _snapshot(self) -> Line:
        kept = {f"src/{n}.py": {"version": 1, "backupTime": _stamp(self.at)} for n in range(self.rng.randrange(9))}
        own = _uuid(self.rng)
        return {
            "type": "file-history-snapshot",
            "messageId": own,
            "snapshot": {"messageId": own, "trackedFileBackups": kept, "timestamp": _stamp(self.at)},
            "isSnapshotUpdate": False,
        }

    def _prompt(self) -> None:
        self.at += self.rng.uniform(5, 400)
        self._put(self._line("user", message={"role": "user", "content": self.prose.some(self.rng, 160)}))
        self.truth.prompts += not self.agent

    def _response(self, tool: str | None) -> tuple[str, Line]:
        """Write one response; return the id of its tool call and its last line."""
        rng = self.rng
        self.at += rng.uniform(1, 30)
        plain = self.model.startswith("qwen")
        fresh = rng.randrange(200, 5_000)
        figures = dict.fromkeys(FIGURES, 0) | {
            "input": rng.randrange(2, 50),
            "output": 10 + int(rng.lognormvariate(5.5, 1)),
            "cache_read": self.context,
        }
        if not plain:
            figures["cache_write_1h" if rng.random() < 0.25 else "cache_write_5m"] = fresh
        self.context = self.context + fresh if self.context < 170_000 else 25_000
        self.truth.bill(self.at, self.model, figures)
        blocks: list[Line] = []
        if rng.random() < 0.5:
            signature = f"{rng.getrandbits(2_400):0600x}"
            blocks.append({"type": "thinking", "thinking": self.prose.some(rng, 500), "signature": signature})
        if tool is None or rng.random() < 0.5:
            blocks.append({"type": "text", "text": self.prose.some(rng, 330)})
        call = f"toolu_01{rng.getrandbits(88):022x}"
        if tool:
            blocks.append({"type": "tool_use", "id": call, "name": tool, "input": self._input(tool)})
            self.truth.tools["mcp" if tool.startswith("mcp__") else tool] += 1
        message = f"chatcmpl-{rng.getrandbits(96):024x}" if plain else f"msg_01{rng.getrandbits(88):022x}"
        request = {} if plain else {"requestId": f"req_011C{rng.getrandbits(80):020x}"}
        line: Line = {}
        for number, block in enumerate(blocks):
            last = number == len(blocks) - 1
            shown = figures["output"] if last or not self.growing else rng.randrange(1, min(9, figures["output"]))
            line = self._line(
                "assistant",
                message={
                    "model": self.model,
                    "id": message,
                    "type": "message",
                    "role": "assistant",
                    "content": [block],
                    "stop_reason": ("tool_use" if tool else "end_turn") if last else None,
                    "stop_sequence": None,
                    "usage": self._usage(figures, shown, plain),
                },
                **request,
            )
            self._put(line)
            self.at += 0.4
        return call, line

    def _usage(self, figures: dict[str, int], output: int, plain: bool) -> Line:
        usage: Line = {
            "input_tokens": figures["input"],
            "cache_read_input_tokens": figures["cache_read"],
            "output_tokens": output,
        }
        if not plain:
            short, long = figures["cache_write_5m"], figures["cache_write_1h"]
            usage["cache_creation_input_tokens"] = short + long
            usage["cache_creation"] = {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long}
            usage["service_tier"] = "standard"
        return usage

    def _input(self, tool: str) -> Line:
        name = f"{self.cwd}/src/{self.rng.randrange(300)}.py"
        match tool:
            case "Edit":
                old, new = self.prose.some(self.rng, 350), self.prose.some(self.rng, 450)
                return {"file_path": name, "old_string": old, "new_string": new}
            case "Write":
                return {"file_path": name, "content": self.prose.some(self.rng, 3_000)}
            case "Bash":
                return {"command": f"python -m pytest tests/{self.rng.randrange(300)}", "description": "Run the tests"}
            case "Task":
                return {"subagent_type": "Explore", "description": "look", "prompt": self.prose.some(self.rng, 700)}
        return {"file_path": name, "pattern": "retry"}

    def _result(self, tool: str, call: str, line: Line, agent: Line | None) -> None:
        rng, prose = self.rng, self.prose
        self.at += rng.uniform(0.1, 8)
        content: Any = prose.some(rng, 1_100, 30_000)
        told: Line = {"stdout": content, "stderr": "", "interrupted": False, "isImage": False}
        if agent is not None:
            told = agent
        elif tool == "Read":
            rows = prose.rows(rng, min(700, int(110 * rng.lognormvariate(0, 0.8)) + 1))
            content = "\n".join(f"{number:6d}→{row}" for number, row in enumerate(rows, 1))
            whole = {"filePath": "a.py", "content": "\n".join(rows), "numLines": len(rows), "totalLines": len(rows)}
            told = {"type": "text", "file": whole}
        elif tool == "Edit":
            added, deleted = rng.randrange(1, 30), rng.randrange(0, 18)
            near, far = prose.rows(rng, 3), prose.rows(rng, 3)
            marked = [f"-{row}" for row in prose.rows(rng, deleted)] + [f"+{row}" for row in prose.rows(rng, added)]
            patch = {
                "oldStart": 1,
                "newStart": 1,
                "lines": [*(f" {r}" for r in near), *marked, *(f" {r}" for r in far)],
            }
            original = prose.some(rng, 8_000)
            told = {"filePath": "a.py", "originalFile": original, "structuredPatch": [patch], "userModified": False}
            self.truth.lines_added += added
            self.truth.lines_deleted += deleted
        elif tool == "Write":
            rows = prose.rows(rng, rng.randrange(10, 200))
            text = "\n".join(rows)
            told = {"type": "create", "filePath": "b.py", "content": text, "structuredPatch": []}
            self.truth.lines_added += text.count("\n") + 1  # as the tool itself counts a new file
        block = {"tool_use_id": call, "type": "tool_result", "content": content, "is_error": False}
        self._put(self._line("user", message={"role": "user", "content": [block]}, toolUseResult=told))

    def _sub_agent(self) -> Line:
        """Let a sub-agent work in a file of its own; return what the parent notes as its result."""
        model, context = self.model, self.context
        name = f"{self.rng.getrandbits(28):07x}"
        self.agents[name] = []
        self.agent, self.context = name, 8_000
        if self.rng.random() < 0.5:
            self.model = "claude-haiku-4-5-20251001"
        self._prompt()
        line: Line = {}
        for _ in range(self.rng.randrange(2, 9)):
            call, line = self._response("Read")
            self.agent = ""
            if self.rng.random() < 0.3 and "requestId" in line:
                inner = {each: line[each] for each in ("type", "message", "requestId", "timestamp", "uuid")}
                self._put(self._line("progress", data={"type": "agent_progress", "agentId": name, "message": inner}))
            self.agent = name
            self._result("Read", call, line, None)
        self.agent, self.model, self.context = "", model, context
        usage = line["message"]["usage"]
        return {"status": "completed", "agentId": name, "totalTokens": 9_000, "totalToolUseCount": 5, "usage": usage}

    def _odd_line(self) -> None:
        chance = self.rng.random()
        if chance < 0.01:
            self._raw(b'{"type":"assistant","message":{"id":"msg_cut","usage":{"input_tokens":5,"output_tokens":\n')
        elif chance < 0.015:
            self._raw(b"\n")
        elif chance < 0.02:
            self._raw(b"\x00\x00 not JSON at all\n")
        elif chance < 0.04:
            note = {"id": _uuid(self.rng), "role": "assistant", "model": "<synthetic>", "content": []}
            usage = {"input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 0}
            self._put(self._line("assistant", message={**note, "usage": usage}, isApiErrorMessage=True))


def make_tree(out: Path, size: int, seed: int = 1) -> dict[str, Any]:
    """Write a tree of about so many bytes; return what it holds."""
    rng, prose, truth = random.Random(f"tree {seed}"), Prose(seed), Truth()
    written = files = 0
    earlier: list[bytes] = []
    while written < size:
        project = _pick(rng, {name: len(PROJECTS) - at for at, name in enumerate(PROJECTS)})
        session = Session(rng, prose, truth, project)
        history = earlier if rng.random() < 0.04 else []
        session.write(min(int(rng.lognormvariate(12.3, 1.3)), size - written, 50 * 2**20), history)
        if rng.random() < 0.2:
            earlier = [line for line in session.lines[:60] if b'"requestId"' in line and b'"type":"assistant"' in line]
        for path, lines in _files(session):
            file = out / "projects" / f"-home-someone-{project}" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"".join(lines))
            files += 1
        written += session.size
    told = {"bytes": written, "files": files, "size": size, "seed": seed, **truth.told()}
    (out / "truth.json").write_text(json.dumps(told, indent=1))
    return told


def make_session(file: Path, size: int, seed: int = 1) -> dict[str, Any]:
    """Write one transcript of about so many bytes without sub-agents' files; return what it holds."""
    truth = Truth()
    session = Session(random.Random(f"session {seed}"), Prose(seed), truth, "backend")
    session.write(size, [])
    agents = [line for lines in session.agents.values() for line in lines]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"".join(session.lines + agents))
    return truth.told()


def _files(session: Session) -> Iterator[tuple[str, list[bytes]]]:
    yield f"{session.id}.jsonl", session.lines
    for name, lines in session.agents.items():
        yield f"{session.id}/subagents/agent-{name}.jsonl", lines


def _pick(rng: random.Random, weights: dict[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def _uuid(rng: random.Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def main() -> int:
    """Write the tree that the arguments describe."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="a folder that is new or empty")
    parser.add_argument("--size", default="100M", help="bytes, with K, M or G (default 100M)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.out.exists() and any(options.out.iterdir()):
        print(f"{options.out} is not empty; name another folder", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    told = make_tree(options.out, size_of(options.size), options.seed)
    print(f"{told['bytes'] / 2**20:.0f} MiB in {told['files']} files, {told['responses']} responses")
    return 0


def size_of(text: str) -> int:
    """Bytes of a size such as 100M."""
    unit = UNITS.get(text[-1:].upper())
    return int(float(text[:-1]) * unit) if unit else int(text)


if __name__ == "__main__":
    sys.exit(main())
