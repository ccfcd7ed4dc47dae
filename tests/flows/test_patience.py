"""A laptop and a box that takes few requests: it waits as it is asked to, or comes again later; nothing is lost."""

from pathlib import Path

from tests.flows.conftest import Serve
from tests.flows.serving import Laptop, Serving, arena, wait_until
from tests.flows.transcripts import Tree, tokens

REFUSED = "SELECT COUNT(*) FROM security_audit_log WHERE event_type = 'rate_limit_exceeded'"


def words(laptop: Laptop) -> list[Path]:
    """What hooks left word of."""
    return list((laptop.home / "spool").glob("*.json"))


def test_a_long_history_waits_between_its_requests(serve: Serve, laptop: Laptop, tree: Tree) -> None:
    box = serve(ARENA_LIMITS__API="1/second")
    for number in range(2_100):  # three requests
        tree.session(f"s-{number}", 1)
    laptop.login(box.add("alice"), "--no-hooks", "--no-sync")
    summary = laptop.sync()
    assert (summary["submitted"], summary["failed"]) == (2_100, 0)
    assert box.ask(REFUSED) != [(0,)]
    assert box.counts()["tokens"][:2] == tokens(tree)


def test_a_hook_that_is_refused_leaves_its_word_for_the_next_one(serve: Serve, laptop: Laptop, tree: Tree) -> None:
    box = serve(ARENA_LIMITS__API="1/day")
    alice = box.add("alice")
    laptop.login(alice, "--no-sync")  # asks whose key it is
    laptop.hook({"session_id": "one", "transcript_path": str(tree.session("one", 3))})
    wait_until(lambda: box.ask(REFUSED) == [(1,)], 15)
    asked = arena("sync", **laptop.env)
    assert asked.returncode == 1
    assert "asks for patience; what is unsent stays in the ledger, run this again in 14" in asked.stderr
    assert len(words(laptop)) == 1
    _serve_again(box, ARENA_LIMITS__API="100")
    assert alice.totals() == (0, 0, 0)
    laptop.hook({"session_id": "two", "transcript_path": str(tree.session("two", 4))})
    wait_until(lambda: alice.totals() == (*tokens(tree), 2), 15)
    wait_until(lambda: words(laptop) == [], 5)


def _serve_again(box: Serving, **env: str) -> None:
    """Restart a box where it was."""
    assert box.stop() == 0
    box.options, box.env = ("--port", box.url.rpartition(":")[2]), {**box.env, **env}
    box.start()
