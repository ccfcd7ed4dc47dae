"""What administrators see of the judging: the queue, what it costs, what failed and why, and another try."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from arena.accounts.guards import caller_of, me, write
from arena.core import clock
from arena.core.errors import ArenaError, NotFound
from arena.projects import store
from arena.projects.actions.queue import judge_again
from arena.projects.pages import judging as pages
from arena.projects.routes.api import EVALUATE
from arena.web.box import box_of
from arena.web.forms import PRIVATE, field, see_other
from arena.web.render import render

AnyRequest = Request[Any, Any, Any]


@get("/admin/evaluations")
async def evaluations(
    request: AnyRequest, show: FromQuery[str] = "", page: FromQuery[int] = 1, again: FromQuery[str] = ""
) -> Response[bytes]:
    """Show the queue, the days' costs and everybody's evaluations."""
    if show not in pages.STATES:
        raise NotFound("There is no such list of evaluations.")
    return await _page(request, show, min(max(page, 1), 100_000), again=again)


@post("/admin/evaluations/{id:str}/again", status_code=303)
async def once_more(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
    """Put an evaluation that came to an end back into the queue."""
    box, chosen = box_of(request), field(await request.form(), "show")
    state = chosen if chosen in pages.STATES else ""
    deed = partial(judge_again, id=id, by=me(request).id, settings=box.config.llm, caller=caller_of(request))
    try:
        await write(request, partial(deed, now=clock.now()))
    except ArenaError as no:
        return await _page(request, state, 1, problem=no)
    await box.wake(EVALUATE)
    return see_other(pages.href("", again=id))


async def _page(
    request: AnyRequest, state: str, page: int, *, again: str = "", problem: ArenaError | None = None
) -> Response[bytes]:
    box, now = box_of(request), clock.now()
    today = box.days.of(now)
    rows, waiting, days, spent, put_back = await box.db.read(
        lambda conn: (
            store.all_evaluations(conn, state or None, pages.PAGE_SIZE + 1, (page - 1) * pages.PAGE_SIZE),
            store.waiting(conn),
            store.spending(conn, clock.shift(today, 1 - pages.DAYS)),
            store.spent(conn, today),
            store.evaluation(conn, again) if again else None,
        )
    )
    shown = pages.judging_page(
        state,
        page,
        rows,
        waiting,
        days,
        spent=spent,
        today=today,
        settings=box.config.llm,
        put_back=put_back.project_name if put_back else "",
        problem=problem.sentence if problem else "",
        now=now,
        zone=box.config.arena.time_zone,
    )
    return render(request, "projects/judging.html", shown, status=problem.status if problem else 200, headers=PRIVATE)
