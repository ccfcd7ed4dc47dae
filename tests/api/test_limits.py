"""How often one may ask, each limit on a box of its own configuration, over real sockets and from several addresses."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from arena.accounts.actions import keys
from arena.audit.models import OPERATOR
from arena.core import clock
from tests.flows.serving import SESSIONS, Person, Serving, Visitor, session, wait_until

LOW = {
    "ARENA_LIMITS__API": "5/day",
    "ARENA_LIMITS__PUBLIC": "5/day",
    "ARENA_LIMITS__SENSITIVE": "3/day",
    "ARENA_LIMITS__AUTHENTICATION": "4/day",
    "ARENA_SERVER__TRUSTED_PROXIES": "127.0.0.9",
}
Ask = Callable[..., httpx.Response]
UNKNOWN = "modu_arena_00000000_" + "0" * 32
_addresses = (f"127.0.{n // 250 + 1}.{n % 250 + 1}" for n in range(10_000))


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A box with low limits."""
    made = Serving(tmp_path_factory.mktemp("box") / "data", **LOW).start()
    yield made
    assert made.stop() == 0
    assert '"broken"' not in made.log.read_text()


def from_address(box: Serving, address: str | None = None) -> httpx.Client:
    """A machine with an address of its own: all of 127.0.0.0/8 is this one."""
    transport = httpx.HTTPTransport(local_address=address or next(_addresses), verify=False)
    return httpx.Client(base_url=box.url, transport=transport, timeout=20)


@pytest.fixture
def machine(box: Serving) -> Iterator[httpx.Client]:
    with from_address(box) as client:
        yield client


def statuses(ask: Callable[[], httpx.Response], times: int) -> list[int]:
    return [ask().status_code for _ in range(times)]


def noted(box: Serving, **where: str) -> list[tuple[Any, ...]]:
    """Who was noted for asking too often: person, address, details."""
    rows = "SELECT user_id, ip_address, details FROM security_audit_log WHERE event_type = 'rate_limit_exceeded'"
    return [row for row in box.ask(rows) if all(value in str(row) for value in where.values())]


def id_of(box: Serving, person: Person) -> str:
    return str(box.ask("SELECT id FROM users WHERE username = :name", name=person.name)[0][0])


# -- what everybody hears


def test_whoever_asks_too_often_is_told_when_to_try_again(machine: httpx.Client) -> None:
    before = clock.now()
    answers = [machine.get("/api/leaderboard") for _ in range(6)]
    assert [each.status_code for each in answers] == [200] * 5 + [429]
    assert [each.headers["x-ratelimit-remaining"] for each in answers] == ["4", "3", "2", "1", "0", "0"]
    assert {each.headers["x-ratelimit-limit"] for each in answers} == {"5"}
    refused = answers[-1]
    wait = int(refused.headers["retry-after"])
    assert 0 <= int(refused.headers["x-ratelimit-reset"]) - before - wait * 1000 + 1000 < 30_000
    assert clock.DAY // 1000 - 5 <= wait <= clock.DAY * 51 // 50 // 1000
    error = refused.json()["error"]
    assert error["code"] == "RATE_LIMITED"
    assert error["message"] == "Too many requests (at most 5 a day). Try again in 25 hours."
    assert refused.headers["access-control-allow-origin"] == "*"
    assert refused.headers["content-security-policy"]


def test_a_kept_answer_and_one_made_anew_count_alike(box: Serving, machine: httpx.Client, alice: Person) -> None:
    assert machine.get("/api/stats/global").status_code == 200
    assert alice.send(session()).status_code == 201  # what was kept does not hold any more
    assert statuses(lambda: machine.get("/api/stats/global"), 3) == [200] * 3
    tag = machine.get("/api/stats/global").headers["etag"]
    assert machine.get("/api/stats/global", headers={"If-None-Match": tag}).status_code == 429


def test_all_public_reads_share_one_limit_and_pages_have_none(machine: httpx.Client) -> None:
    paths = ["/api/leaderboard", "/api/stats/global", "/api/v1/status", "/api/users/nobody", "/api/openapi.json"]
    assert [machine.get(path).status_code for path in paths] == [200, 200, 200, 404, 200]
    assert machine.head("/api/leaderboard").status_code == 429
    for path in ("/", "/leaderboard", "/sign-in", "/install", "/static/base.css", "/healthz"):
        assert statuses(partial(machine.get, path), 12) == [200] * 12
        assert "x-ratelimit-limit" not in machine.get(path).headers


