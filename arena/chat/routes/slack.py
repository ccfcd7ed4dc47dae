"""What people type in Slack, and the page that the answer leads to."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from arena.accounts.guards import caller_of, me, note_stranger, write
from arena.chat.actions import slack as actions
from arena.chat.models import Said, Teller, Told
from arena.chat.pages import KeyPage
from arena.chat.rules import slack as rules
from arena.core import clock
from arena.core.errors import Invalid, NotSignedIn
from arena.leaderboard.actions.boards import boards_in
from arena.web.api import Answer, encode
from arena.web.box import body_of, box_of, header
from arena.web.forms import form_page

AnyRequest = Request[Any, Any, Any]


@post("/slack/command", csrf=False, status_code=200, bare=True, data=Told)
async def command(request: AnyRequest) -> ASGIApp:
    """Answer what somebody typed after our command in Slack (a form, signed by Slack), for them alone.

    `key` hands over a link, `rank` tells a place, `unlink` forgets who they are; anything else says so.
    """
    said = await _signed(request)
    box, now, caller = box_of(request), clock.now(), caller_of(request)
    match said.verb:
        case "key":
            teller = Teller(box.config, box.address, now)
            text = await box.db.write(partial(actions.hand_link, said=said, teller=teller, caller=caller))
        case "unlink":
            text = await box.db.write(partial(actions.unlink, said=said, caller=caller, now=now))
        case "rank":
            person = await box.db.write(partial(actions.heed, said=said, now=now))
            boards, today = boards_in(box.memory, box.db, box.config), box.days.of(now)
            found = [await boards.get(period, "score", today) for period in rules.PERIODS]
            text = rules.standing(found, person.id) if person else rules.unknown(said.command)
        case _:
            await box.db.write(partial(actions.heed, said=said, now=now))
            text = rules.helped(said.command)
    return Answer(encode(Told(text)), 200)


@get("/slack/key/{token:str}")
async def key_page(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
    """Show who asked for a key in Slack, before it is made."""
    look = partial(actions.look, token=token, user_id=me(request).id, now=clock.now())
    found = await box_of(request).db.read(look)
    return form_page(request, "chat/slack_key.html", KeyPage(found.slack_name, found.user_id is not None), 200)


@post("/slack/key/{token:str}", status_code=200)
async def make_key(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
    """Make the key that somebody asked for in Slack, and show it, this once."""
    make = partial(actions.make_key, token=token, user_id=me(request).id, caller=caller_of(request), now=clock.now())
    key = await write(request, make)
    page = KeyPage(key=key, address=box_of(request).address)
    return form_page(request, "chat/slack_key.html", page, 200)


async def _signed(request: AnyRequest) -> Said:
    """What Slack says that somebody typed. Raises `NotSignedIn` for what Slack did not sign."""
    body = await body_of(request, rules.BODY)
    secret = box_of(request).config.slack.signing_secret
    timestamp, signature = header(request, b"x-slack-request-timestamp"), header(request, b"x-slack-signature")
    if not secret or not rules.is_from_slack(secret.value, timestamp, signature, body, clock.now()):
        if secret:
            note_stranger(request, "slack_signature_invalid")
        raise NotSignedIn("This request is not signed by the Slack app of this box, or is older than five minutes.")
    try:
        return rules.said(body, signature)
    except ValueError as problem:
        raise Invalid(f"body: {problem}") from problem
