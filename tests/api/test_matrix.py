"""Every door, tried by everybody: who is let in, and who is told to sign in or that they may not.

The doors come from the application itself. One that is new needs nothing here, unless its address has a parameter
(`FILLED`), names something of somebody's (`THEIRS`), or takes a body that decides who is let in (`BODIES`).
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
import pytest

from arena.accounts import store
from arena.accounts.actions import keys, links, people
from arena.audit.models import OPERATOR
from arena.chat import store as slack
from arena.core import clock, ids
from arena.core.ids import digest
from arena.doors import DOORS, Door
from arena.web.errors import PROGRAMS
from tests.flows.serving import Person, Serving, Visitor

PASSWORD = "correct horse battery"
ROLES = ("nobody", "member", "other member", "admin", "disabled person", "revoked key")
IN, FIRST, UNKNOWN, NO = "let in", "told to sign in", "told that nobody is known", "told that they may not"
GOOD = {"member", "other member", "admin"}
FILLED = {
    "token": "nothing",
    "name": "bob",
    "prefix": "modu_arena_00000000",
    "file_path": "base.css",
    "id": "nothing",
    "slug": "nothing",
    "deed": "promote",
    "mark": "nothing",
    "verdict": "exclude",
    "month": "2026-10",
    "provider": "nothing",
}
"""What stands for a parameter of an address: nothing that the call could harm."""
BODIES: dict[str, Callable[["Cast"], dict[str, str]]] = {
    "/sign-in": lambda cast: {"name": cast.names["member"], "password": PASSWORD},
    "/api/auth/login": lambda cast: {"username": cast.names["member"], "password": PASSWORD},
    "/api/me/regenerate-key": lambda cast: {"prefix": FILLED["prefix"]},
    "/api/me/revoke-key": lambda cast: {"prefix": FILLED["prefix"]},
}
PAGES = ("/api/auth/cli", "/api/auth/cli/callback")
"""Opened by browsers, though they stand among the addresses of programs."""
THEIRS: dict[str, Callable[["Cast"], tuple[str, Callable[[], Any]]]] = {
    "/dashboard/keys/{prefix}/revoke": lambda cast: cast.key_of("member"),
    "/settings/unlink/{id}": lambda cast: cast.identity_of("member"),
    "/slack/key/{token}": lambda cast: cast.slack_link_of("member"),
    "/settings/sessions/{id}/end": lambda cast: cast.session_of("member"),
    "/settings/email/{token}": lambda cast: cast.address_of("member"),
}
"""For a member's door that names a thing: the address of one of the member's, and a look at its state."""


class Cast:
    """One person for each role, with a key and a password, and a new browser or program for each call."""

    def __init__(self, box: Serving) -> None:
        self.box = box
        self.names = {role: role.replace(" ", "-") for role in ROLES if role != "nobody"}
        self.names["disabled person"] = "dave"
        self.programs: dict[str, Person] = {}
        self.stale: httpx.Cookies | None = None
        for role, name in self.names.items():
            self.programs[role] = box.add(name, role="admin" if role == "admin" else "member")
            with Visitor(box) as visitor:
                visitor.post(page := self.link(name), data={"csrf": visitor.csrf(page), "password": PASSWORD})
        with self.browser("disabled person") as before:
            self.stale = before.cookies
        revoke = partial(keys.revoke_key, caller=OPERATOR, now=clock.now())
        box.write(partial(revoke, user_id=self.id_of("revoked-key"), prefix=self.programs["revoked key"].key))
        box.write(partial(people.disable_user, name="dave", caller=OPERATOR, now=clock.now()))

    def link(self, name: str) -> str:
        token = self.box.write(partial(links.sign_in_link, name=name, days=1, caller=OPERATOR, now=clock.now()))
        return f"/join/{token}"

    def id_of(self, name: str) -> str:
        return str(self.box.ask("SELECT id FROM users WHERE username = :name", name=name)[0][0])

    @contextmanager
    def browser(self, role: str) -> Iterator[Visitor]:
        """A browser in which somebody of this role has signed in; a disabled person had before they were disabled."""
        with Visitor(self.box) as visitor:
            visitor.follow_redirects = False
            if role == "disabled person" and self.stale is not None:
                visitor.cookies.update(self.stale)
            elif role in GOOD | {"disabled person"}:
                page = self.link(self.names[role])
                assert visitor.post(page, data={"csrf": visitor.csrf(page), "password": ""}).status_code == 303
            yield visitor

    def key_of(self, role: str) -> tuple[str, Callable[[], Any]]:
        """The address that revokes this role's key, and the key's state."""
        prefix = self.programs[role].key[:19]
        state = "SELECT revoked_at FROM api_keys WHERE prefix = :prefix"
        return f"/dashboard/keys/{prefix}/revoke", lambda: self.box.ask(state, prefix=prefix)

    def identity_of(self, role: str) -> tuple[str, Callable[[], Any]]:
        """The address that unlinks this role's identity, and whether it is linked."""
        row = {"provider": "github", "issuer": "https://github.com", "subject": "1", "login": "octocat", "email": None}
        add = partial(store.add_identity, id="an-identity", user_id=self.id_of(self.names[role]), now=clock.now())
        self.box.write(partial(add, **row))
        return "/settings/unlink/an-identity", lambda: self.box.ask("SELECT user_id FROM identities")

    def slack_link_of(self, role: str) -> tuple[str, Callable[[], Any]]:
        """The address of a link to a key that this role asked for in Slack, and whether it was used."""
        put = partial(slack.put_user, workspace="T1", slack_user="U1", user_id=self.id_of(self.names[role]), now=1)
        link = partial(slack.add_link, workspace="T1", slack_user="U1", slack_name="x", expires_at=2**62)
        self.box.write(
            lambda conn: (slack.drop_user(conn, "T1", "U1"), put(conn), link(conn, digest=digest("a-token")))
        )
        return "/slack/key/a-token", lambda: self.box.ask("SELECT digest FROM slack_links")

    def session_of(self, role: str) -> tuple[str, Callable[[], Any]]:
        """The address that ends a web session of this role's, and those that there are."""
        where = {"id": self.id_of(self.names[role])}
        with self.browser(role):
            sql = "SELECT id FROM web_sessions WHERE user_id = :id ORDER BY id"
            return f"/settings/sessions/{self.box.ask(sql, **where)[0][0]}/end", lambda: self.box.ask(sql, **where)

    def address_of(self, role: str) -> tuple[str, Callable[[], Any]]:
        """The address that confirms an address of mail of this role's, and where mail goes."""
        now, token_hash = clock.now(), ids.digest("a-token")
        put = partial(store.put_email_link, user_id=self.id_of(self.names[role]), token_hash=token_hash)
        self.box.write(partial(put, email="member@example.org", now=now, expires_at=now + 60_000))
        sql = "SELECT email FROM users ORDER BY id"
        return "/settings/email/a-token", lambda: self.box.ask(sql)


