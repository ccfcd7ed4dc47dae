"""What the boards are made of: a person's standing, and all standings of one period and metric."""

from msgspec import Struct

from arena.teams.models import Team
from arena.usage.models import Tool


class Scope(Struct, frozen=True):
    """Whom a board is about, and what counts on it: everyone with everything, or one tool, or one team, or both."""

    tool: Tool | None = None
    team: Team | None = None


EVERYONE = Scope()


class Standing(Struct, frozen=True):
    """A person on a board. Times are epoch milliseconds UTC; ``cache`` tokens are shown and never ranked.

    ``cost`` is in billionths of a US dollar; ``unpriced`` counts the records whose cost nobody knows.
    """

    user_id: str
    name: str
    display: str
    private: bool
    joined_at: int
    input: int
    output: int
    cache: int
    sessions: int
    streak: int
    score: float
    rank: int
    tied: bool
    value: float
    """What the board ranks by."""
    last_at: int
    """The last record; 0 if there is none."""
    before: int | None
    """The rank at the end of yesterday; None for somebody new."""
    cost: int = 0
    unpriced: int = 0
    team: Team | None = None
    """The team that they are in now."""
    projects: int = 0
    """What their passed projects came to, up to 10 each."""


class Overview(Struct, frozen=True):
    """What a board says of all its people together, worked out once however often it is shown."""

    tokens: int
    sessions: int
    cost: int
    unpriced: int
    """How many people have records whose cost nobody knows."""
    ranks_then: tuple[int, ...]
    """The ranks at the end of yesterday of those who had one, in order."""
    rows_then: dict[int, int]
    """By the row of somebody now: their row in that order."""


class Board(Struct, frozen=True):
    """Everybody's standing, best first, and the calendar period (days of ``zone``, both included) it is about."""

    period: str
    """daily, weekly, monthly or all_time."""
    metric: str
    """score, tokens, cost, sessions, streak or projects."""
    start: str
    """Empty for all_time."""
    end: str
    today: str
    zone: str
    standings: tuple[Standing, ...]
    overview: Overview
    scope: Scope = EVERYONE
    tools: tuple[Tool, ...] = ()
    """Every tool that has a board of its own: those that were ever used."""
    teams: tuple[Team, ...] = ()
    then: str = "yesterday"
    """When the places were that movement is told from: the end of yesterday, or of the period before ("before")."""
    is_over: bool = False
    is_final: bool = False
    final_from: str = ""
    """Of a period that is over and frozen: the day whose night makes it final; empty if it is not frozen yet."""
    oldest: str = ""
    """The first day of the oldest such period of which anything is known; empty if nothing is."""


class Period(Struct, frozen=True):
    """A day, week or month whose ranking was frozen. Times are epoch milliseconds UTC, days both included."""

    type: str
    """daily, weekly or monthly."""
    start: str
    end: str
    people: int
    """How many were ranked, those included who have left since."""
    is_whole: bool
    """Whether all its rows are written."""
    frozen_at: int | None
    """When it was whole for the first time."""
    updated_at: int
    final_at: int | None
    """Since when nothing changes it any more."""


class Ranked(Struct, frozen=True):
    """A person's places in a period that is over, by every metric, and the figures behind them.

    By projects whoever has one that passed is ranked, by all else whoever used something; None for those who are not.
    """

    period_type: str
    period_start: str
    user_id: str
    rank_position: int | None
    """By score."""
    rank_by_tokens: int | None
    rank_by_cost: int | None
    rank_by_sessions: int | None
    rank_by_streak: int | None
    rank_by_projects: int | None
    composite_score: float
    efficiency_score: float
    input_tokens: int
    output_tokens: int
    cache_tokens: int
    session_count: int
    streak: int
    cost: int
    unpriced: int
    project_score: int


class Past(Struct, frozen=True):
    """A frozen row with what is known of its person now."""

    id: str
    name: str
    display: str
    private: int
    joined_at: int
    input: int
    output: int
    cache: int
    sessions: int
    cost: int
    unpriced: int
    streak: int
    projects: int
    score: float
    rank_by_score: int | None
    rank_by_tokens: int | None
    rank_by_cost: int | None
    rank_by_sessions: int | None
    rank_by_streak: int | None
    rank_by_projects: int | None

    def rank(self, metric: str) -> int:
        """The place by a metric; 0 for none."""
        return getattr(self, f"rank_by_{metric}") or 0


class Placed(Struct, frozen=True):
    """A person's place by score in a period that is over."""

    start: str
    rank: int
    people: int
    """How many were ranked."""
    score: float


class History(Struct, frozen=True):
    """How a person's place by score moved from period to period."""

    period: str
    """daily, weekly or monthly."""
    places: tuple[Placed, ...]
    """Oldest first; periods in which they were not ranked are left out."""
    best: Placed | None
    """The best place ever kept, the latest such."""


class Medal(Struct, frozen=True):
    """Somebody among the first three of a season."""

    start: str
    user_id: str
    name: str
    display: str
    private: bool
    rank: int
    score: float


class Season(Struct, frozen=True):
    """A month as a season: who was ahead, and how many there were."""

    start: str
    end: str
    state: str
    """running, ended (to be frozen in the next night), open (late reports still move it) or final."""
    people: int
    podium: tuple[Medal, ...]
    mine: Placed | None


class Due(Struct, frozen=True):
    """A period that is over and whose ranking is to be frozen, for the first time or again."""

    type: str
    start: str
    end: str


class Frozen(Struct, frozen=True):
    """What freezing did with a period."""

    period: str
    start: str
    end: str
    people: int
    changed: int
    """How many rows were written or taken away."""
    final: bool


class Sums(Struct, frozen=True):
    """What a person used in some days."""

    id: str
    name: str
    display: str
    private: int
    joined_at: int
    input: int
    output: int
    cache: int
    sessions: int
    cost: int = 0
    unpriced: int = 0

    def less(self, other: "Sums") -> "Sums":
        """What is left when a part is taken away."""
        return Sums(
            self.id,
            self.name,
            self.display,
            self.private,
            self.joined_at,
            self.input - other.input,
            self.output - other.output,
            self.cache - other.cache,
            self.sessions - other.sessions,
            self.cost - other.cost,
            self.unpriced - other.unpriced,
        )
