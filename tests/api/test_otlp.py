"""OpenTelemetry's road, spoken by its real exporters and by hand: what is taken, answered, and never looked at."""

import gzip
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from arena.core import clock
from arena.home.pages import fleet
from arena.wire import BODY_LIMIT, record_key, short_hash
from tests.api.test_usage import a_record, a_report, send
from tests.flows.conftest import Serve
from tests.flows.serving import Person, post
from tests.peers.telemetry import export

JSON, PROTOBUF = "application/json", "application/x-protobuf"
LOGS, METRICS, TRACES = "/otlp/v1/logs", "/otlp/v1/metrics", "/otlp/v1/traces"
CLAUDE = Resource({"service.name": "claude-code"})


def tell(person: Person, body: Any, path: str = LOGS, **headers: str) -> httpx.Response:
    """Send something as an exporter would: with a bearer key, as JSON unless the headers say otherwise."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": JSON, "Authorization": f"Bearer {person.key}", **headers}
    return post(f"{person.box.url}{path}", content=raw, headers=sent)


def attributes(**told: Any) -> list[dict[str, Any]]:
    kinds = {str: "stringValue", int: "intValue", float: "doubleValue", bool: "boolValue"}
    return [
        {"key": key.replace("__", "."), "value": {kinds[type(value)]: str(value) if type(value) is int else value}}
        for key, value in told.items()
    ]


def an_event(request: str = "r1", **more: Any) -> dict[str, Any]:
    told = {"session__id": "s1", "model": "claude-x", "input_tokens": 10, "output_tokens": "5", "request_id": request}
    return {
        "timeUnixNano": str(clock.now() * 1_000_000),
        "eventName": "claude_code.api_request",
        "attributes": attributes(**{**told, **more}),
    }


def logs(*events: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [{"scope": {}, "logRecords": list(events)}]}]
    }


def metric(points: list[dict[str, Any]], name: str = "claude_code.token.usage", temporality: Any = 1) -> dict[str, Any]:
    sum = {"dataPoints": points, "aggregationTemporality": temporality, "isMonotonic": True}
    return {"resourceMetrics": [{"resource": {}, "scopeMetrics": [{"metrics": [{"name": name, "sum": sum}]}]}]}


TEN = {"asInt": "10"}


def a_point(value: Any = TEN, **told: Any) -> dict[str, Any]:
    now = clock.now() * 1_000_000
    told = {"session__id": "s1", "model": "claude-x", "type": "input", **told}
    return {"startTimeUnixNano": str(now - 10**10), "timeUnixNano": str(now), **value, "attributes": attributes(**told)}


def of(person: Person, sql: str) -> list[tuple[Any, ...]]:
    """Look something of a person up; ``:id`` is theirs."""
    [(id,)] = person.box.ask("SELECT id FROM users WHERE username = :name", name=person.name)
    return person.box.ask(sql, id=id)


# -- real exporters


def headers(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.key}"}


@pytest.fixture(params=[Compression.NoCompression, Compression.Gzip], ids=["plain", "gzip"])
def logger(alice: Person, request: pytest.FixtureRequest) -> Iterator[Any]:
    exporter = OTLPLogExporter(alice.box.url + LOGS, headers=headers(alice), compression=request.param)
    provider = LoggerProvider(CLAUDE, shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    yield provider
    provider.shutdown()


def emit(provider: Any, name: str, **told: Any) -> None:
    at = time.time_ns()
    provider.get_logger("com.anthropic.claude_code.events").emit(
        timestamp=at, observed_timestamp=at, body=f"claude_code.{name}", attributes={"event.name": name, **told}
    )


def test_events_of_the_sdk_are_counted_once(alice: Person, logger: Any) -> None:
    for number in range(3):
        told = {"session.id": "s1", "model": "claude-x", "request_id": f"r{number}"}
        emit(logger, "api_request", input_tokens=10, output_tokens=5, cost_usd=0.5, **told)
    emit(logger, "user_prompt", **{"session.id": "s1", "prompt": "secret", "prompt_length": 6})
    assert logger.force_flush()
    assert alice.totals() == (30, 15, 1)


@pytest.mark.parametrize("temporality", [AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE])
def test_counters_of_the_sdk_add_up(alice: Person, temporality: AggregationTemporality) -> None:
    exporter = OTLPMetricExporter(
        alice.box.url + METRICS, headers=headers(alice), preferred_temporality={Counter: temporality}
    )
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=10**9)
    provider = MeterProvider([reader], CLAUDE, shutdown_on_exit=False)
    meter = provider.get_meter("com.anthropic.claude_code")
    tokens = meter.create_counter("claude_code.token.usage")
    lines = meter.create_counter("claude_code.lines_of_code.count")
    told = {"session.id": "s1", "model": "claude-x"}
    for figure in (10, 20, 0, 5):
        tokens.add(figure, {**told, "type": "input"})
        tokens.add(1, {**told, "type": "output"})
        lines.add(2, {**told, "type": "added"})
        meter.create_counter("claude_code.cost.usage").add(0.5, told)
        assert reader.force_flush() is not False
        time.sleep(0.002)
    assert alice.totals() == (35, 4, 1)
    [(code,)] = of(alice, "SELECT code_metrics FROM sessions WHERE user_id = :id")
    assert json.loads(code) == {"linesAdded": 8}
    provider.shutdown()


@pytest.mark.parametrize("more", [{}, {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}], ids=["plain", "gzip"])
@pytest.mark.parametrize("temporality", ["delta", "cumulative"])
@pytest.mark.parametrize("protocol", ["http/json", "http/protobuf"])
def test_a_tool_on_node_that_was_set_up_by_the_install_page_is_counted(
    alice: Person, protocol: str, temporality: str, more: dict[str, str]
) -> None:
    environment = json.loads(fleet(alice.box.url).claude_code)["env"]
    environment |= {"OTEL_EXPORTER_OTLP_HEADERS": f"X-API-Key={alice.key}", **more}
    environment["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"] = temporality
    told = {"event.name": "api_request", "session.id": "s1", "model": "claude-x", "nothing": None}
    told |= {"input_tokens": 10, "output_tokens": "5", "cost_usd": 0.5, "request_id": "r1"}
    event = {"body": "claude_code.api_request", "attributes": told}
    lines = {"name": "claude_code.lines_of_code.count", "attributes": {"session.id": "s1", "type": "added"}}
    tokens = {"name": "claude_code.token.usage", "attributes": {"session.id": "s1", "type": "input"}}
    rounds = [[{**lines, "value": value}, {**tokens, "value": value}] for value in (3, 4)]
    assert set(export(environment, protocol=protocol, events=[event, event], counters=rounds)) == {"taken"}
    assert alice.totals() == (10, 5, 1)
    assert of(alice, "SELECT code_metrics FROM sessions WHERE user_id = :id") == [('{"linesAdded":7}',)]


def test_a_tool_on_node_hears_why_it_is_refused(alice: Person) -> None:
    environment = json.loads(fleet(alice.box.url).claude_code)["env"]
    environment["OTEL_EXPORTER_OTLP_HEADERS"] = "X-API-Key=nobody"
    said = export(environment, protocol="http/json", events=[{"body": "claude_code.api_request", "attributes": {}}])
    assert said[0].startswith("refused: Unauthorized")


def test_spans_of_the_sdk_are_taken_and_nothing_of_them_is_kept(alice: Person, nothing_stored: None) -> None:
    provider = TracerProvider(resource=CLAUDE, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(alice.box.url + TRACES, headers=headers(alice))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    with provider.get_tracer("x").start_as_current_span("claude_code.interaction"):
        pass
    assert provider.force_flush()
    provider.shutdown()


# -- beside transcripts


@pytest.mark.parametrize("first", ["telemetry", "transcripts"])
def test_what_a_transcript_tells_as_well_is_the_transcripts(alice: Person, first: str) -> None:
    record = a_record("m1", output=100, request=short_hash("r1"), key=record_key("m1", "r1"))
    deeds = [lambda: tell(alice, logs(an_event("r1"), an_event("title"))), lambda: send(alice, a_report(record))]
    for deed in deeds if first == "telemetry" else reversed(deeds):
        assert deed().status_code == 200
    assert alice.totals() == (10, 100, 1)


# -- as it is written


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({"input_tokens": 10, "output_tokens": 5}, (10, 5, 1)),
        ({"input_tokens": "10", "output_tokens": "5"}, (10, 5, 1)),
        ({"input_tokens": 10.0, "output_tokens": 5.0}, (10, 5, 1)),
    ],
    ids=["integers", "strings", "doubles"],
)
def test_counts_may_be_written_as_they_are_by_any_release(alice: Person, figures: Any, expected: Any) -> None:
    assert tell(alice, logs(an_event(**figures))).json() == {}
    assert alice.totals() == expected


@pytest.mark.parametrize(
    "written",
    [
        {"timeUnixNano": clock.now() * 1_000_000},
        {"timeUnixNano": float(clock.now()) * 1e6},
        {"timeUnixNano": "0", "observedTimeUnixNano": str(clock.now() * 1_000_000)},
        {"timeUnixNano": None, "attributes": an_event(event__timestamp=clock.iso(clock.now()))["attributes"]},
        {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "flags": 1, "severityNumber": 9},
        {"traceId": "W47/95gDgQPSabYzgT/GDA==", "spanId": "7uGbfsPBsXQ=", "severityNumber": "SEVERITY_NUMBER_INFO"},
        {"body": {"kvlistValue": {"values": [{"key": "a", "value": {"arrayValue": {"values": [{}]}}}]}}},
        {"body": {"bytesValue": "AAEC"}, "attributes": [*an_event()["attributes"], {"key": "x", "value": None}, {}]},
        {"eventName": "", "body": {"stringValue": "claude_code.api_request"}},
        {"eventName": None, "attributes": an_event(event__name="claude_code.api_request")["attributes"]},
        {"droppedAttributesCount": 1, "somethingNew": {"deep": [1, {"deeper": None}]}},
    ],
    ids="number float observed timestamp hex base64 nested bytes body attribute unknown".split(),
)
def test_an_event_may_be_written_in_any_way_of_the_mapping(alice: Person, written: dict[str, Any]) -> None:
    answer = tell(alice, logs({**an_event(), **written}))
    assert (answer.status_code, answer.json()) == (200, {})
    assert alice.totals() == (10, 5, 1)


def test_the_bare_name_counts_of_claude_code_alone(alice: Person) -> None:
    for service, expected in (("another", (0, 0, 0)), ("claude-code", (10, 5, 1))):
        body = logs({**an_event(event__name="api_request"), "eventName": None})
        body["resourceLogs"][0]["resource"] = {"attributes": attributes(service__name=service)}
        tell(alice, body)
        assert alice.totals() == expected


@pytest.mark.parametrize("temporality", [1, "AGGREGATION_TEMPORALITY_DELTA"])
@pytest.mark.parametrize("value", [{"asInt": "10"}, {"asInt": 10}, {"asDouble": 10.0}, {"asDouble": "10"}], ids=str)
def test_a_point_may_be_written_in_any_way_of_the_mapping(alice: Person, value: Any, temporality: Any) -> None:
    assert tell(alice, metric([a_point(value)], temporality=temporality), METRICS).json() == {}
    assert alice.totals() == (10, 0, 1)


def test_another_arn_of_a_model_keeps_its_last_part(alice: Person) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/claude-x"
    tell(alice, logs(an_event(model=arn)))
    assert of(alice, "SELECT model FROM usage_records WHERE user_id = :id") == [("claude-x",)]


# -- what is not taken


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"session__id": ""}, "has no session.id"),
        ({"input_tokens": -1}, "has input_tokens that cannot be true"),
        ({"output_tokens": 10**12}, "has output_tokens that cannot be true"),
        ({"output_tokens": "many"}, "has no number in output_tokens"),
        ({"output_tokens": "nan"}, "has output_tokens that cannot be true"),
        ({"event__timestamp": "2040-01-01T00:00:00Z"}, "lies in the future"),
        ({"event__timestamp": "2020-01-01T00:00:00Z"}, "is older than 90 days"),
    ],
    ids="session negative huge text nan future past".split(),
)
def test_a_bad_event_is_told_and_costs_its_neighbours_nothing(alice: Person, wrong: Any, why: str) -> None:
    answer = tell(alice, logs(an_event("good"), an_event("bad", **wrong)))
    assert answer.status_code == 200
    told = answer.json()["partialSuccess"]
    assert told["rejectedLogRecords"] == "1"
    assert told["errorMessage"].startswith("1 of 2 were not taken; the first ")
    assert why in told["errorMessage"]
    assert alice.totals() == (10, 5, 1)


def test_a_bad_point_is_told(alice: Person) -> None:
    points = [a_point(), a_point({"asInt": "-5"}), a_point(session__id="")]
    told = tell(alice, metric(points), METRICS).json()["partialSuccess"]
    assert told["rejectedDataPoints"] == "2"
    unsaid = tell(alice, metric([a_point()], temporality=0), METRICS).json()["partialSuccess"]
    assert "neither delta nor cumulative" in unsaid["errorMessage"]
    assert alice.totals() == (10, 0, 1)


def test_in_protobuf_the_answer_is_protobuf(alice: Person) -> None:
    request = ExportLogsServiceRequest()
    for session in ("s1", ""):
        record = request.resource_logs.add().scope_logs.add().log_records.add()
        record.time_unix_nano, record.event_name = time.time_ns(), "claude_code.api_request"
        for key, value in {
            "session.id": session,
            "model": "claude-x",
            "input_tokens": "7",
            "request_id": session,
        }.items():
            attribute = record.attributes.add(key=key)
            attribute.value.string_value = value
    answer = tell(alice, request.SerializeToString(), **{"Content-Type": PROTOBUF})
    assert answer.headers["content-type"].startswith(PROTOBUF)
    told = ExportLogsServiceResponse.FromString(answer.content).partial_success
    assert (told.rejected_log_records, "session.id" in told.error_message) == (1, True)
    assert alice.totals() == (7, 0, 1)
    request = ExportLogsServiceRequest()
    assert tell(alice, request.SerializeToString(), **{"Content-Type": PROTOBUF}).content == b""


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("path", [LOGS, METRICS])
@pytest.mark.parametrize(
    ("raw", "more", "status"),
    [
        (b"", {}, 400),
        (b"[]", {}, 400),
        (b'{"resourceLogs":5,"resourceMetrics":5}', {}, 400),
        (b'{"resourceLogs":' + b"[" * 100_000, {}, 400),
        (b'{"x":' * 100_000, {}, 400),
        (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", {}, 400),
        (gzip.compress(b"{}")[:-9], {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(b" " * (BODY_LIMIT + 1)), {"Content-Encoding": "gzip"}, 413),
        (b" " * (BODY_LIMIT + 1), {}, 413),
        (b"{}", {"Content-Type": "text/plain"}, 400),
        (b"{}", {"Content-Encoding": "zstd"}, 400),
        (b"\x0a\xff", {"Content-Type": PROTOBUF}, 400),
        (b"{}", {"Content-Type": PROTOBUF}, 400),
        (b"{}", {"Authorization": "Bearer nothing"}, 401),
        (b"{}", {"Authorization": ""}, 401),
    ],
    ids="empty list number deep objects skipped cut bomb large text zstd truncated json odd-key no-key".split(),
)
def test_what_is_no_request_is_refused_as_exporters_understand(
    alice: Person, path: str, raw: bytes, more: dict[str, str], status: int
) -> None:
    answer = tell(alice, raw, path, **more)
    assert answer.status_code == status
    kind = PROTOBUF if more.get("Content-Type") == PROTOBUF else JSON
    assert answer.headers["content-type"].startswith(kind)
    if kind == JSON:
        told = answer.json()
        assert (told["code"], len(told["message"]) < 200) == ({400: 3, 401: 16, 413: 8}[status], True)
    else:
        told = Status.FromString(answer.content)
        assert (told.code, told.message[:22]) == (3, "body: is no request of")


def test_whoever_sends_too_often_is_told_when_to_come_back(serve: Serve) -> None:
    box = serve(ARENA_LIMITS__OTLP="2/hour")
    alice = box.add("alice")
    answers = [tell(alice, {}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) > 0
    assert answers[2].json()["code"] == 8


def test_an_exporter_that_was_told_to_wait_comes_again(serve: Serve) -> None:
    box = serve(ARENA_LIMITS__OTLP="2/second")
    alice = box.add("alice")
    environment = json.loads(fleet(box.url).claude_code)["env"]
    environment["OTEL_EXPORTER_OTLP_HEADERS"] = f"X-API-Key={alice.key}"
    told = {"event.name": "api_request", "session.id": "s1", "model": "claude-x", "input_tokens": 10}
    events = [{"body": "claude_code.api_request", "attributes": {**told, "request_id": f"r{n}"}} for n in range(4)]
    assert set(export(environment, protocol="http/json", events=events)) == {"taken"}
    assert alice.totals() == (40, 0, 1)
    assert of(alice, "SELECT 1 FROM security_audit_log WHERE event_type = 'rate_limit_exceeded' AND user_id = :id")


def test_the_same_at_once_from_many_counts_once(alice: Person) -> None:
    body = logs(*(an_event(f"r{number}") for number in range(50)))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: tell(alice, body), range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert alice.totals() == (500, 250, 1)


# -- what nobody may see

CANARY = "CANARY-7f3a"


def test_whatever_else_is_told_reaches_nothing(serve: Serve) -> None:
    box = serve()
    alice = box.add("alice")
    secrets = {
        "user__email": f"{CANARY}@example.org", "user__account_uuid": CANARY, "user__id": CANARY, "prompt": CANARY,
        "tool_parameters": json.dumps({"command": CANARY}), "file_path": f"/home/{CANARY}/x.py", "response": CANARY,
        "error": CANARY, "organization__id": CANARY, "host__name": CANARY, "branch": CANARY, CANARY: "key",
    }  # fmt: skip
    nested = [{"key": "messages", "value": {"arrayValue": {"values": [{"stringValue": CANARY}]}}}]
    for name in ("claude_code.api_request", "claude_code.user_prompt", CANARY):
        event = an_event(**secrets)
        event |= {"eventName": name, "body": {"stringValue": CANARY}, "severityText": CANARY, CANARY: CANARY}
        event["attributes"] += nested
        body = logs(event, an_event("bad", session__id="", **secrets))
        process = body["resourceLogs"][0]
        process |= {"resource": {"attributes": attributes(**secrets), CANARY: CANARY}, "schemaUrl": CANARY}
        process["scopeLogs"][0]["scope"] = {"name": CANARY, "attributes": attributes(**secrets)}
        answers = [tell(alice, body)]
        request = metric(
            [{**a_point(session__id="s2", **secrets), "exemplars": [{"filteredAttributes": attributes(**secrets)}]}]
        )
        request["resourceMetrics"][0]["resource"] = {"attributes": attributes(**secrets)}
        answers.append(tell(alice, request, METRICS))
        protobuf = ExportLogsServiceRequest()
        record = protobuf.resource_logs.add().scope_logs.add().log_records.add(event_name=name)
        record.time_unix_nano, record.body.string_value = time.time_ns(), CANARY
        for each in [*an_event("r2")["attributes"], *attributes(**secrets)]:
            record.attributes.add(key=each["key"]).value.string_value = next(iter(each["value"].values()))
        answers.append(tell(alice, protobuf.SerializeToString(), **{"Content-Type": PROTOBUF}))
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert all(CANARY not in answer.text for answer in answers)
        assert CANARY not in tell(alice, {"resourceLogs": CANARY}).text
    assert of(alice, "SELECT DISTINCT road FROM usage_records WHERE user_id = :id ORDER BY road") == [(2,), (3,)]
    box.stop()
    kept = b"".join(file.read_bytes() for file in box.data.rglob("*") if file.is_file()) + box.log.read_bytes()
    assert alice.name.encode() in kept
    assert CANARY.encode() not in kept
