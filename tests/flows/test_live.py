"""What is stored is seen: on the stream within two seconds, on every board at the very next read."""

import contextlib
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from arena.accounts.actions import people
from arena.accounts.actions.links import sign_in_link
from arena.audit.models import OPERATOR
from arena.core import clock
from arena.web.live import STREAMS_OF_PERSON
from tests.flows.conftest import Serve
from tests.flows.serving import Person, Serving, Visitor, get, session


def test_the_stream_tells_of_a_record_within_two_seconds(serve: Serve) -> None:
    box = serve()
    alice, shy = box.add("alice"), box.add("shy", private=True)
    with httpx.Client(verify=False, timeout=5) as client, client.stream("GET", f"{box.url}/live") as stream:
        lines = stream.iter_lines()
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert _next(lines) == ("presence", {"coding": 0, "day": clock.Days("UTC").of(clock.now())})
        start = time.monotonic()
        alice.send(session())
        shy.send(session())
        arrivals = []
        while len(arrivals) < 2:
            name, told = _next(lines)
            assert name == "record"
            arrivals += told["arrivals"]
        assert time.monotonic() - start < 2
    assert arrivals == [{"tokens": 420, "name": "alice"}, {"tokens": 420}]


def test_a_second_reader_has_a_stream_beside_the_first(box: Serving) -> None:
    with httpx.Client(base_url=box.url, verify=False, timeout=3) as client:
        for _ in range(2):  # each inside the other: the first stays open
            stream = client.send(client.build_request("GET", "/live"), stream=True)
            assert _next(stream.iter_lines())[0] == "presence"


def _next(lines):  # type: ignore[no-untyped-def]
    name = next(line for line in lines if line.startswith("event: ")).removeprefix("event: ")
    return name, json.loads(next(lines).removeprefix("data: "))


def test_a_stored_record_is_on_the_board_at_the_very_next_read(box: Serving, alice: Person) -> None:
    for number in range(1, 30):
        alice.send(session(sessionId=f"n{number}", inputTokens=1, outputTokens=0))
        assert alice.totals()[2] == number
        board = get(f"{box.url}/api/leaderboard?period=all_time&metric=tokens&limit=100").json()["data"]["items"]
        [mine] = [item for item in board if item["username"] == alice.name]
        assert mine["sessionCount"] == number
        assert f'id="r-{alice.name}"' in get(f"{box.url}/?period=all_time&metric=tokens").text


