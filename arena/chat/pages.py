"""What the chat room shows."""

from msgspec import Struct

from arena.accounts.pages import Outcome


class ChatPage(Struct, frozen=True):
    """What `chat/admin.html` shows: the addresses that are told what happens, and what that is."""

    targets: tuple[str, ...]
    """slack and json, as far as they are configured."""
    is_signed: bool
    answers_slack: bool
    """Whether people in Slack are answered."""
    may_join: bool
    address: str
    events: dict[str, str]
    outcome: Outcome


class KeyPage(Struct, frozen=True):
    """What `chat/slack_key.html` shows: who asks for a key in Slack, or the key, this once."""

    slack_name: str = ""
    is_known: bool = False
    """Whether it is known already that they are the visitor."""
    key: str = ""
    address: str = ""
