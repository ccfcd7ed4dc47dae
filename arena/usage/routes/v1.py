"""The session API that existing clients speak, and the laptop's own road beside it, all under /api/v1."""

from functools import partial
from typing import Any

import msgspec
from litestar import Request, Router, get, post
from litestar.types import ASGIApp

from arena.accounts.actions.keys import revoke_key, still_good
from arena.accounts.guards import caller_of, key_of, note_known, prefix_of, refuse_key, sent_key, signed
from arena.core import clock
from arena.core.errors import Invalid
from arena.usage.actions.recount import forget as forget_project
from arena.usage.models import BatchBody, ForgetBody, Refused, Report, Road, SessionBody
from arena.usage.routes.intake import invalid, json_of, record, unpacked
from arena.usage.rules import session_api
from arena.usage.rules.session_api import report_of
from arena.usage.rules.syncs import usage_reports
from arena.web.api import answer
from arena.web.box import body_of, box_of
from arena.wire import BODY_LIMIT, UsageAnswer, UsageReport

BATCH = 100
"""Sessions of one batch at the most; existing clients know this number."""
WIRE_VERSION = "1.0.0"

AnyRequest = Request[Any, Any, Any]


@get("/status")
async def status(request: AnyRequest) -> ASGIApp:
    """Say that the session API is here, and in which zone this box counts days, for anybody."""
    return answer(
        {
            "status": "operational",
            "version": WIRE_VERSION,
            "timestamp": clock.iso(clock.now()),
            "timeZone": box_of(request).config.arena.time_zone,
            "endpoints": {"sessions": "/api/v1/sessions", "rank": "/api/v1/rank", "status": "/api/v1/status"},
        },
        mirror=True,
    )


@get("/verify")
async def verify(request: AnyRequest) -> ASGIApp:
    """Tell the owner of a key that it is good."""
    owner = key_of(request)
    person = owner.person
    note_known(request, "api_key_validated", person.id, owner.key_id, prefix=prefix_of(request))
    return answer(
        {
            "valid": True,
            "username": person.name,
            "apiKeyPrefix": prefix_of(request),
            "privacyMode": person.private,
            "createdAt": clock.iso(person.created_at),
        },
        mirror=True,
    )


@post("/sessions", csrf=False, body=SessionBody)
async def sessions(request: AnyRequest) -> ASGIApp:
    """Record one session; the same session again replaces itself if it has grown. 201 if anything changed, else 200."""
    body = await body_of(request, BODY_LIMIT)
    owner = signed(request, body)
    now = clock.now()
    report = report_of(json_of(body, session_api.session), now)
    if isinstance(report, Refused):
        raise invalid(report)
    outcome = await record(request, owner, [report], Road.SESSION_API, now)
    session_id, what = outcome.sessions[0]
    known = what == "known"
    message = "Session already recorded" if known else "Session recorded successfully"
    return answer({"success": True, "sessionId": session_id, "message": message}, 200 if known else 201, mirror=True)


@post("/sessions/batch", csrf=False, body=BatchBody)
async def batch(request: AnyRequest) -> ASGIApp:
    """Record up to 100 sessions in one commit; a bad one is named and costs its neighbours nothing.

    ``failed`` counts real failures only, so a client may keep what failed and drop the rest. 201, or 200 when nothing
    was new.
    """
    body = await body_of(request, BODY_LIMIT)
    owner = signed(request, body)
    now = clock.now()
    items = json_of(body, partial(session_api.batch, most=BATCH))
    if isinstance(items, Refused):
        raise invalid(items)
    results: list[dict[str, Any]] = []
    reports: list[Report] = []
    for index, item in enumerate(items):
        report = report_of(item, now)
        if isinstance(report, Refused):
            results.append({"index": index, "success": False, "error": report.sentence})
        else:
            results.append({"index": index, "sessionHash": report.session_hash[:16], "success": True})
            reports.append(report)
    failed = len(items) - len(reports)
    outcome = await record(request, owner, reports, Road.SESSION_API, now, is_batch=True, failed=failed)
    duplicates = 0
    for result, (session_id, what) in zip((r for r in results if r["success"]), outcome.sessions, strict=True):
        result["sessionId"] = session_id
        if what == "known":
            duplicates += 1
            result["duplicate"] = True
    return answer(
        {
            "success": failed == 0,
            "processed": len(items),
            "succeeded": len(reports) - duplicates,
            "failed": failed,
            "duplicates": duplicates,
            "results": results,
        },
        201 if outcome.stored or outcome.grown else 200,
        mirror=True,
    )


@post("/usage", csrf=False, body=UsageReport, data=UsageAnswer)
async def usage(request: AnyRequest) -> ASGIApp:
    """Record what `arena sync` sends: sessions with their records, JSON, plain or gzip."""
    body = await body_of(request, BODY_LIMIT)
    owner = signed(request, body)
    now = clock.now()
    try:
        reports, problems = usage_reports(unpacked(request, body), now)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Invalid(f"body: is not a report of usage ({problem})") from problem
    several = len(reports) + len(problems) > 1
    outcome = await record(request, owner, reports, Road.TRANSCRIPTS, now, is_batch=several, failed=len(problems))
    return answer(
        UsageAnswer(
            success=True,
            stored=outcome.stored,
            grown=outcome.grown,
            known=outcome.known,
            failed=len(problems),
            problems=problems,
        )
    )


@post("/forget", csrf=False, body=ForgetBody)
async def forget(request: AnyRequest) -> ASGIApp:
    """Remove all that the owner of the key ever sent of a project."""
    body = await body_of(request, BODY_LIMIT)
    owner = signed(request, body)
    sent: Any = json_of(body)
    project = sent.get("project") if isinstance(sent, dict) else None
    if not isinstance(project, str) or len(project) != 16:
        raise invalid(Refused("project", "must be the 16 hex digits that stand for it"))
    box, now = box_of(request), clock.now()
    prefix, caller = prefix_of(request), caller_of(request)
    deed = partial(forget_project, project=project, prefix=prefix, caller=caller, days=box.days, now=now)
    gone = await box.db.write(lambda conn: deed(conn, owner.person.id) if still_good(conn, owner) else None)
    if gone is None:
        raise refuse_key()
    sessions, records = gone
    return answer({"sessions": sessions, "records": records})


@post("/keys/revoke", csrf=False, status_code=200)
async def revoke(request: AnyRequest) -> ASGIApp:
    """Revoke the very key that this request is signed with."""
    person = signed(request, await body_of(request, BODY_LIMIT)).person
    prefix, caller, now = sent_key(request), caller_of(request), clock.now()
    await box_of(request).db.write(partial(revoke_key, user_id=person.id, prefix=prefix, caller=caller, now=now))
    return answer({"revoked": True})


router = Router(path="/api/v1", route_handlers=[status, verify, sessions, batch, usage, forget, revoke])
