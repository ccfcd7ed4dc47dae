"""Whatever bytes come as telemetry, they are read, alike in JSON and protobuf, or refused; and what is read is true."""

import json
from typing import Any

import msgspec
import pytest
from google.protobuf.json_format import MessageToJson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from arena.usage.models import Event, LogsBody, MetricsBody, Point
from arena.usage.rules.otlp import (
    LONGEST,
    OURS,
    Undecodable,
    events_in_json,
    events_in_protobuf,
    points_in_json,
    points_in_protobuf,
)
from arena.usage.rules.telemetry import COUNTERS, EVENTS, Usage, usage_of_events, usage_of_points
from arena.wire import SessionReport
from tests.conftest import NOW

READERS = {
    events_in_json: usage_of_events,
    events_in_protobuf: usage_of_events,
    points_in_json: usage_of_points,
    points_in_protobuf: usage_of_points,
}


def read(body: bytes, reader: Any) -> None:
    """Read a body to its end: it is refused in a short sentence, or what it tells may be stored."""
    try:
        told = reader(body)
    except Undecodable:
        return
    for each in told:
        assert each.attributes.keys() <= OURS
        assert all(len(value) <= LONGEST for value in each.attributes.values() if isinstance(value, str))
    may_be_stored(READERS[reader](told, NOW))


def may_be_stored(usage: Usage) -> None:
    assert usage.refused <= usage.told
    assert bool(usage.sentence) == bool(usage.refused)
    for report in usage.reports:
        assert report.records
        sent = {"tool": report.tool.id, "session": report.session_hash, "records": report.records}
        sent |= {"started_at": report.started_at, "ended_at": report.ended_at, "collector": report.collector}
        msgspec.convert(msgspec.to_builtins(sent), SessionReport)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["\ud800", "1e400", "NaN", "-0", "9" * 30, "١٢", "2026-11-20T11:00:00Z", "0001-01-01", "x" * 500]),
)
KEYS = st.sampled_from([*sorted(OURS), "prompt"])
NAMES = st.sampled_from([*EVENTS, *COUNTERS, "api_request", "x"])
KINDS = st.sampled_from(["stringValue", "intValue", "doubleValue", "boolValue", "arrayValue"])
ATTRIBUTES = st.lists(
    st.fixed_dictionaries({}, optional={"key": KEYS, "value": st.none() | st.dictionaries(KINDS, VALUES, max_size=2)}),
    max_size=4,
)
TIMES = VALUES | st.sampled_from([str(NOW * 1_000_000), NOW * 1_000_000])
RECORD = st.fixed_dictionaries(
    {},
    optional={
        "timeUnixNano": TIMES,
        "observedTimeUnixNano": TIMES,
        "eventName": NAMES,
        "body": st.dictionaries(KINDS, VALUES | NAMES, max_size=1),
        "attributes": ATTRIBUTES,
    },
)
POINT = st.fixed_dictionaries(
    {},
    optional={
        "timeUnixNano": TIMES,
        "startTimeUnixNano": TIMES,
        "asInt": VALUES,
        "asDouble": VALUES,
        "attributes": ATTRIBUTES,
    },
)
RESOURCE = st.none() | st.fixed_dictionaries({"attributes": ATTRIBUTES})
SCOPE = st.fixed_dictionaries({"logRecords": st.lists(RECORD, max_size=3)})
LOGS = st.fixed_dictionaries({"resource": RESOURCE, "scopeLogs": st.lists(SCOPE, max_size=2)})
TEMPORALITIES = VALUES | st.integers(0, 3)
SUM = st.fixed_dictionaries({"aggregationTemporality": TEMPORALITIES, "dataPoints": st.lists(POINT, max_size=3)})
METRIC = st.fixed_dictionaries({"name": NAMES, "sum": SUM})
METER = st.fixed_dictionaries({"metrics": st.lists(METRIC, max_size=2)})
METRICS = st.fixed_dictionaries({"resource": RESOURCE, "scopeMetrics": st.lists(METER, max_size=2)})


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(logs=LOGS, metrics=METRICS)
def test_strange_json_is_read_or_refused(logs: Any, metrics: Any) -> None:
    read(json.dumps({"resourceLogs": [logs]}).encode(), events_in_json)
    read(json.dumps({"resourceMetrics": [metrics]}).encode(), points_in_json)


ANY_JSON = st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner))


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=200) | ANY_JSON.map(lambda value: json.dumps(value).encode()))
def test_bytes_of_any_kind_are_read_or_refused(body: bytes) -> None:
    for reader in READERS:
        read(body, reader)


