"""What a model is asked, and what comes of it."""

from typing import Any

from msgspec import Struct


class Question(Struct, frozen=True):
    """What is asked: fixed instructions, the text, and the JSON Schema of the answer under a name."""

    instructions: str
    text: str
    name: str
    schema: dict[str, Any]
    longest: int
    """Tokens of an answer at the most."""


class Spent(Struct, frozen=True):
    """The tokens that an answer took, as its provider counts them."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


NOTHING = Spent()


class Reply(Struct, frozen=True):
    """An answer: the text of a JSON value, not checked yet, and what it took; None if its provider does not say."""

    content: str
    spent: Spent | None


class Unanswered(Exception):
    """No answer came, in one sentence why. ``again`` says whether asking once more may help, ``wait`` after how many
    seconds at the least, ``spent`` what was paid for nevertheless (None: nobody knows), ``status`` what the provider's
    HTTP status was, where it refused."""

    def __init__(
        self, sentence: str, *, again: bool, wait: float = 0, spent: Spent | None = NOTHING, status: int = 0
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.again = again
        self.wait = wait
        self.spent = spent
        self.status = status
