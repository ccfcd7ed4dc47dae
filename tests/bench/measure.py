"""What the benchmarks share: what a process costs, a box to measure, the load on it, the peers, and tables.

Linux only: the cost of a server is read from /proc. Everything stays on this machine, in temporary folders.
"""

import contextlib
import hmac
import http.client
import json
import os
import pickle
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from ast import literal_eval
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
TOOLS = Path(os.environ.get("ARENA_BENCH_TOOLS", Path.home() / ".cache" / "arena-bench"))
"""Where peers are looked for: ``npm/node_modules`` and the virtual environment ``peer``."""
TICKS = os.sysconf("SC_CLK_TCK")
CCUSAGE, TOKSCALE, BUN = "20.0.24", "1.4.3", "1.3.5"


# -- what a command costs


@dataclass(frozen=True)
class Cost:
    """What one run of a command took: seconds, and MiB at its peak (never less than 10)."""

    wall: float
    cpu: float
    peak: float
    code: int
    out: bytes


_WAIT = """
import os, sys, time
began = time.perf_counter()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(pid, 0)
told = time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss, os.waitstatus_to_exitcode(status)
os.write(int(sys.argv[1]), repr(told).encode())
"""
"""Starts the command from a small process: Linux counts what the parent held at the fork into a child's peak."""


def run(
    command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, stdin: bytes = b"", cwd: Path | None = None
) -> Cost:
    """Run a command to its end; its own children count, a detached one does not."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as told:
        given.write(stdin)
        given.seek(0)
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", _WAIT, str(told.fileno()), *map(str, command)],
            stdin=given,
            stdout=out,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            pass_fds=[told.fileno()],
            check=True,
        )
        told.seek(0)
        out.seek(0)
        wall, cpu, peak, code = literal_eval(told.read().decode())
        return Cost(wall, cpu, peak / 1024, code, out.read())


def must(cost: Cost, what: str) -> Cost:
    """Let the cost of a run that went well pass; end the benchmark otherwise."""
    if cost.code:
        sys.exit(f"{what} failed with exit code {cost.code}")
    return cost


def processor_seconds(*roots: int) -> float:
    """The processor time (user and system) that process trees used so far, ended children included."""
    parents: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                fields = Path("/proc", entry, "stat").read_bytes().rpartition(b")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(entry))
                used[int(entry)] = sum(map(int, fields[11:15])) / TICKS
    total, left = 0.0, list(roots)
    while left:
        pid = left.pop()
        total += used.get(pid, 0.0)
        left += parents.get(pid, [])
    return total


# -- a box

UNLIMITED = {
    f"ARENA_LIMITS__{name}": str(10**9) for name in ("API", "AUTHENTICATION", "SENSITIVE", "PUBLIC", "UPLOAD", "OTLP")
}
"""Limits that no load reaches; that calls are counted is part of what is measured."""


@dataclass
class Box:
    """A running ``arena serve`` over a folder of its own."""

    process: subprocess.Popen[str]
    data: Path
    port: int

    def stop(self) -> int:
        """End it as a service manager would; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()


def arena(*arguments: str | Path) -> list[str]:
    """The command line of ``arena`` in this interpreter."""
    return [sys.executable, "-m", "arena", *map(str, arguments)]


def start_box(data: Path) -> Box:
    """Start a box over a data folder and return as soon as it answers."""
    port = free_port()
    process = subprocess.Popen(
        arena("serve", "--data", data, "--port", str(port)),
        stdout=subprocess.DEVNULL,
        cwd=data,
        env={**os.environ, "ARENA_ARENA__LOG_LEVEL": "error", **UNLIMITED},
        text=True,
    )
    box = Box(process, data, port)
    until = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if get(port, "/healthz")[0] == 200:
                return box
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            sys.exit("arena serve did not start; is the `server` extra installed? pip install -e '.[server]'")
        time.sleep(0.002)


@contextlib.contextmanager
def box_over(data: Path) -> Iterator[Box]:
    """A box that runs while the block does."""
    box = start_box(data)
    try:
        yield box
    finally:
        box.stop()


def make_people(data: Path, people: int, keys: int) -> list[str]:
    """Make people with some keys each, through the operator's commands; return the keys, shuffled among people."""
    made = []
    for number in range(people):
        name = f"person-{number}"
        must(run(arena("admin", "users", "add", name, "--data", data)), "arena admin users add")
        for _ in range(keys):
            made.append(must(run(arena("admin", "keys", "create", name, "--data", data)), "arena admin keys create"))
    return [each.out.decode().strip() for number in range(keys) for each in made[number::keys]]


