"""``arena admin demo``: fill an empty box with forty invented people and a year of their work; the same each time."""

# isort: skip_file
from arena.core import sqlite  # noqa: F401

import argparse
import asyncio
import random
import sqlite3
from collections.abc import Iterator
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from arena.accounts import store as accounts
from arena.admin.command import Opened, Refused, alone, run
from arena.core import clock, config
from arena.core.clock import DAY, MINUTE, Days
from arena.core.db import Database
from arena.leaderboard.actions.freezing import freeze
from arena.teams import store as teams
from arena.teams.models import Team
from arena.teams.rules import slug_of
from arena.usage.actions.records import record
from arena.usage.models import TOOL_BY_ID, Report, Road
from arena.web.box import Box
from arena.web.live import Arrival
from arena.wire import Record, record_key, session_hash

NAMES = (
    "alice bob carol dana erin frank grace heidi ivan jo kim liam mallory nina oscar peggy quentin rupert sybil trent "
    "uma victor wendy xenia yusuf zara sakura haneul zoe amara bela chidi dilek emre farah goran hana ines jun kofi"
).split()
DISPLAYS = {"sakura": "さくら", "haneul": "하늘", "zoe": "Zoë"}
PRIVATE = ("grace",)
TEAMS = ("Platform", "Search", "Mobile", "Data", "Apps")
YEAR = 365
MODELS = (("claude-sonnet-4-5", 50), ("claude-opus-4-5", 25), ("claude-haiku-4-5", 15), ("claude-opus-4-6", 10))
TOOLS = (("claude-code", 70), ("codex", 15), ("gemini", 9), ("opencode", 6))
HOURS = (9, 10, 10, 11, 11, 13, 14, 14, 15, 15, 16, 17, 18, 20, 21)
EVERY = (1.5, 6.0)
"""Seconds between two records that arrive while a demo is served."""


class Character(Struct, frozen=True):
    """How somebody invented works."""

    id: str
    name: str
    diligence: float
    """The chance of a session on a weekday."""
    volume: float
    """Output tokens of a usual session."""
    terseness: float
    """Input tokens for each output token."""
    since: int
    """Days since they joined."""
    team: str | None


def main(argv: list[str]) -> int:
    """Fill the box of a data folder."""
    made = alone("demo", "fill an empty box with forty invented people and a year of work", _fill, "demo --data ./demo")
    return run(made, argv)


def _fill(box: Opened, _: argparse.Namespace) -> None:
    if not fill(box.db, box.config, clock.now()):
        raise Refused("this box has people already; give the demo a folder of its own, with --data")


def fill_place(place: config.Place, settings: config.Config) -> None:
    """Fill a folder for `serve --demo`, unless that was done before. Raises `Refused` for a folder with real people."""
    mark = place.data / "demo"
    db = Database(place.database)
    try:
        if not fill(db, settings, clock.now()) and not mark.exists():
            raise Refused(f"{place.data} holds real people; give the demo a folder of its own, with --data")
        mark.touch()
    finally:
        db.close_sync()


def fill(db: Database, settings: config.Config, now: int) -> bool:
    """Invent people and their work up to now; False, and nothing done, if anybody is there already."""
    days = Days(settings.arena.time_zone)
    is_new = db.write_sync(partial(_invent, days=days, now=now))
    if is_new:
        settled = replace(settings, ranking=replace(settings.ranking, late_days=0))  # nobody invented reports late
        freeze(db, config=settled, days=days, now=now)
    return is_new


async def keep_working(box: Box) -> None:
    """Let records of the invented people arrive, for as long as a demo is served."""
    chance = random.Random()  # noqa: S311  (not a secret)
    people = characters()
    coding = chance.sample(people, 4)
    while True:
        await asyncio.sleep(chance.uniform(*EVERY))
        if chance.random() < 0.02:
            coding = [*coding[1:], chance.choice(people)]
        who = chance.choice(coding)
        now = clock.now()
        report = _session(chance, who, now - chance.randrange(10) * MINUTE, now, f"live-{now}", "claude-code")
        stored = partial(record, user_id=who.id, reports=[report], road=Road.TRANSCRIPTS, days=box.days, now=now)
        outcome = await box.db.write(stored)
        box.live.tell(Arrival(outcome.tokens, who.id))


