"""What the chat room shows."""

from msgspec import Struct

from arena.accounts.pages import Outcome


class ChatPage(Struct, frozen=True):
    """What `chat/admin.html` shows: the addresses that are told what happens, and what that is."""

    targets: tuple[str, ...]
    """slack and json, as far as they are configured."""
    is_signed: bool
    events: dict[str, str]
    outcome: Outcome
