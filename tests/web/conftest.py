"""A small site of doors that show what `arena.web` does, and the visitors who come to it."""

from arena.core import sqlite  # isort: skip  (first: it chooses the SQLite library)

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar, Request, Response, delete, get, patch, post, put
from litestar.datastructures import Cookie, State
from litestar.params import FromPath
from litestar.testing import TestClient
from msgspec import Struct

from arena.core import clock, config, errors
from arena.core.clock import Days
from arena.core.config import Config, Place, Server
from arena.core.db import Database
from arena.core.keyring import Keyring
from arena.web.box import Box
from arena.web.errors import on_error
from arena.web.limits import Limits
from arena.web.live import Live
from arena.web.session import check_form, csrf_of, form_cookie, session_cookie, token_of

SECRET = "5e" * 32
AnyRequest = Request[Any, Any, Any]
Open = Callable[..., AbstractContextManager[TestClient[Litestar]]]

assert sqlite.VERSION


class Somebody(Struct, frozen=True):
    """Whoever has a session."""

    id: str = "1"
    name: str = "alice"
    display: str = "Alice"
    is_admin: bool = False


@get("/form")
async def form(request: AnyRequest) -> Response[dict[str, Any]]:
    token, cookie = form_cookie(request)
    cookies: list[Cookie] = [cookie] if cookie else []
    return Response({"csrf": token, "made": cookie is not None}, cookies=cookies)


@get("/enter")
async def enter(request: AnyRequest) -> Response[str]:
    return Response("in", cookies=[session_cookie(request, request.query_params.get("token", "t1"), 3600)])


@get("/leave")
async def leave(request: AnyRequest) -> Response[str]:
    return Response("out", cookies=[session_cookie(request, "", 0)])


@get("/who")
async def who(request: AnyRequest) -> dict[str, str | None]:
    return {"token": token_of(request), "csrf": csrf_of(request)}


@post("/change", status_code=200)
async def post_change() -> str:
    return "changed"


@put("/change")
async def put_change() -> str:
    return "changed"


@patch("/change")
async def patch_change() -> str:
    return "changed"


@delete("/change", status_code=200)
async def delete_change() -> str:
    return "changed"


@post("/api/settings", csrf="json", status_code=200)
async def post_json() -> str:
    return "changed"


@patch("/api/settings", csrf="json")
async def patch_json() -> str:
    return "changed"


@post("/api/v1/signed", csrf=False, status_code=200)
async def signed() -> str:
    return "taken"


KINDS = {
    kind.__name__: kind
    for kind in (
        errors.Invalid,
        errors.NotSignedIn,
        errors.Forbidden,
        errors.NotFound,
        errors.Conflict,
        errors.TooLarge,
        errors.ClientTooOld,
        errors.TooMany,
        errors.Unavailable,
    )
}


FAILING = ("/fail", "/api/v1/fail", "/api/auth/fail", "/v1/fail", "/otlp/fail")


@get([f"{address}/{{kind:str}}" for address in FAILING])
async def fail(kind: FromPath[str]) -> None:
    if kind in KINDS:
        raise KINDS[kind]("One sentence & <more>.", {"field": "why"}, retry_after=7 if kind == "TooMany" else None)
    raise LookupError("the inside of the box")


@get("/api/auth/page/{kind:str}", page=True)
async def page_of_programs(kind: FromPath[str]) -> None:
    raise KINDS[kind]("One sentence & <more>.")


HANDLERS = (
    *(form, enter, leave, who, post_change, put_change, patch_change, delete_change),
    *(post_json, patch_json, signed, fail, page_of_programs),
)


@pytest.fixture
def open_site(database: Path, tmp_path: Path) -> Open:
    """Open the site at an address; cookies of a client stay with it."""

    @contextmanager
    def opened(url: str = "", host: str = "http://arena.test", secret: str = SECRET) -> Iterator[TestClient[Litestar]]:
        db = Database(database)
        file = tmp_path / f"secret-{secret[:4]}"
        file.write_text(secret)
        box = Box(
            config=Config(server=Server(url=url)),
            place=Place(tmp_path),
            keyring=Keyring(file, clock.now),
            db=db,
            days=Days("UTC"),
            live=Live(),
            limits=Limits(config.Limits()),
            identify=lambda connection: Somebody() if token_of(connection) else None,
        )
        app = Litestar(
            route_handlers=HANDLERS,
            exception_handlers={Exception: on_error},
            before_request=check_form,
            state=State({"box": box}),
            openapi_config=None,
            logging_config=None,
        )
        with TestClient(app, base_url=host, raise_server_exceptions=False) as client:
            yield client
        db.close_sync()

    return opened


@pytest.fixture
def site(open_site: Open) -> Iterator[TestClient[Litestar]]:
    with open_site() as client:
        yield client
