"""Kill -9 of web and worker under load, at random moments: nothing acknowledged is missing, nothing counts twice.

    python tests/bench/kills.py 1000

Clients send signed sessions, alone and in batches, some of them again with larger figures, and note what was
acknowledged. Half of what got no answer is sent again, as it was; the other half may be there, once. Meanwhile `web`,
`worker` or both are killed; both also while they start, bring an older database up, or while a backup is written; and
projects wait for a model of cardboard. At the end the database, every sum, the boards, the security log, the backups
and the projects are compared with what the clients know. Exit code 1 if anything differs.
"""

from arena.core import sqlite  # isort: skip  (first: it chooses the SQLite library)

import argparse
import contextlib
import hmac
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measure
from measure import UNLIMITED, arena, heading, median, run, table

from arena.wire import session_hash

sys.path.insert(0, str(measure.CHECKOUT))

from tests.peers.model import README, Model

TOOL = "claude-code"
PEOPLE = 6
CLIENTS = 4
BATCH = 30
KINDS = {"web": 36, "worker": 26, "jobs": 10, "both": 13, "start": 6, "backup": 5, "upgrade": 4}
"""What is killed, or while what is done; of a hundred."""
PATIENCE = 60.0
"""Seconds within which a box must be ready, and what waits be done."""
SUMS = (
    "token_usage user_stats user_tool_stats daily_user_stats daily_tool_stats road_days sessions usage_records".split()
)
MOVES = {"updated_at", "created_at", "recorded_at"}
"""Columns of those tables that tell when a sum was written, not what it is."""

Figures = tuple[int, int, int]
Name = tuple[str, str]
"""A person, and a session of theirs."""


def main() -> int:
    """Kill, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kills", type=int, nargs="?", default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--projects", type=int, default=10 * PEOPLE, help="handed in meanwhile (a person: 10 a day)")
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two requests of a client")
    options = parser.parse_args()
    heading(f"{options.kills} kills under load of {CLIENTS} clients (seed {options.seed})")
    with measure.scratch() as scratch:
        drill = Drill(scratch, options.kills, random.Random(options.seed), options.pause, options.projects)
        try:
            drill.run()
        finally:
            drill.end()
    drill.tell()
    return 1 if drill.problems else 0


# -- what the clients know


class Truth:
    """Every session that was sent, with the figures of each time it was, and how far that was acknowledged."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sent: dict[Name, list[Figures]] = {}
        self.acknowledged: dict[Name, int] = {}
        """The latest version of a session that was acknowledged."""
        self.answers = self.silences = self.refusals = 0
        self.last: list[Name] = []
        """What was acknowledged since the last kill."""

    def note(self, request: dict[Name, int]) -> None:
        """Note an answer."""
        with self.lock:
            self.answers += 1
            self.acknowledged.update(request)
            self.last += request


