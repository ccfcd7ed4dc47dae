"""Answer people who ask from Slack: hand them a link to a key, and learn who they are here."""

import sqlite3

from arena.accounts import store as accounts
from arena.accounts.actions import keys, links
from arena.accounts.models import Person
from arena.audit.actions import note
from arena.audit.models import Caller
from arena.chat import store
from arena.chat.models import KeyLink, Said, Teller
from arena.chat.rules import slack as rules
from arena.core import ids
from arena.core.errors import NotFound, NotSignedIn


def heed(conn: sqlite3.Connection, said: Said, *, now: int) -> Person | None:
    """Take a request once, and say who asks, if that is known. Raises `NotSignedIn` for one that came before."""
    store.drop_old(conn, now - 2 * rules.WINDOW * 1000, now)
    if not store.add_request(conn, ids.digest(said.signature), now):
        raise NotSignedIn("This request came before.")
    user_id = store.user_of(conn, said.workspace, said.user)
    return accounts.user(conn, user_id) if user_id else None


def hand_link(conn: sqlite3.Connection, said: Said, *, teller: Teller, caller: Caller) -> str:
    """Answer with a link to a key, and, if whoever asks is not known, with a way to join. Raises `NotSignedIn`."""
    person = heed(conn, said, now=teller.now)
    token = ids.token()
    store.add_link(conn, ids.digest(token), said.workspace, said.user, said.name, teller.now + rules.LIFE)
    url = f"{teller.address}/slack/key/{token}"
    return rules.link_to_key(url, person, "" if person else _joining(conn, said, teller, caller))


def unlink(conn: sqlite3.Connection, said: Said, *, caller: Caller, now: int) -> str:
    """Forget who somebody in Slack is here. Raises `NotSignedIn`."""
    person = heed(conn, said, now=now)
    store.drop_user(conn, said.workspace, said.user)
    if person is None:
        return "The arena does not know who you are, so there is nothing to forget."
    note(conn, "slack_unlinked", person.id, caller, now, workspace=said.workspace)
    return "The arena has forgotten who you are in Slack. Keys that you made stay, on your dashboard."


def look(conn: sqlite3.Connection, *, token: str, user_id: str, now: int) -> KeyLink:
    """A link to a key that a person may use. Raises `NotFound` for one that is over, used, or somebody else's."""
    found = store.link(conn, ids.digest(token))
    if found is None or found.expires_at <= now or found.user_id not in (None, user_id):
        raise NotFound("This link opens nothing: it was used, is over, or is somebody else's. Ask Slack for another.")
    return found


def make_key(conn: sqlite3.Connection, *, token: str, user_id: str, caller: Caller, now: int) -> str:
    """Use a link up: make its key, and link who asked for it to this person, if nobody was yet. Return the key.

    Raises `NotFound` as `look`, and `Conflict` for a person who has as many keys as may be.
    """
    found = look(conn, token=token, user_id=user_id, now=now)
    store.drop_link(conn, ids.digest(token))
    if found.user_id is None:
        store.put_user(conn, found.workspace, found.slack_user, user_id, now)
        note(conn, "slack_linked", user_id, caller, now, workspace=found.workspace, user=found.slack_user)
    return keys.make_key(conn, user_id=user_id, label="from Slack", way="slack", caller=caller, now=now)


def _joining(conn: sqlite3.Connection, said: Said, teller: Teller, caller: Caller) -> str:
    policy, days, link = teller.config.accounts.sign_up, teller.config.accounts.link_days, ""
    before = store.invited_at(conn, said.workspace, said.user)
    if teller.config.slack.may_join and rules.may_invite(before, days, teller.now):
        store.put_invitation(conn, said.workspace, said.user, teller.now)
        link = f"{teller.address}/join/{links.invite(conn, name=None, days=days, caller=caller, now=teller.now)}"
    was_invited = teller.config.slack.may_join and not link
    return rules.joining(policy, teller.address, link, days, was_invited)
