"""Kept public answers: what they are kept under, how long they hold, and that nobody's own page is among them."""

from arena.core import sqlite  # isort: skip  (first: it chooses the SQLite library)

import asyncio
import gzip
import re
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from arena.accounts import store as accounts
from arena.app import Outside, build
from arena.core import clock
from arena.core.config import Config, Place
from arena.web import answers
from arena.web.answers import Answers, Question, head, question
from tests.conftest import NOW

assert sqlite.VERSION

HOST = [(b"host", b"arena.test")]


def asked(path: bytes = b"/", query: bytes = b"", *headers: tuple[bytes, bytes]) -> Question:
    found = question(path, query, [*HOST, *headers])
    assert found is not None
    return found


# -- what is asked


@pytest.mark.parametrize(
    "other",
    [
        asked(b"/leaderboard"),
        asked(b"/", b"period=daily"),
        asked(b"/", b"", (b"hx-target", b"board")),
        asked(b"/", b"", (b"hx-history-restore-request", b"true")),
        asked(b"/", b"", (b"cookie", b"theme=dark")),
    ],
)
def test_whatever_changes_the_bytes_is_part_of_the_question(other: Question) -> None:
    assert other.key != asked().key


@pytest.mark.parametrize(
    "header",
    [
        (b"accept-encoding", b"gzip"),
        (b"if-none-match", b'"x"'),
        (b"user-agent", b"a browser"),
        (b"cookie", b"other=1; notheme=dark"),
        (b"x-forwarded-for", b"10.0.0.1"),
    ],
)
def test_whatever_does_not_change_the_bytes_is_not(header: tuple[bytes, bytes]) -> None:
    assert asked(b"/", b"", header).key == asked().key


@pytest.mark.parametrize(
    "header",
    [
        (b"cookie", b"arena=x"),
        (b"cookie", b"theme=dark; arena=x"),
        (b"cookie", b"theme=dark;arena=x"),
        (b"cookie", b"__Host-arena=x"),
        (b"cookie", b"arena-form=x"),
        (b"cookie", b"a=b; __Host-arena-form=x"),
        (b"cookie", b"arena =x"),
        (b"cookie", b"a=b;\xa0arena-form\x85=x"),
        (b"x-api-key", b"k"),
        (b"authorization", b"Bearer k"),
    ],
)
def test_somebody_we_may_know_is_not_answered_from_what_is_kept(header: tuple[bytes, bytes]) -> None:
    assert question(b"/", b"", [*HOST, header]) is None


@pytest.mark.parametrize(
    "headers",
    [
        [(b"hx-target", b"board"), (b"hx-target", b"")],
        [(b"hx-history-restore-request", b"true"), (b"hx-history-restore-request", b"")],
        [(b"cookie", b"arena=x"), (b"cookie", b"")],
        [(b"host", b"other.test")],
        [(b"cookie", b"theme=light; theme=dark")],
        [(b"cookie", b'theme="dark"')],
        [(b"cookie", b"theme=%64ark")],
    ],
)
def test_what_may_be_understood_in_two_ways_is_not_kept(headers: list[tuple[bytes, bytes]]) -> None:
    assert question(b"/", b"", [*HOST, *headers]) is None


def test_a_blank_hides_no_theme() -> None:
    assert (
        asked(b"/", b"", (b"cookie", b"a=b;\xa0 theme = dark ")).key == asked(b"/", b"", (b"cookie", b"theme=dark")).key
    )


def test_a_cookie_whose_name_ends_like_ours_is_not_ours() -> None:
    assert asked(b"/", b"", (b"cookie", b"notarena=x")).key == asked().key


# -- how long an answer holds


def test_an_answer_holds_for_its_version_and_minute() -> None:
    kept = Answers()
    answer = kept.keep((b"/",), 7, 100, "/", None, [], b"body")
    assert kept.find((b"/",), 7, 100) is answer
    assert kept.find((b"/",), 8, 100) is None
    assert kept.find((b"/",), 7, 101) is None
    assert kept.find((b"/x",), 7, 100) is None


def test_an_answer_is_kept_plain_and_packed_and_marked_by_its_content() -> None:
    kept = Answers()
    first, second, other = (
        kept.keep((b"/",), n, 0, "/", None, [], body) for n, body in enumerate((b"a" * 50, b"a" * 50, b"b"))
    )
    assert gzip.decompress(first.packed) == first.plain == b"a" * 50
    assert first.etag == second.etag != other.etag
    assert re.fullmatch(rb'"[0-9a-f]{20}"', first.etag)


def test_no_more_answers_are_kept_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "KEPT", 10)
    kept = Answers()
    for n in range(35):
        kept.keep((str(n).encode(),), 1, 1, "/", None, [], b"")
        assert len(kept._kept) <= 10
    assert kept.find((b"34",), 1, 1) is not None


# -- the outermost layer


@pytest.fixture
def box(database: Path, tmp_path: Path) -> Iterator[Outside]:
    app = build(Config(), Place(tmp_path))
    app.box.db.write_sync(
        partial(
            accounts.add_user,
            id="u1",
            username="alice",
            display_name="Alice",
            role="member",
            password_hash=None,
            now=NOW,
        )
    )
    yield app
    app.box.db.close_sync()


class Counting:
    """How often the rooms were asked."""

    def __init__(self, app: Outside) -> None:
        self.inner = app.app
        self.calls = 0
        app.app = self

    async def __call__(self, *of_a_request: Any) -> None:
        self.calls += 1
        await self.inner(*of_a_request)


