"""`arena admin keys`."""

import json
import re
import threading
from functools import partial

from arena.accounts import store
from arena.core import ids


def test_create_prints_the_key_and_nothing_else(run, db) -> None:
    run("users", "add", "bob")
    outcome = run("keys", "create", "Bob", "--label", "desktop")
    assert (outcome.code, outcome.err) == (0, "")
    assert re.fullmatch(r"modu_arena_[0-9a-f]{8}_[0-9a-f]{32}\n", outcome.out)
    found = db.glance(partial(store.user_by_key_hash, key_hash=ids.digest(outcome.out.strip())))
    assert found.person.name == "bob"


def test_create_for_nobody_is_refused(run) -> None:
    outcome = run("keys", "create", "nobody")
    assert (outcome.code, outcome.out, outcome.err) == (1, "", "arena admin: There is nobody called nobody.\n")


def test_list_shows_keys_without_themselves(run) -> None:
    for name in ("bob", "carol"):
        run("users", "add", name)
    key = run("keys", "create", "bob", "--label", "my desktop").out.strip()
    run("keys", "create", "carol")
    everybodys = run("keys", "list").out
    assert key not in everybodys
    assert [line.split()[1] for line in everybodys.splitlines()] == ["NAME", "bob", "carol"]
    assert "my desktop" in everybodys
    assert "carol" not in run("keys", "list", "bob").out
    (listed,) = json.loads(run("keys", "list", "bob", "--json").out)
    assert (listed["prefix"], listed["label"], listed["revoked_at"]) == (key[:19], "my desktop", None)
    assert run("keys", "list", "nobody").code == 1


def test_revoke_takes_a_prefix_or_a_whole_key_once(run) -> None:
    run("users", "add", "bob")
    first, second = (run("keys", "create", "bob").out.strip() for _ in range(2))
    assert run("keys", "revoke", first[:19]).out == f"{first[:19]} is revoked.\n"
    assert run("keys", "revoke", second).out == f"{second[:19]} is revoked.\n"
    outcome = run("keys", "revoke", first[:19])
    assert (outcome.code, outcome.out) == (1, "")
    assert "no live key" in outcome.err
    assert [each["revoked_at"] is None for each in json.loads(run("keys", "list", "--json").out)] == [False, False]


def test_keys_are_made_while_the_box_writes(run, db) -> None:
    run("users", "add", "bob")
    stop = threading.Event()

    def keep_writing() -> None:
        while not stop.is_set():
            db.write_sync(lambda conn: conn.execute("UPDATE users SET updated_at = updated_at + 1"))

    writing = threading.Thread(target=keep_writing)
    writing.start()
    try:
        assert [run("keys", "create", "bob").code for _ in range(10)] == [0] * 10
    finally:
        stop.set()
        writing.join()
