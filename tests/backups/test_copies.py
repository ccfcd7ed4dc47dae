"""Copies in a bucket: all that is kept here is there, whatever happened in between. The other side is a real server."""

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from arena import admin
from arena.backups.actions import keeping
from arena.backups.rules import name_of
from arena.core.buckets import Bucket, BucketError
from arena.core.clock import DAY, HOUR
from arena.core.config import S3, Backups, Place, Secret, place
from arena.core.migrate import migrate
from arena.rooms import schemas
from tests.peers.relay import Relay
from tests.peers.swift import KEY_ID, SECRET, Swift

NOW = 1_795_183_200_000
_numbers = count(1)


@pytest.fixture
def home(tmp_path: Path) -> Place:
    made = place(tmp_path / "data")
    migrate(made.database, schemas())
    return made


@pytest.fixture
def relay(swift: Swift, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    monkeypatch.setattr("time.sleep", lambda _: None)
    made = Relay(swift.url)
    yield made
    made.close()


@pytest.fixture
def config(swift: Swift, relay: Relay) -> Backups:
    name = f"copies-{next(_numbers)}"
    swift.client().create_bucket(Bucket=name)
    s3 = S3(endpoint=relay.url, key_id=KEY_ID, secret_key=Secret(SECRET))
    return Backups(copy_to=f"s3://{name}/box", keep_hours=2, keep_days=1, keep_weeks=0, s3=s3)


@pytest.fixture
def bucket(config: Backups) -> Bucket:
    return Bucket(config.copy_to, config.s3)


def test_what_is_kept_here_is_kept_there(home: Place, config: Backups, bucket: Bucket) -> None:
    folder = home.backups("")
    for hour in range(4):
        keeping.run(home, config, NOW + hour * HOUR)
        assert len(keeping.copy(home, config, NOW + hour * HOUR)) == 1
        assert keeping.backups_in(bucket) == keeping.backups_in(folder)
    assert len(keeping.backups_in(bucket)) == 2
    assert keeping.copy(home, config, NOW + 3 * HOUR) == [], "nothing is sent twice"
    assert keeping.copied_at(home) == NOW + 3 * HOUR


def test_copies_that_failed_are_made_once_the_bucket_is_back(
    home: Place, config: Backups, bucket: Bucket, relay: Relay
) -> None:
    for hour in range(3):
        keeping.run(home, config, NOW + hour * HOUR)
        relay.answers = [(503, "SlowDown")] * 3
        with pytest.raises(BucketError, match="SlowDown"):
            keeping.copy(home, config, NOW + hour * HOUR)
        assert keeping.copied_at(home) is None
    relay.answers = []
    assert [each.made_at for each in keeping.copy(home, config, NOW)] == [NOW + 2 * HOUR, NOW + HOUR], "newest first"
    assert keeping.backups_in(bucket) == keeping.backups_in(home.backups(""))


def test_a_lost_folder_does_not_empty_the_bucket(home: Place, config: Backups, bucket: Bucket) -> None:
    keeping.run(home, config, NOW)
    keeping.copy(home, config, NOW)
    shutil.rmtree(home.backups(""))
    assert keeping.copy(home, config, NOW + DAY) == []
    assert [each.made_at for each in keeping.backups_in(bucket)] == [NOW]


def test_a_copy_of_another_size_is_none(home: Place, config: Backups, bucket: Bucket, tmp_path: Path) -> None:
    made = keeping.run(home, config, NOW)
    (tmp_path / "half").write_bytes(made.read_bytes()[:1000])
    bucket.put(tmp_path / "half", made.name)
    assert len(keeping.copy(home, config, NOW)) == 1
    bucket.fetch(made.name, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == made.read_bytes()


def test_pruning_a_bucket_leaves_what_is_no_backup(
    home: Place, config: Backups, bucket: Bucket, swift: Swift, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    bucket.put(tmp_path / "notes.txt", "notes.txt")
    for hour in range(4):
        bucket.put(tmp_path / "notes.txt", name_of(NOW + hour * HOUR))
    name = config.copy_to.split("/")[2]
    for half in ("notes.txt", name_of(NOW)):
        swift.client().create_multipart_upload(Bucket=name, Key=f"box/{half}")
    gone = keeping.prune(bucket, keeping.kept(config), 4_000_000_000_000)
    assert [each.made_at for each in gone] == [NOW + HOUR, NOW]
    assert {each.name for each in bucket.things()} == {"notes.txt", name_of(NOW + 2 * HOUR), name_of(NOW + 3 * HOUR)}
    left = swift.client().list_multipart_uploads(Bucket=name)["Uploads"]
    assert [each["Key"] for each in left] == ["box/notes.txt"], "what was begun and is none of ours"


class Commands:
    """`arena admin` at a machine whose configuration names a bucket."""

    def __init__(self, home: Place, config: Backups, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
        self.home, self._capsys = home, capsys
        monkeypatch.setenv("ARENA_BACKUPS__COPY_TO", config.copy_to)
        monkeypatch.setenv("ARENA_BACKUPS__S3__ENDPOINT", config.s3.endpoint)
        monkeypatch.setenv("ARENA_BACKUPS__S3__KEY_ID", KEY_ID)
        monkeypatch.setenv("ARENA_BACKUPS__S3__SECRET_KEY", SECRET)

    def run(self, *argv: str, code: int = 0, data: Path | None = None) -> tuple[list[str], str]:
        """The lines that it said, and its one sentence of what went wrong."""
        assert admin.main([*argv, "--data", str(data or self.home.data)]) == code
        said = self._capsys.readouterr()
        assert said.err.count("\n") == (1 if code else 0)
        assert SECRET not in said.out + said.err
        return said.out.splitlines(), said.err


@pytest.fixture
def commands(home: Place, config: Backups, monkeypatch: pytest.MonkeyPatch, capsys) -> Commands:
    return Commands(home, config, monkeypatch, capsys)


def test_a_backup_by_hand_is_copied_too_and_both_are_listed(commands: Commands, config: Backups) -> None:
    here, there = commands.run("backup")[0]
    assert there == f"{config.copy_to}/{Path(here).name}"
    listed, _ = commands.run("backups", "list")
    assert [line.split()[-1] for line in listed[1:]] == [here, there]
    assert commands.run("backups", "prune")[0] == ["MADE (UTC)  BYTES  FILE"]


def test_a_backup_into_a_bucket_leaves_nothing_here(commands: Commands, config: Backups) -> None:
    [there] = commands.run("backup", "--to", f"{config.copy_to}/by-hand")[0]
    assert there.startswith(f"{config.copy_to}/by-hand/arena-")
    assert not commands.home.backups("").exists()
    assert not list(commands.home.data.glob(".arena-*"))
    assert commands.run("backups", "list", "--in", f"{config.copy_to}/by-hand")[0][1].endswith(there)


def test_a_machine_that_lost_everything_lists_proves_and_restores_from_the_bucket(
    commands: Commands, config: Backups, tmp_path: Path
) -> None:
    [there] = commands.run("backup", "--to", config.copy_to)[0]
    shutil.rmtree(commands.home.data)
    assert commands.run("backups", "list", "--in", config.copy_to)[0][1].endswith(there)
    assert "is whole" in commands.run("verify", there)[0][0]
    assert not commands.home.data.exists(), "looking makes no box"
    assert "may start on it" in commands.run("restore", there)[0][0]
    assert commands.home.database.exists()


def test_what_cannot_be_had_from_a_bucket_is_told_in_one_sentence(
    commands: Commands, config: Backups, relay: Relay
) -> None:
    gone = f"{config.copy_to}/{name_of(NOW)}"
    assert f"{gone}: it is not there." in commands.run("verify", gone, code=1)[1]
    assert f"{gone}: it is not there." in commands.run("restore", gone, code=1)[1]
    assert "names no backup; `arena admin backups list --in" in commands.run("verify", config.copy_to, code=1)[1]
    assert "is no bucket; write it as" in commands.run("backup", "--to", "s3:/box", code=1)[1]
    relay.close()
    [here], problem = commands.run("backup", code=1)
    assert Path(here).exists(), "the backup here does not suffer"
    assert "Could not connect" in problem
    listed, problem = commands.run("backups", "list", code=1)
    assert listed[1].endswith(here), "what can be told is told"
    assert "Could not connect" in problem
