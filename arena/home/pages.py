"""What the dashboard and the install guide show, made from boards, keys and addresses."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import msgspec
from msgspec import Struct

from arena.budgets.pages import Row as Budget
from arena.leaderboard.models import Board, Standing
from arena.leaderboard.pages.history import RankLine
from arena.web import words

PERIODS = {"daily": "Today", "weekly": "This week", "monthly": "This month", "all_time": "All time"}


class InstallPage(Struct, frozen=True):
    """What `home/install.html` shows."""

    address: str
    wheel_url: str
    wheel_name: str
    version: str
    fleet: "Fleet"


class Fleet(Struct, frozen=True):
    """Files that let machines report by OpenTelemetry with nothing installed, as text, filled in with this box."""

    claude_code: str
    key_helper: str
    codex: str
    gemini: str


class Key(Struct, frozen=True):
    """An API key as its owner sees it later. Times are epoch milliseconds."""

    label: str
    prefix: str
    created_at: int
    last_used_at: int | None = None


class Place(Struct, frozen=True):
    """The visitor's place on the board of one period; ``rank`` is None off the board."""

    label: str
    href: str
    dates: str
    rank: int | None
    tied: bool
    people: int
    moved: int | None
    score: float
    tokens: int


class LeftOut(Struct, frozen=True):
    """A session of the visitor's that an administrator left out of ranking; tokens are input and output."""

    day: str
    tool: str
    tokens: int


class DashboardPage(Struct, frozen=True):
    """What `home/dashboard.html` shows.

    ``stand``: unranked, alone, first, behind, and with _private where the neighbour may not be named. ``gap`` is to
    the one ahead (to the next one for first). ``errors`` are sentences by field (label).
    """

    display: str
    stand: str
    rank: int
    tied: bool
    moved: int | None
    since: str
    neighbour: str
    gap: float
    score: float
    tokens: int
    input: int
    output: int
    cache: int
    cost: str
    cost_each: str
    """A session's share of it, or why there is none, in words."""
    sessions: int
    streak: int
    dates: str
    zone: str
    now: int
    places: tuple[Place, ...]
    ranks: RankLine
    left_out: tuple[LeftOut, ...]
    budgets: tuple[Budget, ...]
    """Their own, and that of their team, where there is one."""
    keys: tuple[Key, ...]
    fresh_key: str | None
    label: str
    errors: Mapping[str, str]
    address: str
    wheel_url: str
    may_invite: bool
    link_days: int
    invitation_link: str | None


KEY_HELPER = """\
#!/bin/sh
printf '{"X-API-Key": "%s"}' "$(cat ~/.arena-key)"
"""
CODEX = """\
[otel]
log_user_prompt = false

[otel.exporter.otlp-http]
endpoint = "{address}/otlp/v1/logs"
protocol = "json"
headers = {{ "X-API-Key" = "THE KEY" }}
"""


def fleet(address: str) -> Fleet:
    """Write what the machines of a fleet need to report to this box.

    Claude Code's metrics go along for the lines of code, which its events do not tell.
    """
    environment = {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{address}/otlp",
    }
    telemetry = {
        "enabled": True,
        "target": "local",
        "otlpEndpoint": f"{address}/otlp",
        "otlpProtocol": "http",
        "logPrompts": False,
    }
    return Fleet(
        claude_code=_json({"env": environment, "otelHeadersHelper": "/usr/local/bin/arena-key"}),
        key_helper=KEY_HELPER.strip(),
        codex=CODEX.format(address=address).strip(),
        gemini=_json({"telemetry": telemetry}),
    )


def _json(settings: Mapping[str, object]) -> str:
    return msgspec.json.format(msgspec.json.encode(settings), indent=2).decode()


def dashboard(
    boards: Sequence[Board],
    *,
    visitor_id: str,
    display: str,
    keys: Sequence[Key],
    ranks: RankLine,
    address: str,
    wheel_url: str,
    now: int,
    left_out: Sequence[LeftOut] = (),
    budgets: Sequence[Budget] = (),
    fresh_key: str | None = None,
    label: str = "",
    errors: Mapping[str, str] | None = None,
    may_invite: bool = False,
    link_days: int = 7,
    invitation_link: str | None = None,
) -> DashboardPage:
    """Show a person where they stand by score in each period, and their keys.

    ``boards`` hold one board by score for each period, the weekly one among them; ``fresh_key`` is shown this once.
    """
    week = next(board for board in boards if board.period == "weekly")
    me = _mine(week, visitor_id)
    stand, neighbour, gap = _stand(week, me)
    return DashboardPage(
        display=display,
        stand=stand,
        rank=me.rank if me else 0,
        tied=me.tied if me else False,
        moved=_moved(me),
        since=words.weekday((date.fromisoformat(week.today) - timedelta(days=1)).isoformat()),
        neighbour=neighbour,
        gap=gap,
        score=me.score if me else 0.0,
        tokens=me.input + me.output if me else 0,
        input=me.input if me else 0,
        output=me.output if me else 0,
        cache=me.cache if me else 0,
        cost=words.cost(me.cost, me.unpriced) if me else "$0.00",
        cost_each=_cost_each(me),
        sessions=me.sessions if me else 0,
        streak=me.streak if me else 0,
        dates=words.day_range(week.start, week.end),
        zone=week.zone,
        now=now,
        places=tuple(_place(board, visitor_id) for board in boards),
        ranks=ranks,
        left_out=tuple(left_out),
        budgets=tuple(budgets),
        keys=tuple(keys),
        fresh_key=fresh_key,
        label=label,
        errors=errors or {},
        address=address,
        wheel_url=wheel_url,
        may_invite=may_invite,
        link_days=link_days,
        invitation_link=invitation_link,
    )


def _cost_each(me: Standing | None) -> str:
    if me is None or not me.sessions:
        return "nothing yet"
    if me.unpriced:
        return f"{words.plural(me.unpriced, 'response has', 'responses have')} no price"
    return f"{words.cost(me.cost // me.sessions, 0)} a session"


def _mine(board: Board, visitor_id: str) -> Standing | None:
    return next((s for s in board.standings if s.user_id == visitor_id), None)


def _moved(me: Standing | None) -> int | None:
    return me.before - me.rank if me is not None and me.before is not None else None


def _stand(board: Board, me: Standing | None) -> tuple[str, str, float]:
    if me is None:
        return "unranked", "", 0.0
    if len(board.standings) == 1:
        return "alone", "", 0.0
    if me.rank == 1:
        near = next(s for s in board.standings if s.user_id != me.user_id)
        case, gap = "first", me.value - near.value
    else:
        near = next(s for s in reversed(board.standings) if s.rank < me.rank)
        case, gap = "behind", near.value - me.value
    return (f"{case}_private", "", gap) if near.private else (case, near.display, gap)


def _place(board: Board, visitor_id: str) -> Place:
    me = _mine(board, visitor_id)
    return Place(
        label=PERIODS[board.period],
        href="/" if board.period == "weekly" else f"/?period={board.period}",
        dates="all records" if board.period == "all_time" else words.day_range(board.start, board.end),
        rank=me.rank if me else None,
        tied=me.tied if me else False,
        people=len(board.standings),
        moved=_moved(me),
        score=me.score if me else 0.0,
        tokens=me.input + me.output if me else 0,
    )
