"""The worker: huey's consumer over the queue of a data folder. `arena serve` starts it as its child.

It ends when asked (TERM), and when its parent is gone: it watches its standard input, which the parent holds open.
"""

import argparse
import os
import signal
import threading
from pathlib import Path

from arena.core import sqlite  # (first: it chooses the SQLite library)

from arena.backups.actions.files import damage_of  # isort: skip
from arena.core import clock, config, log  # isort: skip
from arena.core.clock import Days  # isort: skip
from arena.core.config import Config, ConfigError, Place  # isort: skip
from arena.core.db import Database  # isort: skip
from arena.core.errors import ArenaError  # isort: skip
from arena.core.work import Work  # isort: skip
from arena.core.keyring import Keyring  # isort: skip
from arena.core.queue import listen, open_sound_queue  # isort: skip
from arena.operations.actions.jobs import Runner  # isort: skip
from arena.schedule import JOBS  # isort: skip
from arena.usage.actions.costs import apply_prices  # isort: skip

ONCE_MORE = 16
"""Seconds after which to look again at first: what a worker held that died just now is free by then."""
SPARE = 3
"""Threads beside those that wait for a model, so that a long job, or a silent mail server, keeps no other waiting."""


def main(argv: list[str]) -> int:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(prog="arena worker", description="Run the jobs of a data folder.")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("ARENA_DATA", "arena-data")))
    parser.add_argument("--config", type=Path, default=None)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    settings = config.load(options.config)
    log.configure(settings.arena.log_level)
    try:
        return _work(settings, config.place(options.data), is_child=options.child)
    except (ArenaError, ConfigError, OSError, sqlite.Error) as problem:  # whoever started it tries again
        log.log().error("worker", reason=str(problem))
        return 1


def _work(settings: Config, place: Place, *, is_child: bool) -> int:
    damage_of(place.database, thorough=False)
    queue = open_sound_queue(place.data, Keyring(place.secret, clock.now))
    work = Work(
        Database(place.database, settings.arena.slow_ms), settings, place, Days(settings.arena.time_zone), clock.now
    )
    apply_prices(work.db, days=work.days, now=clock.now())
    runner = Runner(JOBS, work)

    def tick() -> None:
        try:
            place.beat.touch()
            for name in runner.due():
                call(name)
        except (ArenaError, OSError, sqlite.Error) as problem:  # full, locked, gone: the next one may find it well
            log.log().error("tick", reason=str(problem))

    call = listen(queue, runner.run, tick)
    consumer = queue.create_consumer(
        workers=SPARE + settings.llm.concurrency,
        periodic=True,
        max_delay=1.0,
        check_worker_health=False,
        graceful_signal="TERM",
        shutdown_timeout=8,
    )
    if is_child:
        threading.Thread(target=_end_with_parent, name="arena-parent", daemon=True).start()
    log.log().debug("worker", pid=os.getpid())
    tick()
    once_more = threading.Timer(ONCE_MORE, tick)
    once_more.daemon = True
    once_more.start()
    try:
        consumer.run()
    finally:
        once_more.cancel()
        work.db.close_sync()
    return 0


def _end_with_parent() -> None:
    while os.read(0, 1024):  # not sys.stdin: a thread that waits in its buffer breaks the interpreter's exit
        pass
    os.kill(os.getpid(), signal.SIGTERM)
