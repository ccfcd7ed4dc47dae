"""What Slack sends when somebody types our command, how one knows that it was Slack, and what they are told."""

import hmac
import re
from collections.abc import Sequence
from urllib.parse import parse_qsl

from arena.accounts.models import Person
from arena.accounts.rules import display_of
from arena.chat.models import Said
from arena.chat.rules.events import plain
from arena.core.clock import DAY, MINUTE
from arena.leaderboard.models import Board
from arena.web import words

WINDOW = 300
"""Seconds that the time of a request may differ from ours, as Slack advises."""
LIFE = 10 * MINUTE
"""Milliseconds that a link to a key works."""
BODY = 20_000
"""Bytes of the largest request: Slack's own are below two thousand."""
NAME = 50
PERIODS = {"weekly": "this week", "monthly": "this month", "all_time": "of all time"}
_ID = re.compile(r"[A-Z0-9]{1,32}")
_COMMAND = re.compile(r"/[a-z0-9_-]{1,32}")


def is_from_slack(secret: str, timestamp: str, signature: str, body: bytes, now: int) -> bool:
    """Whether Slack signed a request just now (version v0: HMAC-SHA256 over version, time and raw body)."""
    if not re.fullmatch(r"\d{1,12}", timestamp, re.ASCII) or abs(now // 1000 - int(timestamp)) > WINDOW:
        return False
    made = "v0=" + hmac.new(secret.encode(), b"v0:%b:%b" % (timestamp.encode(), body), "sha256").hexdigest()
    return hmac.compare_digest(made.encode(), signature.encode())


def said(body: bytes, signature: str) -> Said:
    """Read what somebody typed. Raises `ValueError`."""
    fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100))
    workspace, user = fields.get("team_id", ""), fields.get("user_id", "")
    if not _ID.fullmatch(workspace) or not _ID.fullmatch(user):
        raise ValueError("team_id and user_id must be ids of Slack")
    command = fields.get("command", "")
    return Said(
        workspace=workspace,
        user=user,
        name=display_of(fields.get("user_name", ""))[:NAME],
        command=command if _COMMAND.fullmatch(command) else "/arena",
        verb=(fields.get("text", "").split() or ["help"])[0].lower()[:20],
        signature=signature,
    )


def helped(command: str) -> str:
    """Say what can be typed."""
    return (
        f"`{command} key` hands you a link to a key for your laptop, `{command} rank` tells you where you stand, "
        f"`{command} unlink` lets the arena forget who you are in Slack. Only you see the answers."
    )


def link_to_key(url: str, person: Person | None, how_to_join: str) -> str:
    """Hand over a link; of somebody who is not linked yet, with what they do who have no account."""
    minutes = LIFE // MINUTE
    shown = "The key is shown on that page alone, never here."
    if person is not None:
        return f"This link makes a key for {plain(person.name)}, once, within {minutes} minutes: {url}\n{shown}"
    return (
        f"This link makes you a key, once, within {minutes} minutes: {url}\n"
        f"Sign in there, so that the arena knows who you are in Slack from now on. {shown}\n{how_to_join}"
    )


def joining(sign_up: str, address: str, link: str, days: int, was_invited: bool) -> str:
    """Say how somebody gets an account; ``link`` is an invitation, if they are handed one."""
    if link:
        return f"No account yet? Join first, once, within {words.plural(days, 'day', 'days')}: {link}"
    if sign_up == "open":
        return f"No account yet? Join first: {address}/join"
    if was_invited:
        return "No account yet? You were handed an invitation before; if it is lost, ask who runs this arena for one."
    return "No account yet? Ask who runs this arena for an invitation."


def may_invite(invited_at: int | None, days: int, now: int) -> bool:
    """Whether somebody in Slack may be handed an invitation: not while an earlier one may still work."""
    return invited_at is None or now - invited_at >= days * DAY


def unknown(command: str) -> str:
    """Say that somebody must tell who they are first."""
    return f"The arena does not know who you are. `{command} key` hands you a link; open it and sign in."


def standing(boards: Sequence[Board], user_id: str) -> str:
    """Tell somebody where they stand by score in each period."""
    places = []
    for board in boards:
        mine = next((each for each in board.standings if each.user_id == user_id), None)
        if mine is not None:
            rank = f"{words.ordinal(mine.rank)}{' together with others' if mine.tied else ''}"
            people = words.exact(len(board.standings))
            places.append(f"{rank} of {people} {PERIODS[board.period]}, with {words.score(mine.score)} points")
    return f"You are {'; '.join(places)}." if places else "You are on no board yet: nothing of yours has arrived."
