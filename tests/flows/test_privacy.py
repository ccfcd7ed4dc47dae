"""Somebody in privacy mode is in no answer that anybody else can get, from the moment they chose it.

The doors are those that the box really has: a new one is walked through without being named here.
"""

import contextlib
import inspect
import json
import re
import threading
from collections.abc import Iterator
from itertools import product
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest
from litestar.routes import HTTPRoute

from arena.accounts.actions import links
from arena.app import build
from arena.audit.models import OPERATOR
from arena.core import clock, config
from arena.core.db import Database
from arena.doors import BY_ROUTE
from arena.leaderboard.actions.freezing import freeze
from arena.leaderboard.rules import METRICS, PERIODS, window
from arena.teams import actions as teams
from arena.web.render import environment
from tests.flows.conftest import end
from tests.flows.serving import Person, Serving, Visitor, get, session

NAME, WORDS = "zq7hidden", "Quillon Zarathustra"
JOINED = 1_772_600_767_089  # 2026-03-04T05:06:07.089Z
DECOYS = {"zq7hidden": "zq7nobody", "zq7hid": "zq7nob", "quillon": "wuillox", "zarathustra": "farathustry"}
"""What belongs to nobody at all, as long as what it stands for."""
PASSWORD = "correct horse battery"
LAST_MONTH = window("monthly", clock.shift(window("monthly", clock.iso(clock.now())[:10])[0], -1))[0]
KNOWN = {
    "tool": ("claude-code", "codex", ""),
    "team": ("platform", "nothing"),
    "period": PERIODS,
    "metric": METRICS,
    "limit": ("100",),
    "page": ("1", "2"),
    "offset": ("0", "1"),
    "on": (LAST_MONTH, clock.shift(clock.iso(clock.now())[:10], -1)),
    "ranks": PERIODS,
    "month": (LAST_MONTH[:7], clock.iso(clock.now())[:7]),
}
HTMX = {"HX-Request": "true"}
MASKED = re.compile(r"\d{4}-\d\d-\d\dt\d\d:\d\d:\d\d[.\d]*z|[0-9a-f]{64}|\barena-form=[^;]+")
"""What differs between two answers to one question: the time, and a form's token for somebody new."""
OF_ONE_ANSWER = ("x-request-id", "date", "x-ratelimit-remaining", "x-ratelimit-reset")
OF_ONE_BODY = ("etag", "content-length")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A box with an administrator, two members, and a third who is hidden and has something of everything."""
    made = Serving(tmp_path_factory.mktemp("box") / "data").start()
    bea = made.add("bea")
    bea.send(session(inputTokens=9_000))
    made.add("cleo").send(session(inputTokens=900))
    hidden = made.add(NAME)
    hidden.send(session(inputTokens=3_000, sessionId="s1", toolUsage={"Read": 3}))
    made.write(_furnish)
    for person in (bea, hidden):
        person.send(session(sessionId=f"old-{person.name}", endedAt=f"{LAST_MONTH}T12:00:00Z"))
    db = Database(made.data / "arena.db")
    assert freeze(db, config=config.Config(), days=clock.Days("UTC"), now=clock.now())
    db.close_sync()
    yield made
    end(made)


def _furnish(conn: Any) -> None:
    deed = {"caller": OPERATOR, "now": clock.now()}
    team = teams.create_team(conn, name="Platform", **deed)
    for name in (NAME, "bea"):
        teams.assign(conn, name=name, slug=team.slug, **deed)
    conn.execute(
        "UPDATE users SET display_name = ?, email = 'zq7@hidden.example', github_id = '7077707', created_at = ?, "
        "github_username = 'zq7github', github_avatar_url = 'https://faces.example/zq7face.png' WHERE username = ?",
        (WORDS, JOINED, NAME),
    )


@pytest.fixture(scope="module")
def people(box: Serving) -> Iterator[SimpleNamespace]:
    """Everybody as they come to the box."""
    with contextlib.ExitStack() as stack:
        admin, member, hidden = (stack.enter_context(Visitor(box)) for _ in range(3))
        admin.join(box.first_link(), "ada")
        for visitor, name in ((member, "bea"), (hidden, NAME)):
            token = box.write(
                lambda conn, name=name: links.sign_in_link(conn, name=name, days=1, caller=OPERATOR, now=clock.now())
            )
            address = f"/join/{token}"
            visitor.post(address, data={"csrf": visitor.csrf(address), "password": PASSWORD})
        own_key = hidden.make_key()
        stranger, program, own_program = (
            stack.enter_context(httpx.Client(headers={"X-API-Key": key} if key else {}, verify=False))
            for key in ("", member.make_key(), own_key)
        )
        yield SimpleNamespace(
            admin=admin,
            member=member,
            hidden=hidden,
            stranger=stranger,
            program=program,
            own_program=own_program,
            own_key=own_key,
        )


def choose(people: SimpleNamespace, private: bool) -> None:
    """Send the form of the settings page."""
    form = {"csrf": people.hidden.csrf("/dashboard"), **({"privacy_mode": "on"} if private else {})}
    answer = people.hidden.post("/settings/privacy", data=form, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/settings")


@pytest.fixture
def public(people: SimpleNamespace) -> None:
    choose(people, False)


@pytest.fixture
def private(people: SimpleNamespace) -> None:
    choose(people, True)


@pytest.fixture
def secrets(box: Serving) -> list[str]:
    """Whatever names the hidden person or could be joined with them."""
    [(id,)] = box.ask("SELECT id FROM users WHERE username = :name", name=NAME)
    found = [
        id,
        NAME,
        *WORDS.lower().split(),
        "zq7@hidden",
        "7077707",
        "zq7github",
        "zq7face",
        clock.iso(JOINED),
        str(JOINED),
    ]
    for sql in (
        "SELECT id FROM sessions WHERE user_id = :id",
        "SELECT session_hash FROM sessions WHERE user_id = :id",
        "SELECT prefix FROM api_keys WHERE user_id = :id",
        "SELECT id FROM api_keys WHERE user_id = :id",
        "SELECT id FROM web_sessions WHERE user_id = :id",
    ):
        rows = box.ask(sql, id=id)
        assert rows, sql
        found += [row[0] for row in rows]
    [(last,)] = box.ask("SELECT last_activity_at FROM user_stats WHERE user_id = :id", id=id)
    return [each.lower() for each in (*found, str(last), clock.iso(last))]


# -- every door


@pytest.fixture(scope="module")
def doors(box: Serving) -> list[tuple[str, Any]]:
    """Every address that can be fetched, as it is routed, and what answers there; read off the application itself."""
    built = build(config.load(None, {}), config.place(box.data))
    try:
        found = [
            (route.path_format, handler.fn)
            for route in built.app.routes  # type: ignore[attr-defined]
            if isinstance(route, HTTPRoute)
            for handler in route.route_handlers
            if "GET" in handler.http_methods
        ]
    finally:
        built.box.db.close_sync()
    assert {"/", "/live", "/api/leaderboard", "/api/users/{name}", "/dashboard"} <= {path for path, _ in found}
    return found


def addresses(path: str, handler: Any, words: list[str]) -> list[str]:
    """A door's addresses: each word in each place of its path, or else in each place of its query."""
    if "{" in path:
        [name] = re.findall(r"\{(\w+)\}", path)[:1]
        return [re.sub(r"\{\w+\}", quote(word), path) for word in (*words, *KNOWN.get(name, ()))]
    asked = [name for name in inspect.signature(handler).parameters if name != "request"]
    found = [path, *(f"{path}?{name}={quote(value)}" for name in asked for value in KNOWN.get(name, words))]
    if {"period", "metric"} <= set(asked):
        found += [f"{path}?period={period}&metric={metric}" for period, metric in product(PERIODS, METRICS)]
    return found


