"""What is worth telling, and how it is said: to people in a chat, and to programs."""

from collections.abc import Sequence
from typing import Any

import msgspec

from arena.budgets.models import State
from arena.budgets.rules import in_words
from arena.chat.models import Event, Leader
from arena.core.clock import HOUR, MINUTE
from arena.leaderboard.models import Board, Standing
from arena.prices.rules import dollars
from arena.web import words

STAYS = 5 * MINUTE
"""Milliseconds for which somebody must lead before that is told: a lead that goes to and fro is no news."""
PAUSE = HOUR
"""Milliseconds between two such messages of one period."""
TOP = 5
PERIODS = {"weekly": "week", "monthly": "month"}


def watched(known: Leader | None, period: str, start: str, leader: str | None, now: int) -> tuple[Leader, bool]:
    """Say what to note of who leads a period now, and whether that is to be told.

    Nobody is told of the first who leads a period: they passed nobody. Two who share the first place (``leader`` is
    None) change nothing.
    """
    if known is None or known.start != start:
        return Leader(period, start, None, known.told_at if known else 0, leader, now), False
    if leader != known.leader:
        return msgspec.structs.replace(known, leader=leader, since=now), False
    if leader is None or leader == known.told or now - known.since < STAYS:
        return known, False
    if known.told is None:
        return msgspec.structs.replace(known, told=leader), False
    if now - known.told_at < PAUSE:
        return known, False
    return msgspec.structs.replace(known, told=leader, told_at=now), True


def first(standings: Sequence[Standing]) -> Standing | None:
    """Whoever leads alone."""
    return standings[0] if standings and not standings[0].tied else None


def new_leader(board: Board, leader: Standing, before: Standing | None) -> tuple[str, dict[str, Any]]:
    """Tell who leads, and whom they passed, in a sentence and in data. Names are those that everybody may know."""
    passed = f", ahead of {name_of(before)} until now" if before is not None and not before.private else ""
    text = f"{name_of(leader)} leads this {PERIODS[board.period]} with {words.score(leader.score)} points{passed}."
    return text, {
        "period": board.period,
        "start": board.start,
        "end": board.end,
        "person": person_of(leader),
        "name": name_of(leader),
        "score": leader.score,
        "before": person_of(before) if before is not None else None,
    }


def week(board: Board) -> tuple[str, dict[str, Any]]:
    """Tell how a week ended: its first five in lines, and in data. Names are those that everybody may know."""
    people = words.plural(len(board.standings), "person", "people")
    top = board.standings[:TOP]
    lines = [f"The week of {words.day_range(board.start, board.end)}, {people}:"]
    for each in top:
        rank = f"{each.rank}{'=' if each.tied else ''}"
        lines.append(f"{rank} {name_of(each)}, {words.score(each.score)} points{_moved(each)}")
    return "\n".join(lines), {
        "start": board.start,
        "end": board.end,
        "people": len(board.standings),
        "top": [
            {
                "rank": each.rank,
                "person": person_of(each),
                "name": name_of(each),
                "score": each.score,
                "tokens": each.input + each.output,
                "movement": None if each.private or each.before is None else each.before - each.rank,
            }
            for each in top
        ],
    }


def budget(state: State, mark: int) -> tuple[str, dict[str, Any]]:
    """Tell that a part of a team's budget is spent, in words and in data."""
    amount, foretold = state.subject.amount or 0, state.forecast
    what = "spent its budget" if mark == 100 else f"spent {mark}% of its budget"
    text = f"{state.subject.name} has {what} of this month: {in_words(state)}"
    return text, {
        "team": state.subject.name,
        "month": state.today[:7],
        "mark": mark,
        "percent": state.percent,
        "budget": dollars(amount, 0),
        "spent": dollars(state.spent.cost, 0),
        "spent_is_complete": not state.spent.unpriced,
        "forecast": dollars(foretold.cost, 0) if foretold else None,
    }


def ailing(job: str, attempts: int, problem: str) -> tuple[str, dict[str, Any]]:
    """Tell of a job that fails, in words and in data."""
    text = f"The job {job} of this box has failed {attempts} times in a row ({problem or 'it broke off'})."
    return text, {"job": job, "attempts": attempts, "problem": problem}


def name_of(each: Standing) -> str:
    """The name by which everybody may know somebody on a board."""
    return "Anonymous" if each.private else each.display


def person_of(each: Standing) -> str | None:
    """Their user name, if everybody may know it."""
    return None if each.private else each.name


def slack(event: Event, address: str, arena: str) -> str:
    """Write an event as Slack and what imitates it take it: a text, and the same as blocks with a link to the box.

    Whatever a name holds, it is no mention, no link and no markup of Slack's (``<!channel>``), and calls nobody (an @
    alone is enough for others).
    """
    text = plain(event.text)
    link = f"<{address}|{plain(arena)}>"
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": link}]},
    ]
    return msgspec.json.encode({"text": text, "blocks": blocks}).decode()


def plain(text: str) -> str:
    """Write words for a chat so that they are only words."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("@", "@\u200b").replace("`", "'")


def _moved(each: Standing) -> str:
    if each.private:
        return ""
    if each.before is None:
        return " (new)"
    moved = each.before - each.rank
    return f" ({words.signed(moved)})" if moved else ""
