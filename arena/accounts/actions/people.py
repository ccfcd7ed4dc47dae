"""Let people in and out, and take stock of them."""

import sqlite3
from collections.abc import Callable

from arena.accounts import rules, store
from arena.accounts.models import Export, Myself, Person, Role
from arena.audit.actions import note
from arena.audit.models import Caller
from arena.core import ids
from arena.core.clock import iso
from arena.core.db import Database
from arena.core.errors import Conflict, Invalid, NotFound
from arena.deliveries import actions as deliveries


def add_user(
    conn: sqlite3.Connection,
    *,
    name: str,
    display: str = "",
    role: Role = "member",
    password_hash: str | None = None,
    caller: Caller,
    now: int,
    joined_at: int | None = None,
    by: str | None = None,
) -> Person:
    """Create a person, who joined now or was elsewhere before.

    Raises `Invalid` for a bad name or display name, `Conflict` when the name is taken.
    """
    name = rules.name_of(name)
    display = rules.display_of(display) or name
    refuse(name=rules.name_problem(name), display=rules.display_problem(display))
    if store.user_by_name(conn, name):
        raise Conflict(f"The user name {name} is taken.")
    id = ids.uuid7()
    joined = min(joined_at or now, now)
    store.add_user(conn, id, name, display, role, password_hash, joined)
    note(conn, "user_created", id, caller, now, role=role, by=by)
    return Person(id, name, display, role, False, None, None, joined)


def disable_user(conn: sqlite3.Connection, *, name: str, caller: Caller, now: int, by: str | None = None) -> Person:
    """Shut a person out: web sessions and sign-in links end, keys are refused. Nothing of theirs is lost.

    Raises `NotFound`, and `Conflict` for the last administrator.
    """
    person = someone(conn, name)
    if person.is_disabled:
        return person
    _refuse_last_admin(conn, person, "disabled")
    store.set_disabled(conn, person.id, now, now)
    store.end_sessions(conn, person.id)
    store.drop_unused_sign_in_links(conn, person.id)
    note(conn, "user_disabled", person.id, caller, now, by=by)
    return someone(conn, name)


def enable_user(conn: sqlite3.Connection, *, name: str, caller: Caller, now: int, by: str | None = None) -> Person:
    """Let a disabled person in again; their keys work as before. Raises `NotFound`."""
    person = someone(conn, name)
    if not person.is_disabled:
        return person
    store.set_disabled(conn, person.id, None, now)
    note(conn, "user_enabled", person.id, caller, now, by=by)
    return someone(conn, name)


def promote_user(conn: sqlite3.Connection, *, name: str, caller: Caller, now: int, by: str | None = None) -> Person:
    """Make a person an administrator. Raises `NotFound`."""
    person = someone(conn, name)
    if person.is_admin:
        return person
    store.set_role(conn, person.id, "admin", now)
    note(conn, "user_promoted", person.id, caller, now, by=by)
    return someone(conn, name)


def demote_user(conn: sqlite3.Connection, *, name: str, caller: Caller, now: int, by: str | None = None) -> Person:
    """Make an administrator a member. Raises `NotFound`, and `Conflict` for the last administrator."""
    person = someone(conn, name)
    if not person.is_admin:
        return person
    _refuse_last_admin(conn, person, "demoted")
    store.set_role(conn, person.id, "member", now)
    note(conn, "user_demoted", person.id, caller, now, by=by)
    return someone(conn, name)


def set_privacy(
    conn: sqlite3.Connection, *, user_id: str, private: bool, caller: Caller, now: int, by: str | None = None
) -> bool:
    """Hide a person from public boards and profiles, or show them, from the next read on; return whether that is new.

    Raises `NotFound`.
    """
    person = with_id(conn, user_id)
    if person.private == private:
        return False
    store.set_private(conn, user_id, private, now)
    note(conn, "privacy_mode_changed", user_id, caller, now, private=private, by=by)
    return True


def delete_user(conn: sqlite3.Connection, *, name: str, caller: Caller, now: int, by: str | None = None) -> Person:
    """Delete a person and everything that belongs to them; return who it was.

    Raises `NotFound`, and `Conflict` for the last administrator.
    """
    person = someone(conn, name)
    _refuse_last_admin(conn, person, "deleted")
    store.delete_user(conn, person.id)
    deliveries.forget(conn, person.id)
    note(conn, "user_deleted", person.id, caller, now, by=by)
    return person


