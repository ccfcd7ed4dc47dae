"""Write everybody's weekly mail."""

import sqlite3
from functools import partial

from arena.accounts import store as accounts
from arena.accounts.models import Reader
from arena.accounts.rules import off_token
from arena.core import clock
from arena.core.clock import DAY
from arena.core.config import Config
from arena.core.db import Database
from arena.core.letters import Letterhead, letter
from arena.deliveries import actions as deliveries
from arena.deliveries.models import Mail
from arena.digests import rules
from arena.leaderboard.actions.boards import board_of
from arena.leaderboard.models import Board, Scope
from arena.leaderboard.rules import window
from arena.teams.models import Team

SOME = 50
"""Letters that one write puts into the queue."""
LASTS = 2 * DAY
"""Milliseconds after which a weekly mail that did not go is old news."""


def send_digests(db: Database, *, config: Config, head: Letterhead, secret: str, today: str, now: int) -> int:
    """Put last week's mail into the queue for everybody who wants it and used something; return how many.

    Each person gets one for a week, however often this is done. (From a thread: it waits.)
    """
    start = clock.shift(window("weekly", today)[0], -7)
    boards = _Boards(db, start, today, config)
    queued, after = 0, ""
    while some := db.read_sync(partial(accounts.digest_readers, after=after, limit=SOME)):
        letters = [(reader, made) for reader in some if (made := _letter(reader, boards, head, secret))]
        queued += db.write_sync(partial(_enqueue, letters=letters, week=start, now=now))
        after = some[-1].id
    return queued


class _Boards:
    """Last week's boards, each worked out once."""

    def __init__(self, db: Database, start: str, today: str, config: Config) -> None:
        self._read = partial(board_of, period="weekly", start=start, metric="score", today=today, config=config)
        self._db = db
        self._of: dict[Team | None, Board] = {}
        self.everyone = self.of(None)
        self.standings = {each.user_id: each for each in self.everyone.standings}

    def of(self, team: Team | None) -> Board:
        """The board of a team, or of everyone."""
        if team not in self._of:
            self._of[team] = self._db.read_sync(partial(self._read, scope=Scope(team=team)))
        return self._of[team]


def _letter(reader: Reader, boards: _Boards, head: Letterhead, secret: str) -> Mail | None:
    mine = boards.standings.get(reader.id)
    if mine is None:
        return None
    week = rules.week(boards.everyone, mine, boards.of(mine.team), arena=head.name)
    off = f"{head.address}/mail/off/{off_token(secret, reader.id)}"
    made = letter("digest", head, person=reader.display, week=week, off=off)
    return Mail(reader.email, reader.display, made.subject, made.text, made.html, off)


def _enqueue(conn: sqlite3.Connection, letters: list[tuple[Reader, Mail]], week: str, now: int) -> int:
    put = partial(deliveries.enqueue, conn, topic="weekly_digest", now=now, lasts=LASTS)
    return sum(
        put(mail, key=f"digest:{week}:{reader.id}", user_id=reader.id)
        for reader, mail in letters
        if accounts.reader(conn, reader.id) == reader  # they may have gone, or changed their address, meanwhile
    )
