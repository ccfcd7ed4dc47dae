"""A figure that a room tells of itself, for whatever collects figures."""

from collections.abc import Mapping

from msgspec import Struct


class Figure(Struct, frozen=True):
    """A name (`arena_...`, in base units), what it is in a sentence, and its values by those of its labels, in order.

    One that ``grows`` is a counter: its name has no `_total`, which is added where it is written down.
    """

    name: str
    help: str
    values: Mapping[tuple[str, ...], float]
    labels: tuple[str, ...] = ()
    grows: bool = False