def hand_out(conn: sqlite3.Connection, *, name: str, caller: Caller, now: int, by: str | None = None) -> Export:
    """Gather what this room knows about a person for somebody else, and note that. Raises `NotFound`."""
    found = export_user(conn, name=name)
    note_export(conn, user_id=found.account.id, caller=caller, now=now, by=by)
    return found


def note_export(conn: sqlite3.Connection, *, user_id: str, caller: Caller, now: int, by: str | None = None) -> None:
    """Note that what is kept of a person was handed out."""
    note(conn, "user_exported", user_id, caller, now, by=by)


def export_user(conn: sqlite3.Connection, *, name: str) -> Export:
    """Gather what this room knows about a person, without any secret. Raises `NotFound`."""
    person = someone(conn, name)
    account = store.account(conn, person.id)
    if account is None:
        raise NotFound(f"There is nobody called {person.name}.")
    return Export(
        account,
        store.identities_of(conn, person.id),
        store.keys_of(conn, person.id),
        store.sessions_of(conn, person.id),
    )


def set_display(conn: sqlite3.Connection, *, user_id: str, display: str, caller: Caller, now: int) -> None:
    """Show a person by another name; an empty one is their user name. Raises `Invalid` and `NotFound`."""
    person = with_id(conn, user_id)
    display = rules.display_of(display) or person.name
    refuse(display=rules.display_problem(display))
    if display == person.display:
        return
    store.set_display(conn, user_id, display, now)
    note(conn, "user_settings_updated", user_id, caller, now, changed="display_name")


def with_id(conn: sqlite3.Connection, id: str) -> Person:
    """The person with this id. Raises `NotFound`."""
    person = store.user(conn, id)
    if person is None:
        raise NotFound("There is nobody with this id.")
    return person


def myself(conn: sqlite3.Connection, *, user_id: str, passed: Callable[[sqlite3.Connection, str], int]) -> Myself:
    """Gather what a person is told of themselves; ``passed`` counts their projects. Raises `NotFound`."""
    account, newest = store.account(conn, user_id), store.newest_key(conn, user_id)
    linked = store.identities_of(conn, user_id)
    if account is None:
        raise NotFound("There is nobody with this id.")
    return Myself(
        id=account.id,
        username=account.username,
        display_name=account.display_name,
        email=account.email,
        github_username=next((each.login for each in linked if each.provider == "github"), None),
        github_avatar_url=account.github_avatar_url,
        api_key_prefix=newest.prefix if newest else None,
        privacy_mode=account.privacy_mode,
        successful_projects_count=passed(conn, user_id),
        created_at=iso(account.created_at),
        updated_at=iso(account.updated_at),
    )


def someone(conn: sqlite3.Connection, name: str) -> Person:
    """The person with this user name, in any case. Raises `NotFound`."""
    name = rules.name_of(name)
    person = store.user_by_name(conn, name)
    if person is None:
        raise NotFound(f"There is nobody called {rules.display_of(name)[:50]}.")
    return person


def tidy(db: Database, now: int) -> int:
    """Delete web sessions, links and codes that are over, and guesses long forgotten; return how many there were.

    (From a thread: it waits.)
    """
    drops = (
        store.drop_expired_sessions,
        store.drop_expired_links,
        store.drop_expired_email_links,
        store.drop_expired_device_codes,
        store.drop_forgotten_guesses,
    )
    return db.write_sync(lambda conn: sum(drop(conn, now) for drop in drops))


def taken(conn: sqlite3.Connection, name: str) -> str | None:
    """Say that somebody has this user name, if somebody has."""
    return f"The user name {name} is taken." if store.user_by_name(conn, name) else None


def refuse(**problems: str | None) -> None:
    """Raise `Invalid` with the first sentence, and all of them by field in its details, if there is any."""
    errors = {field: sentence for field, sentence in problems.items() if sentence}
    if errors:
        raise Invalid(next(iter(errors.values())), {"errors": errors})


def _refuse_last_admin(conn: sqlite3.Connection, person: Person, what: str) -> None:
    if person.is_admin and not person.is_disabled and store.enabled_admins(conn) == 1:
        raise Conflict(f"{person.name} is the last administrator and cannot be {what}. Promote somebody else first.")