def test_a_preflight_and_an_unknown_address_are_not_counted(machine: httpx.Client) -> None:
    for _ in range(8):
        assert machine.options("/api/leaderboard").status_code == 204
        assert machine.get("/api/nothing").status_code == 404
    assert machine.get("/api/leaderboard").headers["x-ratelimit-remaining"] == "4"


# -- programs: by person


def test_a_person_is_counted_whatever_their_keys_and_addresses(box: Serving, alice: Person, bob: Person) -> None:
    make = partial(keys.make_key, user_id=id_of(box, alice), caller=OPERATOR, now=clock.now())
    other = Person(box, alice.name, box.write(make))
    assert [alice.send(session()).status_code for _ in range(3)] == [201] * 3
    assert other.send(session()).status_code == 201
    with from_address(box) as elsewhere:
        assert elsewhere.get("/api/v1/verify", headers={"X-API-Key": other.key}).status_code == 200
        refused = elsewhere.post(SESSIONS, **alice.request(session()))
    assert refused.status_code == 429
    assert other.batch(session()).status_code == 429
    assert bob.send(session()).status_code == 201


def test_everything_signed_counts_and_nothing_refused_is_stored(box: Serving, alice: Person) -> None:
    answers = [
        alice.send(session()),
        alice.batch(session()),
        alice.post("/api/v1/usage", {"sessions": []}),
        alice.post("/api/v1/forget", {"project": "0" * 16}),
    ]
    assert [each.headers["x-ratelimit-remaining"] for each in answers] == ["4", "3", "2", "1"]
    assert alice.send(session()).headers["x-ratelimit-remaining"] == "0"
    before = box.counts()
    refused = alice.send(session())
    assert (refused.status_code, int(refused.headers["retry-after"]) > 80_000) == (429, True)
    assert box.counts() == before


def test_a_bad_signature_counts_as_a_call_of_the_keys_person(box: Serving, alice: Person) -> None:
    forged = {**alice.request(session())["headers"], "X-Signature": "0" * 64}
    with from_address(box) as machine:
        assert statuses(lambda: machine.post(SESSIONS, content=b"{}", headers=forged), 5) == [401] * 5
        assert machine.post(SESSIONS, content=b"{}", headers=forged).status_code == 429
    assert alice.send(session()).status_code == 429


def test_no_key_and_unknown_keys_count_against_the_address_and_good_ones_do_not(box: Serving, alice: Person) -> None:
    with from_address(box) as office:
        assert statuses(lambda: office.post(SESSIONS, content=b"{}"), 2) == [401] * 2
        assert statuses(lambda: office.get("/api/v1/verify", headers={"X-API-Key": UNKNOWN}), 3) == [401] * 3
        assert office.post(SESSIONS, content=b"{}", headers={"X-API-Key": UNKNOWN}).status_code == 429
        assert office.get("/api/v1/rank", headers={"X-API-Key": "x"}).status_code == 429
        assert office.post(SESSIONS, **alice.request(session())).status_code == 201


def test_a_revoked_key_counts_against_the_address(box: Serving, alice: Person) -> None:
    revoke = partial(keys.revoke_key, user_id=id_of(box, alice), caller=OPERATOR, now=clock.now())
    with from_address(box) as machine:
        box.write(partial(revoke, prefix=alice.key))
        assert statuses(lambda: machine.post(SESSIONS, **alice.request(session())), 6) == [401] * 5 + [429]


def test_a_public_read_with_a_key_counts_against_its_person(box: Serving, alice: Person) -> None:
    with from_address(box) as office:
        headers = {"X-API-Key": alice.key}
        assert statuses(lambda: office.get("/api/leaderboard", headers=headers), 6) == [200] * 5 + [429]
        assert office.get("/api/leaderboard").status_code == 200


def test_a_large_body_is_refused_in_words_and_the_connection_lives_on(box: Serving, alice: Person) -> None:
    with from_address(box) as machine:
        large = b" " * (8 * 2**20)
        got = statuses(lambda: machine.post("/api/v1/usage", **alice.request(large)), 7)
        assert got == [400] * 5 + [429] * 2
        assert machine.get("/healthz").status_code == 200


