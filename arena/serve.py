"""``arena serve``: the web here, ``arena worker`` as a child; one data folder, one process tree, one clean end."""

import argparse
import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path

from arena.core import sqlite  # first: it chooses the SQLite library

from arena.core import buckets, clock, config, log, migrate  # isort: skip

import uvicorn  # isort: skip

from arena.admin import command, demo  # isort: skip
from arena.accounts.actions.links import create_first_link  # isort: skip
from arena.app import Outside, build  # isort: skip
from arena.core.addresses import as_seen_by_any_socket  # isort: skip
from arena.backups.actions.files import configured_key, damage_of, is_foreign_log, make as make_backup  # isort: skip
from arena.core.damage import marked  # isort: skip
from arena.core.db import Database  # isort: skip
from arena.core.errors import ArenaError  # isort: skip
from arena.core.lock import Held, only_one  # isort: skip
from arena.prices.actions import load_shipped  # isort: skip
from arena.rooms import schemas  # isort: skip
from arena.web.listening import Bound, bounded  # isort: skip

GRACE = 6
"""Seconds that open requests and the worker are given to end."""


SHORTEST_PAUSE = 0.2
LIVED = 60
"""Seconds after which a worker's death is not taken for one of a series."""


class Refused(Exception):
    """The box cannot be started like this; one sentence why and what to do."""


def main(argv: list[str]) -> int:
    """Serve until told to stop; 0 after a clean end, 1 if the box could not start."""
    options = _options(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the box runs and ends by its own rules
    try:
        settings = _settings(options)
        if settings.backups.copy_to and not buckets.is_usable():
            raise Refused(f"[backups] copy_to: {buckets.MISSING}")
        log.configure(settings.arena.log_level)
        place = config.place(options.data)
        with only_one(place.data):
            _refuse_damaged(place)
            _migrate(settings, place)
            _check_zone(settings, place)
            _load_prices(place)
            if options.demo:
                demo.fill_place(place, settings)
            with asyncio.Runner(loop_factory=_new_loop) as runner:
                return runner.run(_Serving(settings, place, options).run())
    except Held as held:
        print(f"arena serve: {held}; stop it first, or give this one its own --data", file=sys.stderr)
        return 1
    except (
        Refused,
        command.Refused,
        config.ConfigError,
        migrate.NewerSchema,
        ArenaError,
        OSError,
        ValueError,
    ) as problem:
        print(f"arena serve: {problem}", file=sys.stderr)
        return 1
    except sqlite.Error as problem:
        print(f"arena serve: {sqlite.told(problem)}.", file=sys.stderr)
        return 1


def _allow_many_files() -> None:
    """Let the process open as many files as the system grants it: each connection is one, and the default is 1,024."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _new_loop() -> asyncio.AbstractEventLoop:
    """The faster loop, where it exists (not on Windows)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="arena serve",
        description="Run the team box: web, worker and schedule over one data folder.",
        epilog="example: arena serve --data ./arena-data --port 8000",
    )
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default 8000; 0 takes a free one)")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("ARENA_DATA", "arena-data")))
    parser.add_argument("--config", type=Path, default=_path(os.environ.get("ARENA_CONFIG")))
    parser.add_argument("--demo", action="store_true", help="fill an empty folder with invented people first")
    return parser.parse_args(argv)


def _path(name: str | None) -> Path | None:
    if name:
        return Path(name)
    return Path("arena.toml") if Path("arena.toml").is_file() else None


def _settings(options: argparse.Namespace) -> config.Config:
    environment = dict(os.environ)
    if options.host is not None:
        environment["ARENA_SERVER__HOST"] = options.host
    if options.port is not None:
        environment["ARENA_SERVER__PORT"] = str(options.port)
    return config.load(options.config, environment)


def _check_zone(settings: config.Config, place: config.Place) -> None:
    """Notice a changed time zone: the days in the database were made in another."""
    zone = settings.arena.time_zone
    if not place.zone.exists():
        place.zone.write_text(zone)
    before = place.zone.read_text().strip()
    if before != zone:
        print(f"The time zone changed from {before} to {zone}: run `arena admin recompute` to move what is counted.")


def _refuse_damaged(place: config.Place) -> None:
    """Look a database through that was found damaged, and one that was put beside the log of another.

    Such a log would be moved into it. A log is never much older than its database: what is committed goes from one
    into the other within a second.
    """
    wal = Path(f"{place.database}-wal")
    if sqlite.is_strange_log(place.database):
        raise Refused(
            f"{wal} was written by another version of SQLite than {sqlite.VERSION}; start what wrote it once more, so "
            "that it moves the log into the database"
        )
    is_odd = wal.exists() and wal.stat().st_size > 0 and place.database.stat().st_mtime > wal.stat().st_mtime + 60
    if is_odd and is_foreign_log(place.database):
        raise Refused(
            f"{wal} is the log of another database than {place.database}; move it away, or put a backup in the place "
            "of both with `arena admin restore FILE`"
        )
    if marked(place.database) and (problem := damage_of(place.database)):
        raise Refused(
            f"{place.database} is damaged ({problem}); put a backup in its place with `arena admin restore FILE`"
        )