def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    """Fetch an address of this machine once: status, headers in lower case, body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        # The same Host as in `request`: kept answers are told apart by it.
        connection.request("GET", path, headers={"Host": "127.0.0.1", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder (see TMPDIR: durable writes cost nothing on a tmpfs, so choose a real disk)."""
    folder = Path(tempfile.mkdtemp(prefix="arena-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# -- load


@dataclass(frozen=True)
class Load:
    """What a stretch of load came to. Seconds; ``cpu`` is what the servers used for one request."""

    requests: int
    rate: float
    p50: float
    p99: float
    cpu: float
    generator: float
    """The share of one processor that the load generator itself took."""


def load(
    port: int,
    requests: Sequence[bytes],
    servers: Sequence[int],
    *,
    connections: int,
    seconds: float,
    expect: int,
    again: bool = False,
) -> Load:
    """Play prepared requests over keep-alive connections, each waiting for its answer, from another process.

    ``servers`` are the roots of the process trees whose processor time counts; ``again`` starts over when all have
    been sent. Ends the benchmark if an answer has another status than expected.
    """
    plan = {"port": port, "requests": requests, "connections": connections, "seconds": seconds, "again": again}
    with tempfile.NamedTemporaryFile() as file:
        pickle.dump(plan, file)
        file.flush()
        before = processor_seconds(*servers)
        done = subprocess.run([sys.executable, HERE / "load.py", file.name], stdout=subprocess.PIPE, check=True)
        used = processor_seconds(*servers) - before
    told = json.loads(done.stdout)
    wrong = {status: count for status, count in told["statuses"].items() if int(status) != expect}
    if wrong or not told["requests"]:
        sys.exit(f"the server on port {port} did not answer as expected: {told['statuses']}; last: {told['last']}")
    made = told["requests"]
    return Load(made, made / told["seconds"], told["p50"], told["p99"], used / made, told["cpu"] / told["seconds"])


def request(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def signed(path: str, body: bytes, key: str) -> bytes:
    """The bytes of one signed request; the signature holds for five minutes."""
    stamp = str(int(time.time()))
    sign = hmac.new(key.encode(), stamp.encode() + b":" + body, "sha256").hexdigest()
    return request("POST", path, {"X-API-Key": key, "X-Timestamp": stamp, "X-Signature": sign}, body)


# -- peers


def native_ccusage() -> Path | None:
    """The native program of ccusage; the launcher around it would add the start of node."""
    found = sorted((TOOLS / "npm/node_modules/@ccusage").glob("ccusage-*/bin/ccusage"))
    if found:
        found[0].chmod(0o755)  # its launcher would do this at its first start
        return found[0]
    return _missing("ccusage (native)", _CCUSAGE)


def tokscale() -> list[Path] | None:
    """The command line of tokscale, which runs on bun."""
    modules = TOOLS / "npm/node_modules"
    command = [modules / ".bin/bun", modules / "tokscale/bin.js"]
    if all(part.exists() for part in command):
        return command
    return _missing("tokscale", _npm(f"tokscale@{TOKSCALE} bun@{BUN}"))


def keep_prices(home: Path) -> None:
    """Give tokscale prices that are fresh for an hour: without them it asks the network, and fails without one."""
    price = {"input_cost_per_token": 3e-6, "output_cost_per_token": 15e-6}
    prices = {"pricing-litellm": {"claude-sonnet-4-5-20250929": price}, "pricing-openrouter": {}}
    folder = home / ".cache/tokscale"
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in prices.items():
        (folder / f"{name}.json").write_text(json.dumps({"timestamp": int(time.time()) - 5, "data": data}))


def npx() -> Path | None:
    """npx, and a ccusage that it finds without the network."""
    found = shutil.which("npx")
    if found and (TOOLS / "npm/node_modules/.bin/ccusage").exists():
        return Path(found)
    return _missing("npx ccusage", _CCUSAGE)


def peer_service(scratch: Path, people: int) -> contextlib.AbstractContextManager[Any] | None:
    """The Django, DRF, Redis and PostgreSQL service in ``peer/``, or None if a part of it is missing."""
    sys.path.insert(0, str(HERE))
    from peer import stack

    problem = stack.problem()
    return stack.running(scratch, people) if problem is None else _missing("the Django peer", problem)


def nothing() -> contextlib.AbstractContextManager[None]:
    """Stands where a peer would."""
    return contextlib.nullcontext()


def _npm(packages: str) -> str:
    return f"npm install --prefix {TOOLS / 'npm'} {packages}"


_CCUSAGE = _npm(f"ccusage@{CCUSAGE} @ccusage/ccusage-linux-x64@{CCUSAGE}")


def _missing(what: str, remedy: str) -> None:
    print(f"not compared: {what} is not installed here. To install it:\n    {remedy}", flush=True)


# -- tables


def median(runs: Iterable[Any], figure: Callable[[Any], float]) -> float:
    """The median of a figure over runs."""
    return statistics.median(figure(each) for each in runs)


def heading(text: str) -> None:
    """Say what comes now, and on how busy a machine."""
    print(f"\n{text}\n({os.cpu_count()} processors, load {os.getloadavg()[0]:.1f})", flush=True)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |", flush=True)


def load_row(name: str, runs: Sequence[Load]) -> list[str]:
    """A row of `LOAD_HEADS`: medians of some rounds."""
    return [
        name,
        f"{median(runs, lambda each: each.rate):,.0f}",
        f"{1e6 * median(runs, lambda each: each.cpu):,.0f}",
        f"{1e3 * median(runs, lambda each: each.p50):.1f}",
        f"{1e3 * median(runs, lambda each: each.p99):.1f}",
        f"{100 * median(runs, lambda each: each.generator):.0f} %",
    ]


LOAD_HEADS = ("", "requests/s", "server CPU us", "p50 ms", "p99 ms", "generator CPU")


def ratio(mine: Sequence[Load], theirs: Sequence[Load]) -> tuple[float, float]:
    """How many times the rate, and what share of the processor time for a request; medians over pairs of rounds."""
    pairs = list(zip(mine, theirs, strict=True))
    return median(pairs, lambda p: p[0].rate / p[1].rate), median(pairs, lambda p: p[0].cpu / p[1].cpu)
