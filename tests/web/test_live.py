"""Live streams: arrivals gathered and told once, slow readers, silence, and the end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest

from arena.core.errors import TooMany, Unavailable
from arena.web import live
from arena.web.live import BACKLOG, Arrival, Live, event

HEARTBEAT = b"event: presence\ndata: {}\n\n"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "GATHER", 0.01)
    monkeypatch.setattr(live, "HEARTBEAT", 5.0)


def run(story: Callable[[Live], Awaitable[None]]) -> None:
    async def told() -> None:
        async with asyncio.timeout(10):
            await story(Live(name_of=str.title))

    asyncio.run(told())


async def opened(lives: Live) -> AsyncIterator[bytes]:
    """A stream whose reader has seen the first heartbeat."""
    stream = lives.stream(lambda: HEARTBEAT)
    assert await anext(stream) == HEARTBEAT
    return stream


def data(message: bytes) -> dict[str, Any]:
    name, line = message.decode().removesuffix("\n\n").split("\n")
    assert name == "event: record"
    found: dict[str, Any] = msgspec.json.decode(line.removeprefix("data: "))
    return found


def test_an_event_is_a_name_a_line_of_json_and_an_empty_line() -> None:
    assert event("record", {"a": "two\nlines"}) == b'event: record\ndata: {"a":"two\\nlines"}\n\n'


def test_arrivals_of_a_moment_are_told_once_to_every_reader() -> None:
    async def story(lives: Live) -> None:
        streams = [await opened(lives) for _ in range(3)]
        assert lives.readers == 3
        lives.tell(Arrival(5, "alice"))
        lives.tell(Arrival(7, ""))
        messages = [await anext(stream) for stream in streams]
        assert data(messages[0]) == {"version": 1, "arrivals": [{"tokens": 5, "name": "Alice"}, {"tokens": 7}]}
        assert all(message is messages[0] for message in messages)
        lives.tell()
        assert data(await anext(streams[0])) == {"version": 2, "arrivals": []}

    run(story)


def test_whoever_went_private_is_named_in_nothing_that_leaves_from_then_on() -> None:
    names, version = {"1": "alice", "2": "bob"}, 0

    async def story() -> None:
        nonlocal version
        lives = Live(lambda: version, lambda who: names.get(who, ""))
        quick, slow = await opened(lives), await opened(lives)
        waiting = asyncio.ensure_future(anext(slow))  # the reader holds nothing yet
        await asyncio.sleep(0)
        for who in ("1", "2"):
            lives.tell(Arrival(5, who))
        lives._send()
        lives._send()
        told = [{"tokens": 5, "name": "alice"}, {"tokens": 5, "name": "bob"}]
        assert data(await anext(quick))["arrivals"] == data(await waiting)["arrivals"] == told
        lives.tell(Arrival(7, "1"))
        lives._send()
        for stream in (quick, slow):
            assert data(await anext(stream))["arrivals"] == []
        del names["1"]
        version += 1
        lives.tell(Arrival(9, "1"))
        for stream in (quick, slow):
            assert data(await anext(stream))["arrivals"] == [{"tokens": 7}]
            assert data(await anext(stream))["arrivals"] == [{"tokens": 9}]

    asyncio.run(story())


def test_of_a_crowd_the_last_fifty_are_told() -> None:
    async def story(lives: Live) -> None:
        stream = await opened(lives)
        for n in range(120):
            lives.tell(Arrival(n, ""))
        assert [each["tokens"] for each in data(await anext(stream))["arrivals"]] == list(range(70, 120))

    run(story)


def test_with_nobody_listening_nothing_is_gathered() -> None:
    async def story(lives: Live) -> None:
        lives.tell(Arrival(5, ""))
        stream = await opened(lives)
        lives.tell(Arrival(6, ""))
        assert data(await anext(stream)) == {"version": 1, "arrivals": [{"tokens": 6}]}

    run(story)


def test_a_slow_reader_misses_the_oldest_and_keeps_the_newest() -> None:
    async def story(lives: Live) -> None:
        slow = await opened(lives)
        waiting = asyncio.ensure_future(anext(slow))  # the reader holds nothing yet
        await asyncio.sleep(0)
        for n in range(1, BACKLOG + 5):
            lives.tell(Arrival(n, ""))
            lives._send()
        versions = [data(await waiting)["version"]]
        versions += [data(await anext(slow))["version"] for _ in range(BACKLOG - 1)]
        assert versions == list(range(5, BACKLOG + 5))

    run(story)


def test_a_silence_is_filled_with_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(lives: Live) -> None:
        stream = await opened(lives)
        assert [await anext(stream) for _ in range(3)] == [HEARTBEAT] * 3

    monkeypatch.setattr(live, "HEARTBEAT", 0.01)
    run(story)


def test_a_heartbeat_is_made_anew_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(lives: Live) -> None:
        beats = iter((b"one", b"two", b"three"))
        stream = lives.stream(lambda: next(beats))
        assert [await anext(stream) for _ in range(3)] == [b"one", b"two", b"three"]

    monkeypatch.setattr(live, "HEARTBEAT", 0.01)
    run(story)


def test_closing_ends_every_stream_also_that_of_a_slow_reader() -> None:
    async def story(lives: Live) -> None:
        waiting, slow = await opened(lives), await opened(lives)
        rest = asyncio.ensure_future(anext(waiting, None))
        await asyncio.sleep(0)
        for _ in range(BACKLOG + 3):
            lives.tell(Arrival(1, ""))
            lives._send()
        lives.tell(Arrival(1, ""))
        lives.close()
        await rest
        assert len([message async for message in waiting]) < BACKLOG + 3
        assert len([message async for message in slow]) < BACKLOG + 3
        assert lives.readers == 0

    run(story)


def test_a_stream_that_begins_after_the_end_says_one_word_and_ends() -> None:
    async def story(lives: Live) -> None:
        lives.close()
        assert [message async for message in lives.stream(lambda: HEARTBEAT)] == [HEARTBEAT]
        assert lives.readers == 0

    run(story)


def test_a_reader_who_leaves_is_forgotten() -> None:
    async def story(lives: Live) -> None:
        stream = await opened(lives)
        assert lives.readers == 1
        await stream.aclose()  # type: ignore[attr-defined]
        assert lives.readers == 0

    run(story)


def test_a_reader_who_is_cut_off_is_forgotten() -> None:
    async def story(lives: Live) -> None:
        async def read() -> None:
            async for _ in lives.stream(lambda: HEARTBEAT):
                pass

        reading = asyncio.create_task(read())
        await asyncio.sleep(0.01)
        assert lives.readers == 1
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert lives.readers == 0

    run(story)


def test_a_reader_who_may_not_look_any_more_gets_nothing_more() -> None:
    async def story(lives: Live) -> None:
        may = True
        stream, other = lives.stream(lambda: HEARTBEAT, "1", lambda: may), await opened(lives)
        assert await anext(stream) == HEARTBEAT
        lives.tell(Arrival(5, "alice"))
        assert data(await anext(stream))["version"] == 1
        may = False
        lives.tell(Arrival(5, "alice"))
        assert [message async for message in stream] == []
        assert [data(await anext(other))["version"] for _ in range(2)] == [1, 2]
        assert lives.readers == 1

    run(story)


def test_a_silent_stream_ends_with_the_next_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(lives: Live) -> None:
        beats = iter((True, True, False))
        stream = lives.stream(lambda: HEARTBEAT, "1", lambda: next(beats))
        assert [message async for message in stream] == [HEARTBEAT] * 3

    monkeypatch.setattr(live, "HEARTBEAT", 0.01)
    run(story)


@pytest.mark.parametrize("is_known", [True, False])
def test_one_person_or_address_has_so_many_streams_and_no_more(monkeypatch: pytest.MonkeyPatch, is_known: bool) -> None:
    monkeypatch.setattr(live, "STREAMS_OF_PERSON", 2)
    monkeypatch.setattr(live, "STREAMS_OF_ADDRESS", 3)
    most = 2 if is_known else 3

    async def story(lives: Live) -> None:
        streams = []
        for _ in range(most):
            lives.refuse("1", is_known=is_known)
            streams.append(lives.stream(lambda: HEARTBEAT, "1"))
            await anext(streams[-1])
        with pytest.raises(TooMany):
            lives.refuse("1", is_known=is_known)
        lives.refuse("2", is_known=is_known)
        await streams.pop().aclose()  # type: ignore[attr-defined]
        lives.refuse("1", is_known=is_known)

    run(story)


def test_all_together_have_so_many_streams_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STREAMS", 3)

    async def story(lives: Live) -> None:
        streams = [lives.stream(lambda: HEARTBEAT, str(number)) for number in range(3)]
        for stream in streams:
            await anext(stream)
        with pytest.raises(Unavailable):
            lives.refuse("9", is_known=True)

    run(story)
