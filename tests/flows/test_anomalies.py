"""A session far above what is usual: it counts, an administrator is shown it and leaves it out, every board follows."""

import re
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from arena.accounts.actions import links
from arena.audit.models import OPERATOR
from arena.core import clock
from tests.flows.conftest import end
from tests.flows.serving import Person, Serving, Visitor, get, now_iso, session

PASSWORD = "correct horse battery"
PATH = "/admin/anomalies"
LIKE_ALWAYS, BIG = 1_000, 50_000


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    made = Serving(tmp_path_factory.mktemp("box") / "data").start()
    yield made
    end(made)


@pytest.fixture(scope="module")
def admin(box: Serving) -> Iterator[Visitor]:
    with Visitor(box) as visitor:
        visitor.join(box.first_link(), "ada")
        yield visitor


@pytest.fixture
def eve(box: Serving, admin: Visitor, request: pytest.FixtureRequest) -> Person:
    """Somebody with ten usual sessions and one that is fifty times as large; and whoever is on the board after her."""
    name = f"eve-{abs(hash(request.node.name)) % 10**9}"
    made = box.add(name)
    for number in range(10):
        made.send(session(sessionId=f"u{number}", inputTokens=LIKE_ALWAYS, outputTokens=0))
    made.send(session(sessionId="big", inputTokens=BIG, outputTokens=0))
    return made


def flag_of(box: Serving, person: Person) -> str:
    sql = "SELECT s.id FROM anomalies a JOIN sessions s ON s.number = a.session JOIN users u ON u.id = a.user_id"
    return str(box.ask(f"{sql} WHERE u.username = :name", name=person.name)[0][0])


def decide(admin: Visitor, id: str, verdict: str, **headers: str) -> httpx.Response:
    form = {"csrf": admin.csrf("/dashboard"), "show": "open"}
    return admin.post(f"{PATH}/{id}/{verdict}", data=form, headers=headers)


