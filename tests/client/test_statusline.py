"""`arena statusline`: one line out of what was heard last; it waits for nobody, never fails, and asks once a minute."""

import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from arena.client import standing, statusline
from arena.client.words import ago, money, moved, short
from arena.web import words
from tests.client.box import KEY, Box
from tests.client.conftest import Laptop

STATUS = {
    "session_id": "s",
    "rate_limits": {"five_hour": {"used_percentage": 38.4, "resets_at": 1}, "seven_day": {"used_percentage": 71}},
}
PLACE = {"position": 3, "compositeScore": 400.0, "totalParticipants": 9, "movement": 2}
TODAY = {
    "date": "2026-02-01",
    "inputTokens": 1_000_000,
    "outputTokens": 234_567,
    "estimatedCost": 4.2,
    "costIsComplete": True,
}
RANK = {
    "rankings": {"weekly": PLACE, "daily": None, "monthly": None, "allTime": None},
    "today": TODAY,
    "streak": 12,
    "usage": {"estimatedCost": 1234.5, "costIsComplete": False},
}


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


def shown(laptop: Laptop, status: object = None) -> str:
    """The line that a tool shows when it says this of itself; bytes are said as they are."""
    process = laptop.start("statusline", stdin=subprocess.PIPE)
    said = status if isinstance(status, bytes) else b"" if status is None else json.dumps(status).encode()
    out, err = process.communicate(said, timeout=20)
    assert (process.returncode, err, out.count(b"\n")) == (0, b"", 1)
    return out.decode().removesuffix("\n")


def kept(laptop: Laptop, age: float = 0, **more: Any) -> None:
    """Keep figures as if the box had just been asked."""
    told = {"position": 3, "moved": 2, "tokens": 1_234_567, "cost": 4.2, "complete": True, "streak": 12}
    laptop.home.mkdir(exist_ok=True)
    (laptop.home / "standing.json").write_text(json.dumps({"at": time.time() - age, **told, **more}))
    (laptop.home / "standing.asked").touch()


def asked(box: Box) -> int:
    return [path for path, _, _ in box.requests].count("/api/v1/rank")


def wait(holds: Any) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_line_says_place_today_streak_and_quota(laptop: Laptop) -> None:
    kept(laptop)
    line = shown(laptop, STATUS)
    assert line == "#3 ▲2 · 1.23M today · $4.20 · streak 12 d · 5h 38% · 7d 71%"
    assert len(line) <= 70


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"moved": -4}, "#3 ▼4 · 1.23M today · $4.20 · streak 12 d"),
        ({"moved": 0}, "#3 · 1.23M today · $4.20 · streak 12 d"),
        ({"moved": None, "streak": 0}, "#3 · 1.23M today · $4.20"),
        ({"position": None}, "not ranked · 1.23M today · $4.20 · streak 12 d"),
        ({"tokens": 0, "cost": 0.0, "moved": None}, "#3 · nothing today · streak 12 d"),
        ({"cost": None, "complete": False, "moved": None}, "#3 · 1.23M today · cost unknown · streak 12 d"),
        ({"complete": False, "moved": None}, "#3 · 1.23M today · $4.20+ · streak 12 d"),
        ({"tokens": None, "streak": None, "moved": None}, "#3"),
    ],
)
def test_the_line_fits_what_is_known(laptop: Laptop, more: dict[str, Any], line: str) -> None:
    kept(laptop, **more)
    assert shown(laptop) == line


def test_old_figures_say_their_age_and_yesterday_s_are_not_today_s(laptop: Laptop) -> None:
    kept(laptop, age=3 * 86_400)
    assert shown(laptop) == "#3 ▲2 · streak 12 d · as of 3 d ago"


def test_colours_come_without_no_color_alone(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(laptop)
    assert "\x1b" not in shown(laptop, STATUS)
    monkeypatch.delenv("NO_COLOR")
    line = shown(laptop, STATUS)
    assert line.startswith("#3 \x1b[32m▲2\x1b[0m · ")
    assert line.endswith("5h 38% · 7d \x1b[33m71%\x1b[0m")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in shown(laptop, STATUS)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"at": "now"}', b'{"at": 1e400}', b'{"at": 5, "position": "x", "streak": []}'],
)
@pytest.mark.parametrize("status", [b"", b"[" * 100_000, b"\xff", b'{"rate_limits": {"five_hour": 3}}', b'"text"'])
def test_whatever_stands_there_the_line_comes(laptop: Laptop, content: bytes, status: bytes) -> None:
    laptop.home.mkdir(exist_ok=True)
    (laptop.home / "standing.json").write_bytes(content)
    assert len(shown(laptop, status)) < 70


