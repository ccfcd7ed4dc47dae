"""No road adds to another: all five doors of a real box, in any order, twice, from two machines."""

from collections.abc import Callable
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arena.core import clock
from arena.core.clock import DAY
from arena.wire import record_key, session_hash, short_hash
from tests.api.test_day_rows import sync
from tests.api.test_otlp import METRICS, attributes, logs, metric, tell
from tests.flows.serving import Person, Serving, arena

NOON = clock.now() // DAY * DAY - DAY // 2
"""Yesterday, UTC: whatever the time is, all of it lies back."""
TOOLS = {"claude-code": "claude-x", "codex": "gpt-x", "gemini": "gemini-x"}
DAYS = range(5)
"""How many days ago; the further back, the fewer roads tell of it."""
KNOWN_BY = {"transcripts": 1, "events": 2, "counters": 3, "sessions": 4, "rows": 5}
"""On how many of the days each road tells something."""


def at(ago: int, number: int = 0) -> int:
    return NOON - ago * DAY + number * 60_000


def truth(tool: str, ago: int) -> list[tuple[int, int]]:
    """Input and output of each response of a tool and day."""
    base = 100 * (list(TOOLS).index(tool) + 1) + 10 * ago
    return [(base + number, 2 * base + number) for number in range(3)]


def total(tool: str, ago: int) -> tuple[int, int]:
    taken, written = zip(*truth(tool, ago), strict=True)
    return sum(taken), sum(written)


# -- the doors


def by_transcripts(person: Person, tool: str, ago: int, machine: int) -> None:
    records = [
        {
            "key": record_key(f"{tool}:{ago}:{number}", f"{tool}:{ago}:{number}:request"),
            "request": short_hash(f"{tool}:{ago}:{number}:request"),
            "at": at(ago, number),
            "model": TOOLS[tool],
            "input": taken,
            "output": written,
        }
        for number, (taken, written) in enumerate(truth(tool, ago))
    ]
    session = {"tool": tool, "session": session_hash(tool, f"{tool}-{ago}"), "records": records[: 2 + machine]}
    times = {"started_at": at(ago), "ended_at": at(ago, 3)}
    good(person.post("/api/v1/usage", {"machine": f"m{machine}", "sessions": [{**session, **times}]}))


def by_events(person: Person, tool: str, ago: int, machine: int) -> None:
    """As telemetry tells it: under another name in each tool, and a token less of each response."""
    told = []
    for number, (taken, written) in enumerate(truth(tool, ago)):
        name, fields = {
            "claude-code": (
                "claude_code.api_request",
                {"session__id": f"{tool}-{ago}", "input_tokens": taken, "output_tokens": written - 1,
                 "request_id": f"{tool}:{ago}:{number}:request"},
            ),
            "codex": (
                "codex.sse_event",
                {"conversation__id": f"{tool}-{ago}", "event__kind": "response.completed", "input_token_count": taken,
                 "output_token_count": written - 1},
            ),
            "gemini": (
                "gemini_cli.api_response",
                {"session__id": f"{tool}-{ago}", "input_token_count": taken, "output_token_count": written - 1,
                 "prompt_id": f"p{number}"},
            ),
        }[tool]  # fmt: skip
        nanoseconds = str(at(ago, number) * 1_000_000)
        told.append(
            {"timeUnixNano": nanoseconds, "eventName": name, "attributes": attributes(model=TOOLS[tool], **fields)}
        )
    good(tell(person, logs(*told)))


def by_counters(person: Person, tool: str, ago: int, machine: int) -> None:
    """Claude Code alone has counters that tell of whose session they are: two tokens less in all."""
    if tool != "claude-code":
        return
    points = []
    for kind, value in zip(("input", "output"), total(tool, ago), strict=True):
        told = attributes(session__id=f"{tool}-{ago}", model=TOOLS[tool], type=kind)
        times = {"startTimeUnixNano": str(at(ago) * 1_000_000), "timeUnixNano": str(at(ago, 4) * 1_000_000)}
        points.append({**times, "asInt": str(value - 2), "attributes": told})
    good(tell(person, metric(points), METRICS))


