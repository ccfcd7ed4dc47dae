"""Projects for people: the board, a project, the form that submits one, and the stream that follows it."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from arena.accounts.guards import me, reader_of, still_may_look, write
from arena.core import clock
from arena.core.errors import ArenaError, Invalid, NotFound
from arena.projects import store
from arena.projects.models import Evaluation, Project, Submission
from arena.projects.pages import projects as pages
from arena.projects.pages.projects import SHOWN, Typed
from arena.projects.routes.api import EVALUATE, submitting
from arena.projects.rules import A_DAY, checked, files
from arena.web.box import box_of
from arena.web.forms import PRIVATE, field, see_other
from arena.web.live import event
from arena.web.render import render

AnyRequest = Request[Any, Any, Any]
NOT_HERE = "There is no such project, or nobody but its person may see it."


@get("/projects")
async def projects(request: AnyRequest) -> Response[bytes]:
    """Show the projects that passed, and the reader's own."""
    box, reader = box_of(request), reader_of(request)

    def read(conn: Any) -> tuple[list[Project], list[Project]]:
        return store.best(conn, reader, SHOWN), store.projects_of(conn, reader, SHOWN) if reader else []

    best, mine = await box.db.read(read)
    page = pages.board_page(best, mine, reader=reader, **_common(request))
    return render(request, "projects/board.html", page, nav="projects", headers=PRIVATE)


@get("/projects/new")
async def new(request: AnyRequest) -> Response[bytes]:
    """Show the form."""
    return await _form(request, Typed())


@post("/projects/new", status_code=200)
async def submit_form(request: AnyRequest) -> Response[bytes]:
    """Put a project into the queue and lead to its page."""
    form = await request.form()
    typed = Typed(field(form, "name"), field(form, "readme"), field(form, "files"))
    box, user_id = box_of(request), me(request).id
    try:
        try:
            sent = checked(Submission(typed.name, typed.readme, files=files(typed.files)))
        except ValueError as problem:
            raise Invalid(_in_words(str(problem))) from problem
        id = await write(request, submitting(request, user_id, sent))
    except ArenaError as no:
        return await _form(request, typed, no)
    await box.wake(EVALUATE)
    found = await box.db.read(partial(store.evaluation, id=id))
    return see_other(f"/projects/{found.project_id if found else ''}")


@get("/projects/{id:str}")
async def project(request: AnyRequest, id: FromPath[str], evaluation: FromQuery[str] = "") -> Response[bytes]:
    """Show a project; while it is being judged, how far that is. ``evaluation`` is one of its history."""
    box, reader = box_of(request), reader_of(request)

    def read(conn: Any) -> tuple[Project | None, list[Evaluation], int]:
        found = store.project(conn, id, reader)
        if found is None or found.user_id != reader:
            return found, [], 0
        history = store.evaluations(conn, id, SHOWN)
        return found, history, store.ahead(conn, history[0].id) if found.state == "queued" else 0

    found, history, ahead = await box.db.read(read)
    if found is None or (evaluation and all(each.id != evaluation for each in history)):
        raise NotFound(NOT_HERE)
    shown = {"chosen": evaluation, "reader": reader, "worker_runs": box.worker_runs(), **_common(request)}
    page = pages.project_page(found, history, ahead, **shown)
    return render(request, "projects/project.html", page, nav="projects", headers=PRIVATE)


@get("/projects/{id:str}/live")
async def follow(request: AnyRequest, id: FromPath[str]) -> Stream:
    """Tell an open page of one's own project whenever the judging got on, until it came to an end."""
    box, reader = box_of(request), reader_of(request)

    def read(conn: Any) -> tuple[Evaluation, int] | None:
        found = store.project(conn, id, reader)
        if found is None or found.user_id != reader:
            return None
        (latest,) = store.evaluations(conn, id, 1)
        return latest, store.ahead(conn, latest.id) if latest.state == "queued" else 0

    async def look() -> tuple[bytes, bool]:
        seen = await box.db.read(read)
        if seen is None:
            return event("end", {}), True
        latest, ahead = seen
        step = {"state": latest.state, "readings": latest.readings, "ahead": ahead}
        return event("end" if latest.is_over else "step", step), latest.is_over

    if reader is None or await box.db.read(read) is None:
        raise NotFound(NOT_HERE)
    box.live.refuse(reader, is_known=True)
    return Stream(
        box.live.follow(look, reader, partial(still_may_look, request)),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


def _common(request: AnyRequest) -> dict[str, Any]:
    config = box_of(request).config
    return {"has_model": bool(config.llm.provider), "now": clock.now(), "zone": config.arena.time_zone}


async def _form(request: AnyRequest, typed: Typed, problem: ArenaError | None = None) -> Response[bytes]:
    box, user_id = box_of(request), me(request).id
    today = box.days.of(clock.now())
    used, _ = await box.db.read(partial(store.used, user_id=user_id, day=today))
    has_model = bool(box.config.llm.provider)
    page = pages.new_page(typed, problem.sentence if problem else "", left=max(A_DAY - used, 0), has_model=has_model)
    status = problem.status if problem else 200
    return render(request, "projects/new.html", page, nav="projects", status=status, headers=PRIVATE)


def _in_words(problem: str) -> str:
    field, _, reason = problem.partition(": ")
    what = {"projectName": "The name", "description": "The README", "fileStructure": "The names of files:"}[field]
    return f"{what} {reason.removeprefix('the README ')}."
