"""What a weekly mail says of a week that is over, in words ready to be read."""

from msgspec import Struct

from arena.leaderboard.models import Board, Standing
from arena.web import words

TOP = 3


class Place(Struct, frozen=True):
    """One of the first on the board, as everybody may know them."""

    rank: str
    name: str
    score: str
    is_me: bool


class Week(Struct, frozen=True):
    """Somebody's week."""

    days: str
    rank: str
    of: str
    moved: str
    """How their place moved since the week before; empty for somebody new."""
    score: str
    tokens: str
    cost: str
    sessions: str
    streak: str
    scope: str
    """Whose first places these are: the arena's, or those of the reader's team."""
    top: tuple[Place, ...]


def week(board: Board, mine: Standing, first: Board, *, arena: str) -> Week:
    """Write a week as its person reads it; ``first`` is the board whose first places they are shown."""
    team = first.scope.team
    return Week(
        days=words.day_range(board.start, board.end),
        rank=words.ordinal(mine.rank),
        of=words.plural(len(board.standings), "person", "people"),
        moved=_moved(mine),
        score=words.score(mine.score),
        tokens=words.short(mine.input + mine.output),
        cost=words.cost(mine.cost, mine.unpriced),
        sessions=words.exact(mine.sessions),
        streak=words.plural(mine.streak, "day", "days"),
        scope=team.name if team else arena,
        top=tuple(_place(each, mine.user_id) for each in first.standings[:TOP]),
    )


def _moved(mine: Standing) -> str:
    if mine.before is None:
        return ""
    if mine.before == mine.rank:
        return "the same place as the week before"
    way = "up" if mine.before > mine.rank else "down"
    return f"{way} {abs(mine.before - mine.rank)} since the week before"


def _place(each: Standing, reader: str) -> Place:
    is_me = each.user_id == reader
    name = "You" if is_me else "Anonymous" if each.private else each.display
    return Place(f"{each.rank}{'=' if each.tied else ''}", name, words.score(each.score), is_me)
