"""The signing secrets: made once, rotated without signing anybody out, and never taken from half a file."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from arena.core.config import ConfigError
from arena.core.keyring import Keyring, Secret, read, rotate
from tests.conftest import NOW

DAY = 86_400_000
OLD = "0d" * 32


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secret"


def names(file: Path) -> list[str]:
    return [each.name for each in file.parent.iterdir()]


def test_a_secret_is_made_once_for_its_owner_alone(file: Path) -> None:
    first = Keyring(file, lambda: NOW).newest
    assert len(bytes.fromhex(first)) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Keyring(file, lambda: NOW).newest == first
    assert names(file) == ["secret"]


def test_two_folders_have_two_secrets(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert Keyring(tmp_path / "secret", lambda: NOW).newest != Keyring(tmp_path / "a" / "secret", lambda: NOW).newest


def test_several_processes_at_once_find_one_secret(file: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from arena.core.keyring import Keyring\n"
        "sys.stdin.read(); print(Keyring(Path(sys.argv[1]), lambda: 0).newest)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, file], text=True, stdin=-1, stdout=-1) for _ in range(6)
    ]
    for each in started:
        assert each.stdin is not None
        each.stdin.close()
        each.stdin = None
    said = {each.communicate()[0].strip() for each in started}
    assert said == {file.read_text().strip()}
    assert [each.returncode for each in started] == [0] * 6
    assert names(file) == ["secret"]


def test_a_file_of_an_older_release_is_taken(file: Path) -> None:
    file.write_text(OLD)  # without an end of line
    assert Keyring(file, lambda: NOW).valid == [OLD]


def test_after_a_rotation_the_new_one_signs_and_the_old_one_verifies_for_the_grace(file: Path) -> None:
    file.write_text(OLD)
    time = [NOW]
    keyring = Keyring(file, lambda: time[0])
    new, old = rotate(file, grace=DAY, now=NOW)
    assert old == Secret(OLD, NOW + DAY)
    assert keyring.newest == new.value
    assert keyring.valid == [new.value, OLD]
    time[0] = NOW + DAY - 1
    assert OLD in keyring.valid
    time[0] = NOW + DAY
    assert keyring.valid == [new.value]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert names(file) == ["secret"]


def test_rotations_add_up_and_what_is_over_is_dropped(file: Path) -> None:
    first = Keyring(file, lambda: NOW).newest
    second = rotate(file, grace=10 * DAY, now=NOW)[0].value
    third = rotate(file, grace=30 * DAY, now=NOW + DAY)
    assert third[1:] == [Secret(second, NOW + 31 * DAY), Secret(first, NOW + 10 * DAY)]
    fourth = rotate(file, grace=2 * DAY, now=NOW + 9 * DAY)
    assert [each.until for each in fourth[1:]] == [NOW + 11 * DAY, NOW + 11 * DAY, NOW + 10 * DAY]
    assert len(rotate(file, grace=0, now=NOW + 9 * DAY)) == 1


def test_rotations_at_once_lose_none(file: Path) -> None:
    Keyring(file, lambda: NOW)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: rotate(file, grace=DAY, now=NOW)[0].value, range(16)))
    assert len({*made, *(each.value for each in read(file))}) == 17
    assert set(made) <= {each.value for each in read(file)}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        OLD[:-1],
        OLD.upper(),
        f"{OLD}\n{OLD}\n",
        f"{OLD} 1795176000000\n",
        f"{OLD}\n{OLD} 17951760\n",
        f"{OLD}\n{OLD[:20]}",
        f"{OLD}\n\n{OLD} 1795176000000\n",
        f"{OLD} 1795176000000\n{OLD}\n",
        "\x00" * 64,
    ],
)
def test_half_a_file_is_refused_and_left_as_it_is(file: Path, content: str) -> None:
    file.write_text(content)
    for attempt in (partial(Keyring, file, lambda: NOW), partial(rotate, file, grace=DAY, now=NOW)):
        with pytest.raises(ConfigError, match="does not hold 64 hex digits a line; restore it from a backup"):
            attempt()
    assert file.read_text() == content
    assert names(file) == ["secret"]


def test_a_file_that_is_spoilt_or_gone_meanwhile_changes_nothing_for_who_holds_it(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keyring = Keyring(file, lambda: NOW)
    known = keyring.newest
    file.write_text("half")
    assert [keyring.newest, keyring.newest] == [known, known]
    assert "".join(capsys.readouterr()).count("does not hold 64 hex digits") == 1
    file.unlink()
    assert keyring.valid == [known]
    file.write_text(f"{OLD}\n")
    assert keyring.valid == [OLD]


def test_a_killed_rotation_leaves_the_old_file_whole(file: Path) -> None:
    file.write_text(f"{OLD}\n")
    program = (
        "import os, sys; from pathlib import Path; from arena.core import keyring\n"
        "Path.replace = lambda *_: os._exit(9)\n"
        "keyring.rotate(Path(sys.argv[1]), grace=1, now=1)"
    )
    assert subprocess.run([sys.executable, "-c", program, file], check=False).returncode == 9
    assert Keyring(file, lambda: NOW).valid == [OLD]
    assert rotate(file, grace=DAY, now=NOW)[1].value == OLD


def test_only_the_owner_rotates(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(f"{OLD}\n")
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    with pytest.raises(ConfigError, match="belongs to another user; rotate it as the user who runs"):
        rotate(file, grace=DAY, now=NOW)
    assert read(file) == [Secret(OLD)]


def test_a_secret_is_not_shown_by_accident() -> None:
    assert OLD not in repr(Secret(OLD, NOW))