def test_a_terminal_in_another_language_is_no_trouble(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(laptop)
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert shown(laptop).startswith("#3 ▲2 · ")


def test_nobody_signed_in_is_an_empty_line_and_no_process(laptop: Laptop) -> None:
    assert shown(laptop) == ""
    assert shown(laptop, STATUS) == "5h 38% · 7d 71%"
    assert not (laptop.home / "standing.asked").exists()


@pytest.mark.usefixtures("signed_in")
def test_the_box_is_asked_behind_its_back_and_once_a_minute(laptop: Laptop, box: Box) -> None:
    box.rank = RANK
    assert shown(laptop) == ""
    wait((laptop.home / "standing.json").exists)
    for _ in range(3):
        assert shown(laptop) == "#3 ▲2 · 1.23M today · $4.20 · streak 12 d"
    assert asked(box) == 1
    long_ago = time.time() - statusline.EVERY - 1
    os.utime(laptop.home / "standing.asked", (long_ago, long_ago))
    (laptop.home / "standing.json").unlink()
    shown(laptop)
    wait((laptop.home / "standing.json").exists)
    assert asked(box) == 2


@pytest.mark.usefixtures("signed_in")
def test_many_lines_at_once_ask_once(laptop: Laptop, box: Box) -> None:
    box.rank = RANK
    lines = [laptop.start("statusline", stdin=subprocess.DEVNULL) for _ in range(4)]
    for line in lines:
        line.communicate(timeout=20)
    refreshers = [laptop.start("statusline", "--refresh", stdin=subprocess.DEVNULL) for _ in range(3)]
    for refresher in refreshers:
        assert refresher.communicate(timeout=20) == (b"", b"")
    wait((laptop.home / "standing.json").exists)
    assert asked(box) == 1


@pytest.mark.usefixtures("signed_in")
def test_a_box_that_is_slow_or_gone_is_not_waited_for(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setenv("ARENA_SERVER", f"http://127.0.0.1:{mute.getsockname()[1]}")
        kept(laptop, age=120)
        (laptop.home / "standing.asked").unlink()
        assert shown(laptop).startswith("#3")
        mute.settimeout(20)
        connection, _ = mute.accept()
        assert shown(laptop).startswith("#3")
        connection.close()


@pytest.mark.usefixtures("signed_in")
def test_a_box_that_refuses_costs_what_was_known_nothing(laptop: Laptop, box: Box) -> None:
    kept(laptop, age=120)
    box.faults = [401]
    assert standing.refresh() == 0
    assert shown(laptop).startswith("#3 ▲2")


@pytest.mark.usefixtures("signed_in")
def test_an_older_box_tells_less(laptop: Laptop) -> None:
    assert standing.refresh() == 0
    assert shown(laptop) == "not ranked"
    told = json.loads((laptop.home / "standing.json").read_text())
    assert (told["tokens"], told["cost"], told["complete"], told["streak"]) == (None, None, False, None)


def test_the_place_after_the_last_is_none(laptop: Laptop, signed_in: Any, box: Box) -> None:
    nobody = {"position": 10, "compositeScore": 0, "totalParticipants": 9, "movement": None}
    box.rank = {**RANK, "rankings": dict.fromkeys(("daily", "weekly", "monthly", "allTime"), nobody)}
    standing.refresh()
    assert shown(laptop).startswith("not ranked · ")
    assert laptop.run("status")[1].count("not ranked") == 4


@pytest.mark.usefixtures("signed_in")
def test_another_person_begins_with_an_empty_line(laptop: Laptop, box: Box) -> None:
    kept(laptop)
    laptop.run("login", "--api-key", KEY, "--server", box.url, "--no-hooks", "--no-sync")
    assert not (laptop.home / "standing.json").exists()
    kept(laptop)
    laptop.run("logout")
    assert shown(laptop) == ""


@pytest.mark.usefixtures("signed_in")
def test_the_status_says_the_same_and_what_all_of_it_cost(laptop: Laptop, box: Box) -> None:
    box.rank = RANK
    code, out, err = laptop.run("status")
    assert (code, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "this week #3 of 9, score 400.00, ▲2 since yesterday" in lines
    assert "cost $1,234.50+" in lines
    assert "used today 1.23M tokens, $4.20" in lines
    assert "streak 12 days" in lines
    assert shown(laptop).startswith("#3 ▲2 · 1.23M today")
    told = laptop.json("status")
    assert (told["usage"]["estimatedCost"], told["today"]["inputTokens"], told["streak"]) == (1234.5, 1_000_000, 12)


@pytest.mark.usefixtures("signed_in")
def test_the_status_of_an_older_box_leaves_out_what_it_does_not_tell(laptop: Laptop) -> None:
    _, out, _ = laptop.run("status")
    assert "sessions" in out
    assert not {"cost", "streak", "used"} & set(out.split())


@pytest.mark.parametrize("number", [0, 7, 9_999, 10_000, 10_050, 99_949, 99_950, 999_499, 999_500, 1_234_567, 10**15])
def test_a_count_reads_as_on_the_board(number: int) -> None:
    assert short(number) == words.short(number)


@pytest.mark.parametrize(
    ("dollars", "complete", "written"),
    [
        (None, False, "cost unknown"),
        (None, True, "cost unknown"),
        (0.0, True, "$0.00"),
        (0.001, True, "<$0.01"),
        (1234.5, True, "$1,234.50"),
        (1234.5, False, "$1,234.50+"),
    ],
)
def test_a_cost_that_nobody_knows_is_not_nothing(dollars: float | None, complete: bool, written: str) -> None:
    assert money(dollars, complete) == written


def test_moves_and_ages_are_short() -> None:
    assert [moved(places) for places in (None, 0, 3, -3)] == ["", "", "▲3", "▼3"]
    assert [ago(hours * 3600) for hours in (0.5, 3, 50)] == ["30 min ago", "3 h ago", "2 d ago"]


def test_it_may_be_tried_in_a_terminal(laptop: Laptop) -> None:
    kept(laptop)
    ours, theirs = os.openpty()
    try:
        process = laptop.start("statusline", stdin=theirs)
        out, _ = process.communicate(timeout=20)
    finally:
        os.close(ours)
        os.close(theirs)
    assert out.decode().startswith("#3")


def test_the_cache_is_for_its_owner_alone(laptop: Laptop, signed_in: Any) -> None:
    standing.refresh()
    assert Path(laptop.home / "standing.json").stat().st_mode & 0o777 == 0o600