def fetch(client: httpx.Client, url: str, **headers: str) -> str:
    """An answer, headers and all, in lower case; of a stream that never ends its first words."""
    with client.stream("GET", url, headers=headers, follow_redirects=False) as answer:
        assert answer.status_code not in (429, 500), url
        is_stream = answer.headers.get("content-type", "").startswith("text/event-stream")
        body = next(answer.iter_text()) if is_stream else answer.read().decode("latin-1")
        kept = [f"{name}: {value}" for name, value in answer.headers.items() if name not in OF_ONE_ANSWER + OF_ONE_BODY]
        return "\n".join([str(answer.status_code), *kept, body]).lower()


def leaks(
    box: Serving, people: SimpleNamespace, doors: list[tuple[str, Any]], secrets: list[str]
) -> set[tuple[str, ...]]:
    """Who gets something of the hidden person, at which door, and what it is or what they asked."""
    id = secrets[0]
    decoys = {**DECOYS, id: f"{id[:-8]}{'0' * 8}"}
    words = [NAME, NAME.upper(), "zq7hid", WORDS, "quillon", id, "bea", "anonymous", "1"]
    blocks = {block for name in environment().list_templates() for block in environment().get_template(name).blocks}
    found = set()

    def look(who: str, path: str, address: str, headers: dict[str, str]) -> str:
        client, asked = getattr(people, who), unquote(address).lower()
        said = fetch(client, box.url + address, **headers)
        found.update((who, path, secret) for secret in secrets if secret in said and secret not in asked)
        if any(secret in asked for secret in decoys) and all(
            _instead(decoys, said) != _instead({}, fetch(client, box.url + _instead(decoys, address), **headers))
            for _ in range(2)  # a minute may end between the two questions
        ):
            found.add((who, path, address))
        return said

    for path, handler in doors:
        for who in ("stranger", "member", "program", "admin"):
            if who == "admin" and BY_ROUTE["GET", path].who == "admin":
                continue  # whoever runs the box may know who is on it
            for address in addresses(path, handler, words):
                page = look(who, path, address, {})
                for block in blocks & set(re.findall(r'\bid="(\w+)"', page)) if who in ("stranger", "member") else ():
                    look(who, path, address, {**HTMX, "HX-Target": block})
    return found


