"""A disk that is full, or cannot be written: the box says so, shows what it has, and goes on by itself afterwards.

Each box has a small file system of its own, which takes root on Linux to make; `tests/run.py` leaves this file out
elsewhere and says so.
"""

import contextlib
import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.flows.releases import as_the_first_release, dump
from tests.flows.serving import SESSIONS, Person, Serving, Visitor, arena, get, post, session, wait_until

ROOM = 64 * 2**20
"""Bytes of the disk."""
BLOCK = bytes(4096)


class Disk:
    """A file system of some megabytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Take all room there is."""
        with contextlib.suppress(OSError), self._filler.open("ab", 0) as file:
            while True:
                file.write(BLOCK)

    def clear(self) -> None:
        """Give the room back."""
        self._filler.unlink()


class Failing(Disk):
    """A file system on a device of its own, with a journal: it turns read-only when that fails."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._image = folder.with_name("image")
        with self._image.open("wb") as file:
            file.truncate(ROOM)
        run("mkfs.ext4", "-q", str(self._image))
        self.attach()

    def attach(self) -> None:
        """Make it usable: what is in its journal comes first."""
        run("mount", "-o", "loop", str(self._image), str(self.folder))

    def fail(self) -> None:
        """Let it find itself damaged: what is not in its journal yet is lost, and nothing can be written any more."""
        run("mount", "-o", "remount,abort", str(self.folder))

    def repair(self) -> None:
        """Do what an operator does when nobody uses it."""
        run("umount", str(self.folder))
        subprocess.run(["fsck.ext4", "-fy", self._image], check=False, capture_output=True)  # 1: it repaired something
        self.attach()


def run(*command: str) -> None:
    subprocess.run(command, check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    run("mount", "-t", "tmpfs", "-o", f"size={ROOM}", "arena-test", str(folder))
    yield Disk(folder)
    run("umount", "--lazy", str(folder))


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[Failing]:
    folder = tmp_path / "disk"
    folder.mkdir()
    yield Failing(folder)
    run("umount", "--lazy", str(folder))


@contextmanager
def box_on(disk: Disk) -> Iterator[Serving]:
    """A box on a disk, whose log is somewhere else."""
    made = Serving(disk.folder / "data")
    made.log = disk.folder.with_name("log")
    made.start()
    try:
        wait_until((made.data / "beat").exists, 20)
        yield made
    finally:
        made.kill()


@pytest.fixture
def box(disk: Disk) -> Iterator[Serving]:
    with box_on(disk) as made:
        yield made


def tell(person: Person, *names: str) -> list[httpx.Response]:
    """Send a session for each name, whatever is answered."""
    return [post(f"{person.box.url}{SESSIONS}", **person.request(session(sessionId=name))) for name in names]


def refused_for(answer: httpx.Response) -> str:
    """The sentence of a refusal that asks to come again."""
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    return str(answer.json()["error"]["message"])


def readiness(box: Serving) -> tuple[int, str]:
    answer = get(f"{box.url}/readyz")
    return answer.status_code, answer.json().get("reason", "")


def is_ready(box: Serving) -> bool:
    return readiness(box)[0] == 200


def failed_writes(box: Serving) -> float:
    figures = get(f"{box.url}/metrics").text.splitlines()
    return float(next(line for line in figures if line.startswith("arena_refused_writes_total")).split()[1])


def test_a_full_disk_is_said_and_survived(box: Serving, disk: Disk) -> None:
    alice = box.add("alice")
    with Visitor(box) as root:
        root.join(box.first_link(), "root")
        acknowledged = [answer.status_code for answer in tell(alice, "before")]
        disk.fill()
        names = [f"full-{number}" for number in range(300)]
        answers = tell(alice, *names)
        assert {answer.status_code for answer in answers} <= {201, 503}
        acknowledged += [answer.status_code for answer in answers if answer.status_code == 201]
        refusals = [answer for answer in answers if answer.status_code == 503]
        assert len(refusals) > 200
        assert "cannot store anything just now (database or disk is full)" in refused_for(refusals[-1])
        assert readiness(box) == (503, "the disk of the data folder is full")
        assert failed_writes(box) >= len(refusals)
        for path in ("/", "/leaderboard?period=daily", "/api/leaderboard", "/api/users/alice", "/install", "/healthz"):
            assert get(f"{box.url}{path}").status_code == 200, path
        assert alice.totals() == (300 * len(acknowledged), 120 * len(acknowledged), len(acknowledged))
        assert "Make room" in root.get("/admin/system").text
        form = {"csrf": root.csrf("/dashboard"), "label": "laptop"}
        keys = (root.post("/dashboard/keys", data=form) for _ in range(200))  # some still find a little room
        refused = next(answer for answer in keys if answer.status_code != 200)
        assert (refused.status_code, "cannot store anything just now" in refused.text) == (503, True)
    told = [json.loads(line) for line in box.log.read_text().splitlines()]
    assert Counter(line["event"] for line in told)["failed"] < 10
    assert sum(line.get("count", 0) for line in told if line["event"] == "database") < len(refusals) + 10
    assert len(told) < 40

    disk.clear()
    after = Counter(answer.status_code for answer in tell(alice, *names))
    assert after == {201: len(refusals), 200: len(names) - len(refusals)}
    wait_until(lambda: is_ready(box), 10)
    assert alice.totals() == (300 * 301, 120 * 301, 301)
    assert box.ask("PRAGMA integrity_check") == [("ok",)]
    assert box.stop() == 0


def test_a_backup_that_has_no_room_is_refused_and_leaves_nothing(box: Serving, disk: Disk) -> None:
    kept = arena("admin", "backup", "--data", str(box.data)).stdout.strip()
    disk.fill()
    done = arena("admin", "backup", "--data", str(box.data))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "there is no room on the disk" in done.stderr
    assert [str(file) for file in (box.data / "backups").iterdir()] == [kept]
    disk.clear()
    assert arena("admin", "verify", kept, "--data", str(box.data)).returncode == 0
    assert arena("admin", "backup", "--data", str(box.data)).returncode == 0


def test_a_box_does_not_start_without_room_and_says_why(box: Serving, disk: Disk) -> None:
    assert tell(box.add("alice"), "before")[0].status_code == 201
    assert box.stop() == 0
    disk.fill()
    done = arena("serve", "--data", str(box.data), "--port", "0")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done
    assert "Traceback" not in done.stderr
    assert "disk" in done.stderr or "No space left" in done.stderr
    disk.clear()
    box.start()
    assert box.ask("SELECT COUNT(*) FROM sessions") == [(1,)]


def test_an_upgrade_without_room_for_its_backup_does_not_begin(box: Serving, disk: Disk) -> None:
    alice = box.add("alice")
    alice.send(session())
    assert box.stop() == 0
    as_the_first_release(box.data)
    before = dump(box.data)
    disk.fill()
    refused = arena("serve", "--data", str(box.data), "--port", "0")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert "no room" in refused.stderr or "No space left" in refused.stderr
    assert dump(box.data) == before
    disk.clear()
    box.start()
    assert alice.totals() == (300, 120, 1)
    assert len(list((box.data / "backups").iterdir())) == 1


def test_a_disk_that_turns_read_only_is_said_and_what_was_acknowledged_is_there_after_its_repair(
    failing: Failing,
) -> None:
    with box_on(failing) as box:
        alice = box.add("alice")
        names = [f"before-{number}" for number in range(50)]
        assert {answer.status_code for answer in tell(alice, *names)} == {201}
        failing.fail()
        for answer in tell(alice, "meanwhile", "again"):
            assert "cannot store anything just now" in refused_for(answer)
        wait_until(lambda: not is_ready(box), 5)
        assert "the data folder cannot be written (Read-only file system)" in readiness(box)[1]
        for path in ("/", "/leaderboard?period=daily", "/api/leaderboard", "/api/users/alice", "/install"):
            assert get(f"{box.url}{path}").status_code == 200, path
        assert alice.totals() == (300 * 50, 120 * 50, 50)
        time.sleep(2.5)
        assert len(box.log.read_text().splitlines()) < 40
        assert box.stop() == 0
        refused = arena("serve", "--data", str(box.data), "--port", "0")
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused
        failing.repair()
        box.start()
        assert alice.totals() == (300 * 50, 120 * 50, 50)
        assert [answer.status_code for answer in tell(alice, *names, "meanwhile")] == [200] * 50 + [201]
        assert box.ask("PRAGMA integrity_check") == [("ok",)]
        assert box.stop() == 0
