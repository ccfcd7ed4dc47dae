"""What is said to be weak about a box: each thing once, and nothing about a sound one."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from arena.audit.models import Verdict
from arena.core.clock import DAY, HOUR, MINUTE
from arena.core.config import Accounts, Backups, Boards, Config, Limits, Mail, Server
from arena.operations.models import Facts, JobRun, JobState
from arena.operations.rules.findings import findings
from tests.conftest import NOW

GB = 10**9
JOB = JobState("arena.accounts.tidy", NOW + HOUR, None, None, None, 0, 1, 0)

SOUND = Facts(
    version="1.0.0",
    sqlite="3.53.4",
    journal="wal",
    database_size=GB,
    log_size=0,
    queue_size=0,
    disk_free=100 * GB,
    clock_off=3,
    readable=[],
    zone="UTC",
    prices_of="2026-11-01",
    is_served=True,
    started_at=NOW - DAY,
    beat_at=NOW - MINUTE,
    copied_at=None,
    jobs=[JOB],
    runs=[JobRun("arena.accounts.tidy", NOW - MINUTE, NOW, "3 rows", "")],
    admins=2,
    admin_seen_at=NOW - DAY,
    admin_links=0,
    unused_keys=0,
    stranded=[],
    waiting_since=None,
)


def codes(config: Config | None = None, chain: Verdict | None = None, **facts: Any) -> list[str]:
    seen = msgspec.structs.replace(SOUND, **facts)
    return [each.code for each in findings(config or Config(), seen, NOW, chain)]


def test_a_sound_box_as_it_comes_has_nothing_to_warn_about() -> None:
    assert codes() == []
    assert codes(chain=Verdict(10, 1, 10, "ab")) == []


@pytest.mark.parametrize(
    ("server", "found"),
    [
        (Server(host="0.0.0.0"), ["plain_http", "open_boards"]),
        (Server(host="::"), ["plain_http", "open_boards"]),
        (Server(host="192.168.0.7"), ["plain_http"]),
        (Server(host="arena.lan"), ["plain_http"]),
        (Server(host="0.0.0.0", url="https://arena.example.org"), ["open_boards"]),
        (Server(host="192.168.0.7", tls_cert="c", tls_key="k"), []),
        (Server(url="http://arena.example.org"), ["plain_http"]),
        (Server(url="https://arena.example.org"), []),
        (Server(host="::1"), []),
        (Server(host="localhost", url="http://localhost:8000"), []),
        (Server(host="127.3.2.1"), []),
        (Server(trusted_proxies=["0.0.0.0/0"]), ["wide_proxies"]),
        (Server(trusted_proxies=["0.0.0.0/1", "10.0.0.0/8"]), ["wide_proxies"]),
        (Server(trusted_proxies=["::/0", "fd00::/16"]), ["wide_proxies"]),
    ],
)
def test_how_the_box_is_reached(server: Server, found: list[str]) -> None:
    assert codes(Config(server=server)) == found


def test_boards_that_only_the_signed_in_see_are_fine_on_every_interface() -> None:
    server = Server(host="0.0.0.0", url="https://arena.example.org")
    assert codes(Config(server=server, boards=Boards(visible="signed-in"))) == []


@pytest.mark.parametrize(
    ("config", "found"),
    [
        (Config(accounts=Accounts(sign_up="open")), ["open_sign_up"]),
        (Config(accounts=Accounts(session_days=90)), []),
        (Config(accounts=Accounts(session_days=91)), ["long_sessions"]),
        (Config(backups=Backups(every="off")), ["no_backups"]),
        (Config(limits=Limits(api="off", public=0)), ["no_limits"]),
    ],
)
def test_what_the_configuration_leaves_open(config: Config, found: list[str]) -> None:
    assert codes(config) == found


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({"readable": ["/data", "/data/secret"]}, ["readable", "readable"]),
        ({"admins": 0, "admin_links": 3}, ["no_admin"]),
        ({"admin_seen_at": None}, ["old_admin"]),
        ({"admin_seen_at": NOW - 181 * DAY}, ["old_admin"]),
        ({"admin_seen_at": NOW - 180 * DAY}, []),
        ({"admin_links": 1}, ["admin_links"]),
        ({"unused_keys": 2}, ["unused_keys"]),
        ({"stranded": ["bob"]}, ["no_way_in"]),
        ({"disk_free": GB}, ["little_disk"]),
        ({"disk_free": 10 * GB, "database_size": 6 * GB}, ["little_disk"]),
        ({"clock_off": -6_000}, ["clock"]),
        ({"clock_off": 5_000}, []),
        ({"journal": "truncate", "sqlite": "3.40.1"}, ["old_sqlite"]),
        ({"zone": "Asia/Seoul"}, ["other_zone"]),
        ({"zone": ""}, []),
        ({"beat_at": NOW - 4 * MINUTE}, ["stale_worker"]),
        ({"beat_at": None}, ["stale_worker"]),
        ({"beat_at": None, "started_at": NOW - MINUTE}, []),
        ({"beat_at": None, "is_served": False}, []),
        ({"runs": [JobRun("arena.audit.prune", NOW, NOW, None, "OSError: full")]}, ["failed_job"]),
        ({"jobs": [replace(JOB, due_at=NOW - 3 * HOUR)]}, ["late_job"]),
        ({"jobs": [replace(JOB, due_at=NOW - 3 * HOUR)], "is_served": False}, []),
        ({"jobs": [replace(JOB, due_at=NOW - 3 * HOUR, attempts=1)]}, []),
        ({"jobs": [replace(JOB, due_at=NOW - 3 * HOUR, claim="c", started_at=NOW - 3 * HOUR)]}, []),
        ({"jobs": [replace(JOB, due_at=None)]}, []),
        ({"waiting_since": NOW - HOUR - 1}, ["old_delivery"]),
        ({"waiting_since": NOW - HOUR}, []),
        ({"prices_of": "2026-05-01"}, ["old_prices"]),
        ({"prices_of": "2026-06-30"}, []),
        ({"prices_of": ""}, []),
    ],
)
def test_what_is_seen_of_people_and_machine(facts: dict[str, Any], found: list[str]) -> None:
    assert codes(**facts) == found


@pytest.mark.parametrize(
    ("every", "facts", "found"),
    [
        ("hour", {"copied_at": NOW - 3 * HOUR}, []),
        ("hour", {"copied_at": NOW - 3 * HOUR - 1}, ["late_copy"]),
        ("hour", {"copied_at": NOW - 3 * HOUR - 1, "is_served": False}, []),
        ("hour", {"copied_at": None, "started_at": NOW - HOUR}, []),
        ("hour", {"copied_at": None, "started_at": NOW - 4 * HOUR}, ["late_copy"]),
        ("day", {"copied_at": NOW - 50 * HOUR}, []),
        ("day", {"copied_at": NOW - 52 * HOUR}, ["late_copy"]),
        ("off", {"copied_at": NOW - 52 * HOUR}, ["no_backups"]),
    ],
)
def test_a_bucket_that_falls_behind_is_told(every: Any, facts: dict[str, Any], found: list[str]) -> None:
    assert codes(Config(backups=Backups(every=every, copy_to="s3://box")), **facts) == found
    if found == ["late_copy"]:
        assert codes(Config(backups=Backups(every=every)), **facts) == []


def test_a_broken_chain_of_the_security_log_is_told_with_its_place() -> None:
    verdict = Verdict(3, 1, 9, "ab", 4, "Row 4 is missing.")
    [finding] = findings(Config(), SOUND, NOW, verdict)
    assert finding.code == "broken_chain"
    assert "Row 4 is missing." in finding.sentence


def test_every_sentence_says_what_to_do_and_ends_calmly() -> None:
    worst = msgspec.structs.replace(
        SOUND,
        **{"readable": ["/d"], "admins": 1, "admin_seen_at": None, "admin_links": 2, "unused_keys": 1},
        **{"stranded": [f"p{n}" for n in range(6)], "disk_free": 5, "clock_off": 9_000, "journal": "truncate"},
        **{"waiting_since": 0, "zone": "Asia/Seoul", "beat_at": None, "runs": [JobRun("x", 0, 0, None, "y")]},
    )
    config = Config(
        server=Server(host="0.0.0.0", trusted_proxies=["::/0"]),
        accounts=Accounts(sign_up="open", session_days=400),
        limits=Limits(api=0),
        backups=Backups(every="off"),
        mail=Mail(host="smtp.example.org"),
    )
    found = findings(config, worst, NOW, Verdict(0, 1, 2, "", 1, "Row 1 is missing."))
    assert len({each.code for each in found}) == len(found) == 21
    for each in found:
        assert each.sentence.endswith(".")
        assert "!" not in each.sentence
    assert "p0, p1, p2, p3, p4 and others have neither" in next(x.sentence for x in found if x.code == "no_way_in")
