"""Signing in a machine without a browser: what the machine asks, and the page where its person answers."""

from functools import partial
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.params import FromQuery
from litestar.types import ASGIApp

from arena.accounts import rules
from arena.accounts.actions import device_codes
from arena.accounts.guards import caller_of, me, still
from arena.accounts.models import DeviceAsk, DeviceAsked, DeviceCollect, DeviceKey, NewKey
from arena.accounts.pages import DevicePage
from arena.core import clock
from arena.core.errors import Conflict, Invalid, TooMany
from arena.web.api import Answer, encode, json_of
from arena.web.box import box_of
from arena.web.forms import field, form_page

AnyRequest = Request[Any, Any, Any]


@post("/api/auth/device", csrf=False, status_code=200, bare=True, body=DeviceAsk, data=DeviceAsked)
async def ask(request: AnyRequest) -> ASGIApp:
    """Give a machine that asks for a key its two codes (RFC 8628, section 3.2)."""
    said = await json_of(request, DeviceAsk)
    box = box_of(request)
    codes = await box.db.write(partial(device_codes.ask, label=said.label, caller=caller_of(request), now=clock.now()))
    page = f"{box.address}/device"
    asked = DeviceAsked(
        device_code=codes.device_code,
        user_code=codes.user_code,
        verification_uri=page,
        verification_uri_complete=f"{page}?{urlencode({'code': codes.user_code})}",
        expires_in=rules.CODE_LIFE // 1000,
        interval=rules.CODE_PAUSE,
    )
    return Answer(encode(asked), 200)


@post("/api/auth/device/token", csrf=False, status_code=200, bare=True, body=DeviceCollect, data=DeviceKey)
async def collect(request: AnyRequest) -> ASGIApp:
    """Give a machine its key once its person said yes; until then, or else, say why not (RFC 8628, section 3.5)."""
    said, now = await json_of(request, DeviceCollect), clock.now()
    got = await box_of(request).db.write(
        partial(device_codes.collect, device_code=said.device_code, caller=caller_of(request), now=now)
    )
    if not isinstance(got, NewKey):
        return Answer(encode({"error": got}), 400)
    key = DeviceKey(got.key, got.key, "api_key", got.person.name, got.person.id, clock.iso(now))
    return Answer(encode(key), 200)


@get("/device")
async def device_page(request: AnyRequest, code: FromQuery[str] = "") -> Response[bytes]:
    """Show the form for a code; one that came with the address is filled in, and not yet looked at."""
    return form_page(request, "accounts/device.html", DevicePage(code=code[:20]), 200)


@post("/device", status_code=200)
async def answer(request: AnyRequest) -> Response[bytes]:
    """Show who waits behind a code, and then say yes or no to them."""
    form = await request.form()
    code, said = field(form, "code"), field(form, "answer")
    visitor, now, box = me(request), clock.now(), box_of(request)
    try:
        asked = await device_codes.answer(
            box.db,
            code=code,
            allow=said == "yes" if said else None,
            user_id=visitor.id,
            secret=box.secret,
            caller=caller_of(request),
            now=now,
            still=still(request),
        )
    except (Invalid, Conflict, TooMany) as no:
        page = DevicePage(code=code[:20], error=no.sentence)
        return form_page(request, "accounts/device.html", page, no.status, no.retry_after)
    page = DevicePage(
        step="confirm" if not said else "allowed" if said == "yes" else "denied",
        code=rules.user_code_of(code),
        label=asked.label,
        address=asked.ip_address or "",
        program=asked.user_agent or "",
        asked_at=asked.created_at,
        now=now,
        zone=box.config.arena.time_zone,
    )
    return form_page(request, "accounts/device.html", page, 200)
