"""A backup is whole or refused; a box restored from it is the box that it was."""

import os
import random
import shutil
import sqlite3
import tarfile
import threading
from functools import partial
from pathlib import Path

import pytest

from arena.accounts.actions import people
from arena.audit.models import OPERATOR
from arena.backups.actions import files, keeping
from arena.core.config import ConfigError, Place, place
from arena.core.db import Database
from arena.core.lock import Held, only_one
from arena.core.migrate import NewerSchema, migrate
from arena.core.sealed import NotWhole
from arena.rooms import schemas

NOW = 1_795_183_200_000
KEY = bytes(range(32))


@pytest.fixture
def home(tmp_path: Path) -> Place:
    """A data folder with some people and a secret."""
    made = place(tmp_path / "data")
    migrate(made.database, schemas())
    made.secret.write_text("a" * 64)
    (made.data / "address").write_text("http://here\n")
    add(made, "alice", "bob")
    return made


def add(home: Place, *names: str) -> None:
    db = Database(home.database)
    for name in names:
        db.write_sync(lambda conn, name=name: people.add_user(conn, name=name, caller=OPERATOR, now=NOW))
    db.close_sync()


def names(home: Place) -> list[str]:
    conn = sqlite3.connect(home.database)
    try:
        return [row[0] for row in conn.execute("SELECT username FROM users ORDER BY username")]
    finally:
        conn.close()


def restore(path: Path, home: Place, key: bytes | None = None) -> Path | None:
    return files.restore(path, home, bring_up=partial(migrate, rooms=schemas()), now=NOW, key=key)


@pytest.fixture(params=[None, KEY], ids=["plain", "sealed"])
def key(request: pytest.FixtureRequest) -> bytes | None:
    return request.param


def test_a_lost_box_comes_back_as_it_was(home: Place, tmp_path: Path, key: bytes | None) -> None:
    made = files.make(home, tmp_path / "elsewhere", now=NOW, key=key)
    assert made.stat().st_mode & 0o777 == 0o600
    assert files.verify(made, key=key).rows["users"] == 2
    shutil.rmtree(home.data)
    again = place(tmp_path / "data")
    assert restore(made, again, key) is None
    assert names(again) == ["alice", "bob"]
    assert again.secret.read_text() == "a" * 64
    assert not again.address.exists(), "where it serves is made anew"


def test_what_is_replaced_is_kept_beside(home: Place, tmp_path: Path) -> None:
    made = files.make(home, tmp_path / "elsewhere", now=NOW)
    add(home, "carol")
    home.secret.write_text("b" * 64)
    kept = restore(made, home)
    assert kept is not None
    assert names(home) == ["alice", "bob"]
    assert names(Place(kept)) == ["alice", "bob", "carol"]
    assert (kept / "secret").read_text() == "b" * 64


def test_a_broken_database_can_be_replaced(home: Place, tmp_path: Path) -> None:
    made = files.make(home, tmp_path / "elsewhere", now=NOW)
    home.database.write_bytes(b"not a database" * 1000)
    assert restore(made, home) is not None
    assert names(home) == ["alice", "bob"]


def test_a_backup_holds_no_half_written_moment(home: Place, tmp_path: Path) -> None:
    """While others write, every person in it has the row of the security log that came in the same commit."""
    ending = threading.Event()

    def write() -> None:
        number = 0
        while not ending.is_set():
            add(home, *(f"person-{number}-{each}" for each in range(20)))
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for second in range(5):
            made = files.make(home, tmp_path / "elsewhere", now=NOW + second * 1000)
            found = files.verify(made)
            assert found.rows["users"] == found.rows["security_audit_log"]
    finally:
        ending.set()
        writer.join()


def test_every_flipped_byte_is_refused(home: Place, tmp_path: Path, key: bytes | None) -> None:
    made = files.make(home, tmp_path / "elsewhere", now=NOW, key=key)
    whole = made.read_bytes()
    chance = random.Random(1)
    places = [*range(80), len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(1000))]
    for at in places:
        made.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << chance.randrange(8))]) + whole[at + 1 :])
        with pytest.raises(NotWhole):
            files.verify(made, key=key)
    made.write_bytes(whole)
    files.verify(made, key=key)


