"""Projects for people: the board, a project, and the form that submits one."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from arena.accounts.guards import me, reader_of, write
from arena.core import clock
from arena.core.errors import ArenaError, Invalid, NotFound
from arena.projects import store
from arena.projects.models import Project, Submission
from arena.projects.pages import SHOWN, board_page, new_page, project_page
from arena.projects.routes.api import EVALUATE, submitting
from arena.projects.rules import checked
from arena.web.box import box_of
from arena.web.forms import PRIVATE, field, see_other
from arena.web.render import render

AnyRequest = Request[Any, Any, Any]


@get("/projects")
async def projects(request: AnyRequest) -> Response[bytes]:
    """Show the projects that passed, and the reader's own."""
    box, reader = box_of(request), reader_of(request)

    def read(conn: Any) -> tuple[list[Project], list[Project]]:
        return store.best(conn, reader, SHOWN), store.projects_of(conn, reader, SHOWN) if reader else []

    best, mine = await box.db.read(read)
    page = board_page(best, mine, reader=reader, **_common(request))
    return render(request, "projects/board.html", page, nav="projects", headers=PRIVATE)


@get("/projects/new")
async def new(request: AnyRequest) -> Response[bytes]:
    """Show the form."""
    return _form(request, "", "")


@post("/projects/new", status_code=200)
async def submit_form(request: AnyRequest) -> Response[bytes]:
    """Put a project into the queue and lead to its page."""
    form = await request.form()
    name, readme = field(form, "name"), field(form, "readme")
    box, user_id = box_of(request), me(request).id
    try:
        try:
            sent = checked(Submission(name, readme))
        except ValueError as problem:
            raise Invalid(_in_words(str(problem))) from problem
        id = await write(request, submitting(request, user_id, sent))
    except ArenaError as no:
        return _form(request, name, readme, no)
    await box.wake(EVALUATE)
    found = await box.db.read(partial(store.evaluation, id=id))
    return see_other(f"/projects/{found.project_id if found else ''}")


@get("/projects/{id:str}")
async def project(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
    """Show a project; while it is being judged, how far that is."""
    box, reader = box_of(request), reader_of(request)

    def read(conn: Any) -> Any:
        found = store.project(conn, id, reader)
        return found, store.evaluations(conn, id, SHOWN) if found is not None and found.user_id == reader else []

    found, history = await box.db.read(read)
    if found is None:
        raise NotFound("There is no such project, or nobody but its person may see it.")
    page = project_page(found, history, reader=reader, **_common(request))
    return render(request, "projects/project.html", page, nav="projects", headers=PRIVATE)


def _common(request: AnyRequest) -> dict[str, Any]:
    config = box_of(request).config
    return {"has_model": bool(config.llm.provider), "now": clock.now(), "zone": config.arena.time_zone}


def _form(request: AnyRequest, name: str, readme: str, problem: ArenaError | None = None) -> Response[bytes]:
    has_model = bool(box_of(request).config.llm.provider)
    page = new_page(name, readme, problem.sentence if problem else "", has_model=has_model)
    status = problem.status if problem else 200
    return render(request, "projects/new.html", page, nav="projects", status=status, headers=PRIVATE)


def _in_words(problem: str) -> str:
    field, _, reason = problem.partition(": ")
    what = {"projectName": "The name", "description": "The README"}[field]
    return f"{what} {reason.removeprefix('the README ')}."
