"""Teams, and people as their administrator sees them."""

from msgspec import Struct


class Team(Struct, frozen=True):
    """A team. ``slug`` is its name as it stands in addresses; no two teams have the same."""

    id: str
    name: str
    slug: str
    created_at: int


class TeamSize(Struct, frozen=True):
    """A team, and how many people are in it."""

    team: Team
    people: int