@pytest.fixture(scope="module")
def cast(box: Serving) -> Cast:
    return Cast(box)


def expected(door: Door, role: str) -> str:
    """What `docs/security.md` says."""
    match door.who:
        case "anybody" | "reader" | "monitor":  # all of them are on this machine
            return IN
        case "slack":
            return UNKNOWN
        case "key" | "signature" | "person":
            return IN if role in GOOD else UNKNOWN
        case "member" | "admin" if role not in GOOD:
            return FIRST if door.method == "GET" and not door.path.startswith(PROGRAMS) else UNKNOWN
        case "admin" if role != "admin":
            return NO
        case _:
            return IN


def said(answer: httpx.Response) -> str:
    if answer.status_code == 303 and answer.headers["location"].startswith("/sign-in"):
        return FIRST
    return {401: UNKNOWN, 403: NO}.get(answer.status_code, IN)


def call(cast: Cast, door: Door, role: str, path: str) -> httpx.Response:
    """Open a door as this role would: with its web session, its key, or its signature."""
    if door.who in ("key", "signature", "person"):
        program = cast.programs.get(role)
        if program is None:
            return httpx.request(door.method, cast.box.url + path, timeout=20)
        if door.path == "/api/v1/keys/revoke":  # it would end the key that the others are tried with
            program = Person(cast.box, program.name, another_key(cast, program.name)) if role in GOOD else program
        return httpx.request(
            door.method,
            cast.box.url + path,
            timeout=20,
            **(program.request({}) if door.method != "GET" else {"headers": {"X-API-Key": program.key}}),
        )
    with cast.browser(role) as visitor:
        if door.path == "/live":
            with visitor.stream("GET", path) as stream:
                return httpx.Response(stream.status_code, headers=stream.headers)
        if door.method == "GET":
            return visitor.get(path)
        data = BODIES.get(door.path, lambda _: {})(cast)
        return visitor.request(door.method, path, data={"csrf": form_token(visitor), **data})


def another_key(cast: Cast, name: str) -> str:
    made: str = cast.box.write(partial(keys.make_key, user_id=cast.id_of(name), caller=OPERATOR, now=clock.now()))
    return made


def form_token(visitor: Visitor) -> str:
    """The token that this browser's forms carry: of its web session, else of the cookie that a form sets."""
    for page in ("/dashboard", "/sign-in"):
        if found := re.search(r'name="csrf" value="([0-9a-f]{64})"', visitor.get(page).text):
            return found[1]
    raise AssertionError("no form anywhere")


def address(door: Door) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: FILLED[found[1]], door.path)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("door", DOORS, ids=lambda door: f"{door.method} {door.path}")
def test_a_door_lets_in_whom_its_line_says(cast: Cast, door: Door, role: str) -> None:
    answer = call(cast, door, role, address(door))
    assert answer.status_code < 500, answer.text
    assert said(answer) == expected(door, role)


