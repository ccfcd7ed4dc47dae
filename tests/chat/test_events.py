"""What chats and programs are told: each thing once, over a real socket, and nobody private by name."""

import json
import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arena.accounts import store as accounts
from arena.audit.models import OPERATOR
from arena.budgets import actions as budgets
from arena.chat import jobs
from arena.chat.actions import events as actions
from arena.chat.models import EVENTS, Leader, Teller
from arena.chat.rules import events as rules
from arena.core.clock import DAY, HOUR, MINUTE, Days
from arena.core.config import Config, Place
from arena.core.db import Database
from arena.core.work import Work
from arena.deliveries.models import Mail
from arena.deliveries.store import deliveries
from arena.teams import actions as teams
from tests.chat.conftest import ADDRESS, Heard
from tests.conftest import NOW, PEOPLE
from tests.leaderboard.conftest import Use
from tests.peers.receiver import Receiver

TODAY, MONDAY = "2026-11-20", "2026-11-16"
Tell = Callable[..., Teller]
ALICE, BOB, CAROL = PEOPLE.values()
DO = {"caller": OPERATOR, "now": NOW}


def hide(db: Database, person: str) -> None:
    db.write_sync(partial(accounts.set_private, id=PEOPLE[person], private=True, now=NOW))


def look(db: Database, teller: Tell, *minutes: int) -> int:
    return sum(actions.tell_leaders(db, teller(minute * MINUTE), TODAY) for minute in minutes)


# -- who leads


def known(told: str | None = ALICE, told_at: int = 0, leader: str | None = ALICE, since: int = 0) -> Leader:
    return Leader("weekly", MONDAY, told, told_at, leader, since)


@pytest.mark.parametrize(
    ("before", "leader", "now", "after", "is_news"),
    [
        (None, ALICE, 7, known(None, 0, ALICE, 7), False),  # the first look
        (known(None), ALICE, 5 * MINUTE - 1, known(None), False),
        (known(None), ALICE, 5 * MINUTE, known(ALICE), False),  # the first leader passed nobody
        (known(), BOB, 9, known(leader=BOB, since=9), False),  # for how long
        (known(leader=BOB), BOB, HOUR - 1, known(leader=BOB), False),  # told of another an hour ago at the most
        (known(leader=BOB), BOB, HOUR, known(BOB, HOUR, BOB, 0), True),
        (known(leader=BOB, since=HOUR), ALICE, 2 * HOUR, known(since=2 * HOUR), False),  # to and fro
        (known(leader=BOB), None, HOUR, known(leader=None, since=HOUR), False),  # two share the place
        (known(leader=None), None, DAY, known(leader=None), False),
        (known(), ALICE, DAY, known(), False),
    ],
)
def test_a_new_leader_is_news_once_it_lasts(
    before: Leader | None, leader: str | None, now: int, after: Leader, is_news: bool
) -> None:
    assert rules.watched(before, "weekly", MONDAY, leader, now) == (after, is_news)


def test_a_new_week_begins_anew() -> None:
    found = rules.watched(known(told_at=HOUR), "weekly", "2026-11-23", BOB, 9)
    assert found == (Leader("weekly", "2026-11-23", None, HOUR, BOB, 9), False)


def test_whoever_passes_the_leader_is_told_once(db: Database, use: Use, teller: Tell, heard: Heard) -> None:
    use("alice", TODAY, input=1000)
    assert look(db, teller, 0, 5, 10) == 0
    use("bob", TODAY, input=1000, output=5000)
    # Week and month, each to two addresses.
    assert look(db, teller, 60, 65, 70, 75) == 4
    weekly, monthly = sorted(heard(later=2 * HOUR), key=lambda told: told["data"]["period"], reverse=True)
    assert weekly["type"] == "leader.changed"
    assert weekly["time"] == "2026-11-20T13:05:00.000Z"
    assert weekly["text"].startswith("Bob leads this week with ")
    assert weekly["text"].endswith(" points, ahead of Alice until now.")
    score = weekly["data"].pop("score")
    assert f"{score:.2f}" in weekly["text"]
    assert weekly["data"] == {
        "period": "weekly",
        "start": MONDAY,
        "end": "2026-11-22",
        "person": "bob",
        "name": "Bob",
        "before": "alice",
    }
    assert (monthly["data"]["period"], monthly["data"]["start"]) == ("monthly", "2026-11-01")
    assert weekly["id"] != monthly["id"]


