"""A tool's status line against a real box: what was just sent is in it a moment later, and the hook behind it works."""

import json
import shlex
import subprocess

from tests.flows.serving import Laptop, Person, environment, wait_until
from tests.flows.transcripts import Tree


def called(laptop: Laptop, command: str, said: object) -> str:
    """What a command of a tool's settings prints, when the tool calls it and says this."""
    done = subprocess.run(
        ["sh", "-c", command],
        check=True,
        env=environment(**laptop.env),
        input=json.dumps(said),
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.stderr == ""
    return done.stdout


def test_a_session_that_ends_is_in_the_line_of_the_next(alice: Person, laptop: Laptop, tree: Tree) -> None:
    settings = tree.claude / "settings.json"
    tree.claude.mkdir()
    laptop.login(alice, "--no-sync")
    laptop.run("hooks", "install", "--statusline", "--schedule")
    content = json.loads(settings.read_text())
    line, hook = content["statusLine"]["command"], content["hooks"]["SessionEnd"][0]["hooks"][0]["command"]
    assert shlex.split(hook)[1:] == ["hook", "claude-code"]
    quota = {"rate_limits": {"five_hour": {"used_percentage": 12}}}
    assert called(laptop, line, quota) == "5h 12%\n"
    path = tree.session("one", 3)
    assert called(laptop, hook, {"session_id": "one", "transcript_path": str(path)}) == ""
    wait_until(lambda: alice.totals()[2] == 1, 20)
    # What the line was refreshed with before the session was sent would do for a minute.
    laptop.run("status")
    assert called(laptop, line, quota).startswith("#")
    said = laptop.run("status", "--json")
    told = json.loads(said)
    assert (told["rankings"]["weekly"]["position"], told["hooks"]) == (1, {"claude-code": "installed"})
    assert told["usage"]["estimatedCost"] > 0
    laptop.run("logout")
    assert called(laptop, line, quota) == "5h 12%\n"
    assert not settings.exists()
    assert not laptop.system.table.exists()