@pytest.mark.parametrize(
    "door",
    [door for door in DOORS if door.who == "member" and "{" in door.path.replace("{provider}", "")],
    ids=lambda door: f"{door.method} {door.path}",
)
def test_nobody_reaches_another_members_things(cast: Cast, door: Door) -> None:
    path, look = THEIRS[door.path](cast)
    before = look()
    answer = call(cast, door, "other member", path)
    assert answer.status_code == 404
    assert look() == before


def test_a_door_without_a_line_keeps_the_box_shut(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    from arena import doors
    from arena.app import build
    from arena.core.config import Config, place

    monkeypatch.delitem(doors.BY_ROUTE, ("GET", "/dashboard"))
    with pytest.raises(ValueError, match="dashboard"):
        build(Config(), place(tmp_path))


# -- forms

BY_LINK = ("/mail/off/{token}",)
"""Mail programs post there without a form (RFC 8058): the address is the proof, and no cookie counts."""
FORMS = [
    door
    for door in DOORS
    if door.method != "GET" and (door.path in PAGES or not door.path.startswith(PROGRAMS)) and door.path not in BY_LINK
]
FORGERIES = {
    "no token": lambda token: ({}, {}),
    "a made-up token": lambda token: ({"csrf": "0" * 64}, {}),
    "another session's token": lambda token: ({"csrf": token}, {}),
    "another site by fetch metadata": lambda token: ({}, {"Sec-Fetch-Site": "cross-site"}),
    "a sibling site by fetch metadata": lambda token: ({}, {"Sec-Fetch-Site": "same-site"}),
    "another origin": lambda token: ({}, {"Origin": "https://evil.example"}),
    "an opaque origin": lambda token: ({}, {"Origin": "null"}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("door", FORMS, ids=lambda door: f"{door.method} {door.path}")
def test_a_form_that_is_not_ours_is_refused(cast: Cast, door: Door, forgery: str) -> None:
    role = {"anybody": "nobody", "reader": "nobody", "member": "member", "admin": "admin"}[door.who]
    with cast.browser("other member") as another, cast.browser(role) as visitor:
        data, headers = FORGERIES[forgery](form_token(another))
        own = form_token(visitor)
        if headers:
            data = {"csrf": own}  # all is right but where it comes from
        body = BODIES.get(door.path, lambda _: {})(cast)
        answer = visitor.request(door.method, address(door), data={**body, **data}, headers=headers)
        assert answer.status_code == 403, answer.text
        assert "form" in answer.text


# -- programs that come with a cookie

WITH_COOKIE = [
    door
    for door in DOORS
    if door.method != "GET"
    and (door.who == "person" or door.path.startswith(("/api/me", "/api/auth/")))
    and door.path not in PAGES
]
NO_COOKIE_COUNTS = ("/api/auth/device", "/api/auth/device/token")
"""They ask for no session and open none."""
JSON = {"Content-Type": "application/json"}
WHAT_ANOTHER_SITE_MAY_SEND: dict[str, dict[str, str]] = {
    "a form's text": {"Content-Type": "text/plain"},
    "a form": {"Content-Type": "application/x-www-form-urlencoded"},
    "nothing": {},
    "JSON after a question that was refused": {**JSON, "Origin": "https://evil.example"},
    "JSON of a sibling": {**JSON, "Sec-Fetch-Site": "same-site"},
}


@pytest.mark.parametrize("what", WHAT_ANOTHER_SITE_MAY_SEND)
@pytest.mark.parametrize(
    "door", [door for door in WITH_COOKIE if door.path not in NO_COOKIE_COUNTS], ids=lambda door: door.path
)
def test_what_a_page_of_another_site_may_send_is_refused(cast: Cast, door: Door, what: str) -> None:
    with cast.browser("member") as visitor:
        headers = WHAT_ANOTHER_SITE_MAY_SEND[what]
        assert visitor.request(door.method, door.path, content=b"{}", headers=headers).status_code == 403


def test_a_browser_that_asks_for_another_site_is_never_allowed_credentials(cast: Cast) -> None:
    for door in DOORS:
        if door.path.startswith(PROGRAMS):
            ask = {"Origin": "https://evil.example", "Access-Control-Request-Method": door.method}
            answers = [
                httpx.request(method, cast.box.url + address(door), headers=ask) for method in ("OPTIONS", "HEAD")
            ]
            for answer in answers:
                assert "access-control-allow-credentials" not in answer.headers
                assert answer.headers.get("access-control-allow-origin", "*") == "*"


# -- what browsers and caches may keep


@pytest.mark.parametrize(
    "door",
    [door for door in DOORS if door.method == "GET" and door.who in ("member", "admin", "person")],
    ids=lambda door: door.path,
)
def test_nobody_keeps_what_only_somebody_signed_in_may_see(cast: Cast, door: Door) -> None:
    with cast.browser("admin") as visitor:
        answer = visitor.get(address(door))
    assert answer.headers["cache-control"] == "no-store"
