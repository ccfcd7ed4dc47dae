"""A sync now and then: by systemd, launchd, cron or a command for Windows; offered, shown, looked over, taken away."""

import os
import plistlib
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from arena.client import places, schedule, terminal
from tests.client import samples
from tests.client.box import Box
from tests.client.conftest import ROOT, Laptop
from tests.client.lines import answer, write
from tests.client.system import System

FOREIGN = "# mine\nMAILTO=me\n5 4 * * sun echo 100\\% done\n"


@pytest.fixture
def units(laptop: Laptop, system: System) -> Path:
    """The folder of unit files, where systemd is at work."""
    system.works("systemctl")
    return laptop.home.parent / ".config" / "systemd" / "user"


def words_of(unit: Path) -> list[str]:
    """Split a command as systemd does: no shell, escapes of C in double quotes, two percent signs for one."""
    (line,) = (line for line in unit.read_text().splitlines() if line.startswith("ExecStart="))
    return [word.replace("%%", "%") for word in shlex.split(line.removeprefix("ExecStart="))]


def test_cron_is_given_one_line_and_keeps_the_others(laptop: Laptop, system: System) -> None:
    system.table.write_text(FOREIGN)
    told = laptop.json("hooks", "install", "--schedule")["schedule"]
    assert (told["by"], told["place"]) == ("cron", "crontab -l")
    once = system.table.read_text()
    assert once.startswith(FOREIGN)
    (line,) = once.removeprefix(FOREIGN).splitlines()
    minutes = [int(minute) for minute in line.split()[0].split(",")]
    assert minutes == list(range(minutes[0], 60, 15))
    assert line.split()[1:5] == ["*"] * 4
    laptop.run("hooks", "install", "--schedule")
    assert system.table.read_text() == once
    assert "a sync every 15 minutes by cron (crontab -l)" in laptop.run("hooks", "list")[1]
    assert "no sync every 15 minutes any more" in laptop.run("hooks", "uninstall")[1]
    assert system.table.read_text() == FOREIGN


def test_a_table_that_was_not_there_is_not_there_again(laptop: Laptop, system: System) -> None:
    laptop.run("hooks", "install", "--schedule")
    assert system.table.exists()
    assert laptop.run("hooks", "uninstall")[0] == 0
    assert not system.table.exists()
    said = len(system.said)
    laptop.run("hooks", "uninstall")
    assert set(system.said[said:]) == {"crontab -l"}


@pytest.mark.usefixtures("signed_in")
def test_what_cron_runs_sends_what_is_new(
    laptop: Laptop, box: Box, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(laptop.transcript, answer())
    elsewhere = laptop.home.parent / "else 100% where"
    laptop.claude.rename(elsewhere)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(elsewhere))
    laptop.run("hooks", "install", "--schedule", "--no-statusline")
    command = system.table.read_text().split(" ", 5)[5].replace("\\%", "%")
    bare = {"HOME": os.environ["HOME"], "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", command], env=bare, cwd="/", check=False, capture_output=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert len(box.records) == 1


