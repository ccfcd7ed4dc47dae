"""The settings page: what people settle for themselves. (Privacy has a file of its own.)"""

import hmac
from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from arena.accounts import pages, rules, store
from arena.accounts.actions import identities, passwords, people, providers, sessions
from arena.accounts.guards import caller_of, device_of, just_signed_in, me, still, tally_of, write
from arena.core import clock
from arena.core.errors import ArenaError, Invalid
from arena.web.box import box_of
from arena.web.forms import PRIVATE, field, see_other
from arena.web.render import render
from arena.web.session import csrf_of, good_tokens, session_cookie, token_of

AnyRequest = Request[Any, Any, Any]


@get("/settings")
async def settings_page(request: AnyRequest, done: FromQuery[str] = "") -> Response[bytes]:
    """Show the visitor their settings."""
    return await settings_form(request, done=done)


@post("/settings/name", status_code=303)
async def set_name(request: AnyRequest) -> Response[bytes]:
    """Change how the visitor is shown."""
    display = field(await request.form(), "display")
    deed = partial(people.set_display, user_id=me(request).id, display=display)
    try:
        await write(request, partial(deed, caller=caller_of(request), now=clock.now()))
    except Invalid as no:
        return await settings_form(request, no, "display", display=display)
    return see_other("/settings?done=name#name")


@post("/settings/password", status_code=303)
async def set_password(request: AnyRequest) -> Response[bytes]:
    """Set or change the visitor's password; their other browsers are signed out."""
    form, box = await request.form(), box_of(request)
    if not box.db.glance(partial(store.has_password, id=me(request).id)):
        just_signed_in(request)
    try:
        await passwords.set_password(
            box.db,
            user_id=me(request).id,
            current=field(form, "current"),
            new=field(form, "new"),
            keep=token_of(request),
            secret=box.secret,
            tally=tally_of(request),
            device=device_of(request),
            caller=caller_of(request),
            now=clock.now(),
            still=still(request),
        )
    except ArenaError as no:
        return await settings_form(request, no, "current")
    return see_other("/settings?done=password#password")


@post("/settings/unlink/{id:str}", status_code=303)
async def unlink(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
    """Take a way into the visitor's account away."""
    just_signed_in(request)
    box = box_of(request)
    issuers = {offer.issuer for offer in providers.offers(box.config.oauth)}
    deed = partial(identities.unlink, user_id=me(request).id, id=id, issuers=issuers)
    try:
        await write(request, partial(deed, caller=caller_of(request), now=clock.now()))
    except ArenaError as no:
        return await settings_form(request, no, "identities")
    return see_other("/settings?done=unlinked#identities")


@post("/settings/sessions/{id:str}/end", status_code=303)
async def end_session(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
    """Sign one of the visitor's browsers out."""
    deed = partial(sessions.end_one, user_id=me(request).id, id=id, caller=caller_of(request), now=clock.now())
    try:
        await write(request, deed)
    except ArenaError as no:
        return await settings_form(request, no, "sessions")
    return see_other("/settings?done=ended#sessions")


@post("/settings/sessions/end-others", status_code=303)
async def end_other_sessions(request: AnyRequest) -> Response[bytes]:
    """Sign all of the visitor's browsers out but this one."""
    deed = partial(sessions.end_others, user_id=me(request).id, keep=token_of(request))
    await write(request, partial(deed, caller=caller_of(request), now=clock.now()))
    return see_other("/settings?done=others#sessions")


@post("/settings/delete", status_code=303)
async def delete(request: AnyRequest) -> Response[bytes]:
    """Delete the visitor's account and everything of theirs, once they typed their user name."""
    just_signed_in(request)
    visitor, typed = me(request), field(await request.form(), "confirm")
    deed = partial(people.delete_user, name=visitor.name, caller=caller_of(request), now=clock.now())
    try:
        if rules.name_of(typed) != visitor.name:
            raise Invalid(f"Nothing was deleted: type {visitor.name} to delete this account.")
        await write(request, deed)
    except ArenaError as no:
        return await settings_form(request, no, "delete", confirm=typed)
    return see_other("/", session_cookie(request, "", 0))


def is_proof(request: AnyRequest, sent: str) -> bool:
    """Say whether a link to link an identity stood on the visitor's own settings page (see `_proof`)."""
    return any(hmac.compare_digest(sent.encode(), _proof(token).encode()) for token in good_tokens(request))


async def settings_form(
    request: AnyRequest,
    no: ArenaError | None = None,
    where: str = "",
    *,
    done: str = "",
    display: str | None = None,
    confirm: str = "",
    email: str = "",
) -> Response[bytes]:
    """Show the page; of what went wrong the sentences by field, or the one sentence in the field ``where``."""
    box, now, token = box_of(request), clock.now(), token_of(request)
    id = me(request).id
    person, has_password, keys, linked, open_sessions, mail = await box.db.read(
        lambda conn: (
            people.with_id(conn, id),
            store.has_password(conn, id),
            store.live_keys(conn, id),
            store.identities_of(conn, id),
            store.sessions_of(conn, id),
            store.mail_of(conn, id),
        )
    )
    this = box.db.glance(partial(sessions.identify, token=token, now=now)) if token else None
    page = pages.settings(
        person,
        has_password=has_password,
        keys=keys,
        identities=linked,
        offers=providers.offers(box.config.oauth),
        proof=_proof(csrf_of(request)),
        sessions=open_sessions,
        this_session=this.session_id if this else None,
        mail=mail,
        has_mail=box.config.mail.is_on,
        now=now,
        zone=box.config.arena.time_zone,
        display=display,
        confirm=confirm,
        email=email,
        errors=(no.details or {}).get("errors", {where: no.sentence}) if no else {},
        done=done,
    )
    headers = {**PRIVATE, "retry-after": str(no.retry_after)} if no and no.retry_after else PRIVATE
    status = no.status if no else 200
    return render(request, "accounts/settings.html", page, status=status, headers=headers)


def _proof(token: str) -> str:
    """What a link of the settings page carries, so that nobody else can make its reader link an identity.

    It stands in an address, so it is not the token of the forms itself; who learns it can begin to link, and no more.
    """
    return hmac.new(token.encode(), b"link", "sha256").hexdigest()[:32]