def _instead(decoys: dict[str, str], text: str) -> str:
    """A text with nobody's names in the place of somebody's, and without what differs each time."""
    text = MASKED.sub("*", text)
    for secret, decoy in decoys.items():
        text = re.sub(re.escape(secret), decoy, text, flags=re.I)
    return text


def test_nobody_gets_anything_of_somebody_private_at_any_door(
    box: Serving, people: SimpleNamespace, private: None, doors: list[tuple[str, Any]], secrets: list[str]
) -> None:
    assert leaks(box, people, doors, secrets) == set()


def test_the_walk_sees_what_there_is_to_see_of_somebody_public(
    box: Serving, people: SimpleNamespace, public: None, doors: list[tuple[str, Any]], secrets: list[str]
) -> None:
    some = [(path, handler) for path, handler in doors if path in ("/", "/api/leaderboard", "/api/users/{name}")]
    found = leaks(box, people, some, secrets)
    for who in ("stranger", "member", "program", "admin"):
        assert {(who, "/", NAME), (who, "/api/leaderboard", secrets[0]), (who, "/api/users/{name}", "quillon")} <= found
        assert (who, "/api/users/{name}", f"/api/users/{NAME}") in found
        assert (who, "/", f"/?q={NAME}") in found


def test_an_unknown_name_and_a_private_one_are_the_same_to_the_byte(
    box: Serving, people: SimpleNamespace, private: None
) -> None:
    for client in (people.stranger, people.member, people.program, people.admin):
        hidden, nobody = (client.get(f"{box.url}/api/users/{name}") for name in (NAME, DECOYS[NAME]))
        heads = [[pair for pair in each.headers.items() if pair[0] not in OF_ONE_ANSWER] for each in (hidden, nobody)]
        assert hidden.status_code == nobody.status_code == 404
        assert heads[0] == heads[1]
        assert MASKED.sub("*", hidden.text.lower()) == MASKED.sub("*", nobody.text.lower())


