"""Small trees of Claude Code transcripts that know their own truth."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Truth = dict[tuple[str, str], tuple[int, int]]


class Tree:
    """Transcripts under a configuration folder; ``truth`` holds each response once, with its largest figures."""

    def __init__(self, claude: Path, start: datetime | None = None) -> None:
        self.claude = claude
        self.truth: Truth = {}
        self._at = start or datetime.now(UTC) - timedelta(days=2)

    def session(self, name: str, responses: int, *, project: str = "-home-dev-api") -> Path:
        """Write a session whose every response stands in two lines, the first of them unfinished."""
        path = self.claude / "projects" / project / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            for number in range(responses):
                self._at += timedelta(seconds=1)
                message, request, output = f"msg_{name}_{number}", f"req_{name}_{number}", 20 + number % 7
                file.write(self._line(name, message, request, 2))
                file.write(self._line(name, message, request, output))
                self.truth[message, request] = (10, output)
        return path

    def resume(self, old: str, name: str, responses: int) -> Path:
        """Write a session that begins with a copy of an older one, as a resumed one does."""
        source = self.claude / "projects" / "-home-dev-api" / f"{old}.jsonl"
        target = source.with_name(f"{name}.jsonl")
        target.write_text(source.read_text().replace(f'"sessionId":"{old}"', f'"sessionId":"{name}"'))
        return self.session(name, responses)

    def copy_to(self, claude: Path) -> "Tree":
        """The same tree on another machine."""
        shutil.copytree(self.claude, claude)
        other = Tree(claude, self._at)
        other.truth = dict(self.truth)
        return other

    def _line(self, session: str, message: str, request: str, output: int) -> str:
        usage = {"input_tokens": 10, "output_tokens": output, "cache_read_input_tokens": 5}
        line: dict[str, Any] = {
            "type": "assistant",
            "isSidechain": False,
            "cwd": "/home/dev/api",
            "sessionId": session,
            "timestamp": self._at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "message": {"id": message, "role": "assistant", "model": "claude-opus-4-6", "content": [], "usage": usage},
            "requestId": request,
            "uuid": f"{message}-{output}",
        }
        return json.dumps(line, separators=(",", ":")) + "\n"


def tokens(*trees: Tree) -> tuple[int, int]:
    """Input and output tokens of the union of trees."""
    union: Truth = {}
    for tree in trees:
        union.update(tree.truth)
    return sum(each[0] for each in union.values()), sum(each[1] for each in union.values())
