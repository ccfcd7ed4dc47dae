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


class Reply(Struct, frozen=True):
    """An answer: the text of a JSON value, not checked yet, and what it took."""

    content: str
    spent: Spent


class Unanswered(Exception):
    """No answer came, in one sentence why. ``again`` says whether asking once more may help, ``wait`` after how many
    seconds at the least, ``spent`` what was paid for nevertheless."""

    def __init__(self, sentence: str, *, again: bool, wait: float = 0, spent: Spent | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.again = again
        self.wait = wait
        self.spent = spent or Spent()
