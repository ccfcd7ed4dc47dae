"""What a night costs that freezes rankings: the first one, one in which nothing changed, one after late reports.

    python tests/bench/freeze.py

The box has 100,000 people, and about 13,000 of them work on a day: so a night looks at thirty days, four weeks and a
month, half a million places in all. What runs is `arena admin rankings freeze`, which does what the nightly job does.
"""

import argparse
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import measure
from measure import heading, must, table

LATE = """
UPDATE daily_user_stats SET input_tokens = input_tokens + 100000
WHERE stat_date = (SELECT MAX(period_start) FROM ranking_periods WHERE period_type = 'daily') AND user_id IN (
    SELECT user_id FROM rankings WHERE period_type = 'daily'
        AND period_start = (SELECT MAX(period_start) FROM ranking_periods WHERE period_type = 'daily')
    ORDER BY user_id LIMIT 500
)
"""


def main() -> None:
    """Freeze three times and tell of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    options = parser.parse_args()
    with measure.scratch() as data:
        fill = [sys.executable, measure.HERE / "people.py", "--data", data, "--count", str(options.people)]
        must(measure.run(fill), "people.py")
        heading(f"Nights of a box with {options.people:,} people")
        rows = [_night(data, "the first night"), _night(data, "nothing has changed")]
        with closing(sqlite3.connect(data / "arena.db")) as conn, conn:
            conn.execute(LATE)
        rows.append(_night(data, "500 reports came late"))
    table(("night", "periods written", "rows written", "seconds", "CPU s", "peak MiB"), rows)


def _night(data: Path, name: str) -> list[str]:
    made = must(measure.run(measure.arena("admin", "rankings", "freeze", "--json", "--data", data)), name)
    frozen = json.loads(made.out)
    written = sum(each["changed"] for each in frozen)
    periods = sum(each["changed"] > 0 for each in frozen)
    return [name, f"{periods}", f"{written:,}", f"{made.wall:.1f}", f"{made.cpu:.1f}", f"{made.peak:.0f}"]


if __name__ == "__main__":
    main()