def a_request_of_logs(shift: int = 0) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    process = request.resource_logs.add()
    process.resource.attributes.add(key="service.name").value.string_value = "claude-code"
    for number in range(3):
        record = process.scope_logs.add().log_records.add()
        record.time_unix_nano = (NOW - 1000 * number) * 1_000_000 + shift
        record.body.string_value = "claude_code.api_request"
        record.trace_id, record.dropped_attributes_count = b"", number
        for key, value in {"event.name": "api_request", "session.id": "s1", "model": "claude-x"}.items():
            record.attributes.add(key=key).value.string_value = value
        record.attributes.add(key="input_tokens").value.int_value = 2**40 if number == 2 else number + 1
        record.attributes.add(key="cost_usd").value.double_value = 0.25
        record.attributes.add(key="prompt").value.array_value.values.add().string_value = "secret"
    return request


def a_request_of_metrics() -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    process = request.resource_metrics.add()
    process.resource.attributes.add(key="host.name").value.string_value = "secret"
    metric = process.scope_metrics.add().metrics.add(name="claude_code.token.usage")
    metric.sum.aggregation_temporality, metric.sum.is_monotonic = 2, True
    for kind, value in (("input", 7), ("output", 8.0)):
        point = metric.sum.data_points.add(start_time_unix_nano=1, time_unix_nano=NOW * 1_000_000)
        if isinstance(value, int):
            point.as_int = value
        else:
            point.as_double = value
        for key, text in {"session.id": "s1", "type": kind}.items():
            point.attributes.add(key=key).value.string_value = text
    process.scope_metrics.add().metrics.add(name="claude_code.token.usage").gauge.data_points.add(as_int=5)
    return request


def test_both_encodings_say_the_same() -> None:
    logs, metrics = a_request_of_logs(), a_request_of_metrics()
    events: list[Event] = events_in_protobuf(logs.SerializeToString())
    assert events == events_in_json(MessageToJson(logs).encode())
    points: list[Point] = points_in_protobuf(metrics.SerializeToString())
    in_json = points_in_json(MessageToJson(metrics).encode())
    # A stream is named after the bytes of its attributes, and no exporter changes its encoding while it runs.
    assert [msgspec.structs.replace(each, stream=b"") for each in points] == [
        msgspec.structs.replace(each, stream=b"") for each in in_json
    ]
    assert len({each.stream for each in points}) == 2
    usage = usage_of_events(events, NOW)
    assert [len(usage.reports[0].records), usage.refused] == [2, 1]
    assert sum(len(each.records) for each in usage_of_points(points, NOW).reports) == 2


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_protobuf_is_read_or_refused(data: st.DataObject) -> None:
    for request, reader in ((a_request_of_logs(), events_in_protobuf), (a_request_of_metrics(), points_in_protobuf)):
        whole = bytearray(request.SerializeToString())
        for _ in range(data.draw(st.integers(1, 4))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        read(bytes(whole[: data.draw(st.integers(0, len(whole)))]), reader)


@pytest.mark.parametrize("depth", [50, 90, 110, 100_000])
def test_deep_protobuf_is_read_or_refused(depth: int) -> None:
    def field(number: int, content: bytes) -> bytes:
        length, written = len(content), bytearray()
        while length > 0x7F:
            written.append(length & 0x7F | 0x80)
            length >>= 7
        return bytes((number << 3 | 2, *written, length)) + content

    value = b""
    for _ in range(min(depth, 5_000)):
        value = field(5, field(1, value))
    body = field(1, field(2, field(2, field(5, value))))
    read(body, events_in_protobuf)


@pytest.mark.parametrize(
    ("reader", "body"),
    [
        (events_in_json, b'{"resourceLogs":[%s]}'),
        (events_in_json, b'{"resourceLogs":[{"scopeLogs":[%s]}]}'),
        (events_in_json, b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[%s]}]}]}'),
        (points_in_json, b'{"resourceMetrics":[%s]}'),
    ],
)
def test_more_than_any_exporter_sends_at_once_is_refused(reader: Any, body: bytes) -> None:
    assert reader(body % b",".join([b"{}"] * 500)) is not None
    with pytest.raises(Undecodable, match="20,000 items; send it in parts"):
        reader(body % b",".join([b"{}"] * 20_001))


def test_more_than_any_exporter_sends_at_once_is_refused_in_protobuf() -> None:
    request = a_request_of_logs()
    for _ in range(20_000):
        request.resource_logs.add()
    with pytest.raises(Undecodable, match="send it in parts"):
        events_in_protobuf(request.SerializeToString())


def test_json_that_is_looked_at_has_a_schema() -> None:
    for body in (LogsBody, MetricsBody):
        assert msgspec.json.schema(body)["$defs"]