def characters() -> list[Character]:
    """The forty, the same each time."""
    chance = random.Random("characters")  # noqa: S311
    made = []
    for number, name in enumerate(NAMES):
        joined = YEAR if number < 25 else chance.randrange(20, YEAR)
        made.append(
            Character(
                id=f"0199d000-0000-7000-8000-{number:012x}",
                name=name,
                diligence=min(0.995, chance.betavariate(8, 1.4)),
                volume=chance.lognormvariate(9.6, 0.8),
                terseness=chance.uniform(0.35, 2.6),
                since=3 if name == "peggy" else joined,
                team=None if number % 9 == 8 else TEAMS[number % 7 % len(TEAMS)],
            )
        )
    return made


def _invent(conn: sqlite3.Connection, *, days: Days, now: int) -> bool:
    if accounts.users(conn):
        return False
    made = {}
    for number, name in enumerate(TEAMS):
        made[name] = Team(f"0199d001-0000-7000-8000-{number:012x}", name, slug_of(name), now - YEAR * DAY)
        teams.add_team(conn, made[name])
    for each in characters():
        display = DISPLAYS.get(each.name, each.name)
        accounts.add_user(conn, each.id, each.name, display, "member", None, now - each.since * DAY)
        if each.name in PRIVATE:
            accounts.set_private(conn, each.id, private=True, now=now)
        if each.team is not None:
            teams.put_member(conn, each.id, made[each.team].id, now - each.since * DAY)
        record(conn, each.id, _year(each, now, days), Road.TRANSCRIPTS, days=days, now=now)
    return True


def _year(who: Character, now: int, days: Days) -> Iterator[Report]:
    chance = random.Random(who.name)  # noqa: S311
    for ago in range(who.since, -1, -1):
        noon = now - ago * DAY
        weekend = days.local(noon).weekday() >= 5
        mood = chance.lognormvariate(0, 0.5)
        if chance.random() > who.diligence ** (1 + 2 * weekend):
            continue
        for number in range(1 + int(chance.expovariate(1 / (8 if ago < 8 else 1.5)))):
            at = _at(chance, noon, days)
            if at < now:
                tool = chance.choices([name for name, _ in TOOLS], [weight for _, weight in TOOLS])[0]
                yield _session(chance, who, at, now, f"{ago}-{number}", tool, mood)


def _at(chance: random.Random, instant: int, days: Days) -> int:
    local = days.local(instant).replace(hour=chance.choice(HOURS), minute=chance.randrange(60), second=0, microsecond=0)
    return int(local.timestamp() * 1000)


def _session(
    chance: random.Random, who: Character, at: int, now: int, name: str, tool: str, mood: float = 1.0
) -> Report:
    output = 40 + int(who.volume * mood * chance.lognormvariate(0, 0.4))
    context = output * chance.randrange(8, 30)
    made = Record(
        key=record_key(f"{who.name}-{name}-{tool}", ""),
        at=at,
        model=chance.choices([model for model, _ in MODELS], [weight for _, weight in MODELS])[0],
        input=int(output * who.terseness),
        output=output,
        cache_write_5m=context // 9,
        cache_read=context,
        tools={"Read": chance.randrange(40), "Edit": chance.randrange(20), "Bash": chance.randrange(15)},
        lines_added=output // 60,
        lines_deleted=output // 150,
        turns=chance.randrange(1, 12),
    )
    return Report(
        tool=TOOL_BY_ID[tool],
        session_hash=session_hash(tool, f"{who.name}-{name}"),
        started_at=at,
        ended_at=max(at, min(now - chance.randrange(1, 60) * MINUTE, at + chance.randrange(5, 90) * MINUTE)),
        records=[made],
        collector="demo/1",
    )
