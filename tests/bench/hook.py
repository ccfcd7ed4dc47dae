"""P3: what `arena hook claude-code` and `arena statusline` cost the tool that waits, and the upload behind the hook.

    python tests/bench/hook.py

The hook is held against `npx ccusage --version`. The detached part reads a transcript of 20 MB and sends it to
a box on this machine: when nothing of it is known, and when only its last turn is new.
"""

import argparse
import ctypes
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import measure
from make_transcripts import make_session
from measure import Cost, arena, heading, median, must, run, table

TRANSCRIPT = 20_000_000
TURN = 30_000
"""Bytes of the transcript that a turn adds, about."""
PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Measure and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    _adopt()
    npx = measure.npx()
    with measure.scratch() as scratch:
        data = scratch / "box"
        data.mkdir()
        (key,) = measure.make_people(data, 1, 1)
        with measure.box_over(data) as box:
            heading(f"P3: {options.rounds} rounds in turn; a transcript of {TRANSCRIPT / 1e6:.0f} MB")
            hooks: list[Cost] = []
            lines: list[Cost] = []
            launches: list[Cost] = []
            whole: list[Detached] = []
            turns: list[Detached] = []
            transcript = scratch / "projects/-home-someone-backend/session.jsonl"
            make_session(transcript, TRANSCRIPT)
            before = transcript.stat().st_size
            for number in range(options.rounds):
                env = {
                    "ARENA_HOME": str(scratch / f"home-{number}"),
                    "ARENA_SERVER": f"http://127.0.0.1:{box.port}",
                    "ARENA_API_KEY": key,
                }
                lines.append(_line(env))
                for kept in (whole, turns):
                    hooks.append(_hook(transcript, env))
                    kept.append(_detached())
                    more = scratch / "more.jsonl"
                    make_session(more, TURN, seed=time.time_ns())
                    with transcript.open("ab") as file:
                        file.write(more.read_bytes())
                os.truncate(transcript, before)
                if npx is not None:
                    launch = [npx, "--no-install", "ccusage", "--version"]
                    launches.append(must(run(launch, cwd=measure.TOOLS / "npm"), "npx ccusage --version"))
        _tell(hooks, lines, launches, whole, turns)


@dataclass(frozen=True)
class Detached:
    """What a process that outlived its parent used: seconds and MiB."""

    cpu: float
    peak: float


def _hook(transcript: Path, env: dict[str, str]) -> Cost:
    event = {"session_id": "s", "transcript_path": str(transcript), "hook_event_name": "SessionEnd", "cwd": "/"}
    return must(run(arena("hook", "claude-code"), env=env, stdin=json.dumps(event).encode()), "arena hook")


def _line(env: dict[str, str]) -> Cost:
    """Show a line whose figures are fresh, so that nothing is started behind it."""
    home = Path(env["ARENA_HOME"])
    home.mkdir(mode=0o700, exist_ok=True)
    figures = {"at": time.time(), "position": 3, "moved": 2, "tokens": 1_234_567, "cost": 4.2, "complete": True}
    (home / "standing.json").write_text(json.dumps({**figures, "streak": 12}))
    (home / "standing.asked").touch()
    status = {"session_id": "s", "rate_limits": {"five_hour": {"used_percentage": 38}}}
    return must(run(arena("statusline"), env=env, stdin=json.dumps(status).encode()), "arena statusline")


def _adopt() -> None:
    """Become the parent of every process whose own parent ends, so that its cost can be asked for."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def _detached() -> Detached:
    """Wait for the upload to end; a process of ours that is not a child of the box or a peer."""
    for pid in _children():
        if b"--spooled" in _command(pid):
            _, status, used = os.wait4(pid, 0)
            if os.waitstatus_to_exitcode(status):
                raise SystemExit(f"the detached sync ended with {os.waitstatus_to_exitcode(status)}")
            return Detached(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
    raise SystemExit("the hook started no sync")


def _children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()]


def _command(pid: int) -> bytes:
    """The arguments of a process; none once it has ended, and then it can only be the one that is waited for."""
    return Path(f"/proc/{pid}/cmdline").read_bytes() or b"--spooled"


def _tell(
    hooks: list[Cost], lines: list[Cost], launches: list[Cost], whole: list[Detached], turns: list[Detached]
) -> None:
    rows = [
        [name, _milliseconds(costs), f"{1e3 * median(costs, lambda c: c.wall):.0f}", "about 30 ms CPU"]
        for name, costs in (("arena hook, foreground", hooks), ("arena statusline", lines))
    ]
    if launches:
        rows.append(
            ["npx ccusage --version", _milliseconds(launches), f"{1e3 * median(launches, lambda c: c.wall):.0f}", ""]
        )
    rows.append(["detached, 20 MB all new", _milliseconds(whole), "", "<= 100 ms CPU"])
    rows.append(["detached, one turn new", _milliseconds(turns), "", ""])
    table(("", "CPU ms", "wall ms", "target"), rows)
    print(f"peak of the detached part: {median(whole, lambda d: d.peak):.0f} MiB")
    if launches:
        print(f"foreground CPU, arena / npx: {median(hooks, _cpu) / median(launches, _cpu):.3f} x (target <= 0.1 x)")


def _cpu(cost: Cost | Detached) -> float:
    return cost.cpu


def _milliseconds(costs: list[Cost] | list[Detached]) -> str:
    return f"{1e3 * median(costs, _cpu):.0f}"


if __name__ == "__main__":
    main()
