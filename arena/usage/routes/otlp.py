"""OpenTelemetry's own road: logs and metrics over HTTP, as its exporters send them (OTLP/HTTP 1).

Of what arrives, `arena.usage.rules.otlp` decodes only what is ours. Exporters try again after 429, 502, 503 and 504,
and give up what any other refusal answers.
"""

from collections.abc import Callable
from typing import Any

from litestar import Request, Response, Router, post

from arena.accounts.guards import key_of
from arena.core import clock
from arena.core.errors import Invalid
from arena.usage.models import Event, LogsBody, MetricsBody, Point, Road
from arena.usage.routes.intake import record, unpacked
from arena.usage.rules.otlp import (
    Undecodable,
    events_in_json,
    events_in_protobuf,
    points_in_json,
    points_in_protobuf,
)
from arena.usage.rules.telemetry import Usage, usage_of_events, usage_of_points
from arena.web.api import PROTOBUF, encode, media_type
from arena.web.box import body_of
from arena.wire import BODY_LIMIT

AnyRequest = Request[Any, Any, Any]


@post("/v1/logs", csrf=False, status_code=200, body=LogsBody, otlp="rejectedLogRecords")
async def logs(request: AnyRequest) -> Response[bytes]:
    """Record the responses that the events of coding tools tell of; all other events are passed over unread."""
    events: list[Event] = await _decoded(request, events_in_json, events_in_protobuf)
    now = clock.now()
    return await _taken(request, usage_of_events(events, now), Road.TELEMETRY, now, "rejectedLogRecords")


@post("/v1/metrics", csrf=False, status_code=200, body=MetricsBody, otlp="rejectedDataPoints")
async def metrics(request: AnyRequest) -> Response[bytes]:
    """Record the tokens and lines that counters tell of, for sessions of which no event and no transcript does."""
    points: list[Point] = await _decoded(request, points_in_json, points_in_protobuf)
    now = clock.now()
    return await _taken(request, usage_of_points(points, now), Road.METRICS, now, "rejectedDataPoints")


@post("/v1/traces", csrf=False, status_code=200, otlp="rejectedSpans")
async def traces(request: AnyRequest) -> Response[bytes]:
    """Take spans and keep nothing of them: some tools cannot leave them out, and would complain without end."""
    await body_of(request, BODY_LIMIT)
    return _answer(request, "rejectedSpans", 0, "")


router = Router(path="/otlp", route_handlers=[logs, metrics, traces])


async def _decoded(
    request: AnyRequest, json: Callable[[bytes], list[Any]], protobuf: Callable[[bytes], list[Any]]
) -> list[Any]:
    kind = media_type(request)
    if kind not in ("application/json", PROTOBUF):
        raise Invalid(f"Content-Type: {kind[:50]!r} is not taken here; send application/json or {PROTOBUF}")
    body = unpacked(request, await body_of(request, BODY_LIMIT))
    try:
        return protobuf(body) if kind == PROTOBUF else json(body)
    except Undecodable as problem:
        raise Invalid(f"body: {problem}") from problem


async def _taken(request: AnyRequest, usage: Usage, road: int, now: int, rejected: str) -> Response[bytes]:
    if usage.reports:
        await record(request, key_of(request), usage.reports, road, now)
    return _answer(request, rejected, usage.refused, usage.sentence)


def _answer(request: AnyRequest, rejected: str, count: int, sentence: str) -> Response[bytes]:
    """Say what was taken, in the encoding of the request; nothing at all means everything."""
    headers = {"cache-control": "no-store"}
    if media_type(request) == PROTOBUF:
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

        # The three kinds of answers are written alike: a count in field 1, a sentence in field 2.
        made = ExportLogsServiceResponse()
        if count:
            made.partial_success.rejected_log_records = count
            made.partial_success.error_message = sentence
        return Response(made.SerializeToString(), media_type=PROTOBUF, headers=headers)
    told = {"partialSuccess": {rejected: str(count), "errorMessage": sentence}} if count else {}
    return Response(encode(told), media_type="application/json", headers=headers)