class Client(threading.Thread):
    """One laptop: it sends, and sends again what got no answer, or gives up on it."""

    def __init__(self, number: int, person: str, key: str, port: int, truth: Truth, pause: float, seed: int) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self.number, self.person, self.key, self.port, self.truth, self.pause = number, person, key, port, truth, pause
        self.chance = random.Random(seed)
        self.ending = threading.Event()
        self.problem = ""
        self._count = 0
        self._mine: list[str] = []
        self._connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        while not self.ending.is_set():
            single = self.chance.random() < 0.6
            request = [self._session() for _ in range(1 if single else self.chance.randint(2, BATCH))]
            request = list({session["sessionId"]: session for session in request}.values())
            versions = {(self.person, each["sessionId"]): self._version(each) for each in request}
            self._mine = [*self._mine, *(each["sessionId"] for each in request)][-100:]
            path = "/api/v1/sessions" if single else "/api/v1/sessions/batch"
            body = json.dumps(request[0] if single else {"sessions": request}).encode()
            insists = self.chance.random() < 0.5
            while not self._send(path, body, versions):
                if self.problem or self.ending.is_set() or not insists:
                    break
                time.sleep(0.02)
            self.ending.wait(self.pause * self.chance.uniform(0.2, 1.8))

    def is_well(self) -> bool:
        """Whether it still sends, and heard nothing that it should not."""
        return self.is_alive() and not self.problem

    def _session(self) -> dict[str, Any]:
        """A new session, or one of the last that has grown."""
        if self._mine and self.chance.random() < 0.25:
            name = self.chance.choice(self._mine)
            was = self.truth.sent[self.person, name][-1]
        else:
            self._count += 1
            name, was = f"{self.number}-{self._count}", (0, 0, 0)
        figures = tuple(each + self.chance.randint(1, 5_000) for each in was)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        names = ("inputTokens", "outputTokens", "cacheReadTokens")
        told = dict(zip(names, figures, strict=True))
        return {"toolType": TOOL, "sessionId": name, "endedAt": now, "modelName": "claude-sonnet-4-5", **told}

    def _version(self, session: dict[str, Any]) -> int:
        name = (self.person, session["sessionId"])
        figures = (session["inputTokens"], session["outputTokens"], session["cacheReadTokens"])
        with self.truth.lock:
            versions = self.truth.sent.setdefault(name, [])
            versions.append(figures)
            return len(versions) - 1

    def _send(self, path: str, body: bytes, versions: dict[Name, int]) -> bool:
        try:
            answer = post(self, path, body)
        except ConnectionRefusedError:
            return False
        if answer is None:
            self.truth.silences += 1
            return False
        status, said = answer
        if status == 503:
            self.truth.refusals += 1
            return False
        if status not in (200, 201) or said.get("failed"):
            self.problem = f"{path} was answered with {status}: {said}"
            return False
        self.truth.note(versions)
        return True


def post(client: Client, path: str, body: bytes) -> tuple[int, dict[str, Any]] | None:
    """Send a signed request; None if no answer came."""
    stamp = str(int(time.time()))
    sign = hmac.new(client.key.encode(), stamp.encode() + b":" + body, "sha256").hexdigest()
    headers = {"Content-Type": "application/json", "X-API-Key": client.key, "X-Timestamp": stamp, "X-Signature": sign}
    if client._connection is None:
        client._connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=20)
    try:
        client._connection.request("POST", path, body, headers)
        answer = client._connection.getresponse()
        return answer.status, json.loads(answer.read())
    except ConnectionRefusedError:  # nothing was sent
        client._connection = None
        raise
    except (OSError, http.client.HTTPException, ValueError):
        client._connection.close()
        client._connection = None
        return None


# -- what is done to the box


