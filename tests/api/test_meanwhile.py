"""Whoever is shut out while a request of theirs is under way does nothing more with it."""

import inspect
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from litestar import Litestar

from arena.accounts.actions import people
from arena.accounts.actions.links import sign_in_link
from arena.audit.models import OPERATOR
from arena.core import clock
from arena.doors import BY_ROUTE, DOORS
from arena.rooms import routers
from arena.web.errors import PROGRAMS
from tests.api.test_matrix import address
from tests.flows.serving import Serving, Visitor

FORMS = [
    door
    for door in DOORS
    if door.method == "POST" and door.who in ("member", "admin") and not door.path.startswith(PROGRAMS)
]
SHUT = {
    "signed out": lambda conn, name: conn.execute("DELETE FROM web_sessions WHERE true"),
    "disabled": partial(people.disable_user, caller=OPERATOR, now=clock.now()),
    "demoted": partial(people.demote_user, caller=OPERATOR, now=clock.now()),
}


@contextmanager
def signed_in(box: Serving, name: str) -> Iterator[tuple[Visitor, str]]:
    """A browser in which somebody is signed in, and the token of their forms."""
    link = box.write(partial(sign_in_link, name=name, days=1, caller=OPERATOR, now=clock.now()))
    with Visitor(box) as visitor:
        page = f"/join/{link}"
        visitor.post(page, data={"csrf": visitor.csrf(page), "password": "correct horse battery"})
        yield visitor, visitor.csrf("/dashboard")


class Halting:
    """A form that stops before its body, once its sender was let in: only then is the body asked for."""

    def __init__(self, box: Serving, path: str, cookies: Any, body: str, kind: str) -> None:
        self.connection = socket.create_connection(("127.0.0.1", int(box.url.rpartition(":")[2])), timeout=20)
        self.body = body.encode()
        head = (
            f"POST {path} HTTP/1.1",
            "Host: " + box.url.partition("//")[2],
            "Cookie: " + "; ".join(f"{name}={value}" for name, value in cookies.items()),
            f"Content-Type: {kind}",
            f"Content-Length: {len(self.body)}",
            "Expect: 100-continue",
            "Connection: close",
        )
        self.connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
        assert self.connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"

    def go_on(self) -> int:
        """Send it; the status of the answer."""
        with self.connection:
            self.connection.sendall(self.body)
            said = b""
            while more := self.connection.recv(65_536):
                said += more
        found = re.match(rb"HTTP/1.1 (\d+)", said)
        assert found, said
        return int(found[1])


@pytest.mark.parametrize("how", SHUT)
def test_a_form_whose_person_is_shut_out_in_the_middle_is_refused(box: Serving, how: str) -> None:
    if not box.ask("SELECT 1 FROM users WHERE username = 'root'"):
        box.add("root", role="admin")
    name = "alice-" + how.replace(" ", "-")
    box.add(name, role="admin")
    doors = [door for door in FORMS if door.who == "admin" or how != "demoted"]
    with signed_in(box, name) as (visitor, token):
        kind = "application/x-www-form-urlencoded"
        halting = [Halting(box, address(door), visitor.cookies, f"csrf={token}", kind) for door in doors]
        box.write(lambda conn: SHUT[how](conn, name=name))
        answers = {door.path: halted.go_on() for door, halted in zip(doors, halting, strict=True)}
    assert {path: status for path, status in answers.items() if status not in (401, 403)} == {}


def test_a_program_whose_person_is_shut_out_in_the_middle_gets_no_key(box: Serving) -> None:
    box.add("bob")
    with signed_in(box, "bob") as (visitor, _):
        halting = Halting(box, "/api/me/regenerate-key", visitor.cookies, '{"prefix": ""}', "application/json")
        box.write(lambda conn: conn.execute("DELETE FROM web_sessions WHERE true"))
        assert halting.go_on() == 401
    assert box.ask("SELECT count(*) FROM api_keys k JOIN users u ON u.id = k.user_id WHERE username = 'bob'") == [(1,)]


def test_two_administrators_who_demote_each_other_do_not_both_succeed(box: Serving) -> None:
    for name in ("carol", "dave"):
        box.add(name, role="admin")
    with signed_in(box, "carol") as (carol, hers), signed_in(box, "dave") as (dave, his):
        for visitor in (carol, dave):
            visitor.follow_redirects = False
        with ThreadPoolExecutor(2) as both:
            answers = [
                both.submit(carol.post, "/admin/people/dave/demote", data={"csrf": hers}),
                both.submit(dave.post, "/admin/people/carol/demote", data={"csrf": his}),
            ]
        assert sorted(each.result().status_code for each in answers) == [200, 403]
    assert len(box.ask("SELECT 1 FROM users WHERE username IN ('carol', 'dave') AND role = 'admin'")) == 1


def test_every_door_of_a_visitor_asks_again_when_it_stores() -> None:
    for route in Litestar(route_handlers=routers(), openapi_config=None).routes:
        for handler in getattr(route, "route_handlers", ()):
            doors = [BY_ROUTE.get((method, route.path_format)) for method in handler.http_methods]
            if any(door is not None and door.who in ("member", "admin") for door in doors):
                assert ".db.write(" not in inspect.getsource(handler.fn), handler