# -- people at forms


def test_attempts_to_sign_in_are_counted_and_the_form_is_not(box: Serving, machine: httpx.Client) -> None:
    def attempt(name: str) -> httpx.Response:
        page = machine.get("/sign-in").text
        csrf = page.partition('name="csrf" value="')[2][:64]
        return machine.post("/sign-in", data={"csrf": csrf, "name": name, "password": "wrong horse"})

    assert statuses(partial(machine.get, "/sign-in"), 20) == [200] * 20
    assert [attempt(f"name-{n}").status_code for n in range(6)] == [401] * 4 + [429] * 2
    refused = attempt("name-9")
    assert refused.headers["content-type"].startswith("text/html")
    assert "Too many requests (at most 4 a day). Try again in 25 hours." in refused.text
    assert int(refused.headers["retry-after"]) > 80_000
    assert machine.post("/join/nothing").status_code == 429
    assert machine.get("/join/nothing").status_code == 404


def test_attempts_without_the_token_of_a_form_count_too(machine: httpx.Client) -> None:
    assert statuses(partial(machine.post, "/sign-in"), 5) == [403] * 4 + [429]


def test_changes_of_keys_are_counted_by_person(serve: Any) -> None:
    box = serve(**LOW)
    with Visitor(box) as visitor:
        visitor.join(box.first_link(), "alice")
        csrf = visitor.csrf("/dashboard")
        make = partial(visitor.post, "/dashboard/keys", data={"csrf": csrf, "label": "laptop"})
        assert statuses(make, 4) == [200] * 3 + [429]
        assert "Too many requests (at most 3 a day). Try again in 25 hours." in make().text
        assert visitor.get("/dashboard").status_code == 200
        wait_until(lambda: noted(box, limit='"limit":"sensitive"'), 2)


# -- where a call comes from


def test_of_an_ipv6_address_the_network_counts(box: Serving) -> None:
    with from_address(box, "127.0.0.9") as proxy:

        def ask(address: str) -> int:
            return proxy.get("/api/leaderboard", headers={"X-Forwarded-For": address}).status_code

        assert [ask(f"2001:db8:5:6::{n:x}") for n in range(6)] == [200] * 5 + [429]
        assert ask("2001:db8:5:6:ffff:ffff:ffff:ffff") == 429
        assert ask("2001:db8:5:7::1") == 200


# -- the security log


def test_who_asks_too_often_is_noted_once_however_often_they_go_on(box: Serving, alice: Person) -> None:
    user = id_of(box, alice)
    assert statuses(lambda: alice.send(session()), 14) == [201] * 5 + [429] * 9
    wait_until(lambda: noted(box, user=user), 2)
    time.sleep(0.1)
    assert noted(box, user=user) == [(user, "127.0.0.1", '{"limit":"api"}')]


def test_an_address_is_noted_too(box: Serving) -> None:
    address = next(_addresses)
    with from_address(box, address) as machine:
        statuses(partial(machine.get, "/api/leaderboard"), 9)
    wait_until(lambda: noted(box, address=address), 2)
    assert noted(box, address=address) == [(None, address, '{"limit":"public"}')]


# -- configuration


def test_a_limit_that_is_off_counts_nobody(serve: Any) -> None:
    box = serve(**{**LOW, "ARENA_LIMITS__API": "off", "ARENA_LIMITS__PUBLIC": "0"})
    person = box.add("alice")
    answers = [person.send(session()) for _ in range(12)]
    assert {each.status_code for each in answers} == {201}
    assert "x-ratelimit-limit" not in answers[-1].headers
    assert statuses(partial(httpx.get, f"{box.url}/api/leaderboard"), 12) == [200] * 12


def test_a_window_slides_and_a_restart_forgets_it(serve: Any) -> None:
    box = serve(ARENA_LIMITS__API="3/second")
    person = box.add("alice")
    began = time.monotonic()
    passed = []
    while len(passed) < 9:
        answer = person.send(session())
        if answer.status_code == 201:
            passed.append(time.monotonic() - began)
        else:
            assert answer.headers["retry-after"] in ("1", "2")
            time.sleep(0.01)
    assert passed[8] > 2.0  # nine calls need three windows
    assert box.stop() == 0
    box.start()
    assert person.send(session()).status_code == 201