class Drill:
    """A box, its clients, and who kills it."""

    def __init__(self, scratch: Path, kills: int, chance: random.Random, pause: float, projects: int) -> None:
        self.data, self.chance, self.kills, self.pause = scratch / "box", chance, kills, pause
        self.most_projects = projects
        self.data.mkdir()
        self.port = measure.free_port()
        self.model = Model()
        self.model.delay = 0.3
        self.env = {**os.environ, **UNLIMITED, **self.model.env(), "ARENA_ARENA__LOG_LEVEL": "error"}
        self.truth = Truth()
        self.clients: list[Client] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.killed: Counter[str] = Counter()
        self.back: dict[str, list[float]] = defaultdict(list)
        self.problems: list[str] = []
        self.projects: list[str] = []
        self.figures: dict[str, str] = {}
        self.ways: dict[str, Callable[[], None]] = {
            "web": self._web,
            "worker": self._worker,
            "jobs": self._during_jobs,
            "both": self._both,
            "start": self._during_start,
            "backup": self._during_backup,
            "upgrade": self._during_upgrade,
        }

    def run(self) -> None:
        """Kill as often as asked, then let everything come to rest and compare."""
        began = time.monotonic()
        names = [f"person-{number}" for number in range(PEOPLE)]
        keys = measure.make_people(self.data, PEOPLE, 1)
        self._start()
        self._wait_until_ready()
        for number in range(CLIENTS):
            at = number % PEOPLE
            seed = self.chance.randrange(2**32)
            client = Client(number, names[at], keys[at], self.port, self.truth, self.pause, seed)
            self.clients.append(client)
            client.start()
        # People of their own: what they submit is not in the way of those who count.
        self.authors = [
            Client(0, name, key, self.port, self.truth, 0, 0) for name, key in zip(names, keys, strict=True)
        ]
        kinds = self.chance.choices(list(KINDS), list(KINDS.values()), k=self.kills)
        for at, kind in enumerate(kinds):
            time.sleep(self.chance.uniform(0.02, 0.5))
            self._submit(at)
            self.ways[kind]()
            if self.problems or not all(client.is_well() for client in self.clients):
                break
            if (at + 1) % 50 == 0:
                print(f"{at + 1} kills, {len(self.truth.acknowledged):,} sessions acknowledged", flush=True)
        self.problems += [client.problem or "a client died" for client in self.clients if not client.is_well()]
        for client in self.clients:
            client.ending.set()
        for client in self.clients:
            client.join(30)
        self.figures["minutes"] = f"{(time.monotonic() - began) / 60:.1f}"
        self._compare()

    def end(self) -> None:
        """Leave nothing behind."""
        for client in self.clients:
            client.ending.set()
        if self.process is not None:
            self._kill_group()
        self.model.close()

    # -- kills

    def _web(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._come_back("web")

    def _worker(self) -> None:
        began = time.monotonic()
        before = self._kill_workers()
        self.killed["worker"] += 1
        self._until(lambda: self._is_ready() and self._is_new(before), "a worker after a kill")
        self.back["worker"].append(time.monotonic() - began)

    def _during_jobs(self) -> None:
        """Let a worker find every job due when it starts, and kill it while it runs them."""
        self._make_due()
        for kind in ("worker", "jobs"):
            began = time.monotonic()
            before = self._kill_workers()
            self._until(lambda before=before: self._is_ready() and self._is_new(before), "a worker after a kill")
            self.killed[kind] += 1
            self.back[kind].append(time.monotonic() - began)
            if kind == "worker":
                time.sleep(self.chance.uniform(0.5, 2.0))

    def _make_due(self) -> None:
        """Do as if the time of every job had come, and the lease of those that were killed were over."""
        with contextlib.closing(sqlite.connect(self.data / "arena.db")) as conn:
            conn.execute("UPDATE jobs SET due_at = 1, lease_ends_at = 1 WHERE due_at IS NOT NULL")

    def _kill_workers(self) -> list[int]:
        there = self._workers()
        for pid in there:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return there

    def _is_new(self, before: list[int]) -> bool:
        there = self._workers()
        return bool(there) and not set(there) & set(before)

    def _both(self) -> None:
        self._kill_group()
        self._come_back("both")

    def _during_start(self) -> None:
        self._kill_group()
        self._start()
        time.sleep(self.chance.uniform(0.05, 1.2))
        self._kill_group()
        self._come_back("start")

    def _during_backup(self) -> None:
        writing = subprocess.Popen(
            arena("admin", "backup", "--data", self.data), stdout=subprocess.DEVNULL, env=self.env
        )
        time.sleep(self.chance.uniform(0.3, 1.0))
        self._kill_group()
        writing.kill()
        writing.wait()
        self._come_back("backup")

    def _during_upgrade(self) -> None:
        """Leave the database as a release before its last step did, and kill who brings it up."""
        self._kill_group()
        with contextlib.closing(sqlite.connect(self.data / "arena.db")) as conn:
            conn.execute("BEGIN IMMEDIATE")
            conn.execute("ALTER TABLE price_versions DROP COLUMN applied_at")
            conn.execute("DELETE FROM _sqlite_migrations WHERE migration_set = 'prices' AND name = '0002_applied_at'")
            conn.execute("COMMIT")
        for file in (self.data / "backups").glob("*-before-upgrade.backup"):
            file.unlink()
        self._start()
        time.sleep(self.chance.uniform(0.3, 1.5))
        self._kill_group()
        self._come_back("upgrade")

    # -- around them

    def _start(self) -> None:
        self.process = subprocess.Popen(
            arena("serve", "--data", self.data, "--port", self.port),
            stdout=subprocess.DEVNULL,
            cwd=self.data,
            env=self.env,
            start_new_session=True,
        )

    def _kill_group(self) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _come_back(self, kind: str) -> None:
        """Start again; what was acknowledged last is looked for at once."""
        self.killed[kind] += 1
        began = time.monotonic()
        with self.truth.lock:
            last, self.truth.last = self.truth.last[-200:], []
            expected = {name: self.truth.acknowledged[name] for name in last}
        self._start()
        self._wait_until_ready()
        self.back[kind].append(time.monotonic() - began)
        found = self._found()
        self.problems += [f"{name} is missing after a kill of {kind}" for name in expected if name not in found]

    def _wait_until_ready(self) -> None:
        self._until(self._is_ready, "a box that is ready")

    def _is_ready(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise SystemExit(f"arena serve ended with {self.process.returncode}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            return measure.get(self.port, "/readyz")[0] == 200
        return False

    def _until(self, holds: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise SystemExit(f"waited {seconds:g} s in vain for {what}")
            time.sleep(0.005)

    def _workers(self) -> list[int]:
        """The living workers of this folder."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                    if b"worker" in words and str(self.data).encode() in words:
                        found.append(int(entry.name))
        return found

    def _submit(self, at: int) -> None:
        """Hand a project in now and then, as many as a person may on a day."""
        if at % 5 or len(self.projects) >= self.most_projects:
            return
        author = self.authors[len(self.projects) % PEOPLE]
        sent = {"projectName": f"project-{at}", "description": f"{README}\nNumber {at}.\n"}
        with contextlib.suppress(ConnectionRefusedError):
            answer = post(author, "/api/v1/evaluate?wait=0", json.dumps(sent).encode())
            if answer is not None and answer[0] in (200, 202):
                self.projects.append(answer[1]["evaluation"]["id"])

    # -- the comparison

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite.connect(self.data / "arena.db", readonly=True)) as conn:
            return [tuple(row) for row in conn.execute(sql)]

    def _found(self) -> dict[Name, list[Figures]]:
        """What the database holds of each session that was sent: the figures of each of its records."""
        with self.truth.lock:
            names = {(person, session_hash(TOOL, id)): (person, id) for person, id in self.truth.sent}
        found: dict[Name, list[Figures]] = defaultdict(list)
        for person, mark, *figures in self._ask(RECORDS):
            found[names.get((person, mark), (person, f"unknown {mark}"))].append(tuple(figures))
        return found

    def _compare(self) -> None:
        truth = self.truth
        self._compare_jobs()  # its new worker looks at once what others left
        self._until(self._all_judged, "every project to be judged", 3 * PATIENCE)
        found = self._found()
        missing = [name for name, version in truth.acknowledged.items() if not _holds(truth, found, name, version)]
        doubled = [name for name, records in found.items() if len(records) > 1 or name not in truth.sent]
        wrong = [name for name, records in found.items() if name in truth.sent and records[0] not in truth.sent[name]]
        self.problems += [f"{name}: acknowledged and missing" for name in missing]
        self.problems += [f"{name}: {found[name]}, counted twice or never sent" for name in doubled]
        self.problems += [f"{name}: {found[name]}, which was never sent" for name in wrong]
        self._compare_sums(found)
        self._compare_projects()
        self._check_database()
        self._check_processes()
        grown = sum(len(versions) > 1 for versions in truth.sent.values())
        self.figures |= {
            "answers": f"{truth.answers:,}",
            "no answer": f"{truth.silences:,}",
            "503": f"{truth.refusals:,}",
            "sessions acknowledged": f"{len(truth.acknowledged):,} ({grown:,} grew)",
            "acknowledged and missing": str(len(missing)),
            "counted twice": str(len(doubled) + len(wrong)),
            "stored without an answer": str(len(found.keys() - truth.acknowledged.keys())),
        }

    def _all_judged(self) -> bool:
        return not self._ask("SELECT 1 FROM project_evaluations WHERE state IN ('queued', 'running') LIMIT 1")

    def _compare_sums(self, found: dict[Name, list[Figures]]) -> None:
        """Every sum is what the records add up to, as the clients know them, on the boards too; anew it is the same."""
        truth: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for (person, _), records in found.items():
            for at, figure in enumerate((*records[0], 1)):
                truth[person][at] += figure
        expected = {person: tuple(sums) for person, sums in truth.items()}
        for name, sql in TOTALS.items():
            told = {person: tuple(sums) for person, *sums in self._ask(sql)}
            if told != expected:
                self.problems.append(f"{name} tells {told}, the records of the clients add up to {expected}")
        board = json.loads(measure.get(self.port, "/api/leaderboard?period=all_time&limit=100")[2])
        told = {each["username"]: each["totalTokens"] for each in board["data"]["items"]}
        if told != (summed := {person: sum(sums[:3]) for person, sums in expected.items()}):
            self.problems.append(f"the board tells {told}, the records of the clients add up to {summed}")
        before = self._sums()
        self._arena("recompute")
        for name, rows in self._sums().items():
            if odd := [pair for pair in zip(before[name], rows, strict=False) if pair[0] != pair[1]]:
                self.problems.append(f"`arena admin recompute` changed {name}: {odd[0][0]} to {odd[0][1]}")

    def _sums(self) -> dict[str, list[tuple[Any, ...]]]:
        return {
            name: sorted(self._ask(f"SELECT {', '.join(columns)} FROM {name}"), key=repr)
            for name in SUMS
            if (columns := [row[1] for row in self._ask(f"PRAGMA table_info({name})") if row[1] not in MOVES])
        }

    def _compare_projects(self) -> None:
        """Each project that was taken stands there once, judged, or given up after as many kills as are allowed."""
        rows = dict(self._ask("SELECT id, state || COALESCE(' ' || total_score, '') FROM project_evaluations"))
        fates = Counter(rows.get(id, "missing") for id in self.projects)
        odd = {fate: number for fate, number in fates.items() if fate not in ("done 7", "failed")}
        if odd:
            self.problems.append(f"projects: {odd}")
        told = self._ask(
            "SELECT COUNT(*) FROM project_evaluations GROUP BY project_id, content_hash HAVING COUNT(*) > 1"
        )
        if told:
            self.problems.append("a project was judged twice")
        self.figures["projects judged"] = f"{fates['done 7']} of {len(self.projects)}"

    def _compare_jobs(self) -> None:
        """Every job does its work once its time has come again."""
        self._make_due()
        self._worker()
        waiting = "SELECT name FROM jobs WHERE due_at = 1 OR claim IS NOT NULL"
        self._until(lambda: not self._ask(waiting), "every job to run")
        last = "SELECT name, problem FROM job_runs WHERE id IN (SELECT MAX(id) FROM job_runs GROUP BY name)"
        self.problems += [f"the job {name} failed: {problem}" for name, problem in self._ask(last) if problem]
        runs, names, killed = self._ask(
            "SELECT COUNT(*), COUNT(DISTINCT name), SUM(problem LIKE 'The worker ended%') FROM job_runs"
        )[0]
        self.figures["runs of jobs"] = f"{runs} of {names}, {killed} of them killed in the middle"

    def _check_database(self) -> None:
        """The file, the security log and every backup are whole; each session was noted once."""
        for pragma in ("integrity_check", "foreign_key_check"):
            if (said := self._ask(f"PRAGMA {pragma}")) not in ([], [("ok",)]):
                self.problems.append(f"{pragma}: {said[:3]}")
        self._arena("audit", "verify")
        noted = Counter[str]()
        batches = 0
        for event, text in self._ask("SELECT event_type, details FROM security_audit_log"):
            if event == "session_created":
                noted.update(json.loads(text)["sessions"])
            elif event == "batch_sessions_created":
                batches += json.loads(text)["stored"]
        there = self._ask("SELECT COUNT(*) FROM sessions")[0][0]
        if max(noted.values(), default=1) > 1 or noted.total() + batches != there:
            self.problems.append(f"the security log notes {noted.total() + batches} new sessions, there are {there}")
        backups = sorted((self.data / "backups").glob("*.backup"))
        for file in backups:
            self._arena("verify", file)
        self.figures["backups, all whole"] = str(len(backups))

    def _check_processes(self) -> None:
        """One worker runs; none outlives its box."""
        assert self.process is not None
        self._until(lambda: len(self._workers()) == 1, "one worker alone")
        self.process.send_signal(signal.SIGTERM)
        if code := self.process.wait(30):
            self.problems.append(f"the box ended with {code}")
        self._until(lambda: not self._workers(), "the end of the worker")

    def _arena(self, *words: str | Path) -> None:
        """Run a command of the operator; it must succeed."""
        done = run(arena("admin", *words, "--data", self.data), env=self.env)
        if done.code:
            self.problems.append(f"arena admin {' '.join(map(str, words))}: {done.code} {done.out.decode()[-300:]}")

    def tell(self) -> None:
        """Print what was seen."""
        rows = []
        for kind in KINDS:
            if seconds := sorted(self.back[kind]):
                p99 = seconds[len(seconds) * 99 // 100]
                rows.append([SAID[kind], str(self.killed[kind]), f"{median(seconds, float):.2f}", f"{p99:.2f}"])
        every = sorted(each for seconds in self.back.values() for each in seconds)
        if every:
            rows.append(["all", str(len(every)), f"{median(every, float):.2f}", f"{every[len(every) * 99 // 100]:.2f}"])
        table(("killed", "kills", "s until ready, median", "p99"), rows)
        print()
        table(("", ""), [[name, figure] for name, figure in self.figures.items()])
        for problem in self.problems[:20]:
            print(f"WRONG: {problem}", file=sys.stderr)


def _holds(truth: Truth, found: dict[Name, list[Figures]], name: Name, version: int) -> bool:
    """Whether a session is there with the figures that were acknowledged last, or with some that came after."""
    return name in found and found[name][0] in truth.sent[name][version:]


SAID = {
    "web": "web",
    "worker": "worker",
    "jobs": "worker, while it runs its jobs",
    "both": "web and worker",
    "start": "both, while they start",
    "backup": "both and a backup under way",
    "upgrade": "both, while an older database is brought up",
}
RECORDS = """
SELECT u.username, s.session_hash, r.input_tokens, r.output_tokens, r.cache_read_tokens
FROM usage_records r JOIN sessions s ON s.number = r.session JOIN users u ON u.id = r.user_id WHERE r.counted = 1
"""
TOTALS = {
    "token_usage": """
        SELECT u.username, SUM(t.input_tokens), SUM(t.output_tokens), SUM(t.cache_read_tokens), COUNT(*)
        FROM token_usage t JOIN users u ON u.id = t.user_id GROUP BY u.id""",
    "user_stats": """
        SELECT u.username, t.total_input_tokens, t.total_output_tokens, t.total_cache_tokens, t.total_sessions
        FROM user_stats t JOIN users u ON u.id = t.user_id""",
    "daily_user_stats": """
        SELECT u.username, SUM(t.input_tokens), SUM(t.output_tokens), SUM(t.cache_tokens), SUM(t.session_count)
        FROM daily_user_stats t JOIN users u ON u.id = t.user_id GROUP BY u.id""",
    "road_days": """
        SELECT u.username, SUM(t.input_tokens), SUM(t.output_tokens), SUM(t.cache_read_tokens), SUM(t.sessions)
        FROM road_days t JOIN users u ON u.id = t.user_id GROUP BY u.id""",
}


if __name__ == "__main__":
    sys.exit(main())
