"""Turn any failure into a page, a fragment or JSON, in one place."""

from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException
from msgspec import Struct

from arena.core.errors import ArenaError, Forbidden, Invalid, NotFound, NotSignedIn, TooLarge
from arena.core.log import log
from arena.web.api import PROTOBUF, media_type, refusal, rpc_status
from arena.web.box import visitor_of
from arena.web.render import render

PROGRAMS = ("/api/", "/v1/", "/otlp/", "/slack/command")


class MethodNotAllowed(ArenaError):
    """The address exists, but not for this method."""

    status = 405
    code = "METHOD_NOT_ALLOWED"


class Broken(ArenaError):
    """Our own mistake."""


class ErrorPage(Struct, frozen=True):
    """What `errors/error.html` shows."""

    status: int
    sentence: str
    way_out: str
    way_out_label: str


def on_error(request: Request[Any, Any, Any], problem: Exception) -> Response[bytes]:
    """Answer a failed request."""
    known = _known(problem, request.scope["path"])
    if isinstance(known, Broken):
        # The template, not the path: the path of a one-time link is its secret.
        where, id = request.scope.get("path_template", ""), request.scope.get("request_id")
        log().error("broken", request_id=id, method=request.method, path=where, exc_info=problem)
        request.scope["is_logged"] = True  # type: ignore[typeddict-unknown-key]
    path = request.url.path
    if path.startswith("/otlp/"):
        return rpc_status(known, protobuf=media_type(request) == PROTOBUF)
    if path.startswith(PROGRAMS) and not _is_page(request):
        return refusal(known, bare=path.startswith(("/api/auth/", "/slack/")))
    if isinstance(known, NotSignedIn):
        way_out, label = "/sign-in", "Sign in"
    else:
        way_out, label = "/", "Back to the leaderboard"
    _look_at_visitor(request)
    headers = {"cache-control": "no-store"}
    if known.retry_after is not None:
        headers["retry-after"] = str(known.retry_after)
    return render(
        request,
        "errors/error.html",
        ErrorPage(known.status, known.sentence, way_out, label),
        status=known.status,
        headers=headers,
    )


def _look_at_visitor(request: Request[Any, Any, Any]) -> None:
    """See who is signed in, for the page's frame; nobody, where just that cannot be looked up."""
    try:
        visitor_of(request)
    except ArenaError:
        request.scope["state"]["visitor"] = None


def _is_page(request: Request[Any, Any, Any]) -> bool:
    """Whether a browser asked for a page that stands among the addresses of programs (`opt page=True`)."""
    handler: Any = request.scope.get("route_handler")
    return bool(handler and handler.opt.get("page")) and "text/html" in request.headers.get("accept", "")


def _known(problem: Exception, path: str) -> ArenaError:
    if isinstance(problem, ArenaError):
        return problem
    if path.startswith("/static/") and isinstance(problem.__cause__ or problem, OSError | ValueError):
        return NotFound("There is nothing at this address.")  # a name that no file system takes
    if isinstance(problem, HTTPException):
        match problem.status_code:
            case 400:
                return _misread(problem)
            case 401:
                return NotSignedIn("Sign in to see this.")
            case 403:
                return Forbidden("You may not do this.")
            case 404:
                return NotFound("There is nothing at this address.")
            case 405:
                return MethodNotAllowed("This address does not take that method.")
            case 413:
                return TooLarge("The request is larger than this box takes.")
    return Broken("Something here is broken. It has been written to the log.")


def _misread(problem: HTTPException) -> Invalid:
    """Name the fields that Litestar could not understand; its own sentence does not."""
    extra = problem.extra if isinstance(problem.extra, list) else []
    reasons = {str(each["key"]): str(each["message"]) for each in extra if "key" in each and "message" in each}
    if not reasons:
        return Invalid(problem.detail or "The request cannot be understood.")
    sentence = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    return Invalid(sentence, {"errors": {name: [reason] for name, reason in reasons.items()}})
