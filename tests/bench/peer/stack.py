"""Start the peer on this machine and stop it again: PostgreSQL and Redis in a temporary folder, gunicorn before them.

    python tests/bench/peer/stack.py        (runs it until Ctrl-C, for a look)

Tuned kindly: Unix sockets instead of TCP between its parts, connections that stay open, no middleware, the person
taken from the token without a look-up, names of the board in Redis, and Redis need not keep anything on disk.
PostgreSQL answers after its commit is on disk (fsync and synchronous_commit are on), as the box does.
"""

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = Path(os.environ.get("ARENA_BENCH_TOOLS", Path.home() / ".cache" / "arena-bench")) / "peer"
WORKERS, THREADS = 2, 16
"""gthread keeps connections open (sync does not); 16 threads let PostgreSQL gather commits."""


@dataclass(frozen=True)
class Service:
    """The running peer: where it listens, its process trees, a game's number and access tokens of eight people."""

    port: int
    processes: tuple[int, ...]
    game: int
    tokens: list[str]


def problem() -> str | None:
    """Say how to install what is missing here."""
    steps = []
    if _postgres() is None or shutil.which("redis-server") is None:
        steps.append("apt-get install postgresql redis-server")
    if not (VENV / "bin/gunicorn").exists():
        steps.append(f"python3 -m venv {VENV} && {VENV}/bin/pip install -r {HERE / 'requirements.txt'}")
    return "\n    ".join(steps) or None


@contextlib.contextmanager
def running(scratch: Path, people: int) -> Iterator[Service]:
    """The peer with so many people on its board, while the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="peer-", dir=scratch))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres = _start_postgres(scratch, folder, stack)
        redis = _start(
            ["redis-server", "--port", "0", "--unixsocket", folder / "redis.sock", "--save", "", "--appendonly", "no"],
            stack,
        )
        _wait(folder / "redis.sock")
        environment = {**os.environ, "RANKER_SOCKETS": str(folder), "PYTHONPATH": str(HERE)}
        seeded = subprocess.run(
            [VENV / "bin/python", HERE / "seed.py", str(people)], env=environment, stdout=subprocess.PIPE, check=True
        )
        _psql(folder, "vacuum analyze")
        _psql(folder, "checkpoint")
        port = _free_port()
        gunicorn = _start(
            [
                *(VENV / "bin/gunicorn", "ranker.wsgi", "--bind", f"127.0.0.1:{port}", "--backlog", "2048"),
                *("--workers", str(WORKERS), "--worker-class", "gthread", "--threads", str(THREADS)),
                *("--keep-alive", "60", "--log-level", "error", "--worker-tmp-dir", "/dev/shm"),
            ],
            stack,
            environment,
        )
        _wait_port(port)
        yield Service(port, (postgres, redis, gunicorn), **json.loads(seeded.stdout))


def _start_postgres(scratch: Path, folder: Path, stack: contextlib.ExitStack) -> int:
    programs = _postgres()
    assert programs is not None
    data = folder / "postgres"
    data.mkdir()
    owner = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        owner = "postgres"
        for path in (folder, data):
            shutil.chown(path, owner)
        for path in (folder, scratch):
            if not path.stat().st_mode & 0o001:
                path.chmod(path.stat().st_mode | 0o011)
    _as(owner, [programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8"])
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": folder,
        "fsync": "on",
        "synchronous_commit": "on",
        "shared_buffers": "256MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "30min",
    }
    command = [programs / "postgres", "-D", data, *(f"--{name}={value}" for name, value in settings.items())]
    pid = _start(command, stack, user=owner, end=signal.SIGINT)  # INT: end now, do not wait for clients
    _wait(folder / ".s.PGSQL.5432")
    for _ in range(100):
        if _psql(folder, "select 1") == 0:
            return pid
        time.sleep(0.05)
    sys.exit("PostgreSQL did not start")


def _psql(folder: Path, statement: str) -> int:
    command = ["psql", "-q", "-h", folder, "-U", "postgres", "-c", statement]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode


def _as(owner: str | None, command: list[str | Path]) -> None:
    subprocess.run(command, user=owner, group=_group(owner), stdout=subprocess.DEVNULL, cwd="/", check=True)


def _group(owner: str | None) -> int | None:
    return pwd.getpwnam(owner).pw_gid if owner else None


def _start(
    command: list[str | Path],
    stack: contextlib.ExitStack,
    environment: dict[str, str] | None = None,
    user: str | None = None,
    end: signal.Signals = signal.SIGTERM,
) -> int:
    process = subprocess.Popen(
        [str(part) for part in command],
        env=environment,
        user=user,
        group=_group(user),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )

    def stop() -> None:
        process.send_signal(end)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    stack.callback(stop)
    return process.pid


def _postgres() -> Path | None:
    """The folder of PostgreSQL's programs; Debian keeps them off the path."""
    found = shutil.which("postgres")
    if found:
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    return folders[-1] if folders and (folders[-1] / "initdb").exists() else None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _wait_port(port: int) -> None:
    for _ in range(400):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    sys.exit("gunicorn did not start")


def _wait(path: Path) -> None:
    for _ in range(400):
        if path.exists():
            return
        time.sleep(0.05)
    sys.exit(f"{path.name} did not appear")


if __name__ == "__main__":
    if (missing := problem()) is not None:
        sys.exit(f"something is missing here:\n    {missing}")
    with running(Path(tempfile.gettempdir()), people=1_000) as service:
        print(f"http://127.0.0.1:{service.port}/api/leaderboard/{service.game}/")
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
