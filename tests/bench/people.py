"""Fill a new data folder with people and their last days, as if they had sent usage; `boards.py` runs this.

    python tests/bench/people.py --data DIR --count 100000

Only what boards read is written: people, their totals, their days of the current week and month. One in three has
worked today. The same count gives the same figures on the same day.
"""

# isort: skip_file
# `arena.core.sqlite` first: it chooses the SQLite library.
from arena.core import sqlite

import argparse
import json
import random
import sqlite3
from pathlib import Path

from arena.accounts import store as accounts
from arena.core import clock, config, ids
from arena.core.migrate import migrate
from arena.rooms import schemas
from arena.usage import store as usage
from arena.usage.models import Day, UserTotals

TOOL = "claude-code"


def main() -> None:
    """Make the tables and fill them in one transaction."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--count", type=int, default=100_000)
    options = parser.parse_args()
    place = config.place(options.data)
    migrate(place.database, schemas())
    conn = sqlite.connect(place.database)
    conn.execute("BEGIN IMMEDIATE")
    fill(conn, options.count, clock.now())
    conn.execute("COMMIT")
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()


def fill(conn: sqlite3.Connection, count: int, now: int) -> None:
    """Add so many people, each with two to six days in the last thirty."""
    rng = random.Random(1)
    today = clock.Days("UTC").of(now)
    days = [clock.shift(today, -back) for back in range(30)]
    joined = now - 90 * clock.DAY
    for number in range(count):
        id = ids.uuid7()
        accounts.add_user(conn, id, f"person-{number}", f"Person {number}", "member", None, joined + number)
        worked = {rng.randrange(30) for _ in range(rng.randrange(2, 7))} | ({0} if rng.random() < 1 / 3 else set())
        sums = [0, 0, 0, 0]
        for back in sorted(worked, reverse=True):
            figures = (
                int(rng.lognormvariate(10, 1)),
                int(rng.lognormvariate(9.5, 1)),
                int(rng.lognormvariate(13, 1)),
                rng.randrange(1, 9),
            )
            sums = [old + new for old, new in zip(sums, figures, strict=True)]
            entry = dict(zip(("input", "output", "cache", "sessions"), figures, strict=True))
            by_tool = json.dumps({TOOL: {**entry, "tokens": sum(figures[:3])}}, separators=(",", ":"))
            usage.put_day(conn, id, Day(days[back], *figures, by_tool, 1), now)
        totals = UserTotals(
            *sums,
            tokens_by_tool=json.dumps({TOOL: sum(sums[:3])}),
            sessions_by_tool=json.dumps({TOOL: sums[3]}),
            last_activity_at=now - min(worked) * clock.DAY - rng.randrange(clock.DAY // 8),
        )
        usage.put_user_totals(conn, id, totals, now)


if __name__ == "__main__":
    main()
