"""How backups are called, and which of them may go."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from arena.backups.models import Backup, Keep

NAME = re.compile(r"arena-(\d{8}T\d{6})Z(?:-[a-z-]+)?\.backup")


def name_of(made_at: int, why: str = "") -> str:
    """Name a backup by its second, and by why it was made where that was not the schedule."""
    stamp = datetime.fromtimestamp(made_at / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"arena-{stamp}-{why}.backup" if why else f"arena-{stamp}.backup"


def made_at(name: str) -> int | None:
    """When a backup with this name was made; None for any other file."""
    found = NAME.fullmatch(name)
    if found is None:
        return None
    try:
        return int(datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()) * 1000
    except ValueError:
        return None


def to_prune(backups: Iterable[Backup], keep: Keep) -> list[Backup]:
    """Choose what may go: all but the newest of each of the last hours, days and weeks that have any.

    The newest of all always stays. A week begins on Monday.
    """
    newest_first = sorted(backups, key=lambda each: each.made_at, reverse=True)
    stay = {each.name for each in newest_first[:1]}
    for number, form in ((keep.hours, "%Y%m%d%H"), (keep.days, "%Y%m%d"), (keep.weeks, "%G%V")):
        spans: dict[str, Backup] = {}
        for each in newest_first:
            spans.setdefault(datetime.fromtimestamp(each.made_at / 1000, UTC).strftime(form), each)
        stay.update(each.name for each in list(spans.values())[:number])
    return [each for each in newest_first if each.name not in stay]