@pytest.mark.parametrize("path", ["/", "/leaderboard", "/?period=monthly", "/api/leaderboard", "/api/stats/global"])
def test_an_unchanged_answer_is_not_sent_twice(box: Serving, alice: Person, path: str) -> None:
    alice.send(session())
    first = get(f"{box.url}{path}")
    tag = first.headers["etag"]
    same = get(f"{box.url}{path}", headers={"If-None-Match": tag})
    if same.status_code == 200:  # the minute ended between the two
        tag = same.headers["etag"]
        same = get(f"{box.url}{path}", headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")
    assert "content-security-policy" in same.headers
    alice.send(session(sessionId="more"))
    changed = get(f"{box.url}{path}", headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_a_kept_answer_is_the_same_packed_and_plain(box: Serving, alice: Person) -> None:
    alice.send(session())
    get(box.url)
    plain = get(box.url, headers={"Accept-Encoding": "identity"})
    packed = get(box.url, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"]
    assert plain.text == packed.text


def test_kept_answers_differ_by_theme_fragment_and_visitor(box: Serving, alice: Person) -> None:
    alice.send(session())
    page = get(box.url)
    for name in ("Cookie", "HX-Request", "HX-Target", "HX-History-Restore-Request"):
        assert name in page.headers["vary"]
    dark = get(box.url, headers={"Cookie": "theme=dark"})
    assert 'data-theme="dark"' in dark.text
    assert "data-theme" not in page.text
    assert "data-theme" not in get(box.url).text
    assert dark.headers["etag"] != page.headers["etag"]
    fragment = get(box.url, headers={"HX-Request": "true", "HX-Target": "board"}).text
    assert fragment.lstrip().startswith('<div id="board"')
    assert "<html" not in fragment
    restore = {"HX-Request": "true", "HX-Target": "board", "HX-History-Restore-Request": "true"}
    assert "<html" in get(box.url, headers=restore).text
    assert "<html" in get(box.url).text


def test_an_answer_for_somebody_signed_in_is_never_shown_to_others(serve: Serve) -> None:
    box = serve()
    with Visitor(box) as alice:
        alice.join(box.first_link(), "alice")
        Person(box, "alice", alice.make_key()).send(session())
        for _ in range(3):
            assert "Sign out" in alice.get("/").text
            assert "Sign out" not in get(box.url).text
        assert "etag" not in alice.get("/").headers


@pytest.mark.parametrize(
    "path", ["/", "/install", "/nothing", "/api/nothing", "/healthz", "/static/base.css", "/sign-in"]
)
def test_every_answer_carries_the_security_headers(box: Serving, path: str) -> None:
    headers = get(f"{box.url}{path}").headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-request-id"]


def test_boards_may_be_for_members_only(serve: Serve) -> None:
    box = serve(ARENA_BOARDS__VISIBLE="signed-in")
    alice = box.add("alice")
    alice.send(session())
    for path in ("/api/leaderboard", "/api/stats/global", "/api/users/alice"):
        assert get(f"{box.url}{path}").status_code == 401
        assert alice.get(path)
        assert get(f"{box.url}{path}").status_code == 401
    for path in ("/", "/leaderboard", "/live"):
        answer = get(f"{box.url}{path}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path.replace('/', '%2F')}")


ENDS: dict[str, Callable[[Any, Person], Any]] = {
    "signs out": lambda conn, alice: conn.execute("DELETE FROM web_sessions"),
    "is disabled": lambda conn, alice: people.disable_user(conn, name=alice.name, caller=OPERATOR, now=clock.now()),
    "is deleted": lambda conn, alice: people.delete_user(conn, name=alice.name, caller=OPERATOR, now=clock.now()),
}


@pytest.mark.parametrize("how", ENDS)
def test_whoever_may_not_look_any_more_has_no_stream_any_more(serve: Serve, how: str) -> None:
    box = serve(ARENA_BOARDS__VISIBLE="signed-in")
    alice, bob = box.add("alice"), box.add("bob")
    link = box.write(partial(sign_in_link, name="alice", days=1, caller=OPERATOR, now=clock.now()))
    with Visitor(box) as visitor:
        visitor.post(f"/join/{link}", data={"csrf": visitor.csrf(f"/join/{link}"), "password": "correct horse battery"})
        with visitor.stream("GET", "/live") as stream:
            lines = stream.iter_lines()
            assert _next(lines)[0] == "presence"
            bob.send(session())
            assert _next(lines)[0] == "record"
            box.write(lambda conn: ENDS[how](conn, alice))
            bob.send(session(inputTokens=77_777))
            assert "event: record" not in list(lines)


def test_a_visitor_has_no_more_streams_than_may_be(serve: Serve) -> None:
    box = serve()
    box.add("alice")
    link = box.write(partial(sign_in_link, name="alice", days=1, caller=OPERATOR, now=clock.now()))
    with Visitor(box) as visitor, contextlib.ExitStack() as open_ones:
        visitor.post(f"/join/{link}", data={"csrf": visitor.csrf(f"/join/{link}"), "password": "correct horse battery"})
        streams = [open_ones.enter_context(visitor.stream("GET", "/live")) for _ in range(STREAMS_OF_PERSON)]
        lines = [stream.iter_lines() for stream in streams]
        assert {_next(each)[0] for each in lines} == {"presence"}
        with visitor.stream("GET", "/live") as refused:
            assert refused.status_code == 429
