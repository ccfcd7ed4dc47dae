"""What the administrators' page of flagged sessions shows."""

from collections.abc import Mapping, Sequence
from datetime import date
from urllib.parse import urlencode

from msgspec import Struct

from arena.usage.models import TOOL_BY_ID, AnomalyState, FlaggedSession, Verdict
from arena.usage.pages.roads import ROADS
from arena.web import words

PAGE_SIZE = 50
STATES: dict[AnomalyState, str] = {"open": "To look at", "excluded": "Left out", "fine": "Found fine"}
ACTS: dict[AnomalyState, tuple[tuple[Verdict, str], ...]] = {
    "open": (("exclude", "Leave out"), ("fine", "Let it count")),
    "excluded": (("restore", "Restore"),),
    "fine": (("exclude", "Leave out"),),
}
PATH = "/admin/anomalies"


class Choice(Struct, frozen=True):
    """One of the lists: sessions in one state."""

    key: str
    label: str
    count: int
    href: str
    current: bool


class Act(Struct, frozen=True):
    """What an administrator may do with a session: a form of its own."""

    action: str
    label: str
    spoken: str


class Flagged(Struct, frozen=True):
    """One flagged session. Times are epoch milliseconds; ``why`` are sentences without a full stop.

    What a ``closed`` one counts cannot be moved any more.
    """

    id: str
    name: str
    display: str
    tool: str
    model: str
    road: str
    day: str
    started_at: int
    input: int
    output: int
    cache: int
    why: tuple[str, ...]
    flagged_at: int
    decided_at: int | None
    decider: str
    acts: tuple[Act, ...]
    closed: bool


class AnomaliesPage(Struct, frozen=True):
    """What `usage/anomalies.html` shows.

    ``about`` is the session that somebody just decided on; ``problem`` says why one was not decided on.
    """

    state: str
    choices: tuple[Choice, ...]
    rows: tuple[Flagged, ...]
    waiting: int
    about: Flagged | None
    about_state: str
    problem: str
    previous_href: str
    next_href: str
    now: int
    zone: str


def anomalies(
    state: AnomalyState,
    page: int,
    found: Sequence[FlaggedSession],
    counts: Mapping[str, int],
    *,
    about: FlaggedSession | None,
    problem: str = "",
    now: int,
    zone: str,
) -> AnomaliesPage:
    """Show one page of the flagged sessions in a state; ``found`` may hold one more, which stands on the next."""
    return AnomaliesPage(
        state=state,
        choices=tuple(Choice(key, label, counts.get(key, 0), href(key), key == state) for key, label in STATES.items()),
        rows=tuple(_flagged(each) for each in found[:PAGE_SIZE]),
        waiting=counts.get("open", 0),
        about=_flagged(about) if about else None,
        about_state=about.state if about else "",
        problem=problem,
        previous_href=href(state, page - 1) if page > 1 else "",
        next_href=href(state, page + 1) if len(found) > PAGE_SIZE else "",
        now=now,
        zone=zone,
    )


def href(state: AnomalyState = "open", page: int = 1, about: str = "") -> str:
    """The address of a list; what is usual is left out."""
    asked = {"show": state if state != "open" else "", "page": str(page) if page > 1 else "", "about": about}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{PATH}?{query}" if query else PATH


def _flagged(session: FlaggedSession) -> Flagged:
    whose = f"{session.display}, {words.day(session.day)}"
    return Flagged(
        id=session.id,
        name=session.name,
        display=session.display,
        tool=TOOL_BY_ID[session.tool].display_name,
        model=session.model or "",
        road=ROADS[session.road],
        day=session.day,
        started_at=session.started_at,
        input=session.input_tokens,
        output=session.output_tokens,
        cache=session.cache_tokens,
        why=tuple(_reason(reason, session) for reason in session.reasons.split(",")),
        flagged_at=session.flagged_at,
        decided_at=session.decided_at,
        decider=session.decider or "",
        acts=tuple(
            Act(f"{PATH}/{session.id}/{verdict}", label, f"{label}: {whose}")
            for verdict, label in ACTS[session.state]
            if not session.closed or (session.state, verdict) == ("open", "fine")
        ),
        closed=bool(session.closed),
    )


def _reason(reason: str, session: FlaggedSession) -> str:
    match reason:
        case "size" if session.usual:
            tokens = session.input_tokens + session.output_tokens
            return f"{tokens / session.usual:,.0f} times the {words.short(session.usual)} that are usual for them"
        case "response":
            return "holds a response larger than any model gives"
        case "rate" if not session.closed:
            seconds = max(session.duration_seconds, (session.ended_at - session.started_at) // 1000)
            return f"more output than can be written in {_span(seconds)}"
        case "rate":
            return "more output than can be written while it lasted"
        case "day":
            return f"took {_short_day(session.day)} beyond what can be written in a day"
    return "far above what is usual for them"


def _span(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def _short_day(day: str) -> str:
    return f"{date.fromisoformat(day).day} {words.MONTHS[date.fromisoformat(day).month - 1]}"
