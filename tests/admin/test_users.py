"""`arena admin users`."""

import io
import json
import re
import sys
from functools import partial

import pytest

from arena.accounts import rules, store
from arena.accounts.actions import links
from arena.audit.store import newest_of_event
from arena.core import clock

LINK = re.compile(r"http://arena\.test:8000/join/([\w-]{43})\n")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def link_of(db, outcome):
    found = LINK.fullmatch(outcome.out)
    assert found, outcome
    return db.glance(partial(links.look_at_link, token=found[1], now=clock.now()))


def person(db, name):
    return db.glance(partial(store.user_by_name, username=name))


def test_add_prints_a_sign_in_link_and_nothing_else(run, db) -> None:
    outcome = run("users", "add", "Alice", "--admin")
    assert (outcome.code, outcome.err) == (0, "")
    link = link_of(db, outcome)
    assert (link.kind, link.name) == ("sign-in", "alice")
    assert person(db, "alice").is_admin


def test_add_takes_a_password_from_standard_input(run, db, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\n"))
    assert run("users", "add", "bob", "--password-stdin").code == 0
    stored = db.glance(partial(store.password_by_name, username="bob"))
    assert rules.is_password(stored.hash, "correct horse")
    assert not person(db, "bob").is_admin


@pytest.mark.parametrize("typed", ["", "short\n", "bob_smith\n"])
def test_add_refuses_a_bad_password_and_creates_nobody(run, db, monkeypatch, typed) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    outcome = run("users", "add", "bob_smith", "--password-stdin")
    assert (outcome.code, outcome.out) == (1, "")
    assert "password" in outcome.err
    assert person(db, "bob_smith") is None


@pytest.mark.parametrize(("name", "reason"), [("b b", "3 to 50"), ("BOB", "taken")])
def test_add_refuses_a_bad_or_taken_name(run, name, reason) -> None:
    run("users", "add", "bob")
    outcome = run("users", "add", name)
    assert (outcome.code, outcome.out) == (1, "")
    assert reason in outcome.err
    assert outcome.err.count("\n") == 1


def test_invite_prints_a_link_for_somebody_new(run, db) -> None:
    assert link_of(db, run("users", "invite")).name is None
    assert link_of(db, run("users", "invite", "Carol")).name == "carol"


def test_invite_of_somebody_who_is_here_prints_a_sign_in_link(run, db) -> None:
    run("users", "add", "bob")
    assert link_of(db, run("users", "invite", "bob")).kind == "sign-in"


def test_links_are_made_with_the_configured_address(run, data, tmp_path) -> None:
    file = tmp_path / "other.toml"
    file.write_text('[server]\nurl = "https://arena.example.org/"\n')
    outcome = run("users", "invite", "--config", str(file), "--data", str(data))
    assert outcome.out.startswith("https://arena.example.org/join/")


def test_list_shows_everybody(run) -> None:
    run("users", "add", "bob", "--admin")
    run("users", "add", "carol")
    run("users", "disable", "carol")
    lines = run("users", "list").out.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["NAME", "ROLE", "STATE"],
        ["bob", "admin", "enabled"],
        ["carol", "member", "disabled"],
    ]


def test_list_speaks_json(run) -> None:
    assert json.loads(run("users", "list", "--json").out) == []
    run("users", "add", "bob")
    (bob,) = json.loads(run("users", "list", "--json").out)
    assert (bob["username"], bob["role"], bob["disabled_at"]) == ("bob", "member", None)
    assert bob["created_at"].endswith("Z")


def test_disable_enable_and_promote_do_what_they_say(run, db) -> None:
    run("users", "add", "bob")
    assert "bob is disabled" in run("users", "disable", "BOB").out
    assert person(db, "bob").is_disabled
    assert "bob is enabled" in run("users", "enable", "bob").out
    assert not person(db, "bob").is_disabled
    assert "bob is an administrator" in run("users", "promote", "bob").out
    assert person(db, "bob").is_admin


@pytest.mark.parametrize("verb", [("disable",), ("delete", "--yes")])
def test_the_last_administrator_stays(run, verb) -> None:
    run("users", "add", "alice", "--admin")
    outcome = run("users", *verb, "alice")
    assert outcome.code == 1
    assert outcome.err.startswith("arena admin: alice is the last administrator")


def test_delete_without_a_terminal_needs_yes(run, db, monkeypatch) -> None:
    run("users", "add", "bob")
    monkeypatch.setattr(sys, "stdin", io.StringIO("bob\n"))
    outcome = run("users", "delete", "bob")
    assert (outcome.code, "--yes" in outcome.err) == (1, True)
    assert person(db, "bob")
    assert run("users", "delete", "bob", "--yes").out == "bob is deleted.\n"
    assert person(db, "bob") is None


def test_delete_asks_on_a_terminal(run, db, monkeypatch) -> None:
    run("users", "add", "bob")
    monkeypatch.setattr(sys, "stdin", Terminal("no\n"))
    assert run("users", "delete", "bob").code == 1
    assert person(db, "bob")
    monkeypatch.setattr(sys, "stdin", Terminal("bob\n"))
    assert run("users", "delete", "bob").code == 0
    assert person(db, "bob") is None


def test_export_prints_json_and_is_noted(run, db) -> None:
    run("users", "add", "bob")
    run("keys", "create", "bob", "--label", "desktop")
    found = json.loads(run("users", "export", "bob").out)
    assert found["account"]["username"] == "bob"
    assert found["api_keys"][0]["label"] == "desktop"
    assert found["account"]["created_at"].endswith("Z")
    (noted,) = db.glance(partial(newest_of_event, event_type="user_exported", since=0, at=2**62, seq=0))
    assert (noted.user_id, noted.user_agent) == (person(db, "bob").id, "arena admin")


@pytest.mark.parametrize("verb", ["disable", "enable", "promote", "demote", "delete", "export"])
def test_nobody_is_one_sentence(run, verb) -> None:
    outcome = run("users", verb, "nobody")
    assert (outcome.code, outcome.out, outcome.err) == (1, "", "arena admin: There is nobody called nobody.\n")


def test_the_last_administrator_is_not_demoted(run, db) -> None:
    run("users", "add", "alice", "--admin")
    refused = run("users", "demote", "alice")
    assert refused.code == 1
    assert "alice is the last administrator and cannot be demoted. Promote somebody else first." in refused.err
    run("users", "add", "bob", "--admin")
    assert run("users", "demote", "alice").out == "alice is a member.\n"
    assert run("users", "demote", "alice").out == "alice is a member.\n"
