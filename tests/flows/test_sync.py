"""A laptop and a real box: the totals there are always the truth of the transcripts here."""

import contextlib
import shutil
import signal
import time
from pathlib import Path

from tests.flows.serving import Laptop, Person, arena, wait_until
from tests.flows.transcripts import Tree, tokens


def test_signing_in_sends_the_history_once(alice: Person, laptop: Laptop, tree: Tree) -> None:
    tree.session("one", 20)
    tree.resume("one", "two", 5)
    said = laptop.login(alice)
    assert f"as {alice.name}" in said
    assert "25 submitted" in said
    assert alice.totals() == (*tokens(tree), 2)
    assert "arena" in (tree.claude / "settings.json").read_text()
    assert (laptop.home / "credentials.json").stat().st_mode & 0o077 == 0
    summary = laptop.sync()
    assert (summary["submitted"], summary["failed"], summary["files"]["unchanged"]) == (0, 0, 2)
    assert alice.totals() == (*tokens(tree), 2)


def test_a_sync_sends_only_what_is_new(alice: Person, laptop: Laptop, tree: Tree) -> None:
    tree.session("one", 3)
    laptop.login(alice, "--no-hooks")
    path = tree.session("one", 4)
    tree.session("three", 2)
    summary = laptop.sync()
    assert summary["submitted"] == 3  # a fourth response in the old session, two in the new
    assert alice.totals() == (*tokens(tree), 2)
    assert path.exists()


def test_a_full_sync_changes_nothing(alice: Person, laptop: Laptop, tree: Tree) -> None:
    tree.session("one", 10)
    laptop.login(alice, "--no-hooks")
    laptop.run("sync", "--full")
    assert alice.totals() == (*tokens(tree), 1)


def test_two_machines_are_a_union(alice: Person, laptop: Laptop, tree: Tree, tmp_path: Path) -> None:
    tree.session("one", 12)
    other = tree.copy_to(tmp_path / "claude-2")
    tree.session("here", 3)
    other.session("there", 4)
    second = Laptop(tmp_path / "home-2", other.claude)
    laptop.login(alice, "--no-hooks")
    second.login(alice, "--no-hooks")
    assert alice.totals() == (*tokens(tree, other), 3)
    for each in (laptop, second):
        assert each.sync()["submitted"] == 0
    assert alice.totals() == (*tokens(tree, other), 3)


def test_a_rewritten_transcript_takes_nothing_back_and_adds_what_is_new(
    alice: Person, laptop: Laptop, tree: Tree
) -> None:
    path = tree.session("one", 10)
    laptop.login(alice, "--no-hooks")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[10:]))  # the first five responses are compacted away
    rewritten = Tree(tree.claude)
    rewritten.session("late", 2)
    laptop.sync()
    assert alice.totals() == (*tokens(tree, rewritten), 2)
    shutil.rmtree(tree.claude / "projects")
    laptop.sync()
    assert alice.totals() == (*tokens(tree, rewritten), 2)


def test_a_lost_ledger_doubles_nothing(alice: Person, laptop: Laptop, tree: Tree) -> None:
    tree.session("one", 10)
    laptop.login(alice, "--no-hooks")
    shutil.rmtree(laptop.home)
    laptop.login(alice, "--no-hooks")
    assert alice.totals() == (*tokens(tree), 1)


def test_a_client_killed_anywhere_and_run_again_ends_with_the_truth(alice: Person, laptop: Laptop, tree: Tree) -> None:
    for number in range(4):
        tree.session(f"long-{number}", 4_000)
    laptop.login(alice, "--no-hooks", "--no-sync")
    for seconds in (0.1, 0.2, 0.35):
        _kill_after(laptop, seconds)
    sync = laptop.start("sync", "--quiet")
    wait_until(lambda: alice.totals()[0] > 0, 20, pause=0.001)
    sync.send_signal(signal.SIGKILL)
    sync.communicate()
    partial = alice.totals()
    laptop.sync()
    assert alice.totals() == (*tokens(tree), 4)
    assert partial[0] < tokens(tree)[0], "the client was killed too late to mean anything"


def _kill_after(laptop: Laptop, seconds: float) -> None:
    sync = laptop.start("sync", "--quiet")
    time.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):
        sync.kill()
    sync.communicate()


def test_an_excluded_project_is_never_sent(alice: Person, laptop: Laptop, tree: Tree) -> None:
    tree.session("one", 3)
    laptop.login(alice, "--no-hooks", "--no-sync")
    laptop.run("exclude", "/home/dev/api")
    laptop.sync()
    assert alice.totals() == (0, 0, 0)
    laptop.run("include", "/home/dev/api")
    laptop.sync()
    assert alice.totals() == (*tokens(tree), 1)


def test_the_hook_sends_a_session_by_itself(alice: Person, laptop: Laptop, tree: Tree) -> None:
    laptop.login(alice, "--no-sync")
    path = tree.session("one", 3)
    laptop.hook({"session_id": "one", "transcript_path": str(path)})
    wait_until(lambda: alice.totals() == (*tokens(tree), 1), 15)


def test_status_tells_who_and_where(alice: Person, laptop: Laptop, tree: Tree) -> None:
    tree.session("one", 3)
    laptop.login(alice, "--no-hooks")
    assert alice.name in laptop.run("status")


def test_a_revoked_key_is_refused_at_once(alice: Person, laptop: Laptop, tree: Tree) -> None:
    tree.session("one", 3)
    laptop.login(alice, "--no-hooks")
    done = arena("admin", "keys", "revoke", alice.key[:19], "--data", str(alice.box.data))
    assert done.returncode == 0, done.stderr
    tree.session("two", 3)
    refused = arena("sync", **laptop.env)
    assert refused.returncode == 1
    assert "does not accept this key" in refused.stderr
    assert "Traceback" not in refused.stderr
