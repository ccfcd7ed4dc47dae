"""Visitors who say too much, or never come to an end, at a real server."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from arena.web import listening
from arena.web.listening import HEAD, Bound, Listening, bounded

Story = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def answers(scope: Any, receive: Any, send: Any) -> None:
    """Say what was asked, else how long the body was; at `/early` before it is there."""
    length, more = 0, scope["path"] != "/early"
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = scope["query_string"] or str(length).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


def visit(story: Story, kind: type[Listening] = Listening) -> None:
    async def lived() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        settings = uvicorn.Config(answers, http=kind, ws="none", lifespan="off", log_config=None)
        server = uvicorn.Server(settings)
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        try:
            async with asyncio.timeout(20):
                await story(reader, writer)
        finally:
            writer.close()
            server.should_exit = True
            await serving

    asyncio.run(lived())


async def send(writer: asyncio.StreamWriter, *parts: bytes) -> None:
    """Send, as far as the other side takes it."""
    with contextlib.suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await writer.drain()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What is said until the connection is closed."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while more := await reader.read(65_536):
            said += more
    return said


async def one(reader: asyncio.StreamReader) -> bytes:
    """The body of one answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    return await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))


STARTS = [b"GET /", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nX: "]


def on(start: bytes) -> bytes:
    """How a head goes on that began like this: about a kilobyte."""
    return b"x: y\r\n" * 170 if start.endswith(b"\n") else b"a" * 1_020


@pytest.mark.parametrize("start", STARTS)
def test_a_head_that_is_too_long_is_refused(start: bytes) -> None:
    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await send(writer, start, *[on(start)] * 65)
        assert (await rest(reader)).startswith(b"HTTP/1.1 431")

    visit(story)


@pytest.mark.parametrize("start", STARTS)
def test_a_head_without_an_end_is_not_kept(start: bytes) -> None:
    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sending = asyncio.create_task(send(writer, start, *[on(start)] * 20_000))
        assert b" 200 " not in await rest(reader)
        await sending

    visit(story)


@pytest.mark.parametrize("path", [b"/", b"/early"])
def test_what_follows_a_body_has_an_end_too(path: bytes) -> None:
    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        start = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: "
        sending = asyncio.create_task(send(writer, start, *[b"a" * 1_000] * 20_000))
        assert b"431" not in await rest(reader)
        await sending

    visit(story)


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(listening, "HEAD_SECONDS", 0.05)

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await send(writer, begun)
        assert await rest(reader) == b""

    visit(story)


def test_a_head_that_comes_drop_by_drop_is_not_waited_for_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "HEAD_SECONDS", 0.2)

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def drip() -> None:
            await send(writer, b"GET / HTTP/1.1\r\nX: ")
            while not writer.is_closing():
                await send(writer, b"a")
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        assert await rest(reader) == b""
        dripping.cancel()

    visit(story)


def test_a_second_head_that_stops_in_the_middle_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "HEAD_SECONDS", 0.2)

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await send(writer, b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT")
        assert await one(reader) == b"0"
        assert await rest(reader) == b""

    visit(story)


def test_a_body_that_stops_in_the_middle_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "BODY_SECONDS", 0.05)

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await send(writer, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
        assert b"a" not in await rest(reader)

    visit(story)


def test_whoever_comes_in_pieces_and_in_time_is_answered_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "HEAD_SECONDS", 5.0)

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            await send(writer, b"POST / HTTP/1.1\r\nHost: x\r\n", b"X: " + b"a" * (HEAD - 1_000) + b"\r\n")
            await asyncio.sleep(0.01)
            await send(writer, b"Content-Length: 300000\r\n\r\n", *[b"a" * 1_000] * 300)
            assert await one(reader) == b"300000"

    visit(story)


# -- answers that are ready


def ready(scope: Any) -> tuple[bytes, bytes] | None:
    """What stands ready at `/ready`, and what was asked for there."""
    if scope["raw_path"] != b"/ready":
        return None
    said = scope["query_string"] or b"ready"
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n" % len(said), said


def nobody_waits() -> int:
    return 0


SAYING = bounded(Bound(100, nobody_waits, answers), ready)
HOST = b"Host: x\r\n"


def test_what_is_ready_is_said_in_its_turn() -> None:
    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        paths = [b"/ready" if number % 3 else b"/slow" for number in range(60)]
        asked = [b"GET %b?%d HTTP/1.1\r\n%b\r\n" % (path, at, HOST) for at, path in enumerate(paths)]
        await send(writer, b"".join(asked[:30]), *asked[30:])
        assert [await one(reader) for _ in asked] == [b"%d" % number for number in range(60)]
        await send(writer, b"POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello")
        assert await one(reader) == b"5"
        await send(writer, b"GET /ready HTTP/1.1\r\n%b\r\n" % HOST)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.count(b"date: ") == 1
        assert await reader.readexactly(5) == b"ready"

    visit(story, SAYING)


@pytest.mark.parametrize(
    "asked",
    [
        b"HEAD /ready HTTP/1.1\r\n\r\n",
        b"GET /ready HTTP/1.0\r\n\r\n",
        b"GET /ready HTTP/1.1\r\nconnection: close\r\n\r\n",
        b"GET /ready HTTP/1.1\r\nexpect: 100-continue\r\n\r\n",
        b"POST /ready HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
    ],
)
def test_what_asks_for_more_than_an_answer_takes_the_long_way(asked: bytes) -> None:
    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await send(writer, asked)
        said = await reader.readuntil(b"\r\n\r\n")
        assert b"content-length: 1\r\n" in said or b"100 Continue" in said

    visit(story, SAYING)


def test_a_connection_over_which_all_was_ready_is_closed_when_it_stays_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await send(writer, b"GET /ready HTTP/1.1\r\n\r\n")
        assert await one(reader) == b"ready"
        assert await rest(reader) == b""

    patient = uvicorn.Config.__init__
    monkeypatch.setattr(
        uvicorn.Config, "__init__", lambda self, *a, **more: patient(self, *a, timeout_keep_alive=1, **more)
    )
    visit(story, SAYING)
