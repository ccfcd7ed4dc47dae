"""Which copy of a record is the record, which is only a replay, and which road counts."""

from collections.abc import Iterable, Mapping

import msgspec

from arena.prices.models import Used
from arena.usage.models import TOOL_BY_NUMBER, UNKNOWN, Road, RoadSums, StoredRecord, Totals


def tokens_of(record: StoredRecord) -> int:
    """All tokens of a record, cache included."""
    return (
        record.input_tokens
        + record.output_tokens
        + record.cache_write_5m
        + record.cache_write_1h
        + record.cache_read_tokens
    )


def was_used(record: StoredRecord) -> bool:
    """Whether a record has tokens, known or not."""
    return tokens_of(record) > 0 or not record.tokens_known


def totals_of(record: StoredRecord) -> Totals:
    """A record as a sum of one."""
    return Totals(
        0,
        1,
        record.input_tokens,
        record.output_tokens,
        record.cache_write_5m + record.cache_write_1h,
        record.cache_read_tokens,
        record.cost or 0,
        int(record.cost is None and (tokens_of(record) > 0 or not record.tokens_known)),
    )


def used_by(record: StoredRecord) -> Used:
    """What of a record decides its cost. Only transcripts and telemetry tell single requests."""
    return Used(
        input=record.input_tokens,
        output=record.output_tokens,
        cache_write_5m=record.cache_write_5m,
        cache_write_1h=record.cache_write_1h,
        cache_read=record.cache_read_tokens,
        web_searches=record.web_searches,
        speed=record.speed,
        service_tier=record.service_tier,
        region=record.region,
        whole=record.road in (Road.TRANSCRIPTS, Road.TELEMETRY) and TOOL_BY_NUMBER[record.tool].keeps_requests,
    )


def merge(old: StoredRecord, new: StoredRecord) -> StoredRecord:
    """Make one record of two copies, the same whichever came first.

    The figures are those of the larger copy: not a sidechain's, else more output, else more in all. The day is that
    of the earliest timestamp. What only grows while a transcript is written (tool calls, lines, turns, recorded cost)
    is the larger of both. It stays in the session that brought it first.
    """
    kept = new if _size(new) > _size(old) else old
    at, day = min((old.at, old.day), (new.at, new.day))
    return msgspec.structs.replace(
        kept,
        session=old.session,
        tool=old.tool,
        road=min(old.road, new.road),
        request=kept.request or old.request or new.request,
        at=at,
        day=day,
        tools=_most(old.tools, new.tools),
        lines_added=max(old.lines_added, new.lines_added),
        lines_deleted=max(old.lines_deleted, new.lines_deleted),
        files_created=max(old.files_created, new.files_created),
        files_modified=max(old.files_modified, new.files_modified),
        turns=max(old.turns, new.turns),
        web_searches=max(old.web_searches, new.web_searches),
        cost_recorded=max((cost for cost in (old.cost_recorded, new.cost_recorded) if cost is not None), default=None),
        counted=old.counted,
    )


def genuine(records: Iterable[StoredRecord]) -> list[StoredRecord]:
    """Leave out replays: a sidechain's record of a message that the main chain holds too, under whatever request.

    Of day rows one message is a machine's whole day; there only what another row tells more exactly is left out.
    """
    known = list(records)
    if len(known) == 1 or all(record.sidechain for record in known):
        return known
    main = [record for record in known if not record.sidechain]
    if known[0].road != Road.DAY_ROWS:
        return main
    tools, models = {record.tool for record in main}, {record.model for record in main} | {"unknown"}
    return main + [
        copy
        for copy in known
        if copy.sidechain and not (copy.model in models if copy.tool == UNKNOWN.number else copy.tool in tools)
    ]


def is_closed(key: bytes, sidechain: bool, road: int, closed: Mapping[bytes, int]) -> bool:
    """Whether a copy is of a response of which only the identity is left: what that counted stays as it is.

    ``closed`` has the closed records of the copy's message, and whether each is a sidechain's. A machine's whole day
    is closed at once; else a message is closed to its copies in the other chain, too.
    """
    if key in closed:
        return True
    if not closed or road == Road.DAY_ROWS:
        return bool(closed)
    return sidechain != all(closed.values())


def counting_road(by_tool: dict[int, RoadSums], tool: int) -> int | None:
    """Of the roads that brought something for a person, tool and day, the one that counts: the lowest.

    ``by_tool`` has the day's sums by tool, road and, apart (1), those of excluded sessions. They count for nothing and
    hold their road all the same: else what was excluded would come back by another road. What nobody can say the tool
    of counts only where no tool has a lower road that day: it may be part of what that brought.
    """
    lowest = _lowest_road(by_tool.get(tool, {}))
    if tool == UNKNOWN.number and lowest is not None:
        others = (_lowest_road(roads) for other, roads in by_tool.items() if other != tool)
        if any(road is not None and road < lowest for road in others):
            return None
    return lowest


def _lowest_road(roads: RoadSums) -> int | None:
    return min((road for (road, _), totals in roads.items() if totals.records > 0 or totals.sessions > 0), default=None)


def _size(record: StoredRecord) -> tuple[bool, int, int, str, int, int, int, str]:
    # The fields after the sum only make the choice between equal sizes the same in any order of arrival.
    return (
        not record.sidechain,
        record.output_tokens,
        tokens_of(record),
        record.model,
        record.input_tokens,
        record.cache_write_1h,
        record.cache_read_tokens,
        record.speed or "",
    )


def _most(old: str | None, new: str | None) -> str | None:
    if old is None or new is None or old == new:
        return old if new is None else new
    calls = msgspec.json.decode(old, type=dict[str, int])
    for name, count in msgspec.json.decode(new, type=dict[str, int]).items():
        calls[name] = max(count, calls.get(name, 0))
    return msgspec.json.encode(dict(sorted(calls.items()))).decode()
