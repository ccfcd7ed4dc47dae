"""What the box last said of this person's standing, kept in ``standing.json`` for the status line."""

import json
import os
import time
from contextlib import suppress

from arena.client import credentials, lock
from arena.client.api import Api, Standing
from arena.client.home import Refused, read_if_there, state_folder, write_private

FRESH = 30.0
"""Seconds for which nobody asks again: half of what the status line lets pass between two times."""


def refresh() -> int:
    """Ask the box and keep what it says; who comes while another asks, or just after it did, has nothing to do."""
    with suppress(Refused, lock.Busy, OSError), lock.held(0.0, "standing.lock"):
        who = credentials.current()
        if who is not None and not _fresh():
            with Api(who) as api:
                keep(api.rank())
    return 0


def keep(standing: Standing) -> None:
    """Keep what the box said."""
    week, today = standing.rankings.weekly, standing.today
    ranked = week is not None and week.is_ranked
    told = {
        "at": time.time(),
        "position": week.position if week and ranked else None,
        "moved": week.movement if week and ranked else None,
        "tokens": today.inputTokens + today.outputTokens if today else None,
        "cost": today.estimatedCost if today else None,
        "complete": bool(today and today.costIsComplete),
        "streak": standing.streak,
    }
    write_private(_path(), json.dumps(told).encode())


def forget() -> None:
    """Forget what was said of somebody who is not signed in here any more."""
    for name in ("standing.json", "standing.asked"):
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(state_folder(), name))


def _fresh() -> bool:
    try:
        return bool(0 <= time.time() - json.loads(read_if_there(_path()))["at"] < FRESH)
    except (ValueError, LookupError, TypeError):
        return False


def _path() -> str:
    return os.path.join(state_folder(), "standing.json")
