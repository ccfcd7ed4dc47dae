"""What may come of a message that leaves the box: nothing (it went), or `Unsent`."""


class Unsent(Exception):
    """A message did not go, in one sentence why. ``again`` says whether trying once more may help, ``wait`` after how
    many seconds at the least; ``is_down``, that no other message goes there either."""

    def __init__(self, sentence: str, *, again: bool, wait: float = 0, is_down: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.again = again
        self.wait = wait
        self.is_down = is_down
