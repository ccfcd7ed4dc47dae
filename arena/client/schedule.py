"""A sync every quarter of an hour, by what this system has for that.

A timer of systemd, an agent of launchd, a line for cron, or a task of Windows; on Linux the first that is at work.

Not everybody comes at once: systemd is asked to scatter, launchd and Windows count from when they were told, and cron's
minutes are drawn by lot.
"""

import os
import random
import shlex
import shutil
import subprocess
import sys
from contextlib import suppress
from typing import NamedTuple, Protocol

from arena.client import program
from arena.client.home import Refused
from arena.client.places import configuration, home, overrides

MINUTES = 15
SCATTER = 300
"""Seconds."""

NAME = "arena-sync"
MARK = "# arena sync, by `arena hooks`"
PATIENCE = 20
"""Seconds for a program of the system's."""


class Schedule(NamedTuple):
    """What does it, where that stands, and the program it calls where it can be known."""

    by: str
    place: str
    program: str


class _Way(Protocol):
    name: str

    def usable(self) -> bool: ...
    def found(self) -> Schedule | None: ...
    def install(self) -> None: ...
    def uninstall(self) -> None: ...


def current() -> Schedule | None:
    """Find the schedule that is installed."""
    return next((found for way in WAYS if (found := way.found())), None)


def install() -> Schedule | None:
    """Have a sync run every quarter of an hour. Raises `Refused` where that cannot be had, and says what to do."""
    way = next((way for way in WAYS if way.usable()), None)
    if way is None:
        raise Refused(
            "neither systemd nor cron is at work here, so nothing syncs on its own; run `arena sync` when you like."
        )
    way.install()
    for other in WAYS:
        if other is not way and other.found():
            other.uninstall()
    return current()


def uninstall() -> bool:
    """Take every schedule of ours away; says whether there was one."""
    there = [way for way in WAYS if way.found()]
    for way in there:
        way.uninstall()
    return bool(there)


class _Systemd:
    name = "systemd"

    def usable(self) -> bool:
        return sys.platform == "linux" and _does("systemctl", "--user", "show-environment")

    def found(self) -> Schedule | None:
        if not os.path.exists(self._unit("timer")):
            return None
        lines = _text(self._unit("service")).splitlines()
        called = next((line for line in lines if line.startswith("ExecStart=")), "ExecStart=''")
        word = shlex.split(called.removeprefix("ExecStart="))[0].replace("%%", "%")
        return Schedule(self.name, self._unit("timer"), word)

    def install(self) -> None:
        told = "".join(f"Environment={self._quoted(f'{name}={value}')}\n" for name, value in overrides().items())
        called = " ".join(map(self._quoted, program.words("sync", "--quiet")))
        _write(
            self._unit("service"),
            "[Unit]\nDescription=Send what is new to arena\n\n"
            f"[Service]\nType=oneshot\nNice=10\n{told}ExecStart={called}\n",
        )
        _write(
            self._unit("timer"),
            f"[Unit]\nDescription=Send what is new to arena every {MINUTES} minutes\n\n"
            f"[Timer]\nOnCalendar=*:0/{MINUTES}\nRandomizedDelaySec={SCATTER}\nPersistent=true\n\n"
            "[Install]\nWantedBy=timers.target\n",
        )
        _does("systemctl", "--user", "daemon-reload")
        if not _does("systemctl", "--user", "enable", "--now", f"{NAME}.timer"):
            self.uninstall()
            raise Refused("systemd did not take the timer; `systemctl --user status` may tell why.")

    def uninstall(self) -> None:
        _does("systemctl", "--user", "disable", "--now", f"{NAME}.timer")
        for kind in ("timer", "service"):
            with suppress(FileNotFoundError):
                os.unlink(self._unit(kind))
        _does("systemctl", "--user", "daemon-reload")

    def _unit(self, kind: str) -> str:
        return configuration("systemd", "user", f"{NAME}.{kind}")

    def _quoted(self, word: str) -> str:
        escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
        return f'"{escaped}"'


