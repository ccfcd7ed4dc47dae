"""``arena submit``: what is sent, what is not, and what is run."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from arena.client import validation
from arena.client.validation import block, is_plain, run
from tests.client.conftest import Laptop

README = """# Tally

Counts words in text files.

## Local Validation

```bash title="test"
# says hello
$ {command}
```
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "code" / "tally"
    (folder / "src").mkdir(parents=True)
    (folder / ".git-like").mkdir()
    (folder / "node_modules").mkdir()
    for name in ("src/main.py", ".env", ".git-like/config", "node_modules/x.js"):
        (folder / name).write_text("secret")
    write(folder, f"{sys.executable} -c pass")
    return folder


def write(folder: Path, command: str) -> None:
    (folder / "README.md").write_text(README.replace("{command}", command))


def sent(laptop: Laptop, *argv: str) -> dict[str, Any]:
    code, out, err = laptop.run("submit", *argv, "--dry-run")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_nothing_but_the_readme_is_sent_unless_asked(laptop: Laptop, project: Path) -> None:
    found = sent(laptop, str(project))
    assert set(found) == {"projectName", "description", "projectPathHash"}
    assert found["projectName"] == "tally"
    assert str(project) not in json.dumps(found)
    assert "secret" not in json.dumps(found)
    assert sent(laptop, str(project))["projectPathHash"] == found["projectPathHash"]


def test_names_of_files_are_sent_when_asked_and_never_what_is_in_them(laptop: Laptop, project: Path) -> None:
    found = sent(laptop, str(project), "--with-files")
    assert found["fileStructure"] == {".": ["README.md"], "src": ["main.py"]}
    assert "secret" not in json.dumps(found)


def test_an_excluded_project_is_not_sent(laptop: Laptop, project: Path) -> None:
    assert laptop.run("exclude", str(project.parent))[0] == 0
    code, _, err = laptop.run("submit", str(project), "--dry-run")
    assert code == 1
    assert "is excluded" in err


@pytest.mark.parametrize(
    ("content", "said"), [(None, "there is no README"), ("# Hi", "too little"), ("x" * 50_001, "longer than 50,000")]
)
def test_a_readme_that_cannot_be_judged_is_refused_here(
    laptop: Laptop, tmp_path: Path, content: str | None, said: str
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    if content is not None:
        (folder / "readme.MD").write_text(content)
    code, _, err = laptop.run("submit", str(folder), "--dry-run")
    assert code == 1
    assert said in err


def test_the_test_block_is_run_by_its_persons_word_alone(laptop: Laptop, project: Path, tmp_path: Path) -> None:
    write(project, f"touch {tmp_path}/ran")
    code, _, err = laptop.run("submit", str(project), "--validate", "--dry-run")
    assert code == 1
    assert "nobody is here to say yes" in err
    assert f"touch {tmp_path}/ran" in err
    assert not (tmp_path / "ran").exists()
    found = sent(laptop, str(project), "--validate", "--yes")
    assert (tmp_path / "ran").exists()
    assert found["localScore"] == 5
    assert found["localEvaluationSummary"].startswith("The test block passed in")


def test_a_block_that_fails_gives_nothing(laptop: Laptop, project: Path) -> None:
    write(project, f"{sys.executable} -c 1/0")
    found = sent(laptop, str(project), "--validate", "--yes")
    assert "localScore" not in found
    assert found["localEvaluationSummary"] == "Command 1 of 1 ended with 1"


def test_only_a_block_called_test_is_one() -> None:
    assert block("```bash\nrm -rf /\n```") == []
    assert block('```bash title="install"\nrm -rf /\n```') == []
    assert block('~~~sh title="test"\nmake \\\n  test\n\n# done\n~~~') == ["make    test"]


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("pytest -q", True),
        ("python -c 'print 1'", True),
        ("make test && rm -rf /", False),
        ("cat x | sh", False),
        ("echo $HOME", False),
        ("X=1 make", False),
        ("cd src", False),
        ("echo `id`", False),
        ("ls *.py", False),
        ("echo 'unclosed", False),
    ],
)
def test_what_needs_a_shell_is_told_apart(line: str, plain: bool) -> None:
    assert is_plain(line) is plain


def test_a_block_without_a_shell_is_no_shell_script(tmp_path: Path) -> None:
    assert run(["printf %s ok;touch"], str(tmp_path), plain=True)[0]
    assert list(tmp_path.iterdir()) == []
    assert run(["cd /", "test $PWD = /"], str(tmp_path), plain=False)[0]
    assert run(["no-such-program-anywhere"], str(tmp_path), plain=True) == (False, "Command 1 of 1 ended with 127")


def test_a_block_that_does_not_end_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "SECONDS", 0.5)
    passed, summary = run(["sleep 60 &", "echo $! > child", "wait"], str(tmp_path), plain=False)
    assert not passed
    assert "did not end" in summary
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(child)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_block_does_not_see_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_API_KEY", "secret")
    assert "ARENA_API_KEY" in os.environ
    assert run(['test -z "$ARENA_API_KEY"'], str(tmp_path), plain=False)[0]
