"""The few kinds of failure a visitor can meet, each with a status and a sentence for them."""

from typing import Any, ClassVar


class ArenaError(Exception):
    """A failure with one clear sentence. ``details`` is shown to programs beside it."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(self, sentence: str, details: dict[str, Any] | None = None, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.details = details
        self.retry_after = retry_after


class Invalid(ArenaError):
    """What was sent cannot be understood; the sentence names the field and the reason."""

    status = 400
    code = "VALIDATION_ERROR"


class NotSignedIn(ArenaError):
    """Nobody is signed in, or the key is not known."""

    status = 401
    code = "UNAUTHORIZED"


class Forbidden(ArenaError):
    """Somebody is known, and may not."""

    status = 403
    code = "FORBIDDEN"


class NotFound(ArenaError):
    """There is nothing here, or nothing that this visitor may know of."""

    status = 404
    code = "NOT_FOUND"


class Conflict(ArenaError):
    """It clashes with what is there already."""

    status = 409
    code = "CONFLICT"


class TooLarge(ArenaError):
    """The body is larger than the box takes."""

    status = 413
    code = "TOO_LARGE"


class ClientTooOld(ArenaError):
    """The laptop's `arena` is older than the box accepts."""

    status = 426
    code = "CLIENT_TOO_OLD"


class TooMany(ArenaError):
    """Too many requests; try again later."""

    status = 429
    code = "RATE_LIMITED"


class Unavailable(ArenaError):
    """The box cannot do it just now (disk full, database locked); nothing was lost or half done."""

    status = 503
    code = "SERVICE_UNAVAILABLE"
