"""THE DOORS: every route of the box, who may call it, and the limit that its calls count against.

A route without a line here, or a line without a route, stops the box from being built. What each ``who`` means is in
`arena.accounts.guards`; what each limit allows is in `[limits]` of the configuration.
"""

from typing import Any, Literal

from litestar import Litestar
from litestar.handlers import BaseRouteHandler
from litestar.routes import HTTPRoute
from msgspec import Struct

from arena.accounts.guards import Who, let_in, meter
from arena.web.box import Connection
from arena.web.errors import MethodNotAllowed

Limit = Literal["public", "api", "authentication", "sensitive", "upload", "otlp"]


class Door(Struct, frozen=True):
    """One method of one route. Pages, static files and streams are not metered."""

    method: str
    path: str
    """As it is routed, parameters in braces."""
    who: Who
    limit: Limit | None = None


DOORS = (
    # What everybody may have
    Door("GET", "/static/{file_path}", "anybody"),
    Door("GET", "/theme", "anybody"),
    Door("GET", "/install", "anybody"),
    Door("GET", "/install/{name}", "anybody"),
    Door("GET", "/healthz", "anybody"),
    Door("GET", "/readyz", "anybody"),
    Door("GET", "/metrics", "monitor"),
    Door("GET", "/api/openapi.json", "anybody", "public"),
    # Getting in and out
    Door("GET", "/sign-in", "anybody"),
    Door("POST", "/sign-in", "anybody", "authentication"),
    Door("POST", "/sign-out", "anybody"),
    Door("GET", "/sign-in/forgot", "anybody"),
    Door("POST", "/sign-in/forgot", "anybody", "authentication"),
    Door("GET", "/mail/off/{token}", "anybody"),
    Door("POST", "/mail/off/{token}", "anybody", "public"),
    Door("GET", "/sign-in/{provider}", "anybody", "authentication"),
    Door("GET", "/sign-in/{provider}/callback", "anybody"),  # counted when its visitor left
    Door("GET", "/join", "anybody"),
    Door("POST", "/join", "anybody", "authentication"),
    Door("GET", "/join/{token}", "anybody"),
    Door("POST", "/join/{token}", "anybody", "authentication"),
    Door("GET", "/join/{token}/{provider}", "anybody", "authentication"),
    Door("POST", "/api/auth/login", "anybody", "authentication"),
    Door("POST", "/api/auth/register", "anybody", "authentication"),
    Door("POST", "/api/auth/send-code", "anybody", "authentication"),
    Door("POST", "/api/auth/verify-code", "anybody", "authentication"),
    Door("POST", "/api/auth/logout", "anybody", "authentication"),
    Door("GET", "/api/auth/me", "member", "api"),
    # Letting a terminal in
    Door("GET", "/api/auth/cli", "anybody"),
    Door("GET", "/api/auth/cli/callback", "anybody"),
    Door("POST", "/api/auth/cli", "member", "sensitive"),
    Door("POST", "/api/auth/device", "anybody", "authentication"),
    Door("POST", "/api/auth/device/token", "anybody", "public"),
    Door("GET", "/device", "member"),
    Door("POST", "/device", "member", "authentication"),
    # Boards and profiles
    Door("GET", "/", "reader"),
    Door("GET", "/leaderboard", "reader"),
    Door("GET", "/seasons", "reader"),
    Door("GET", "/seasons/{month}", "reader"),
    Door("GET", "/live", "reader"),
    Door("GET", "/api/leaderboard", "reader", "public"),
    Door("GET", "/api/stats/global", "reader", "public"),
    Door("GET", "/api/users/{name}", "reader", "public"),
    # Projects
    Door("GET", "/projects", "reader"),
    Door("GET", "/projects/new", "member"),
    Door("POST", "/projects/new", "member", "sensitive"),
    Door("GET", "/projects/{id}", "reader"),
    Door("GET", "/projects/{id}/live", "reader"),
    # One's own pages
    Door("GET", "/dashboard", "member"),
    Door("GET", "/dashboard/roads", "member"),
    Door("GET", "/dashboard/usage.csv", "member", "sensitive"),
    Door("POST", "/dashboard/keys", "member", "sensitive"),
    Door("POST", "/dashboard/keys/{prefix}/revoke", "member", "sensitive"),
    Door("POST", "/dashboard/invitations", "admin", "sensitive"),
    Door("GET", "/slack/key/{token}", "member"),
    Door("POST", "/slack/key/{token}", "member", "sensitive"),
    Door("GET", "/settings", "member"),
    Door("POST", "/settings/name", "member", "sensitive"),
    Door("POST", "/settings/password", "member", "sensitive"),
    Door("POST", "/settings/email", "member", "sensitive"),
    Door("POST", "/settings/email/remove", "member", "sensitive"),
    Door("GET", "/settings/email/{token}", "member"),
    Door("POST", "/settings/email/{token}", "member", "sensitive"),
    Door("POST", "/settings/digest", "member", "sensitive"),
    Door("GET", "/settings/link/{provider}", "member", "authentication"),
    Door("POST", "/settings/unlink/{id}", "member", "sensitive"),
    Door("POST", "/settings/sessions/{id}/end", "member", "sensitive"),
    Door("POST", "/settings/sessions/end-others", "member", "sensitive"),
    Door("POST", "/settings/privacy", "member", "sensitive"),
    Door("GET", "/settings/export", "member", "sensitive"),
    Door("POST", "/settings/delete", "member", "sensitive"),
    Door("GET", "/api/me", "member", "api"),
    Door("GET", "/api/me/stats", "member", "api"),
    Door("GET", "/api/me/budgets", "member", "api"),
    Door("GET", "/api/me/api-key", "member", "api"),
    Door("POST", "/api/me/regenerate-key", "member", "sensitive"),
    Door("POST", "/api/me/revoke-key", "member", "sensitive"),
    Door("GET", "/api/me/settings", "member", "api"),
    Door("PATCH", "/api/me/settings", "member", "sensitive"),
    # The administrator's pages
    Door("GET", "/admin/anomalies", "admin"),
    Door("POST", "/admin/anomalies/{id}/{verdict}", "admin", "sensitive"),
    Door("GET", "/admin/prices", "admin"),
    Door("GET", "/admin/evaluations", "admin"),
    Door("POST", "/admin/evaluations/{id}/again", "admin", "sensitive"),
    Door("GET", "/admin/usage", "admin"),
    Door("GET", "/admin/usage.csv", "admin", "sensitive"),
    Door("GET", "/admin/budgets", "admin"),
    Door("POST", "/admin/budgets/team", "admin", "sensitive"),
    Door("POST", "/admin/budgets/person", "admin", "sensitive"),
    Door("GET", "/admin/chat", "admin"),
    Door("POST", "/admin/chat/test", "admin", "sensitive"),
    Door("GET", "/admin", "admin"),
    Door("POST", "/admin/invitations", "admin", "sensitive"),
    Door("GET", "/admin/people/{name}", "admin"),
    Door("GET", "/admin/people/{name}/export", "admin", "sensitive"),
    Door("POST", "/admin/people/{name}/link", "admin", "sensitive"),
    Door("POST", "/admin/people/{name}/team", "admin", "sensitive"),
    Door("POST", "/admin/people/{name}/delete", "admin", "sensitive"),
    Door("POST", "/admin/people/{name}/sessions/end", "admin", "sensitive"),
    Door("POST", "/admin/people/{name}/{deed}", "admin", "sensitive"),
    Door("GET", "/admin/teams", "admin"),
    Door("POST", "/admin/teams", "admin", "sensitive"),
    Door("GET", "/admin/teams/{slug}", "admin"),
    Door("POST", "/admin/teams/{slug}/rename", "admin", "sensitive"),
    Door("POST", "/admin/teams/{slug}/delete", "admin", "sensitive"),
    Door("POST", "/admin/teams/{slug}/add", "admin", "sensitive"),
    Door("POST", "/admin/teams/{slug}/remove", "admin", "sensitive"),
    Door("GET", "/admin/keys", "admin"),
    Door("POST", "/admin/keys/{id}/revoke", "admin", "sensitive"),
    Door("GET", "/admin/sessions", "admin"),
    Door("POST", "/admin/sessions/{id}/end", "admin", "sensitive"),
    Door("POST", "/admin/links/{mark}/withdraw", "admin", "sensitive"),
    Door("GET", "/admin/system", "admin"),
    Door("GET", "/admin/deliveries", "admin"),
    Door("POST", "/admin/deliveries/{id}/again", "admin", "sensitive"),
    Door("GET", "/admin/jobs", "admin"),
    Door("POST", "/admin/jobs/{name}/run", "admin", "sensitive"),
    Door("GET", "/admin/audit", "admin"),
    Door("GET", "/admin/audit.csv", "admin", "sensitive"),
    # Programs
    Door("GET", "/api/v1/status", "anybody", "public"),
    Door("GET", "/api/v1/verify", "key", "api"),
    Door("GET", "/api/v1/rank", "key", "api"),
    Door("POST", "/api/v1/sessions", "signature", "api"),
    Door("POST", "/api/v1/sessions/batch", "signature", "api"),
    Door("POST", "/api/v1/usage", "signature", "api"),
    Door("POST", "/api/v1/forget", "signature", "api"),
    Door("POST", "/api/v1/keys/revoke", "signature", "api"),
    Door("POST", "/api/v1/evaluate", "person", "sensitive"),
    Door("GET", "/api/v1/evaluations/{id}", "person", "api"),
    Door("POST", "/v1/sync", "key", "upload"),
    Door("POST", "/slack/command", "slack", "public"),
    Door("POST", "/otlp/v1/logs", "key", "otlp"),
    Door("POST", "/otlp/v1/metrics", "key", "otlp"),
    Door("POST", "/otlp/v1/traces", "key", "otlp"),
)
BY_ROUTE = {(door.method, door.path): door for door in DOORS}


async def doorkeeper(connection: Connection, handler: BaseRouteHandler) -> None:
    """Count the call and let in whoever the route's line lets in (the guard of every route)."""
    door = door_of(connection)
    if door is None:  # OPTIONS, for which the router makes a handler of its own
        raise MethodNotAllowed("This address does not take that method.")
    if door.limit is not None:
        meter(connection, door.limit)
    await let_in(connection, handler, door.who)


def door_of(connection: Connection) -> Door | None:
    """The line of the route that a request was led to."""
    return BY_ROUTE.get((str(connection.scope.get("method")), connection.scope["path_template"]))


def check(app: Litestar) -> None:
    """Compare the lines with the routes that are there. Raises `ValueError` with what has no counterpart."""
    routes = {
        (method, route.path_format)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods - {"OPTIONS", "HEAD"}
    }
    if routes != BY_ROUTE.keys() or len(BY_ROUTE) != len(DOORS):
        odd: Any = sorted(routes ^ BY_ROUTE.keys())
        raise ValueError(f"arena/doors.py and the routes differ, or a line stands there twice: {odd}")