def visit(app: Outside, story: Callable[[httpx.AsyncClient, Counting], Awaitable[None]]) -> None:
    async def lived() -> None:
        await app.box.db.open()
        counting = Counting(app)
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://arena.test") as client:
                await story(client, counting)
        finally:
            app.box.live.close()
            await app.box.db.close()

    asyncio.run(lived())


@pytest.fixture(autouse=True)
def one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands still, so that no test sees a minute end."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


def test_a_second_reader_gets_the_same_bytes_without_a_room_being_asked(box: Outside) -> None:
    async def story(client: httpx.AsyncClient, rooms: Counting) -> None:
        first, second = await client.get("/api/leaderboard"), await client.get("/api/leaderboard")
        assert first.status_code == second.status_code == 200
        assert rooms.calls == 1
        assert first.content == second.content
        unlike = {name for name in first.headers if first.headers[name] != second.headers.get(name)}
        assert unlike <= {"x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset"}
        assert first.headers["x-request-id"] != second.headers["x-request-id"]
        assert "default-src 'none'" in second.headers["content-security-policy"]

    visit(box, story)


def test_a_commit_of_anybody_makes_the_answer_anew(box: Outside) -> None:
    async def story(client: httpx.AsyncClient, rooms: Counting) -> None:
        await client.get("/api/leaderboard")
        await box.box.db.write(lambda conn: conn.execute("UPDATE users SET display_name = 'A'") and None)
        await client.get("/api/leaderboard")
        assert rooms.calls == 2
        other = sqlite.connect(box.box.place.database)
        other.execute("UPDATE users SET display_name = 'B'")
        other.close()
        await client.get("/api/leaderboard")
        await client.get("/api/leaderboard")
        assert rooms.calls == 3

    visit(box, story)


def test_the_next_minute_makes_the_answer_anew(box: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(client: httpx.AsyncClient, rooms: Counting) -> None:
        await client.get("/api/leaderboard")
        monkeypatch.setattr(clock, "now", lambda: NOW + clock.MINUTE)
        await client.get("/api/leaderboard")
        assert rooms.calls == 2

    visit(box, story)


def test_whoever_has_the_answer_is_told_so_in_no_bytes(box: Outside) -> None:
    async def story(client: httpx.AsyncClient, rooms: Counting) -> None:
        mark = (await client.get("/")).headers["etag"]
        again = await client.get("/", headers={"if-none-match": mark})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", mark)
        assert (await client.get("/", headers={"if-none-match": '"another"'})).status_code == 200
        await box.box.db.write(lambda conn: conn.execute("UPDATE users SET display_name = 'A'") and None)
        same = await client.get("/", headers={"if-none-match": mark})
        assert same.status_code == 304  # made anew, and still the same bytes
        assert rooms.calls == 2

    visit(box, story)


@pytest.mark.parametrize("packed", [True, False])
def test_large_answers_are_packed_for_those_who_take_it(box: Outside, packed: bool) -> None:
    async def story(client: httpx.AsyncClient, rooms: Counting) -> None:
        plain = await client.get("/", headers={"accept-encoding": "identity"})
        found = await client.get("/", headers={"accept-encoding": "gzip" if packed else "identity"})
        assert ("content-encoding" in found.headers) is packed
        assert found.text == plain.text
        assert ("Accept-Encoding" in found.headers["vary"]) >= packed
        assert "HX-Target" in found.headers["vary"]
        assert int(found.headers["content-length"]) < len(plain.content) or not packed

    visit(box, story)


def test_a_fragment_and_its_page_are_kept_apart(box: Outside) -> None:
    async def story(client: httpx.AsyncClient, rooms: Counting) -> None:
        page = await client.get("/")
        fragment = await client.get("/", headers={"hx-request": "true", "hx-target": "board"})
        back = await client.get("/", headers={"hx-target": "board", "hx-history-restore-request": "true"})
        assert "<html" in page.text
        assert "<html" not in fragment.text
        assert "<html" in back.text
        for _ in range(2):
            assert (await client.get("/")).content == page.content
            assert (await client.get("/", headers={"hx-target": "board"})).content == fragment.content
        assert rooms.calls == 3

    visit(box, story)


def test_a_refusal_is_not_kept(box: Outside) -> None:
    async def story(client: httpx.AsyncClient, rooms: Counting) -> None:
        for _ in range(2):
            assert (await client.get("/api/leaderboard?period=x")).status_code == 400
            assert (await client.get("/nowhere")).status_code == 404
        assert rooms.calls == 4

    visit(box, story)


def test_the_token_of_ones_form_is_in_nobody_elses_page(box: Outside) -> None:
    async def story(client: httpx.AsyncClient, rooms: Counting) -> None:
        form = (await client.get("/sign-in")).text
        found = re.search(r'name="csrf" value="(\w+)"', form)
        assert found is not None
        await client.get("/")
        client.cookies.clear()
        for address in ("/", "/leaderboard", "/api/leaderboard"):
            assert found[1] not in (await client.get(address)).text

    visit(box, story)


def test_a_value_that_would_end_the_head_is_refused() -> None:
    assert head(b"200 OK", [(b"etag", b'"x"')]) == b'HTTP/1.1 200 OK\r\netag: "x"\r\n'
    for value in (b"a\r\nset-cookie: b", b"a\nb", b"a\x00"):
        with pytest.raises(ValueError, match="line end"):
            head(b"200 OK", [(b"x", value)])
