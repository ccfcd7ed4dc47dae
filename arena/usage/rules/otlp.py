"""How telemetry is written: OpenTelemetry's requests in JSON or protobuf, of which only what is ours is decoded.

Everything else - prompts, answers, parameters of tools, paths, addresses of people - is passed over here and reaches
nothing behind this file. Sources: the OTLP specification (JSON mapping: names in lower camel case, unknown ones are
ignored, 64-bit integers as strings or numbers, enums as numbers) and opentelemetry-proto.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sized
from hashlib import sha256
from itertools import islice
from typing import Any, TypeVar

import msgspec

from arena.usage.models import Attribute, Attributes, Event, LogsBody, MetricsBody, Point, Resource, Value

OURS = frozenset(
    "cache_creation_tokens cache_read_tokens cached_content_token_count cached_token_count conversation.id cost_usd"
    " event.kind event.name event.sequence event.timestamp input_token_count input_tokens model output_token_count"
    " output_tokens prompt.id prompt_id query_source request_id service.name session.id speed thoughts_token_count"
    " tool_token_count type".split()
)
"""The attributes that are looked at; no other is decoded."""
LONGEST = 200
"""Characters of the longest text that is kept of an attribute: an id, or the name of a model."""
MOST = 20_000
"""Items of one request; exporters send some hundreds at once, and a body of empty ones could hold millions."""
TOO_MANY = f"holds more than {MOST:,} items; send it in parts"
DELTA, CUMULATIVE = 1, 2
TEMPORALITIES = {"AGGREGATION_TEMPORALITY_DELTA": DELTA, "AGGREGATION_TEMPORALITY_CUMULATIVE": CUMULATIVE}

_decode_logs = msgspec.json.Decoder(LogsBody).decode
_decode_metrics = msgspec.json.Decoder(MetricsBody).decode
_decode_value = msgspec.json.Decoder(Value | None).decode


T = TypeVar("T")


class Undecodable(ValueError):
    """A body that is not what it says it is."""


# -- JSON


def events_in_json(body: bytes) -> list[Event]:
    """Read the events of a request in JSON. Raises `Undecodable`."""
    try:
        return _some(_events_in_json(_decode_logs(body)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Undecodable(f"is no request of logs in JSON ({problem})") from problem


def points_in_json(body: bytes) -> list[Point]:
    """Read the numbers of a request's counters in JSON. Raises `Undecodable`."""
    try:
        return _some(_points_in_json(_decode_metrics(body)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Undecodable(f"is no request of metrics in JSON ({problem})") from problem


def _events_in_json(body: LogsBody) -> Iterator[Event]:
    for process in _few(body.resource_logs or (), lambda each: each.scope_logs or ()):
        shared = _ours_in_json(_of(process.resource))
        for scope in process.scope_logs or ():
            for record in scope.log_records or ():
                attributes = {**shared, **_ours_in_json(record.attributes or ())}
                at = _integer(record.time_unix_nano) or _integer(record.observed_time_unix_nano)
                yield _event(record.event_name, _name_in_json(record.body), attributes, at)


def _points_in_json(body: MetricsBody) -> Iterator[Point]:
    for process in _few(body.resource_metrics or (), lambda each: each.scope_metrics or ()):
        resource = _of(process.resource)
        shared = _ours_in_json(resource)
        for scope in process.scope_metrics or ():
            for metric in scope.metrics or ():
                if metric.sum is None or not metric.name:
                    continue
                temporality = metric.sum.aggregation_temporality
                if isinstance(temporality, str):
                    temporality = TEMPORALITIES.get(temporality)
                for point in metric.sum.data_points or ():
                    value = _number(point.as_int if point.as_double is None else point.as_double)
                    if value is None:
                        continue
                    own = point.attributes or []
                    yield _point(
                        metric.name,
                        {**shared, **_ours_in_json(own)},
                        (_integer(point.start_time_unix_nano), _integer(point.time_unix_nano)),
                        value,
                        temporality,
                        [(each.key or "", bytes(each.value)) for each in (*resource, *own)],
                    )


def _of(resource: Resource | None) -> list[Attribute]:
    return (resource.attributes if resource else None) or []


def _ours_in_json(attributes: Iterable[Attribute]) -> Attributes:
    found: Attributes = {}
    for each in attributes:
        if each.key in OURS:
            value = _decode_value(each.value or b"null")
            if value is None:
                continue
            plain = value.string_value
            if plain is not None:
                found[each.key] = plain[:LONGEST]
            elif (number := _number(value.int_value if value.double_value is None else value.double_value)) is not None:
                found[each.key] = number
    return found


def _name_in_json(body: msgspec.Raw) -> str:
    """The event's name, where an older sender writes it into the body; no other body is decoded."""
    found = NAMED.fullmatch(body)
    return found[1].decode() if found else ""


NAMED = re.compile(rb'\s*\{\s*"stringValue"\s*:\s*"([a-z_]{1,20}\.[a-z_]{1,30})"\s*\}\s*')
DIGITS = re.compile(r"-?[0-9]{1,20}")


def _integer(written: int | float | str | None) -> int:
    """A 64-bit integer as JSON may have it; 0 where there is none. Raises what a decoder does."""
    if isinstance(written, str):
        if not DIGITS.fullmatch(written):
            raise msgspec.ValidationError(f"{written[:30]!r} is no integer")
        written = int(written)
    if isinstance(written, float):
        written = int(written) if written.is_integer() else 0
    return written if written is not None and 0 <= written < 2**64 else 0


def _number(written: int | float | str | None) -> int | float | None:
    """A number as JSON may have it, a string for what JSON cannot say; None where it is none that can be counted."""
    if isinstance(written, str):
        shown = written[:40]
        try:
            written = int(written) if DIGITS.fullmatch(written) else float(shown)
        except ValueError as problem:
            raise msgspec.ValidationError(f"{shown!r} is no number") from problem
    return written if written is not None and abs(written) < 2**63 else None  # not NaN, not infinite


# -- protobuf


def events_in_protobuf(body: bytes) -> list[Event]:
    """Read the events of a request in protobuf. Raises `Undecodable`."""
    # Only boxes that are sent protobuf pay for it, at the first request.
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError as problem:
        raise Undecodable("is no request of logs in protobuf") from problem
    return _some(_events_in_protobuf(request))


def points_in_protobuf(body: bytes) -> list[Point]:
    """Read the numbers of a request's counters in protobuf. Raises `Undecodable`."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    try:
        request = ExportMetricsServiceRequest.FromString(body)
    except DecodeError as problem:
        raise Undecodable("is no request of metrics in protobuf") from problem
    return _some(_points_in_protobuf(request))


def _events_in_protobuf(request: Any) -> Iterator[Event]:
    for process in _few(request.resource_logs, lambda each: each.scope_logs):
        shared = _ours_in_protobuf(process.resource.attributes)
        for scope in process.scope_logs:
            for record in scope.log_records:
                attributes = {**shared, **_ours_in_protobuf(record.attributes)}
                at = record.time_unix_nano or record.observed_time_unix_nano
                yield _event(record.event_name, record.body.string_value, attributes, at)


def _points_in_protobuf(request: Any) -> Iterator[Point]:
    for process in _few(request.resource_metrics, lambda each: each.scope_metrics):
        resource = process.resource.attributes
        shared = _ours_in_protobuf(resource)
        for scope in process.scope_metrics:
            for metric in scope.metrics:
                for point in metric.sum.data_points:
                    kind = point.WhichOneof("value")
                    value = _number(getattr(point, kind)) if kind else None
                    if value is None:
                        continue
                    every = [
                        (each.key, each.value.SerializeToString(deterministic=True))
                        for each in (*resource, *point.attributes)
                    ]
                    yield _point(
                        metric.name,
                        {**shared, **_ours_in_protobuf(point.attributes)},
                        (point.start_time_unix_nano, point.time_unix_nano),
                        value,
                        metric.sum.aggregation_temporality,
                        every,
                    )


def _ours_in_protobuf(attributes: Iterable[Any]) -> Attributes:
    found: Attributes = {}
    for each in attributes:
        if each.key in OURS:
            kind = each.value.WhichOneof("value")
            if kind == "string_value":
                found[each.key] = each.value.string_value[:LONGEST]
            elif kind in ("int_value", "double_value"):
                number = _number(getattr(each.value, kind))
                if number is not None:
                    found[each.key] = number
    return found


# -- both


def _some(items: Iterable[T]) -> list[T]:
    found = list(islice(items, MOST + 1))
    if len(found) > MOST:
        raise Undecodable(TOO_MANY)
    return found


def _few(processes: Iterable[T], scopes: Callable[[T], Sized]) -> Iterator[T]:
    """Go through processes, as long as they and their scopes are not too many."""
    gone = 0
    for process in processes:
        gone += 1 + len(scopes(process))
        if gone > MOST:
            raise Undecodable(TOO_MANY)
        yield process


def _event(name: str | None, body: str, attributes: Attributes, nanoseconds: int) -> Event:
    names = (name or "", str(attributes.get("event.name", "")), body if len(body) <= 50 else "")
    return Event(names, attributes, nanoseconds // 1_000_000)


def _point(
    name: str,
    attributes: Attributes,
    times: tuple[int, int],
    value: int | float,
    temporality: int | None,
    everything: list[tuple[str, bytes]],
) -> Point:
    start, time = times
    stream = sha256(repr((name, start if temporality == CUMULATIVE else 0, sorted(everything))).encode()).digest()[:16]
    return Point(name[:LONGEST], attributes, start, time, value, temporality or 0, stream)