def test_two_looks_at_once_tell_once(db: Database, use: Use, teller: Tell) -> None:
    use("alice", TODAY, input=1000)
    look(db, teller, 0, 5)
    use("bob", TODAY, input=1000, output=5000)
    look(db, teller, 60)
    looks = [threading.Thread(target=look, args=(db, teller, 65)) for _ in range(4)]
    for each in looks:
        each.start()
    for each in looks:
        each.join()
    assert len(db.read_sync(lambda conn: deliveries(conn, "", "", "", 100))) == 4


@pytest.mark.parametrize("hidden", ["alice", "bob"])
def test_nobody_private_is_named(db: Database, use: Use, teller: Tell, heard: Heard, hidden: str) -> None:
    use("alice", TODAY, input=1000)
    look(db, teller, 0, 5)
    use("bob", TODAY, input=1000, output=5000)
    look(db, teller, 60)
    hide(db, hidden)
    assert look(db, teller, 65) == 4
    told = heard("", later=2 * HOUR)
    assert len(told) == 4
    assert hidden not in json.dumps(told).lower()
    assert PEOPLE[hidden] not in json.dumps(told)


# -- the week that is over


def test_a_week_is_told_once_with_its_first_five(db: Database, use: Use, teller: Tell, heard: Heard) -> None:
    for person, output in (("alice", 500), ("bob", 5000), ("carol", 50)):
        use(person, "2026-11-12", input=1000, output=output)
    use("alice", "2026-11-05", input=1000, output=1000)
    use("bob", "2026-11-05", input=1000, output=1)
    hide(db, "carol")
    assert actions.tell_week(db, teller(), TODAY) == 2
    assert actions.tell_week(db, teller(HOUR), TODAY) == 0
    (told,) = heard()
    assert told["type"] == "week.finished"
    lines = told["text"].splitlines()
    assert lines[0] == "The week of 9–15 Nov 2026, 3 people:"
    assert [line.split(",")[0] for line in lines[1:]] == ["1 Bob", "2 Alice", "3 Anonymous"]
    assert [line.rpartition(" points")[2] for line in lines[1:]] == [" (+1)", " (−1)", ""]
    data = told["data"]
    assert (data["start"], data["end"], data["people"]) == ("2026-11-09", "2026-11-15", 3)
    assert [(each["rank"], each["person"], each["movement"]) for each in data["top"]] == [
        (1, "bob", 1),
        (2, "alice", -1),
        (3, None, None),
    ]
    assert "carol" not in json.dumps(told).lower()


def test_a_week_without_anybody_is_not_told(db: Database, teller: Tell) -> None:
    assert actions.tell_week(db, teller(), TODAY) == 0


# -- budgets


@pytest.fixture
def spend(db: Database, use: Use) -> Callable[[float], None]:
    """The team, whose budget is 100 dollars, has spent so many by now."""
    use("alice", TODAY)
    db.write_sync(lambda conn: teams.create_team(conn, name="<!channel> @here", **DO))
    db.write_sync(lambda conn: teams.assign(conn, name="alice", slug="channel-here", **DO))
    db.write_sync(lambda conn: budgets.set_team_budget(conn, slug="channel-here", amount="100", **DO))

    def set_cost(dollars: float) -> None:
        sql = "UPDATE daily_user_stats SET cost = :cost, unpriced = 0"
        db.write_sync(lambda conn: conn.execute(sql, {"cost": round(dollars * 10**9)}))

    return set_cost


def marks(told: list[Any]) -> list[int]:
    return [each["data"]["mark"] for each in told]


def test_each_part_of_a_budget_is_told_once(
    db: Database, spend: Callable[[float], None], teller: Tell, heard: Heard
) -> None:
    found = []
    for dollars in (49.99, 50, 60, 79.99, 80, 99.99, 100, 500, 10, 55):
        spend(dollars)
        for _ in range(2):
            actions.tell_budgets(db, teller(), TODAY)
        found.append(marks(heard()))
    assert found == [[], [50], [], [], [80], [], [100], [], [], []]


