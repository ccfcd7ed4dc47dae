"""Answers for programs: the envelope of the wire protocol, its data mirrored at the top for older clients."""

from typing import Any

import msgspec
from litestar import Response
from litestar.enums import MediaType

from arena.core import clock
from arena.core.errors import ArenaError

encode = msgspec.json.Encoder().encode

CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "Content-Type, X-API-Key, X-Timestamp, X-Signature",
    "access-control-max-age": "86400",
    "cache-control": "no-store",
}


def answer(data: Any, status: int = 200, *, mirror: bool = False) -> Response[bytes]:
    """Wrap ``data`` in the envelope; ``mirror`` repeats its fields at the top level, where the oldest clients look."""
    envelope: dict[str, Any] = {"success": True, "data": data, "meta": {"timestamp": clock.iso(clock.now())}}
    if mirror:
        fields = data if isinstance(data, dict) else msgspec.to_builtins(data)
        envelope = {**fields, **envelope}
    return Response(encode(envelope), status_code=status, media_type=MediaType.JSON, headers=CORS)


def refusal(problem: ArenaError, *, bare: bool = False) -> Response[bytes]:
    """Say no in the envelope, or (`bare`, under ``/api/auth``) as a plain error string."""
    if bare:
        body: dict[str, Any] = {"error": problem.sentence}
    else:
        error: dict[str, Any] = {"code": problem.code, "message": problem.sentence}
        if problem.details:
            error["details"] = problem.details
        body = {"success": False, "error": error, "meta": {"timestamp": clock.iso(clock.now())}}
    headers = dict(CORS)
    if problem.retry_after is not None:
        headers["retry-after"] = str(problem.retry_after)
    return Response(encode(body), status_code=problem.status, media_type=MediaType.JSON, headers=headers)
