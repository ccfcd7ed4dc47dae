"""What is weak about a box, one sentence each, with what to do: for the administrator's page and the doctor."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import msgspec

from arena.audit.models import Verdict
from arena.core.clock import DAY, HOUR, iso
from arena.core.config import Config, rate
from arena.operations.models import Facts, Finding
from arena.operations.rules.jobs import is_late
from arena.web.words import plural, size

LONG_SESSION = 90
"""Days that a browser may stay signed in before that is worth a word."""
LONG_GONE = 180 * DAY
"""Milliseconds after which an administrator who was not seen may have left."""
OLD_PRICES = 180 * DAY
CLOCK_OFF = 5_000
SILENCE = 3 * 60_000
"""Milliseconds: the worker says each minute that it lives."""
COPY_LATE = {"hour": 3 * HOUR, "day": 2 * DAY + 3 * HOUR}
"""Milliseconds since the newest backup that was copied."""
LITTLE = 1 << 30
"""Bytes."""
WIDE = {4: 8, 6: 16}
"""Networks of a proxy with fewer bits than this hold half the world."""


def findings(config: Config, facts: Facts, now: int, chain: Verdict | None = None) -> list[Finding]:
    """Say what is weak about a box, the gravest first; ``chain`` is what a walk along the security log found."""
    found = (
        *_reach(config),
        *_files(facts),
        *_log(chain),
        *_people(config, facts, now),
        *_machine(config, facts),
        *_work(config, facts, now),
    )
    return [Finding(code, sentence) for code, sentence in found]


def damaged(problem: str) -> Finding:
    """Say what there is to do about a damaged database, of which nothing else can be told."""
    return Finding(
        "damaged",
        f"The database is damaged ({problem}), so the box shows and takes nothing. Stop it, look for the newest backup "
        "with `arena admin backups list`, and put it in its place with `arena admin restore FILE`.",
    )


def _reach(config: Config) -> Iterator[tuple[str, str]]:
    server = config.server
    is_tls = bool(server.tls_cert) or server.url.startswith("https://")
    if not is_tls and not (_is_loopback(server.host) and _is_loopback(urlsplit(server.url).hostname or "localhost")):
        yield (
            "plain_http",
            "Passwords and keys travel in clear, because the box is reached over http. Put a proxy with TLS before it "
            "and set [server] url to its https address, or set tls_cert and tls_key.",
        )
    if server.host in ("0.0.0.0", "::", "") and config.boards.visible == "everyone":  # noqa: S104
        yield (
            "open_boards",
            f"Whoever reaches {server.host or 'this machine'} sees every board without signing in. If that is not "
            'meant, set [boards] visible = "signed-in".',
        )
    if config.accounts.sign_up == "open":
        yield (
            "open_sign_up",
            'Anybody who reaches the box may make an account. Set [accounts] sign_up to "invite" or "domain".',
        )
    for proxy in server.trusted_proxies:
        network = ip_network(proxy, strict=False)
        if network.prefixlen < WIDE[network.version]:
            yield (
                "wide_proxies",
                f"[server] trusted_proxies believes {proxy}, so callers choose the address they seem to come from. "
                "Name your proxies alone.",
            )
    lifted = [name for name, written in msgspec.structs.asdict(config.limits).items() if rate(written) is None]
    if lifted:
        yield (
            "no_limits",
            f"Nobody is held back by [limits] {', '.join(lifted)}. Set a number there.",
        )
    if config.accounts.session_days > LONG_SESSION:
        yield (
            "long_sessions",
            f"A browser stays signed in for {config.accounts.session_days} days. Set [accounts] session_days to 30.",
        )


def _files(facts: Facts) -> Iterator[tuple[str, str]]:
    for path in facts.readable:
        yield "readable", f"Other users of this machine can read {path}. Run `chmod go-rwx {path}`."


def _log(chain: Verdict | None) -> Iterator[tuple[str, str]]:
    if chain is not None and chain.problem is not None:
        yield (
            "broken_chain",
            f"The security log was changed. {chain.problem} Compare it with a backup, and find out who can write here.",
        )


def _people(config: Config, facts: Facts, now: int) -> Iterator[tuple[str, str]]:
    if not facts.admins:
        yield (
            "no_admin",
            "Nobody runs this box. Open the link that `arena serve` prints, or run `arena admin users promote NAME`.",
        )
    elif facts.admin_seen_at is None or facts.admin_seen_at < now - LONG_GONE:
        yield (
            "old_admin",
            "No administrator was here for half a year. See that somebody still can: `arena admin users list`.",
        )
    if facts.admin_links and facts.admins:
        yield (
            "admin_links",
            f"{plural(facts.admin_links, 'one-time link', 'one-time links')} that would let an administrator in "
            f"{'is' if facts.admin_links == 1 else 'are'} still open. Withdraw what nobody waits for: "
            "`arena admin users links`.",
        )
    if facts.unused_keys:
        yield (
            "unused_keys",
            f"{plural(facts.unused_keys, 'key was', 'keys were')} not used for half a year. Revoke what no machine "
            "needs: `arena admin keys list`.",
        )
    if facts.stranded:
        more = " and others" if len(facts.stranded) > 5 else ""
        yield (
            "no_way_in",
            f"{', '.join(facts.stranded[:5])}{more} {'have' if len(facts.stranded) > 1 else 'has'} neither password, "
            "key, provider nor link. Make a link with `arena admin users invite NAME`, or delete them.",
        )


def _machine(config: Config, facts: Facts) -> Iterator[tuple[str, str]]:
    if facts.disk_free < max(LITTLE, 2 * facts.database_size):
        yield (
            "little_disk",
            f"Only {size(facts.disk_free)} are free where the data is, and a backup needs room as well. Make room, or "
            "move the data folder.",
        )
    if abs(facts.clock_off) > CLOCK_OFF:
        yield (
            "clock",
            f"The clock of this machine and that of its file system are {abs(facts.clock_off) // 1000} s apart. Set "
            "the clock (NTP): signatures and days go by it.",
        )
    if facts.journal != "wal":
        yield (
            "old_sqlite",
            f"SQLite {facts.sqlite} can lose rows when its log is reset, so a slower journal is used. Install the "
            "package pysqlite3, or SQLite 3.51.3.",
        )
    if facts.zone and facts.zone != config.arena.time_zone:
        yield (
            "other_zone",
            f"The days were made in {facts.zone}, and [arena] time_zone is {config.arena.time_zone}. Run "
            "`arena admin recompute`.",
        )


def _work(config: Config, facts: Facts, now: int) -> Iterator[tuple[str, str]]:
    if facts.prices_of and facts.prices_of < iso(now - OLD_PRICES)[:10]:
        yield (
            "old_prices",
            f"The prices are those of {facts.prices_of}, so newer models cost nobody knows what. Take a newer release, "
            "or LiteLLM's file: `arena admin prices update --from FILE`.",
        )
    if config.backups.every == "off":
        yield "no_backups", 'No backups are made by themselves. Set [backups] every to "hour" or "day".'
    backups = config.backups
    if backups.copy_to and backups.every != "off":
        known = facts.copied_at or facts.started_at
        if facts.is_served and known is not None and known < now - COPY_LATE[backups.every]:
            yield (
                "late_copy",
                f"{backups.copy_to} has no recent copy of the backups. See under jobs why arena.backups.copy fails.",
            )
    last = max(facts.beat_at or 0, facts.started_at or 0)
    if facts.is_served and now - last > SILENCE:
        yield (
            "stale_worker",
            "The worker was not heard of for more than three minutes. Look into the log; start `arena serve` again.",
        )
    if facts.waiting_since is not None and now - facts.waiting_since > HOUR:
        yield (
            "old_delivery",
            "A message waits to be sent for more than an hour. /admin/deliveries says what is wrong with the mail "
            "server or the receiver.",
        )
    if config.mail.is_on and not config.server.url:
        yield (
            "mail_without_url",
            "Links in mail lead to where the box listens, which others may not reach. Set [server] url to the address "
            "that people use.",
        )
    for job in facts.jobs:
        if facts.is_served and is_late(job, now):
            yield (
                "late_job",
                f"The job {job.name} should have run long ago. Look into the log; start `arena serve` again.",
            )
    for run in facts.runs:
        if run.problem:
            yield "failed_job", f"The job {run.name} failed when it last ran ({run.problem}). The log says where."


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
