"""Answers for programs: the envelope of the wire protocol, its data mirrored at the top for older clients."""

from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar import Request, Response
from litestar.enums import MediaType
from litestar.types import ASGIApp, Receive, Scope, Send

from arena.core import clock
from arena.core.errors import ArenaError, Invalid, TooLarge

encode = msgspec.json.Encoder().encode
SMALL = 10_000
"""Bytes of the largest body that `json_of` takes."""
T = TypeVar("T")

CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "Content-Type, X-API-Key, X-Timestamp, X-Signature",
    "access-control-max-age": "86400",
    "cache-control": "no-store",
}
_HEADERS = [(b"content-type", b"application/json"), *((name.encode(), value.encode()) for name, value in CORS.items())]


class Answer:
    """A finished JSON answer: an ASGI application that says only this (a third of the cost of a `Response`)."""

    __slots__ = ("body", "status")

    def __init__(self, body: bytes, status: int) -> None:
        self.body = body
        self.status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say it."""
        headers = [*_HEADERS, (b"content-length", b"%d" % len(self.body))]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


async def json_of(request: Request[Any, Any, Any], kind: type[T]) -> T:
    """What a program sent, as JSON (or, as OAuth has it, as a form), decoded as a Struct; nothing at all is `{}`.

    Raises `Invalid` with the field and the reason, and `TooLarge`.
    """
    body = await request.body()
    if len(body) > SMALL:
        raise TooLarge(f"The request is larger than {SMALL // 1000} KB.")
    try:
        if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return msgspec.convert(dict(parse_qsl(body.decode())), kind)
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Invalid(f"body: {problem}") from problem


def answer(data: Any, status: int = 200, *, mirror: bool = False) -> ASGIApp:
    """Wrap ``data`` in the envelope; ``mirror`` repeats its fields at the top level, where the oldest clients look."""
    envelope: dict[str, Any] = {"success": True, "data": data, "meta": {"timestamp": clock.iso(clock.now())}}
    if mirror:
        envelope = {**data, **envelope}
    return Answer(encode(envelope), status)


RPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 409: 6, 413: 8, 426: 9, 429: 8, 503: 14}
"""What google.rpc.Code has for our statuses."""
PROTOBUF = "application/x-protobuf"


def rpc_status(problem: ArenaError, *, protobuf: bool) -> Response[bytes]:
    """Say no as a google.rpc.Status, which is what OpenTelemetry's exporters read, in the encoding of the request."""
    code, sentence = RPC_CODES.get(problem.status, 13), problem.sentence.encode()
    if protobuf:  # field 1, the code; field 2, the message
        body = bytes((0x08, code, 0x12)) + _varint(len(sentence)) + sentence
    else:
        body = encode({"code": code, "message": problem.sentence})
    headers = {"cache-control": "no-store"}
    if problem.retry_after is not None:
        headers["retry-after"] = str(problem.retry_after)
    kind = PROTOBUF if protobuf else MediaType.JSON
    return Response(body, status_code=problem.status, media_type=kind, headers=headers)


def media_type(request: Request[Any, Any, Any]) -> str:
    """What a request says that its body is, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*written, number))


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