def test_of_several_parts_at_once_the_highest_is_told(
    db: Database, spend: Callable[[float], None], teller: Tell, heard: Heard
) -> None:
    spend(85)
    assert actions.tell_budgets(db, teller(), TODAY) == 2
    (told,) = heard()
    assert told["data"] == {
        "team": "<!channel> @here",
        "month": "2026-11",
        "mark": 80,
        "percent": 85,
        "budget": 100.0,
        "spent": 85.0,
        "spent_is_complete": True,
        "forecast": None,
    }
    assert told["text"] == ("<!channel> @here has spent 80% of its budget of this month: $85.00 of $100.00 spent, 85%.")
    assert actions.tell_budgets(db, teller(), "2026-12-01") == 0  # nothing of December yet


def test_jobs_at_once_tell_a_part_once(db: Database, spend: Callable[[float], None], teller: Tell) -> None:
    spend(100)
    jobs = [threading.Thread(target=actions.tell_budgets, args=(db, teller(), TODAY)) for _ in range(6)]
    for each in jobs:
        each.start()
    for each in jobs:
        each.join()
    assert len(db.read_sync(lambda conn: deliveries(conn, "", "", "", 100))) == 2


def test_a_write_that_fails_tells_nothing_and_the_next_one_does(
    db: Database, spend: Callable[[float], None], teller: Tell, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    spend(100)
    with monkeypatch.context() as broken:
        broken.setattr(rules, "slack", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            actions.tell_budgets(db, teller(), TODAY)
    assert heard() == []
    assert actions.tell_budgets(db, teller(), TODAY) == 2


def test_a_persons_own_budget_is_mailed_to_them_alone(db: Database, use: Use, teller: Tell, heard: Heard) -> None:
    for person in ("alice", "bob"):
        use(person, TODAY)
        db.write_sync(lambda conn, person=person: budgets.set_person_budget(conn, name=person, amount="100", **DO))
    db.write_sync(partial(accounts.set_email, user_id=ALICE, email="alice@example.org", now=NOW))
    found = []
    sql = "UPDATE daily_user_stats SET cost = :cost, unpriced = 0"
    for dollars in (49, 80, 90, 100):
        db.write_sync(lambda conn, cost=dollars * 10**9: conn.execute(sql, {"cost": cost}))
        found.append([actions.tell_budgets(db, teller(), TODAY) for _ in range(2)])
    assert found == [[0, 0], [1, 0], [0, 0], [1, 0]]  # of bob there is no address
    rows = db.read_sync(lambda conn: conn.execute("SELECT recipient, content FROM deliveries ORDER BY id").fetchall())
    first, second = (msgspec.json.decode(content, type=Mail) for _, content in rows)
    assert {recipient for recipient, _ in rows} == {"alice@example.org"}
    assert first.subject == "Your budget at arena: 80% is spent"
    assert "$80.00 of $100.00 spent, 80%." in first.text
    assert f"{ADDRESS}/dashboard" in first.html
    assert second.subject == "Your budget at arena: 100% is spent"
    assert heard("") == []


# -- the page that tells programmers


def test_every_event_stands_on_the_page_with_each_thing_it_tells(
    db: Database, spend: Callable[[float], None], use: Use, teller: Tell, heard: Heard
) -> None:
    spend(50)
    use("alice", "2026-11-12")
    look(db, teller, 0, 5)
    use("bob", TODAY, input=1000, output=5000)
    look(db, teller, 60, 65)
    actions.tell_budgets(db, teller(), TODAY)
    actions.tell_week(db, teller(), TODAY)
    text = (Path(__file__).parents[2] / "docs" / "messages.md").read_text()
    rows = {line.split("`")[1]: line for line in text.partition("## To a program")[2].splitlines() if "| `" in line}
    assert EVENTS.keys() <= rows.keys()
    told = heard(later=2 * HOUR)
    assert {each["type"] for each in told} == {"leader.changed", "budget.reached", "week.finished"}
    for each in told:
        names = {*each["data"], *(name for one in each["data"].get("top", []) for name in one)}
        assert {name for name in names if f"`{name}`" not in rows[each["type"]]} == set()


# -- the box itself


def test_a_job_that_fails_again_and_again_is_told_once_until_it_works(db: Database, teller: Tell, heard: Heard) -> None:
    def stand(attempts: int, done: int) -> None:
        sql = """
            INSERT INTO jobs (name, attempts, done) VALUES ('arena.backups.run', :attempts, :done)
            ON CONFLICT (name) DO UPDATE SET attempts = excluded.attempts, done = excluded.done
        """
        db.write_sync(lambda conn: conn.execute(sql, {"attempts": attempts, "done": done}))

    run = (
        "INSERT INTO job_runs (name, started_at, finished_at, problem) VALUES ('arena.backups.run', 1, 2, 'disk full')"
    )
    db.write_sync(lambda conn: conn.execute(run))
    found = []
    for attempts, done in ((2, 5), (3, 5), (4, 5), (0, 6), (3, 6)):
        stand(attempts, done)
        actions.tell_ailing(db, teller())
        found.append([told["text"] for told in heard()])
    sentence = "The job arena.backups.run of this box has failed 3 times in a row (disk full)."
    assert found == [[], [sentence], [], [], [sentence]]


def test_the_jobs_look_every_five_minutes_and_each_week(
    db: Database, spend: Callable[[float], None], use: Use, config: Config, tmp_path: Path, heard: Heard
) -> None:
    def work(minutes: int) -> Work:
        return Work(db, config, Place(tmp_path), Days("UTC"), lambda: NOW + minutes * MINUTE)

    spend(50)
    use("bob", "2026-11-12")
    assert [jobs.watch(work(minute)) for minute in (1, 4)] == [None, None]
    assert [jobs.watch(work(minute)) for minute in (5, 10)] == ["2 messages", None]
    assert [jobs.tell_week(work(minute)) for minute in (5, 10)] == ["2 messages", None]
    assert [told["type"] for told in heard(later=10 * MINUTE)] == ["budget.reached", "week.finished"]


# -- how it is said


def test_a_chat_hears_words_and_no_mention_or_link_of_a_names_making(
    db: Database, spend: Callable[[float], None], teller: Tell, heard: Heard
) -> None:
    spend(50)
    actions.tell_budgets(db, teller(), TODAY)
    (told,) = heard("slack")
    assert told.keys() == {"text", "blocks"}
    assert told["text"].startswith("&lt;!channel&gt; @\u200bhere has spent 50% of its budget")
    assert told["blocks"][0]["text"] == {"type": "mrkdwn", "text": told["text"]}
    assert told["blocks"][1]["elements"] == [{"type": "mrkdwn", "text": f"<{ADDRESS}|arena>"}]


def test_a_receiver_that_is_down_hears_it_later_and_once(
    db: Database, spend: Callable[[float], None], teller: Tell, heard: Heard, receiver: Receiver
) -> None:
    spend(50)
    receiver.faults = [500, 500]
    actions.tell_budgets(db, teller(), TODAY)
    heard()
    assert marks(heard(later=10 * MINUTE)) == [50]
    assert heard(later=20 * MINUTE) == []


def test_without_an_address_nothing_is_put_into_the_queue(db: Database, spend: Callable[[float], None]) -> None:
    spend(50)
    assert actions.tell_budgets(db, Teller(Config(), ADDRESS, NOW), TODAY) == 0
    assert db.read_sync(lambda conn: deliveries(conn, "", "", "", 100)) == []


def test_a_test_message_goes_to_every_address_each_time(db: Database, teller: Tell, heard: Heard) -> None:
    def test(conn: sqlite3.Connection) -> int:
        return actions.send_test(conn, teller(), caller=OPERATOR, by=ALICE, name="alice")

    assert db.write_sync(test) == db.write_sync(test) == 2
    told = heard()
    assert [each["data"] for each in told] == [{"by": "alice"}] * 2
    assert told[0].keys() == {"type", "id", "time", "text", "data"}
    assert {each["type"] for each in told} <= EVENTS.keys()