@pytest.mark.usefixtures("signed_in")
def test_what_systemd_runs_sends_what_is_new(
    laptop: Laptop, box: Box, units: Path, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(laptop.transcript, answer())
    odd = laptop.home.parent / 'a "b" 100% \\' / "arena"
    odd.parent.mkdir()
    odd.write_text(f'#!/bin/sh\nexec {sys.executable} -m arena "$@"\n')
    odd.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(odd)])
    told = laptop.json("hooks", "install", "--schedule")["schedule"]
    assert told == {"by": "systemd", "place": str(units / "arena-sync.timer"), "program": str(odd)}
    assert "systemctl --user enable --now arena-sync.timer" in system.said
    assert not system.table.exists()
    timer = (units / "arena-sync.timer").read_text()
    assert "OnCalendar=*:0/15\n" in timer
    assert "RandomizedDelaySec=300\n" in timer
    assert f'Environment="ARENA_HOME={laptop.home}"\n' in (units / "arena-sync.service").read_text()
    done = subprocess.run(words_of(units / "arena-sync.service"), check=False, capture_output=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert len(box.records) == 1
    laptop.run("hooks", "uninstall")
    assert "systemctl --user disable --now arena-sync.timer" in system.said
    assert list(units.iterdir()) == []


def test_a_schedule_moves_from_cron_to_systemd(laptop: Laptop, system: System) -> None:
    laptop.run("hooks", "install", "--schedule")
    system.works("systemctl")
    assert laptop.json("hooks", "install", "--schedule")["schedule"]["by"] == "systemd"
    assert not system.table.exists()


def test_on_a_mac_it_is_an_agent(laptop: Laptop, system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arena.client.schedule.sys.platform", "darwin")
    agent = laptop.home.parent / "Library" / "LaunchAgents" / "arena-sync.plist"
    code, _, err = laptop.run("hooks", "install", "--schedule")
    assert (code, err.count("\n"), agent.exists()) == (1, 1, False)
    assert "launchd did not take the agent" in err
    system.works("launchctl")
    laptop.run("hooks", "install", "--schedule")
    content = plistlib.loads(agent.read_bytes())
    assert (content["StartInterval"], content["RunAtLoad"]) == (900, True)
    assert content["ProgramArguments"][1:] == ["sync", "--quiet"]
    assert os.access(content["ProgramArguments"][0], os.X_OK)
    domain = f"gui/{os.getuid()}"
    assert f"launchctl bootstrap {domain} {agent}" in system.said
    told = len(system.said)
    laptop.run("hooks", "uninstall")
    assert f"launchctl bootout {domain}/arena-sync" in system.said[told:]
    assert not agent.exists()


def test_on_windows_the_person_is_given_the_command(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arena.client.schedule.sys.platform", "win32")
    monkeypatch.setattr("arena.client.program.WINDOWS", True)
    monkeypatch.setattr("sys.argv", ["/A B/arena"])
    code, _, err = laptop.run("hooks", "install", "--schedule")
    assert code == 1
    assert err.endswith('schtasks /Create /F /SC MINUTE /MO 15 /TN arena-sync /TR "\\"/A B/arena\\" sync --quiet"\n')


def test_a_system_without_any_way_is_told(laptop: Laptop, system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    (system.folder / "crontab").unlink()
    monkeypatch.setenv("PATH", str(system.folder))
    code, _, err = laptop.run("hooks", "install", "--schedule")
    assert (code, err.count("\n")) == (1, 1)
    assert "run `arena sync` when you like" in err


@pytest.mark.parametrize("way", ["cron", "systemd"])
def test_a_system_that_refuses_is_told_and_nothing_is_left(laptop: Laptop, system: System, way: str) -> None:
    system.table.write_text(FOREIGN)
    if way == "cron":
        (system.folder / "crontab.refuses").touch()
    else:
        script = system.folder / "systemctl"
        script.write_text('#!/bin/sh\ncase "$*" in *enable*) exit 1;; esac\n')
    code, _, err = laptop.run("hooks", "install", "--schedule")
    assert (code, err.count("\n")) == (1, 1)
    assert f"{way} did not take" in err
    assert (system.table.read_text(), schedule.current()) == (FOREIGN, None)


@pytest.mark.usefixtures("signed_in")
def test_a_sign_out_takes_it_away(laptop: Laptop, system: System) -> None:
    laptop.run("hooks", "install", "--schedule")
    assert laptop.run("logout")[0] == 0
    assert not system.table.exists()


@pytest.mark.usefixtures("signed_in")
def test_the_doctor_tells_of_tools_that_only_a_sync_counts(laptop: Laptop) -> None:
    samples.lay("amp", laptop.home.parent)
    code, out, err = laptop.run("doctor")
    assert (code, err.count("\n")) == (1, 1)
    assert "amp calls no hooks" in err
    assert "none; hooks alone have things sent" in out
    laptop.run("hooks", "install", "--schedule")
    code, out, err = laptop.run("doctor")
    assert (code, err) == (0, "")
    assert "a sync every 15 minutes by cron" in out


@pytest.mark.usefixtures("signed_in")
def test_the_doctor_tells_of_a_schedule_whose_program_is_gone(laptop: Laptop, system: System) -> None:
    laptop.run("hooks", "install", "--schedule")
    system.table.write_text(system.table.read_text().replace("/bin/arena'", "/gone/arena'"))
    code, _, err = laptop.run("doctor")
    assert (code, err.count("\n")) == (1, 1)
    assert "/gone/arena, which is not there any more" in err


@pytest.mark.parametrize(("said", "done"), [("y", True), ("", False), ("no", False)])
def test_a_person_is_asked(laptop: Laptop, monkeypatch: pytest.MonkeyPatch, said: str, done: bool) -> None:
    samples.lay("amp", laptop.home.parent)
    asked: list[str] = []
    monkeypatch.setattr(terminal, "has_person", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or said)
    laptop.run("hooks", "install")
    assert len(asked) == 2
    assert "status line of claude-code?" in asked[0]
    assert "amp calls no hooks. Sync every 15 minutes" in asked[1]
    assert (schedule.current() is not None) is done
    assert ("statusLine" in laptop.settings.read_text()) is done
    asked.clear()
    laptop.run("hooks", "install", "--no-schedule", "--no-statusline")
    laptop.run("hooks", "install", "--json")
    assert asked == []


def test_a_sign_in_says_what_calls_no_hooks(laptop: Laptop, box: Box) -> None:
    samples.lay("amp", laptop.home.parent)
    login = ("login", "--api-key", "modu_arena_0123abcd_" + "0123456789abcdef" * 2, "--server", box.url, "--no-sync")
    assert "amp calls no hooks; `arena hooks install --schedule`" in laptop.run(*login)[1]
    assert "no hooks" not in laptop.run(*login, "--no-hooks")[1]


def test_every_variable_that_moves_a_place_is_handed_on() -> None:
    asked = subprocess.run(
        ["grep", "-rhoE", r'(environ\.get|overridden)\("[A-Z_]+"|"QWEN_[A-Z_]+"', ROOT / "arena" / "client"],
        check=True,
        capture_output=True,
        text=True,
    )
    names = {line.split('"')[1] for line in asked.stdout.splitlines()}
    told_a_person = {"ARENA_API_KEY", "ARENA_SERVER", "BROWSER", "DISPLAY", "NO_COLOR", "SSH_CONNECTION", "SSH_TTY"}
    told_a_person |= {"TERM", "WAYLAND_DISPLAY", "APPDATA", "LOCALAPPDATA"}
    found_anew = {"PEX"}  # by whichever file a schedule starts
    assert names - told_a_person - found_anew == set(places.OVERRIDES)
