"""At midnight of the box's zone boards begin anew and streaks end, without a record and in everything that is kept."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from arena.accounts import store as accounts
from arena.accounts.actions import keys
from arena.app import Outside, build
from arena.audit.models import OPERATOR
from arena.core import clock
from arena.core.clock import HOUR, MINUTE, Days
from arena.core.config import Arena, Config, Place
from arena.leaderboard.actions.freezing import freeze
from arena.leaderboard.routes import board
from arena.usage.actions.records import record
from arena.usage.models import Road
from tests.conftest import NOW, PEOPLE
from tests.usage.conftest import a_record, a_report

ALICE = PEOPLE["alice"]
FRIDAY = "2026-11-20"
Story = Callable[["Night"], Awaitable[None]]


class Night:
    """A box in some zone, with alice's record of one second before midnight, and a clock that tests set."""

    def __init__(self, app: Outside, midnight: int, client: httpx.AsyncClient, key: str) -> None:
        self.app, self.midnight, self.client, self.key = app, midnight, client, key

    async def page(self, path: str) -> str:
        answer = await self.client.get(path)
        assert answer.status_code == 200
        return answer.text

    async def board(self, period: str, metric: str = "score") -> list[tuple[str, int, int]]:
        answer = await self.client.get(f"/api/leaderboard?period={period}&metric={metric}")
        return [(each["username"], each["streak"], each["totalTokens"]) for each in answer.json()["data"]["items"]]

    async def rank(self) -> dict[str, Any]:
        answer = await self.client.get("/api/v1/rank", headers={"X-API-Key": self.key})
        told: dict[str, Any] = answer.json()["data"]
        return told


@pytest.fixture(params=["UTC", "Asia/Kolkata", "Australia/Lord_Howe", "America/New_York"])
def live(
    request: pytest.FixtureRequest, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Story], None]:
    zone = request.param
    days = Days(zone)
    midnight = days.begin(clock.shift(FRIDAY, 1))
    app = build(Config(arena=Arena(time_zone=zone)), Place(tmp_path))
    monkeypatch.setattr(clock, "now", lambda: midnight - MINUTE)
    add = partial(accounts.add_user, id=ALICE, username="alice", display_name="Alice", role="member")
    app.box.db.write_sync(partial(add, password_hash=None, now=NOW - HOUR))
    report = a_report(a_record(at=midnight - 1000))
    put = partial(record, user_id=ALICE, reports=[report], road=Road.TRANSCRIPTS, days=days, now=midnight)
    app.box.db.write_sync(put)
    key = app.box.db.write_sync(partial(keys.make_key, user_id=ALICE, caller=OPERATOR, now=midnight))

    def tell(story: Story) -> None:
        async def lived() -> None:
            await app.box.db.open()
            transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
            try:
                async with httpx.AsyncClient(transport=transport, base_url="http://arena.test") as client:
                    await story(Night(app, midnight, client, key))
            finally:
                app.box.live.close()
                await app.box.db.close()

        asyncio.run(lived())

    return tell


def test_the_day_ends_for_every_reader_at_midnight(
    live: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(night: Night) -> None:
        def at(instant: int) -> None:
            monkeypatch.setattr(clock, "now", lambda: instant)

        at(night.midnight - 1)
        assert await night.board("daily") == [("alice", 1, 15)]
        assert "Alice leads today" in (await night.page("/?period=daily")).replace("<bdi>", "").replace("</bdi>", "")
        assert (await night.rank())["today"]["inputTokens"] == 10
        assert f'"day":"{FRIDAY}"' in board._presence(night.app.box).decode()

        at(night.midnight)
        assert await night.board("daily") == []
        assert "Nobody is on today’s board yet." in await night.page("/?period=daily")
        assert await night.board("weekly") == [("alice", 1, 15)]
        told = await night.rank()
        assert (told["today"]["inputTokens"], told["streak"], told["rankings"]["daily"]["position"]) == (0, 1, 1)
        assert '"day":"2026-11-21"' in board._presence(night.app.box).decode()
        yesterday = await night.client.get(f"/api/leaderboard?period=daily&on={FRIDAY}")
        assert [each["username"] for each in yesterday.json()["data"]["items"]] == ["alice"]

    live(story)


def test_a_streak_ends_at_the_midnight_after_the_day_without_work(
    live: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(night: Night) -> None:
        sunday = night.app.box.days.begin("2026-11-22")
        for instant, streak in ((night.midnight, 1), (sunday - 1, 1), (sunday, 0)):
            monkeypatch.setattr(clock, "now", lambda instant=instant: instant)
            for metric in ("streak", "score"):
                assert await night.board("weekly", metric) == [("alice", streak, 15)]
            assert f'<td class="n st">{streak} d</td>' in await night.page("/")
            assert (await night.rank())["streak"] == streak

    live(story)


def test_freezing_in_that_night_leaves_every_board_as_it_was(
    live: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(night: Night) -> None:
        monkeypatch.setattr(clock, "now", lambda: night.midnight)
        box, path = night.app.box, f"/api/leaderboard?period=daily&on={FRIDAY}"
        before = (await night.client.get(path)).json()["data"]["items"]
        frozen = await asyncio.to_thread(freeze, box.db, config=box.config, days=box.days, now=night.midnight)
        assert [(each.period, each.start) for each in frozen] == [("daily", FRIDAY)]
        after = (await night.client.get(path)).json()["data"]["items"]
        assert [{**each, "lastActivityAt": None} for each in before] == after

    live(story)
