"""What the doors by which usage arrives share: how a body is unpacked, and how it is recorded."""

import zlib
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from litestar import Request

from arena.accounts.guards import caller_of, note_known, prefix_of, refuse_key
from arena.accounts.models import KeyOwner
from arena.core.errors import Invalid, TooLarge
from arena.usage.actions.records import deliver
from arena.usage.models import ROAD_NAMES, Delivery, Outcome, Refused, Report, Road, Write
from arena.web.box import box_of
from arena.web.live import Arrival
from arena.wire import BODY_LIMIT

AnyRequest = Request[Any, Any, Any]
T = TypeVar("T")


async def record(
    request: AnyRequest,
    owner: KeyOwner,
    reports: list[Report],
    road: int,
    now: int,
    *,
    is_batch: bool = False,
    failed: int = 0,
) -> Outcome:
    """Record what a request brought by some road, together with what arrives beside it."""
    box, prefix = box_of(request), prefix_of(request)
    write = Write(reports, road, now)
    item = Delivery(owner, write, box.days, prefix, caller_of(request), is_batch, failed)
    written = await box.db.write_together(deliver, "usage", item)
    if written is None:
        raise refuse_key()
    person, outcome = written
    for what, number in (("stored", outcome.stored), ("grown", outcome.grown), ("known", outcome.known)):
        box.counts.records[ROAD_NAMES[road], what] += number
    is_odd = road in (Road.TRANSCRIPTS, Road.SESSION_API)  # the others send the same again as a rule
    if is_odd and outcome.sessions and all(what == "known" for _, what in outcome.sessions):
        note_known(request, "session_duplicate", person.id, owner.key_id, prefix=prefix)
    if outcome.tokens and box.live.readers:
        box.live.tell(Arrival(outcome.tokens, person.id))
    return outcome


def json_of(body: bytes, read: Callable[[bytes], T] = msgspec.json.decode) -> T:
    """What a body says, as ``read`` understands it. Raises `Invalid` when it is not JSON."""
    try:
        return read(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Invalid(f"body: is not JSON ({problem})") from problem


def invalid(refused: Refused) -> Invalid:
    """What to raise for a body that was not understood."""
    return Invalid(refused.sentence, {"errors": {refused.field.split(".")[0] or "body": [refused.reason]}})


def unpacked(request: AnyRequest, body: bytes) -> bytes:
    """The body, gunzipped if it says so, and never larger than the limit."""
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise Invalid(f"Content-Encoding: {encoding[:20]!r} is not taken here; send gzip or plain JSON")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(body, BODY_LIMIT + 1)
    except zlib.error as problem:
        raise Invalid(f"body: is not gzip ({problem})") from problem
    if len(plain) > BODY_LIMIT:
        raise TooLarge(f"The report is larger than {BODY_LIMIT // 2**20} MiB; send it in parts.")
    if not unpacker.eof:
        raise Invalid("body: the gzip ends in the middle")
    if unpacker.unused_data:
        raise Invalid("body: something follows the gzip")
    return plain
