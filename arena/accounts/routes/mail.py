"""What reaches people by mail: their address in the settings, the weekly mail, and a new password."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from arena.accounts import rules
from arena.accounts.actions import mailing
from arena.accounts.guards import caller_of, just_signed_in, me, write
from arena.accounts.pages import ConfirmPage, ForgotPage, OffPage
from arena.accounts.routes.settings import settings_form
from arena.core import clock
from arena.core.errors import ArenaError, Conflict, NotFound, TooMany
from arena.deliveries.actions import SEND
from arena.web.box import Box, box_of
from arena.web.forms import PRIVATE, field, form_page, see_other
from arena.web.render import render

AnyRequest = Request[Any, Any, Any]


@post("/settings/email", status_code=303)
async def ask_address(request: AnyRequest) -> Response[bytes]:
    """Mail a link to the address that the visitor wants mail to go to."""
    just_signed_in(request)
    box, typed = _with_mail(request), field(await request.form(), "email")
    deed = partial(mailing.ask_address, user_id=me(request).id, typed=typed, head=box.letterhead)
    try:
        await write(request, partial(deed, caller=caller_of(request), now=clock.now()))
    except ArenaError as no:
        return await settings_form(request, no, "email", email=typed)
    await box.wake(SEND)
    return see_other("/settings?done=asked#email")


@post("/settings/email/remove", status_code=303)
async def remove_address(request: AnyRequest) -> Response[bytes]:
    """Let mail to the visitor go nowhere."""
    just_signed_in(request)
    box = box_of(request)
    head = box.letterhead if box.config.mail.is_on else None
    deed = partial(mailing.remove_address, user_id=me(request).id, head=head)
    await write(request, partial(deed, caller=caller_of(request), now=clock.now()))
    await box.wake(SEND)
    return see_other("/settings?done=removed#email")


@get("/settings/email/{token:str}")
async def confirm_page(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
    """Show which address a mailed link confirms, without using it up: programs open links of mail, too."""
    look = partial(mailing.look_at_address, user_id=me(request).id, token=token, now=clock.now())
    link = box_of(request).db.glance(look)
    return render(request, "accounts/confirm.html", ConfirmPage(token, link.email), headers=PRIVATE)


@post("/settings/email/{token:str}", status_code=303)
async def confirm_address(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
    """Let mail to the visitor go to the address behind a mailed link."""
    box = box_of(request)
    deed = partial(mailing.confirm_address, user_id=me(request).id, token=token, head=box.letterhead)
    await write(request, partial(deed, caller=caller_of(request), now=clock.now()))
    await box.wake(SEND)
    return see_other("/settings?done=confirmed#email")


@post("/settings/digest", status_code=303)
async def set_digest(request: AnyRequest) -> Response[bytes]:
    """Send the visitor the weekly mail, or not any more."""
    wanted = bool(field(await request.form(), "weekly_digest"))
    deed = partial(mailing.set_digest, user_id=me(request).id, wanted=wanted)
    try:
        await write(request, partial(deed, caller=caller_of(request), now=clock.now()))
    except ArenaError as no:
        return await settings_form(request, no, "digest")
    return see_other("/settings?done=digest#email")


# -- by a link of the weekly mail itself


@get("/mail/off/{token:str}")
async def off_page(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
    """Ask whether the weekly mail should end, without ending it: programs open links of mail, too."""
    _reader(request, token)
    return render(request, "accounts/off.html", OffPage(token), headers=PRIVATE)


@post("/mail/off/{token:str}", csrf=False, status_code=200)
async def off(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
    """End the weekly mail of whoever it was sent to: by the form, or by one click in a mail program (RFC 8058)."""
    user_id = _reader(request, token)
    deed = partial(mailing.set_digest, user_id=user_id, wanted=False, caller=caller_of(request), now=clock.now())
    await box_of(request).db.write(deed)
    return render(request, "accounts/off.html", OffPage(token, is_off=True), headers=PRIVATE)


def _reader(request: AnyRequest, token: str) -> str:
    user_id = rules.opened_off(token, box_of(request).keyring.valid)
    if user_id is None:
        raise NotFound("This link ends nothing here. The weekly mail is switched off in your settings.")
    return user_id


# -- a new password


@get("/sign-in/forgot")
async def forgot_page(request: AnyRequest, sent: FromQuery[str] = "") -> Response[bytes]:
    """Show the form that mails a link, or say how else one comes in."""
    return form_page(request, "accounts/forgot.html", ForgotPage(box_of(request).config.mail.is_on, sent == "yes"), 200)


@post("/sign-in/forgot", status_code=303)
async def forgot(request: AnyRequest) -> Response[bytes]:
    """Mail a link to set a new password, if there is somebody to mail it to; the answer is the same either way."""
    box, typed = _with_mail(request), field(await request.form(), "who")[:300]
    if not typed.strip():
        return form_page(
            request, "accounts/forgot.html", ForgotPage(True, error="Type your user name or address."), 400
        )
    ask = partial(mailing.ask_reset, typed=typed, head=box.letterhead, secret=box.secret)
    try:
        await ask(box.db, caller=caller_of(request), now=clock.now())
    except TooMany as no:
        page = ForgotPage(True, who=typed, error=no.sentence)
        return form_page(request, "accounts/forgot.html", page, no.status, no.retry_after)
    await box.wake(SEND)
    return see_other("/sign-in/forgot?sent=yes")


def _with_mail(request: AnyRequest) -> Box:
    box = box_of(request)
    if not box.config.mail.is_on:
        raise Conflict("This arena sends no mail: its operator names a mail server in [mail] of arena.toml.")
    return box
