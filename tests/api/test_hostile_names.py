"""Names, labels and agents that are markup: shown as they were typed, on every page, and never run."""

import re
from collections.abc import Iterator

import pytest

from arena.accounts.actions import links
from arena.audit.models import OPERATOR
from arena.core import clock
from arena.doors import DOORS
from arena.web.errors import PROGRAMS
from tests.flows.serving import Serving, Visitor, session

HOSTILE = "<img src=x onerror=alert(1)>\"'</script>{{7*7}}"
FILLED = {"name": "mallory", "token": "<img src=x onerror=alert(1)>", "prefix": "x", "file_path": "base.css"}
PAGES = [
    re.sub(r"\{(\w+)\}", lambda found: FILLED.get(found[1], "x"), door.path)
    for door in DOORS
    if door.method == "GET" and not door.path.startswith(PROGRAMS) and door.path not in ("/live", "/static/{file_path}")
]


@pytest.fixture(scope="module")
def hostile(box: Serving) -> Iterator[tuple[Visitor, Visitor]]:
    """A box full of hostile words: its administrator's browser, and a stranger's."""
    box.add("mallory", role="admin").send(session(modelName=HOSTILE[:100], sessionId=HOSTILE))
    box.add("mallory-private", private=True).send(session())
    for sql in (
        "UPDATE users SET display_name = :words",
        "UPDATE api_keys SET label = :words",
    ):
        box.write(lambda conn, sql=sql: conn.execute(sql, {"words": HOSTILE[:50]}))
    token = box.write(lambda conn: links.sign_in_link(conn, name="mallory", days=1, caller=OPERATOR, now=clock.now()))
    with Visitor(box) as admin, Visitor(box) as stranger:
        for visitor in (admin, stranger):
            visitor.headers["User-Agent"] = HOSTILE
        page = f"/join/{token}"
        admin.post(page, data={"csrf": admin.csrf(page), "password": "correct horse battery"})
        admin.post("/sign-in", data={"csrf": "", "name": HOSTILE, "password": HOSTILE})  # for the security log
        yield admin, stranger


@pytest.mark.parametrize("page", PAGES)
def test_no_page_lets_hostile_words_be_markup(hostile: tuple[Visitor, Visitor], page: str) -> None:
    for visitor in hostile:
        for query in ("", f"?q={HOSTILE}&next={HOSTILE}&period={HOSTILE}"):
            answer = visitor.get(page + query)
            assert answer.status_code < 500
            if "text/html" in answer.headers["content-type"]:
                assert "<img src=x" not in answer.text
                assert "'</script>" not in answer.text


def test_the_hostile_words_are_there(hostile: tuple[Visitor, Visitor]) -> None:
    for visitor in hostile:
        board = visitor.get("/").text
        assert "&lt;img src=x onerror=alert(1)&gt;" in board
        assert "{{7*7}}" in board


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_whole_without_its_frame(hostile: tuple[Visitor, Visitor], page: str) -> None:
    for visitor in hostile:
        assert visitor.get(page, headers={"HX-Request": "true", "HX-Target": "main"}).status_code < 500
