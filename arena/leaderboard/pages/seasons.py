"""What the list of seasons shows: who won each month, and where the visitor stood."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from arena.leaderboard.models import Board, Medal, Placed
from arena.leaderboard.models import Season as Found
from arena.leaderboard.pages.board import MONTHS


class Winner(Struct, frozen=True):
    """One of the first three. ``display`` is "Anonymous" for somebody private, unless it is the visitor."""

    rank: int
    display: str
    score: float
    you: bool
    veiled: bool


class Season(Struct, frozen=True):
    """A line of the list."""

    month: str
    year: str
    href: str
    state: str
    """running, ended, open or final."""
    people: int
    podium: tuple[Winner, ...]
    mine: Placed | None


class SeasonsPage(Struct, frozen=True):
    """What `leaderboard/seasons.html` shows.

    ``lead``: none (no record at all), first (only the one that runs), most (somebody has won more than any other that
    may be named), latest (who won the last one), latest_private, shared (several did), gone (they have left); you_most
    and you_latest. ``stand``: signed_out, absent (in no season yet), best.
    """

    lead: str
    leader: str
    wins: int
    over: int
    """How many seasons are over, and have a podium."""
    latest: str
    ends: str
    """The last day of the one that runs."""
    stand: str
    best: int
    best_month: str
    seasons: tuple[Season, ...]
    zone: str


def seasons(found: Sequence[Found], running: Board, *, visitor_id: str | None) -> SeasonsPage:
    """Show the seasons, latest first, as this visitor may see them; ``found`` begins with the one that runs."""
    over = [each for each in found if each.podium and each.state != "running"]
    lead, leader, wins = _lead(over, visitor_id)
    if not over:
        lead = "first" if running.oldest else "none"
    places = [(each.mine.rank, each) for each in found if each.mine is not None]
    best = min(places, key=lambda place: place[0], default=None)
    return SeasonsPage(
        lead=lead,
        leader=leader,
        wins=wins,
        over=len(over),
        latest=_month(over[0].start) if over else "",
        ends=running.end,
        stand="signed_out" if visitor_id is None else "best" if best else "absent",
        best=best[0] if best else 0,
        best_month=_month(best[1].start) if best else "",
        seasons=tuple(_season(each, visitor_id) for each in found) if running.oldest else (),
        zone=running.zone,
    )


def _lead(over: Sequence[Found], visitor_id: str | None) -> tuple[str, str, int]:
    """Who is told of first: whoever has won most often, else whoever won last.

    Somebody private has won one season at the most: that two were the same person is for nobody to know.
    """
    won: Counter[str] = Counter()
    known: dict[str, Medal] = {}
    for medal in (medal for each in over for medal in each.podium if medal.rank == 1):
        if not medal.private or medal.user_id == visitor_id:
            won[medal.user_id] += 1
            known.setdefault(medal.user_id, medal)
    (most, wins), (_, fewer) = (won.most_common(2) + [("", 0)] * 2)[:2]
    if wins > max(fewer, 1):
        return ("you_most", "", wins) if most == visitor_id else ("most", known[most].display, wins)
    first = [medal for medal in over[0].podium if medal.rank == 1] if over else []
    if len(first) != 1:
        return "gone" if not first else "shared", "", len(first)
    if first[0].user_id == visitor_id:
        return "you_latest", "", 1
    return ("latest_private", "", 1) if first[0].private else ("latest", first[0].display, 1)


def _season(found: Found, visitor_id: str | None) -> Season:
    return Season(
        month=_month(found.start),
        year=found.start[:4],
        href=f"/seasons/{found.start[:7]}",
        state=found.state,
        people=found.people,
        podium=tuple(_winner(medal, visitor_id) for medal in found.podium),
        mine=found.mine,
    )


def _winner(medal: Medal, visitor_id: str | None) -> Winner:
    you = medal.user_id == visitor_id
    veiled = medal.private and not you
    return Winner(medal.rank, "Anonymous" if veiled else medal.display, medal.score, you, veiled)


def _month(start: str) -> str:
    return MONTHS[int(start[5:7]) - 1]