def by_sessions(person: Person, tool: str, ago: int, machine: int) -> None:
    """The whole session, three tokens less; from the second machine before it had grown."""
    taken, written = total(tool, ago)
    body = {"toolType": tool, "sessionId": f"{tool}-{ago}", "modelName": TOOLS[tool], "endedAt": clock.iso(at(ago, 5))}
    good(person.batch({**body, "inputTokens": taken - 3, "outputTokens": (written - 3) // machine}))


def by_rows(person: Person, tool: str, ago: int, machine: int) -> None:
    """Each machine sums up half of the day, told whole and told by model."""
    taken, written = total(tool, ago)
    row = {"date": clock.iso(at(ago))[:10], "inputTokens": taken // 2, "outputTokens": written // 2}
    told = [{"modelName": TOOLS[tool], "inputTokens": taken // 2, "outputTokens": written // 2}]
    entries = [{**row, "tool": tool, "modelBreakdowns": told}, {**row, "tool": tool}]
    mixed = {**row, "agents": [*TOOLS, "opencode"], "modelBreakdowns": told}
    good(sync(person, {"machine": f"m{machine}", "entries": [*entries, mixed]}))


def good(answer: Any) -> None:
    assert answer.status_code in (200, 201), answer.text


DOORS: dict[str, Callable[[Person, str, int, int], None]] = {
    "transcripts": by_transcripts,
    "events": by_events,
    "counters": by_counters,
    "sessions": by_sessions,
    "rows": by_rows,
}
EVERYTHING = [
    (road, tool, ago, machine)
    for road, known in KNOWN_BY.items()
    for tool in TOOLS
    for ago in range(known)
    for machine in (1, 2)
]


def expected() -> dict[tuple[str, str], tuple[int, int]]:
    """What the best road of each tool and day tells."""
    found = {}
    for tool in TOOLS:
        for ago in DAYS:
            taken, written = total(tool, ago)
            if ago == 1:
                written -= len(truth(tool, ago))
            elif ago == 2 and tool == "claude-code":
                taken, written = taken - 2, written - 2
            elif ago in (2, 3):
                taken, written = taken - 3, written - 3
            elif ago == 4:
                taken, written = taken // 2 * 2, written // 2 * 2
            found[tool, clock.iso(at(ago))[:10]] = taken, written
    return found


def counted(person: Person) -> dict[tuple[str, str], tuple[int, int]]:
    rows = person.box.ask(
        "SELECT t.id, d.stat_date, d.input_tokens, d.output_tokens FROM daily_tool_stats AS d "
        "JOIN tool_types AS t ON t.number = d.tool JOIN users AS u ON u.id = d.user_id WHERE u.username = :name",
        name=person.name,
    )
    return {(tool, day): (taken, written) for tool, day, taken, written in rows}


_numbers = count(1)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(order=st.permutations([*EVERYTHING, *EVERYTHING]))
def test_whatever_comes_through_which_door_first_counts_once(box: Serving, order: Any) -> None:
    person = box.add(f"roads-{next(_numbers)}")
    for road, tool, ago, machine in order:
        DOORS[road](person, tool, ago, machine)
    assert counted(person) == expected()
    taken, written = (sum(each[n] for each in expected().values()) for n in (0, 1))
    # Of the last day only ccusage tells, and no session; of each other day each tool had one.
    assert person.totals() == (taken, written, len(TOOLS) * 4)


def test_a_recount_of_what_came_by_all_roads_changes_nothing(box: Serving) -> None:
    person = box.add(f"roads-{next(_numbers)}")
    for road, tool, ago, machine in EVERYTHING:
        DOORS[road](person, tool, ago, machine)
    before = counted(person), person.totals()
    done = arena("admin", "recompute", "--data", str(box.data))
    assert done.returncode == 0, done.stderr
    assert (counted(person), person.totals()) == before
    assert before[0] == expected()