# -- at once


KEPT = (
    *("/", "/leaderboard", "/?period=all_time&metric=tokens", "/api/leaderboard?period=all_time"),
    *(f"/seasons/{LAST_MONTH[:7]}", f"/api/leaderboard?period=monthly&on={LAST_MONTH}"),
)


@pytest.mark.parametrize("headers", [{}, {**HTMX, "HX-Target": "board"}])
def test_a_kept_answer_is_not_given_once_its_person_went_private(
    box: Serving, people: SimpleNamespace, public: None, headers: dict[str, str]
) -> None:
    tags = {}
    for path in KEPT:
        for _ in range(2):  # made, and taken from memory
            answer = get(box.url + path, headers=headers)
            assert NAME in answer.text
        tags[path] = answer.headers["etag"]
    choose(people, True)
    for path, tag in tags.items():
        answer = get(box.url + path, headers={**headers, "If-None-Match": tag})
        assert answer.status_code == 200
        assert NAME not in answer.text
    choose(people, False)
    assert all(NAME in get(box.url + path, headers=headers).text for path in KEPT)


def test_no_answer_asked_for_after_the_choice_holds_the_name(
    box: Serving, people: SimpleNamespace, public: None
) -> None:
    chosen, seen = threading.Event(), []

    def read() -> None:
        with httpx.Client(verify=False) as client:
            late = 0
            while late < 20:
                is_late = chosen.is_set()
                seen.append((is_late, NAME in client.get(f"{box.url}/api/leaderboard?period=all_time").text))
                late += is_late

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    while len(seen) < 40:
        people.stranger.get(box.url)
    choose(people, True)
    chosen.set()
    for reader in readers:
        reader.join()
    assert (False, True) in seen
    assert (True, True) not in seen


def test_an_open_stream_names_nobody_from_the_moment_they_went_private(
    box: Serving, people: SimpleNamespace, public: None
) -> None:
    me = Person(box, NAME, people.own_key)
    with httpx.Client(verify=False, timeout=5) as client, client.stream("GET", f"{box.url}/live") as stream:
        events = _records(stream.iter_lines())
        me.send(session(sessionId="live-1"))
        assert next(events) == [{"tokens": 420, "name": NAME}]
        me.send(session(sessionId="live-2"))
        choose(people, True)
        told = next(events)  # gathered before, sent after
        assert told in ([{"tokens": 420}], [])
        me.send(session(sessionId="live-3", inputTokens=1))
        while {"tokens": 121} not in told:
            told = next(events)
            assert all("name" not in each for each in told)
        choose(people, False)
        assert next(events) == []  # boards look again
        me.send(session(sessionId="live-4"))
        assert next(events) == [{"tokens": 420, "name": NAME}]


def _records(lines: Iterator[str]) -> Iterator[Any]:
    for line in lines:
        if line == "event: record":
            yield json.loads(next(lines).removeprefix("data: "))["arrivals"]


def test_whoever_is_private_is_not_among_those_who_code_now(
    box: Serving, people: SimpleNamespace, public: None
) -> None:
    Person(box, NAME, people.own_key).send(session(sessionId="now"))
    before = _coding(box)
    choose(people, True)
    assert _coding(box) == before - 1


def _coding(box: Serving) -> int:
    with httpx.Client(verify=False, timeout=5) as client, client.stream("GET", f"{box.url}/live") as stream:
        line = next(line for line in stream.iter_lines() if line.startswith("data: "))
    coding: int = json.loads(line.removeprefix("data: "))["coding"]
    return coding


# -- to themselves


def test_to_themselves_nobody_is_private(box: Serving, people: SimpleNamespace, private: None) -> None:
    own = people.hidden.get("/")
    assert WORDS in own.text
    assert "others see “Anonymous” in your row" in own.text
    assert WORDS in people.hidden.get(f"/?q={NAME}").text
    assert WORDS in people.hidden.get("/dashboard").text
    for client in (people.hidden, people.own_program):
        told = client.get(f"{box.url}/api/users/{NAME}").json()["data"]
        assert (told["username"], told["isPrivate"]) == (NAME, True)
        assert told["stats"]["totalTokens"] > 3_000
    rank = people.own_program.get(f"{box.url}/api/v1/rank").json()["data"]
    assert rank["username"] == NAME
    assert rank["rankings"]["allTime"]["position"] >= 1
    assert people.own_program.get(f"{box.url}/api/v1/verify").json()["data"]["privacyMode"] is True


