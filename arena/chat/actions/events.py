"""Tell chats and programs what happened: each thing once, to every address that is configured."""

import sqlite3
from functools import partial
from typing import Any

import msgspec

from arena.accounts import store as accounts
from arena.audit.actions import note
from arena.audit.models import Caller
from arena.budgets import actions as budgets
from arena.budgets.models import State
from arena.budgets.rules import in_words
from arena.chat import store
from arena.chat.models import Event, EventType, Teller
from arena.chat.rules import events as rules
from arena.core import clock, ids
from arena.core.clock import DAY, HOUR
from arena.core.config import Config
from arena.core.db import Database
from arena.core.letters import Letterhead, letter
from arena.deliveries.actions import enqueue
from arena.deliveries.models import Mail, Target, Webhook
from arena.leaderboard.actions.boards import board_of
from arena.leaderboard.models import Board
from arena.leaderboard.rules import window
from arena.operations import store as operations

TARGETS: tuple[Target, ...] = ("slack", "json")
FAILED = 3
"""How often a job fails in a row before that is told."""
NEWS = 6 * HOUR
"""Milliseconds after which a new leader, say, is no news any more."""


def targets(config: Config) -> tuple[Target, ...]:
    """The addresses that are configured."""
    return tuple(target for target in TARGETS if config.webhooks.url(target))


def tell(
    conn: sqlite3.Connection,
    teller: Teller,
    type: EventType,
    told: tuple[str, dict[str, Any]],
    *,
    key: str,
    lasts: int = NEWS,
) -> int:
    """Put what happened, in words and in data, into the queue for every address, once for a key; return for how many.

    After ``lasts`` milliseconds it is not sent any more.
    """
    text, data = told
    event = Event(type, ids.uuid7(), clock.iso(teller.now), text, data)
    payloads = {
        "slack": rules.slack(event, teller.address, teller.config.arena.name),
        "json": msgspec.json.encode(event).decode(),
    }
    put = partial(enqueue, conn, topic=type, now=teller.now, lasts=lasts)
    return sum(put(Webhook(target, payloads[target]), key=f"{key}:{target}") for target in targets(teller.config))


def tell_leaders(db: Database, teller: Teller, today: str) -> int:
    """See who leads the week and the month, and tell of who passed whom; return how many messages that made."""
    told = 0
    for period in rules.PERIODS:
        start = window(period, today)[0]
        board = db.read_sync(
            partial(board_of, period=period, start=start, metric="score", today=today, config=teller.config)
        )
        told += db.write_sync(partial(_tell_leader, teller=teller, board=board))
    return told


def _board(db: Database, teller: Teller, period: str, start: str, today: str) -> Board:
    config = teller.config
    return db.read_sync(partial(board_of, period=period, start=start, metric="score", today=today, config=config))


def _tell_leader(conn: sqlite3.Connection, teller: Teller, board: Board) -> int:
    leader, known = rules.first(board.standings), store.leader(conn, board.period)
    noted, is_news = rules.watched(known, board.period, board.start, leader.user_id if leader else None, teller.now)
    if noted != known:
        store.put_leader(conn, noted)
    if not is_news or leader is None or known is None:
        return 0
    before = next((each for each in board.standings if each.user_id == known.told), None)
    key = f"leader:{board.period}:{board.start}:{teller.now}"
    return tell(conn, teller, "leader.changed", rules.new_leader(board, leader, before), key=key)


def tell_week(db: Database, teller: Teller, today: str) -> int:
    """Tell how the week before this one ended, once; return how many messages that made: none if nobody was in it."""
    start = clock.shift(window("weekly", today)[0], -7)
    board = db.read_sync(
        partial(board_of, period="weekly", start=start, metric="score", today=today, config=teller.config)
    )
    if not board.standings:
        return 0
    told, key = rules.week(board), f"week:{start}"
    return db.write_sync(lambda conn: tell(conn, teller, "week.finished", told, key=key, lasts=2 * DAY))


def tell_budgets(db: Database, teller: Teller, today: str) -> int:
    """Tell of each part of a budget that was reached this month, once; return how many messages that made.

    Of several that are reached at once only the highest is told. A person's own budget is told to them alone, by mail,
    if it can reach them.
    """
    teams, people = db.read_sync(partial(budgets.everybody, today=today))
    told = sum(db.write_sync(partial(_tell_budget, teller=teller, state=state)) for state in teams if state.marks)
    return told + sum(db.write_sync(partial(_mail_budget, teller=teller, state=each)) for each in people if each.marks)


def _tell_budget(conn: sqlite3.Connection, teller: Teller, state: State) -> int:
    mark = budgets.reach(conn, state, now=teller.now)
    if mark is None:
        return 0
    key = f"budget:{state.subject.id}:{state.today[:7]}:{mark}"
    return tell(conn, teller, "budget.reached", rules.budget(state, mark), key=key, lasts=2 * DAY)


def _mail_budget(conn: sqlite3.Connection, teller: Teller, state: State) -> int:
    config, to = teller.config, accounts.reader(conn, state.subject.id)
    mark = budgets.reach(conn, state, now=teller.now)
    if mark is None or to is None or not config.mail.is_on:
        return 0
    head = Letterhead(config.arena.name, teller.address, config.arena.time_zone)
    made = letter("budget", head, person=to.display, mark=mark, said=in_words(state))
    mail = Mail(to.email, to.display, made.subject, made.text, made.html)
    key = f"budget:{to.id}:{state.today[:7]}:{mark}"
    return enqueue(conn, mail, topic="budget.reached", key=key, user_id=to.id, now=teller.now, lasts=2 * DAY)


def tell_ailing(db: Database, teller: Teller) -> int:
    """Tell of each job that has failed several times in a row, once for each such row; return how many messages."""
    told = 0
    for job in db.read_sync(operations.jobs):
        if job.attempts >= FAILED:
            run = db.read_sync(partial(operations.last_run, name=job.name))
            news = rules.ailing(job.name, job.attempts, run.problem if run else "")
            # While it fails, the times that it succeeded stay the same.
            put = partial(
                tell, teller=teller, type="box.ailing", told=news, key=f"job:{job.name}:{job.done}", lasts=DAY
            )
            told += db.write_sync(put)
    return told


def send_test(
    conn: sqlite3.Connection, teller: Teller, *, caller: Caller, by: str | None = None, name: str | None = None
) -> int:
    """Send a test message to every address; return to how many. ``name`` is that of who wants to see it."""
    note(conn, "webhooks_tested", None, caller, teller.now, by=by)
    said = f"This is a test of {teller.config.arena.name}: messages arrive."
    return tell(conn, teller, "test", (said, {"by": name}), key=f"test:{ids.uuid7()}", lasts=HOUR)
