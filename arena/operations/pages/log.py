"""What the administrator's pages show."""

from collections.abc import Iterable
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from arena.audit.models import EVENTS, Entry
from arena.core import clock
from arena.core.clock import Days
from arena.operations.models import Asked, Log
from arena.operations.rules.log import written

GONE = "a deleted person"
CSV_HEAD = ["row", "time", "event", "person", "person_id", "address", "user_agent", "details", "hash"]


class Who(Struct, frozen=True):
    """Somebody in the log, and the address of all that is about them."""

    name: str
    is_here: bool
    href: str


class Detail(Struct, frozen=True):
    """One thing that a row says beside; a long list is cut in ``text`` and whole in ``whole``."""

    label: str
    text: str
    whole: str = ""
    href: str = ""


class Row(Struct, frozen=True):
    """One row of the log."""

    number: int
    at: int
    event: str
    meaning: str
    event_href: str
    who: Who | None
    address: str
    address_href: str
    agent: str
    details: list[Detail]


class Choice(Struct, frozen=True):
    """An event to choose."""

    key: str
    meaning: str
    chosen: bool


class AuditPage(Struct, frozen=True):
    """What `operations/audit.html` shows. ``rows`` is None when the question was not understood."""

    asked: Asked
    errors: dict[str, str]
    events: list[Choice]
    rows: list[Row] | None
    is_filtered: bool
    total: int
    since: str
    """The day of the oldest row, if there is one."""
    looked: int
    head: str
    kept_days: int
    more_href: str
    newest_href: str
    csv_href: str
    now: int
    zone: str


def audit_page(
    asked: Asked, errors: dict[str, str], found: Log, *, after: str, kept_days: int, days: Days, now: int
) -> AuditPage:
    """Make the page of what was found; with errors it shows the question again and no rows."""
    return AuditPage(
        asked=asked,
        errors=errors,
        events=[Choice(key, meaning, key == asked.event) for key, meaning in sorted(EVENTS.items())],
        rows=None if errors else [_row(entry, found.names) for entry in found.rows],
        is_filtered=asked != Asked(),
        total=found.chain.head_seq - found.chain.anchor_seq,
        since=days.of(found.since) if found.since is not None else "",
        looked=found.looked,
        head=f"{found.chain.head_seq}:{found.chain.head_hash.hex()}",
        kept_days=kept_days,
        more_href=href(asked, after=written(found.more)) if found.more and not errors else "",
        newest_href=href(asked) if after else "",
        csv_href=href(asked, path="/admin/audit.csv"),
        now=now,
        zone=str(days.zone),
    )


def csv_row(entry: Entry, names: dict[str, str]) -> list[str]:
    """A row for a spreadsheet."""
    person = names.get(entry.user_id, GONE) if entry.user_id else ""
    return [
        str(entry.seq),
        clock.iso(entry.created_at),
        entry.event_type,
        person,
        entry.user_id or "",
        entry.ip_address or "",
        entry.user_agent or "",
        entry.details if entry.details != "{}" else "",
        entry.hash.hex(),
    ]


def href(asked: Asked, *, path: str = "/admin/audit", after: str = "") -> str:
    """The address of a question, without what was left empty."""
    fields = {
        "event": asked.event,
        "person": asked.person,
        "address": asked.address,
        "from": asked.since,
        "to": asked.until,
        "q": asked.words,
        "after": after,
    }
    chosen = urlencode({name: value for name, value in fields.items() if value})
    return f"{path}?{chosen}" if chosen else path


def _row(entry: Entry, names: dict[str, str]) -> Row:
    return Row(
        number=entry.seq,
        at=entry.created_at,
        event=entry.event_type,
        meaning=EVENTS.get(entry.event_type, ""),
        event_href=href(Asked(event=entry.event_type)),
        who=_who(entry.user_id, names) if entry.user_id else None,
        address=entry.ip_address or "",
        address_href=href(Asked(address=entry.ip_address or "")),
        agent=entry.user_agent or "",
        details=list(_details(msgspec.json.decode(entry.details), names)),
    )


def _who(id: str, names: dict[str, str]) -> Who:
    name = names.get(id)
    return Who(name or GONE, name is not None, href(Asked(person=name or id)))


def _details(details: dict[str, object], names: dict[str, str]) -> Iterable[Detail]:
    for label, value in details.items():
        if label == "by" and isinstance(value, str):
            # Whoever did it is not whom the row is about, so their deeds are found as words.
            yield Detail("by", names.get(value, GONE), href=href(Asked(words=value)))
        elif isinstance(value, list):
            more = f" and {len(value) - 1} more" if len(value) > 1 else ""
            yield Detail(label, f"{value[0]}{more}" if value else "none", ", ".join(map(str, value)) if more else "")
        else:
            yield Detail(label, str(value))
