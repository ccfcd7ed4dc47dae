"""Flagged sessions: administrators look at them, leave them out of ranking, and let them count again."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from arena.accounts.guards import caller_of, me, write
from arena.core import clock
from arena.core.errors import Conflict, NotFound
from arena.usage import store
from arena.usage.actions.anomalies import judge
from arena.usage.models import VERDICTS, AnomalyState, Verdict
from arena.usage.pages import anomalies as pages
from arena.web.box import box_of
from arena.web.forms import PRIVATE, field, see_other
from arena.web.render import render

AnyRequest = Request[Any, Any, Any]


@get("/admin/anomalies")
async def anomalies(
    request: AnyRequest, show: FromQuery[str] = "open", page: FromQuery[int] = 1, about: FromQuery[str] = ""
) -> Response[bytes]:
    """Show the sessions that were flagged: those to look at, those left out, those found fine."""
    chosen = _state(show)
    if chosen is None:
        raise NotFound("There is no such list; there is one to look at, one left out and one found fine.")
    return await _page(request, chosen, min(max(page, 1), 1_000_000), about=about)


@post("/admin/anomalies/{id:str}/{verdict:str}", status_code=303)
async def decide(request: AnyRequest, id: FromPath[str], verdict: FromPath[str]) -> Response[bytes]:
    """Decide on a flagged session; boards, ranks and sums follow at once."""
    chosen: Verdict | None = next((known for known in VERDICTS if known == verdict), None)
    if chosen is None:
        raise NotFound("A session can be left out, restored or found fine, and nothing else.")
    box, state = box_of(request), _state(field(await request.form(), "show")) or "open"
    deed = partial(judge, session_id=id, verdict=chosen, days=box.days, caller=caller_of(request), now=clock.now())
    try:
        is_new = await write(request, partial(deed, by=me(request).id))
    except (Conflict, NotFound) as no:
        return await _page(request, state, 1, about=id, problem=no.sentence, status=no.status)
    if is_new and chosen != "fine":
        box.live.tell()
    return see_other(pages.href(state, about=id))


def _state(text: str) -> AnomalyState | None:
    return next((known for known in pages.STATES if known == text), None)


async def _page(
    request: AnyRequest, state: AnomalyState, page: int, *, about: str, problem: str = "", status: int = 200
) -> Response[bytes]:
    box, offset = box_of(request), (page - 1) * pages.PAGE_SIZE
    found, counts, session = await box.db.read(
        lambda conn: (
            store.flagged_sessions(conn, state, pages.PAGE_SIZE + 1, offset),
            store.anomaly_counts(conn),
            store.flagged_session(conn, about) if about else None,
        )
    )
    shown = pages.anomalies(
        state,
        page,
        found,
        counts,
        about=session,
        problem=problem,
        now=clock.now(),
        zone=box.config.arena.time_zone,
    )
    return render(request, "usage/anomalies.html", shown, status=status, headers=PRIVATE)
