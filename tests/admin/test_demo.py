"""``arena admin demo`` fills an empty box, and only an empty one."""

import pytest

from arena import admin
from arena.accounts import store as accounts
from arena.admin import demo
from arena.core.config import Config, place
from arena.core.db import Database
from arena.leaderboard.actions.boards import board
from tests.conftest import NOW


def test_a_demo_has_a_lively_board(database, tmp_path) -> None:
    db = Database(database)
    try:
        assert demo.fill(db, Config(), NOW)
        week = db.read_sync(lambda conn: board(conn, "weekly", "score", today="2026-11-20", config=Config()))
        assert len(week.standings) > 30
        assert week.standings[0].score > 600
        assert any(each.before and each.before != each.rank for each in week.standings)
        assert any(each.private for each in week.standings)
        assert not demo.fill(db, Config(), NOW)
    finally:
        db.close_sync()


def test_the_same_moment_gives_the_same_demo(empty_database, tmp_path) -> None:
    boards = []
    for name in ("one.db", "two.db"):
        path = tmp_path / name
        path.write_bytes(empty_database.read_bytes())
        db = Database(path)
        demo.fill(db, Config(), NOW)
        boards.append(db.read_sync(lambda conn: board(conn, "all_time", "tokens", today="2026-11-20", config=Config())))
        db.close_sync()
    assert boards[0] == boards[1]


def test_a_box_with_people_is_refused_in_one_sentence(database, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    db = Database(database)
    db.write_sync(lambda conn: accounts.add_user(conn, "u1", "alice", "Alice", "member", None, NOW))
    db.close_sync()
    assert admin.main(["demo", "--data", str(database.parent)]) == 1
    assert "give the demo a folder of its own" in capsys.readouterr().err


def test_serve_demo_may_start_again_on_its_own_folder(database) -> None:
    folder = place(database.parent)
    demo.fill_place(folder, Config())
    demo.fill_place(folder, Config())


def test_serve_demo_refuses_real_people(database) -> None:
    db = Database(database)
    db.write_sync(lambda conn: accounts.add_user(conn, "u1", "alice", "Alice", "member", None, NOW))
    db.close_sync()
    with pytest.raises(demo.Refused, match="real people"):
        demo.fill_place(place(database.parent), Config())