@pytest.mark.parametrize("cut", [0, 1, 30, 1000, -1])
def test_a_cut_off_backup_is_refused_and_harms_nothing(home: Place, tmp_path: Path, cut: int) -> None:
    made = files.make(home, tmp_path / "elsewhere", now=NOW)
    made.write_bytes(made.read_bytes()[:cut])
    with pytest.raises(NotWhole):
        restore(made, home)
    assert names(home) == ["alice", "bob"]
    assert [each.name for each in home.data.iterdir() if each.name.startswith((".", "before"))] == []


def test_a_sealed_backup_opens_with_its_key_alone(home: Place, tmp_path: Path) -> None:
    made = files.make(home, tmp_path / "elsewhere", now=NOW, key=KEY)
    assert b"alice" not in made.read_bytes()
    for wrong in (None, bytes(32)):
        with pytest.raises(NotWhole, match="key"):
            files.verify(made, key=wrong)


def test_a_backup_that_names_another_place_is_refused(home: Place, tmp_path: Path) -> None:
    """Whoever writes a backup of their own cannot make a restore write outside the folder."""
    from arena.core import sealed

    evil = tmp_path / "evil.backup"
    with sealed.writing(evil, None) as sink, tarfile.open(fileobj=sink, mode="w|gz") as tar:  # type: ignore[call-overload]
        manifest = b'{"format":1,"made_at":0,"arena":"","sqlite":"","files":{"../x":{"size":1,"sha256":""}},"rows":{}}'
        for name, content in (("manifest.json", manifest), ("../x", b"x")):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            import io

            tar.addfile(entry, io.BytesIO(content))
    with pytest.raises(NotWhole, match="does not name"):
        restore(evil, home)
    assert not (tmp_path / "x").exists()


def test_a_served_folder_is_not_replaced(home: Place, tmp_path: Path) -> None:
    made = files.make(home, tmp_path / "elsewhere", now=NOW)
    with only_one(home.data), pytest.raises(Held):
        restore(made, home)


def test_a_backup_of_a_newer_release_is_refused(home: Place, tmp_path: Path) -> None:
    def from_the_future(conn: sqlite3.Connection) -> None:
        conn.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('usage', '9999_x', '')")

    db = Database(home.database)
    db.write_sync(from_the_future)
    db.close_sync()
    made = files.make(home, tmp_path / "elsewhere", now=NOW)
    before = home.database.read_bytes()
    with pytest.raises(NewerSchema):
        restore(made, home)
    assert home.database.read_bytes() == before


def test_no_room_leaves_no_half_backup(home: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.make(home, tmp_path / "elsewhere", now=NOW)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_pruning_deletes_backups_and_nothing_else(home: Place, tmp_path: Path) -> None:
    from arena.core.config import Backups

    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    for half in (".arena-old", ".arena-young"):
        (folder / half).mkdir()
        (folder / half / "arena.db").write_text("half")
    os.utime(folder / ".arena-old", (0, 0))
    os.utime(folder / ".arena-young", (NOW / 1000, NOW / 1000))
    config = Backups(folder=str(folder), keep_hours=2, keep_days=0, keep_weeks=0)
    for hour in range(4):
        keeping.run(home, config, NOW + hour * 3_600_000)
    assert len(keeping.backups_in(folder)) == 2
    assert (folder / "notes.txt").exists()
    assert [each.name for each in folder.glob(".*")] == [".arena-young"], "somebody may be writing it"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "key"


@pytest.mark.parametrize("text", ["", "short", "zz" * 32, "ab" * 31])
def test_a_key_that_is_none_is_refused_without_being_told(key_file: Path, text: str) -> None:
    key_file.write_text(text)
    with pytest.raises(ConfigError, match="64 hex digits") as refused:
        files.key_in(key_file)
    assert not text or text not in str(refused.value)