def test_figures_stay_in_place_with_true_totals(box: Serving, people: SimpleNamespace, public: None) -> None:
    shown = [get(f"{box.url}/api/leaderboard?period=all_time").json()["data"]]
    everybody = get(f"{box.url}/api/stats/global").json()["data"]
    choose(people, True)
    shown.append(get(f"{box.url}/api/leaderboard?period=all_time").json()["data"])
    who = ("userId", "username", "displayName", "team", "lastActivityAt", "isPrivate")
    figures = [[{k: v for k, v in item.items() if k not in who} for item in each["items"]] for each in shown]
    assert figures[0] == figures[1]
    assert shown[0]["pagination"] == shown[1]["pagination"]
    after = get(f"{box.url}/api/stats/global").json()["data"]
    assert {**everybody, "lastUpdated": ""} == {**after, "lastUpdated": ""}


# -- choosing


def test_the_same_choice_twice_and_at_once_is_one_choice(box: Serving, people: SimpleNamespace, public: None) -> None:
    count = "SELECT COUNT(*) FROM security_audit_log WHERE event_type = 'privacy_mode_changed'"
    before = box.ask(count)[0][0]
    form = {"csrf": people.hidden.csrf("/dashboard"), "privacy_mode": "on"}

    def send() -> None:
        with httpx.Client(cookies=people.hidden.cookies, verify=False) as client:
            assert client.post(f"{box.url}/settings/privacy", data=form).status_code == 303

    senders = [threading.Thread(target=send) for _ in range(6)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert box.ask(count)[0][0] == before + 1
    assert people.hidden.get("/api/me/settings").json()["data"] == {"privacyMode": True}


def test_a_program_of_the_page_reads_and_changes_the_choice(
    box: Serving, people: SimpleNamespace, public: None
) -> None:
    def change(body: Any, **headers: str) -> httpx.Response:
        csrf = {"X-CSRF-Token": people.hidden.csrf("/dashboard")}
        return people.hidden.patch("/api/me/settings", content=body, headers={**csrf, **headers})

    assert people.hidden.get("/api/me/settings").json()["data"] == {"privacyMode": False}
    for private in (True, True, False):
        answer = change(json.dumps({"privacyMode": private, "more": 1}))
        assert (answer.status_code, answer.json()["success"], answer.json()["data"]) == (
            200,
            True,
            {"privacyMode": private},
        )
        assert people.hidden.get("/api/me/settings").json()["data"] == {"privacyMode": private}
    for body in ("", "{}", "[]", '{"privacyMode":"yes"}', '{"privacyMode":null}', "{", "\xff", "[" * 100_000):
        answer = change(body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert people.hidden.get("/api/me/settings").json()["data"] == {"privacyMode": False}


def test_nobody_chooses_for_somebody_else(box: Serving, people: SimpleNamespace, public: None) -> None:
    assert people.stranger.get(f"{box.url}/api/me/settings").status_code == 401
    assert people.program.get(f"{box.url}/api/me/settings").status_code == 401
    body = {"content": b'{"privacyMode":true}'}
    assert people.stranger.patch(f"{box.url}/api/me/settings", **body).status_code in (401, 403)
    assert people.hidden.patch("/api/me/settings", **body).status_code == 403  # without the form's token
    assert people.hidden.post("/settings/privacy", data={"privacy_mode": "on"}).status_code == 403
    assert people.stranger.post(f"{box.url}/settings/privacy", data={"privacy_mode": "on"}).status_code in (401, 403)
    assert NAME in get(f"{box.url}/api/leaderboard?period=all_time").text