def text(answer: httpx.Response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def tokens(box: Serving, person: Person) -> int:
    board = get(f"{box.url}/api/leaderboard?period=all_time&metric=tokens&limit=100").json()["data"]["items"]
    return next(item["inputTokens"] for item in board if item["username"] == person.name)


def test_a_flagged_session_counts_until_it_is_left_out_and_then_nowhere(
    box: Serving, admin: Visitor, eve: Person
) -> None:
    assert tokens(box, eve) == 10 * LIKE_ALWAYS + BIG
    page = admin.get(PATH)
    assert f"{eve.name}" in page.text
    assert "50 times the 1,000 that are usual for them" in text(page)
    id = flag_of(box, eve)
    kept = [get(box.url + path) for path in ("/?period=all_time", "/api/leaderboard")]
    answer = decide(admin, id, "exclude")
    assert (answer.status_code, answer.url.path, answer.url.params["about"]) == (200, PATH, id)
    assert f"The session of {eve.name} from" in text(answer)
    assert "is left out of ranking." in text(answer)
    assert f'id="row_{id}"' not in answer.text
    assert f'id="row_{id}"' in admin.get(f"{PATH}?show=excluded").text
    assert tokens(box, eve) == 10 * LIKE_ALWAYS
    for path, before in zip(("/?period=all_time", "/api/leaderboard"), kept, strict=True):
        now = get(box.url + path, headers={"If-None-Match": before.headers["etag"]})
        assert (now.status_code, now.text != before.text) == (200, True)
    assert eve.totals() == (10 * LIKE_ALWAYS, 0, 10)
    assert eve.get(f"/api/users/{eve.name}")["stats"]["totalTokens"] == 10 * LIKE_ALWAYS
    answer = decide(admin, id, "restore")
    assert "counts." in text(answer)
    assert eve.totals() == (10 * LIKE_ALWAYS + BIG, 0, 11)


def test_its_person_sees_that_it_does_not_count_and_sends_it_in_vain(box: Serving, admin: Visitor, eve: Person) -> None:
    deed = partial(links.sign_in_link, name=eve.name, days=1, caller=OPERATOR, now=clock.now())
    with Visitor(box) as visitor:
        address = f"/join/{box.write(deed)}"
        visitor.post(address, data={"csrf": visitor.csrf(address), "password": PASSWORD})
        assert "Left out of ranking" not in visitor.get("/dashboard").text
        decide(admin, flag_of(box, eve), "exclude")
        assert "Left out of ranking" in visitor.get("/dashboard").text
        assert f'title="{BIG:,}"' in visitor.get("/dashboard").text
        answer = eve.send(session(sessionId="big", inputTokens=2 * BIG, outputTokens=0))
        assert answer.status_code == 201
        assert f'title="{2 * BIG:,}"' in visitor.get("/dashboard").text
        assert eve.totals() == (10 * LIKE_ALWAYS, 0, 10)
        assert visitor.get(PATH).status_code == 403


def test_open_boards_look_again_when_a_session_is_left_out(box: Serving, admin: Visitor, eve: Person) -> None:
    with httpx.Client(verify=False, timeout=5) as client, client.stream("GET", f"{box.url}/live") as stream:
        lines = stream.iter_lines()
        next(lines)
        decide(admin, flag_of(box, eve), "exclude")
        assert "event: record" in iter(lines)


def test_a_decision_twice_and_at_once_is_one_decision(box: Serving, admin: Visitor, eve: Person) -> None:
    id, form = flag_of(box, eve), {"csrf": admin.csrf("/dashboard"), "show": "open"}

    def send(verdict: str) -> None:
        with httpx.Client(cookies=admin.cookies, verify=False) as client:
            assert client.post(f"{box.url}{PATH}/{id}/{verdict}", data=form).status_code in (303, 409)

    senders = [threading.Thread(target=send, args=(verdict,)) for verdict in ("exclude", "fine") * 4]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert eve.totals() == (10 * LIKE_ALWAYS, 0, 10)
    events = box.ask(
        "SELECT event_type, COUNT(*) FROM security_audit_log WHERE details LIKE :id GROUP BY event_type", id=f"%{id}%"
    )
    assert dict(events)["session_excluded"] == 1
    assert dict(events).get("session_reviewed", 0) <= 1


def test_each_refusal_is_one_sentence(box: Serving, admin: Visitor, eve: Person) -> None:
    id = flag_of(box, eve)
    decide(admin, id, "exclude")
    answer = decide(admin, id, "fine")
    assert answer.status_code == 409
    assert "This session was left out of ranking meanwhile. Restore it if it should count." in answer.text
    answer = decide(admin, "nothing", "exclude")
    assert answer.status_code == 404
    assert "There is no flagged session at this address" in answer.text
    assert decide(admin, id, "delete").status_code == 404
    assert admin.get(f"{PATH}?show=never").status_code == 404
    assert admin.get(f"{PATH}?page=many").status_code == 400
    for page in ("0", "-1", "99999999999999999999", "2"):
        assert admin.get(f"{PATH}?page={page}").status_code == 200


def test_a_fragment_is_the_list_alone(box: Serving, admin: Visitor, eve: Person) -> None:
    htmx = {"HX-Request": "true", "HX-Target": "anomalies"}
    answer = decide(admin, flag_of(box, eve), "fine", **htmx)
    assert answer.text.lstrip().startswith('<div id="anomalies"')
    assert "counts." in text(answer)


def test_many_are_shown_page_by_page(box: Serving, admin: Visitor, eve: Person) -> None:
    def flag(conn: Any) -> None:
        conn.execute(
            "INSERT INTO anomalies SELECT number, user_id, 'open', 'size', 5, 1, 1, 1, number, NULL, NULL "
            "FROM sessions WHERE number NOT IN (SELECT session FROM anomalies)"
        )

    for number in range(60):
        eve.send(session(sessionId=f"p{number}", inputTokens=LIKE_ALWAYS, outputTokens=0, endedAt=now_iso(5)))
    box.write(flag)
    seen: list[str] = []
    href: str | None = PATH
    while href:
        page = admin.get(href).text
        rows = re.findall(r'id="row_([\w-]+)"', page)
        assert 0 < len(rows) <= 50
        seen += rows
        found = re.search(r'id="next" href="([^"]+)"', page)
        href = found[1].replace("&amp;", "&") if found else None
    [(waiting,)] = box.ask("SELECT COUNT(*) FROM anomalies WHERE state = 'open'")
    assert len(seen) == len(set(seen)) == waiting