class _Launchd:
    name = "launchd"

    def usable(self) -> bool:
        return sys.platform == "darwin"

    def found(self) -> Schedule | None:
        import plistlib

        try:
            with open(self._agent(), "rb") as file:
                called = str(plistlib.load(file)["ProgramArguments"][0])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError):
            called = ""
        return Schedule(self.name, self._agent(), called)

    def install(self) -> None:
        import plistlib

        agent = {
            "Label": NAME,
            "ProgramArguments": program.words("sync", "--quiet"),
            "EnvironmentVariables": overrides(),
            "StartInterval": MINUTES * 60,
            "RunAtLoad": True,
            "ProcessType": "Background",
        }
        _write(self._agent(), plistlib.dumps(agent).decode())
        _does("launchctl", "bootout", f"{self._domain()}/{NAME}")
        if not _does("launchctl", "bootstrap", self._domain(), self._agent()):
            self.uninstall()
            raise Refused("launchd did not take the agent; `launchctl error` may tell why.")

    def uninstall(self) -> None:
        _does("launchctl", "bootout", f"{self._domain()}/{NAME}")
        with suppress(FileNotFoundError):
            os.unlink(self._agent())

    def _agent(self) -> str:
        return home("Library", "LaunchAgents", f"{NAME}.plist")

    def _domain(self) -> str:
        return f"gui/{os.getuid()}"


class _Cron:
    name = "cron"

    def usable(self) -> bool:
        return sys.platform != "win32" and shutil.which("crontab") is not None

    def found(self) -> Schedule | None:
        for line in self._lines():
            if line.endswith(MARK):
                words: list[str] = []
                with suppress(ValueError):
                    words = shlex.split(line.removesuffix(MARK).replace("\\%", "%"))[5:]
                return Schedule(self.name, "crontab -l", next(filter(os.path.isabs, words), ""))
        return None

    def install(self) -> None:
        lines = self._lines()
        ours = next((line for line in lines if line.endswith(MARK)), "")
        first = random.randrange(MINUTES)  # noqa: S311
        minutes = ours.partition(" ")[0] or ",".join(map(str, range(first, 60, MINUTES)))
        told = "".join(f"{name}={shlex.quote(value)} " for name, value in overrides().items())
        # cron takes a % for the end of a line, and mails what is printed.
        called = f"{told}{program.line('sync', '--quiet')} >/dev/null 2>&1".replace("%", "\\%")
        wanted = f"{minutes} * * * * {called} {MARK}"
        if ours != wanted:
            self._put([*(line for line in lines if not line.endswith(MARK)), wanted])

    def uninstall(self) -> None:
        self._put([line for line in self._lines() if not line.endswith(MARK)])

    def _lines(self) -> list[str]:
        if not self.usable():
            return []
        done = subprocess.run(
            ["crontab", "-l"], check=False, capture_output=True, text=True, errors="surrogateescape", timeout=PATIENCE
        )
        return done.stdout.splitlines() if done.returncode == 0 else []

    def _put(self, lines: list[str]) -> None:
        done = subprocess.run(
            ["crontab", "-"] if lines else ["crontab", "-r"],
            check=False,
            input="".join(f"{line}\n" for line in lines),
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=PATIENCE,
        )
        if done.returncode:
            raise Refused("cron did not take the change; `crontab -l` shows what it has.")


class _Tasks:
    """Windows: the person runs the command, which asks for no more rights than theirs."""

    name = "Windows"

    def usable(self) -> bool:
        return sys.platform == "win32"

    def found(self) -> Schedule | None:
        there = self.usable() and _does("schtasks", "/Query", "/TN", NAME)
        return Schedule(self.name, f"task {NAME}", "") if there else None

    def install(self) -> None:
        called = program.line("sync", "--quiet").replace('"', '\\"')
        raise Refused(
            f"run this, and there is a sync every {MINUTES} minutes: "
            f'schtasks /Create /F /SC MINUTE /MO {MINUTES} /TN {NAME} /TR "{called}"'
        )

    def uninstall(self) -> None:
        raise Refused(f"run this, and nothing syncs on its own any more: schtasks /Delete /F /TN {NAME}")


WAYS: tuple[_Way, ...] = (_Systemd(), _Launchd(), _Cron(), _Tasks())


def _does(*argv: str) -> bool:
    """Run a program of the system's; says whether it succeeded."""
    try:
        done = subprocess.run(argv, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _text(path: str) -> str:
    with suppress(OSError), open(path, encoding="utf-8") as file:
        return file.read()
    return ""


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    scratch = f"{path}.{os.getpid()}.new"
    with open(scratch, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(scratch, path)
