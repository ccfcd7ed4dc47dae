"""Teams, and people as their administrator sees them."""

from msgspec import Struct

from arena.accounts.models import Role


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


class Listed(Struct, frozen=True):
    """Somebody as the administrator's list has them. Times are epoch milliseconds."""

    id: str
    name: str
    display: str
    role: Role
    private: bool
    disabled_at: int | None
    created_at: int
    keys: int
    """How many live keys they have."""
    last_seen_at: int | None
    """When a browser of theirs last was here."""
    last_used_at: int | None
    """When a key of theirs last was used."""
    team: str | None

    @property
    def seen_at(self) -> int | None:
        """When anything of theirs was last here."""
        return max((at for at in (self.last_seen_at, self.last_used_at) if at is not None), default=None)


class Counts(Struct, frozen=True):
    """How many people there are."""

    people: int
    admins: int
    disabled: int


class Asked(Struct, frozen=True):
    """Which people are asked for; empty means any. ``team`` is a slug, or ``-`` for people in none."""

    words: str = ""
    state: str = ""
    role: str = ""
    team: str = ""