def _migrate(settings: config.Config, place: config.Place) -> None:
    """Bring the database to this release, after a backup of what an earlier one left."""
    if place.database.exists() and migrate.is_older(place.database, schemas()):
        folder, key = place.backups(settings.backups.folder), configured_key(settings.backups)
        made = make_backup(place, folder, now=clock.now(), key=key, why="before-upgrade")
        print(f"The database is of an earlier release; it is in {made} as it was.", flush=True)
    migrate.migrate(place.database, schemas())


def _load_prices(place: config.Place) -> None:
    """Take the price table of this release over; the worker then prices what is there already."""
    db = Database(place.database)
    try:
        db.write_sync(partial(load_shipped, now=clock.now()))
    finally:
        db.close_sync()


class _Serving:
    """The running box: its socket, its server, its child."""

    def __init__(self, settings: config.Config, place: config.Place, options: argparse.Namespace) -> None:
        self.settings = settings
        self.place = place
        self.options = options
        self.stopping = asyncio.Event()
        self.worker: asyncio.subprocess.Process | None = None

    async def run(self) -> int:
        """Listen, say where, serve, end."""
        listener = self._listen()
        address = self.settings.server.url.rstrip("/") or self._address(listener)
        _write(self.place.address, address)
        _write(self.place.listening, self._address(listener))
        app = build(
            self.settings, self.place, worker_runs=lambda: self.worker is not None and self.worker.returncode is None
        )
        server = uvicorn.Server(self._uvicorn(app))
        gc.freeze()  # what is there now stays: looking at it again stops everything for 30 ms each time
        # Our own handling: uvicorn's would raise the signal again and exit with 143.
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        minding = asyncio.create_task(self._mind_worker())
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        ending = asyncio.create_task(self.stopping.wait())
        playing = asyncio.create_task(demo.keep_working(app.box)) if self.options.demo else None
        await self._say_where(app, server, serving, address)
        await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
        self.stopping.set()
        if playing is not None:
            playing.cancel()
        app.box.live.close()
        server.should_exit = True
        await serving
        await minding
        return 0

    def _listen(self) -> socket.socket:
        host, port = self.settings.server.host, self.settings.server.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # The protocol is named because asyncio sets TCP_NODELAY only then; without it each answer waits 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as problem:
            raise Refused(f"cannot listen on {host}:{port} ({problem.strerror}); choose another --port") from problem
        listener.listen(2048)
        _allow_many_files()
        return listener

    def _address(self, listener: socket.socket) -> str:
        scheme = "https" if self.settings.server.tls_cert else "http"
        host, port = self.settings.server.host, listener.getsockname()[1]
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    def _uvicorn(self, app: Outside) -> uvicorn.Config:
        server = self.settings.server
        return uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            http=bounded(Bound(server.connections, lambda: app.box.live.readers, app.crowded), app.ready),
            ws="none",
            log_level="error",  # below it stands what anybody can make it say: "Invalid HTTP request received."
            timeout_graceful_shutdown=GRACE,
            proxy_headers=bool(server.trusted_proxies),
            forwarded_allow_ips=as_seen_by_any_socket(server.trusted_proxies),
            ssl_certfile=server.tls_cert or None,
            ssl_keyfile=server.tls_key or None,
        )

    async def _say_where(
        self, app: Outside, server: uvicorn.Server, serving: "asyncio.Task[None]", address: str
    ) -> None:
        while not server.started and not serving.done():  # noqa: ASYNC110  (uvicorn has a flag, no event)
            await asyncio.sleep(0.005)
        if serving.done():
            return
        print(f"arena is at {address}", flush=True)
        if sqlite.JOURNAL != "wal":
            print(f"SQLite {sqlite.VERSION} has the WAL-reset bug: using the slower TRUNCATE journal.", flush=True)
        make = partial(create_first_link, days=self.settings.accounts.link_days, now=clock.now())
        link = await app.box.db.write(make)
        if link is not None:
            print("Nobody runs this box yet. Open this link once to become its administrator:", flush=True)
            print(f"{address}/join/{link}", flush=True)

    async def _mind_worker(self) -> None:
        """Keep a worker running until the end; one that dies is started again, with growing pauses."""
        pause = SHORTEST_PAUSE
        while not self.stopping.is_set():
            command = [sys.executable, "-m", "arena", "worker", "--child", "--data", str(self.place.data)]
            if self.options.config is not None:
                command += ["--config", str(self.options.config)]
            self.worker = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
            ended = asyncio.create_task(self.worker.wait())
            stopping = asyncio.create_task(self.stopping.wait())
            began = asyncio.get_running_loop().time()
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if asyncio.get_running_loop().time() - began > LIVED:
                pause = SHORTEST_PAUSE
            if not ended.done():
                await self._stop_worker(self.worker, ended)
                return
            log.log().warning("worker died", code=self.worker.returncode)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), pause)
            pause = min(pause * 2, 30.0)

    async def _stop_worker(self, worker: asyncio.subprocess.Process, ended: "asyncio.Task[int]") -> None:
        with contextlib.suppress(ProcessLookupError):
            worker.terminate()
        try:
            await asyncio.wait_for(asyncio.shield(ended), GRACE)
        except TimeoutError:
            worker.kill()
            await ended


def _write(file: Path, text: str) -> None:
    temporary = file.with_suffix(".new")
    temporary.write_text(text + "\n")
    temporary.replace(file)
