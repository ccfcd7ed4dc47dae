"""What the audit room is told, what it keeps, and the names of everything that can happen."""

from typing import Any

from msgspec import Struct

EVENTS = {
    # keys
    "api_key_generated": "An API key was made.",
    "api_key_regenerated": "An API key was made in place of another, which opens nothing any more.",
    "api_key_revoked": "An API key was revoked and opens nothing any more.",
    "api_key_validated": "A program asked whether its API key is good, and it is.",
    "api_key_invalid": "A request came with an API key that is unknown, revoked or of a disabled person.",
    "hmac_signature_invalid": "A request came with a good API key and a missing or wrong signature.",
    "hmac_timestamp_expired": "A request came with a good API key and a time too far from the box's clock.",
    "slack_linked": "It became known who a person is in Slack.",
    "slack_unlinked": "It was forgotten who a person is in Slack, as they wished.",
    "slack_signature_invalid": "A request came as if from Slack, which had not signed it.",
    # what programs send
    "session_created": "A coding session was stored for the first time.",
    "session_duplicate": "A coding session was sent again without anything new.",
    "batch_sessions_created": "A request with several coding sessions stored some of them for the first time.",
    "day_rows_stored": "What ccusage sums up by day was stored, some days of a tool for the first time.",
    "usage_imported": "The operator took over usage that another system exported.",
    "usage_forgotten": "A person removed all that they had sent of a project.",
    "suspicious_activity": "A stored session is far above what its person usually does.",
    "session_reviewed": "An administrator looked at a flagged session and let it count.",
    "session_excluded": "An administrator left a flagged session out of ranking.",
    "session_restored": "An administrator let a session count again that was left out of ranking.",
    "project_submitted": "A person had a project judged.",
    "project_judged_again": "An administrator had a project judged once more.",
    "rate_limit_exceeded": "Somebody asked more often than they may.",
    # doors
    "unauthorized_access": "A door that is not for them was refused to somebody.",
    "user_signed_in": "A web session was opened.",
    "user_signed_out": "A web session was ended by its person.",
    "sessions_ended": "An administrator ended web sessions of a person.",
    "secret_rotated": "A new secret signs cookies and forms.",
    "sign_in_failed": "A sign-in was refused.",
    "device_code_answered": "Somebody said yes or no to a machine without a browser that asked for a key.",
    # people
    "invitation_created": "A one-time link was made.",
    "link_withdrawn": "A one-time link was withdrawn before anybody used it.",
    "user_created": "A person was added.",
    "user_disabled": "A person was shut out.",
    "user_enabled": "A disabled person was let in again.",
    "user_promoted": "A person became an administrator.",
    "user_demoted": "An administrator became a member.",
    "user_deleted": "A person and everything of theirs was deleted.",
    "user_exported": "What is kept of a person was handed out.",
    "identity_linked": "An account at a sign-in provider became one more way in.",
    "identity_unlinked": "An account at a sign-in provider is no way in any more.",
    "password_changed": "A password was set or changed.",
    "password_reset_asked": "A link to set a new password was mailed to its person.",
    "email_changed": "A person confirmed or removed the address that mail to them goes to.",
    "user_settings_updated": "A person's settings were changed.",
    "team_created": "A team was made.",
    "team_renamed": "A team was given another name.",
    "team_deleted": "A team was deleted; its people stay.",
    "budget_set": "What a team or a person may cost in a month was set, or taken away.",
    "team_assigned": "A person was put into a team, or taken out of one.",
    # the box
    "usage_exported": "A table of what people used and what it cost was handed out.",
    "delivery_sent_again": "An administrator had a message sent again that was given up.",
    "audit_exported": "Rows of the security log were handed out.",
    "job_called_for": "An administrator had a job run before its time.",
    "webhooks_tested": "A test message was sent to every chat and program that is told what happens.",
    "prices_updated": "New prices were taken over.",
    "privacy_mode_changed": "A person was hidden from, or shown on, public boards.",
}
"""Every event that may be noted, in one sentence each. `note` refuses any other name."""


class Caller(Struct, frozen=True):
    """Where a request came from; a command of the operator has no address."""

    address: str | None = None
    agent: str | None = None


OPERATOR = Caller(agent="arena admin")


class Note(Struct, frozen=True):
    """Something that happened: see `arena.audit.actions.note`."""

    event: str
    user_id: str | None
    caller: Caller
    now: int
    details: dict[str, Any]


class Entry(Struct, frozen=True):
    """A row of `security_audit_log`. Somebody is in it by id alone: it outlives them, and says then no name."""

    seq: int
    created_at: int
    event_type: str
    user_id: str | None
    ip_address: str | None
    user_agent: str | None
    details: str
    hash: bytes


class Chain(Struct, frozen=True):
    """The row of `security_audit_chain`: the last row that retention took away, and the newest one."""

    anchor_seq: int
    anchor_hash: bytes
    head_seq: int
    head_hash: bytes


class Verdict(Struct, frozen=True):
    """What a walk along the chain found: how many rows fit, its head, and the first place that does not fit."""

    rows: int
    first: int
    head: int
    head_hash: str
    broken: int | None = None
    problem: str | None = None


class Query(Struct, frozen=True):
    """Which rows somebody wants to see, newest first: all conditions hold. Instants are epoch milliseconds."""

    event: str | None = None
    person: str | None = None
    """An id."""
    address: str | None = None
    since: int = 0
    until: int = 2**62
    words: str = ""
    """Somewhere in event, person, details or user agent, in any case."""


class Found(Struct, frozen=True):
    """Rows that were asked for, and the place (instant and row) to go on after, if there may be more.

    ``looked`` is how many rows were looked at.
    """

    rows: list[Entry]
    more: tuple[int, int] | None
    looked: int
