"""What the administrator's pages of people and teams show."""

from collections.abc import Sequence

from msgspec import Struct

from arena.accounts.models import LinkedIdentity, OpenLink
from arena.accounts.pages import PAGE, Outcome, query
from arena.teams.models import Asked, Counts, Listed, Team, TeamSize
from arena.teams.rules import ROLES, STATES


class PeoplePage(Struct, frozen=True):
    """What `teams/admin_people.html` shows. ``role``, ``name`` and ``email`` stand in the form of an invitation."""

    asked: Asked
    states: dict[str, str]
    roles: dict[str, str]
    teams: tuple[Team, ...]
    counts: Counts
    people: tuple[Listed, ...]
    more_href: str
    first_href: str
    role: str
    name: str
    email: str
    has_mail: bool
    errors: dict[str, str]
    link: str
    """A one-time link that was just made, to be shown this once."""
    links: tuple[OpenLink, ...]
    """Those that nobody has used yet."""
    link_days: int
    outcome: Outcome
    noted: Outcome
    """What became of a link."""
    now: int
    zone: str


class PersonPage(Struct, frozen=True):
    """What `teams/admin_person.html` shows. ``typed`` is the name that was typed to confirm, ``link`` a fresh one."""

    person: Listed
    team: str
    """The slug of their team, or empty."""
    teams: tuple[Team, ...]
    has_password: bool
    mail_to: str
    """Where a link for a new password goes, masked; empty if nowhere."""
    providers: tuple[LinkedIdentity, ...]
    """The identities elsewhere that they may sign in with."""
    sessions: int
    is_me: bool
    is_last_admin: bool
    typed: str
    link: str
    link_days: int
    outcome: Outcome
    now: int
    zone: str


class TeamsPage(Struct, frozen=True):
    """What `teams/admin_teams.html` shows. ``name`` is what stands in the form of a new team."""

    teams: tuple[TeamSize, ...]
    name: str
    errors: dict[str, str]
    outcome: Outcome
    now: int
    zone: str


class TeamPage(Struct, frozen=True):
    """What `teams/admin_team.html` shows. ``name`` and ``who`` are what stands in its two forms."""

    team: Team
    people: tuple[Listed, ...]
    more_href: str
    name: str
    who: str
    outcome: Outcome
    now: int
    zone: str


def people_page(
    found: Sequence[Listed],
    *,
    asked: Asked,
    after: str,
    counts: Counts,
    teams: Sequence[Team],
    links: Sequence[OpenLink],
    now: int,
    zone: str,
    link_days: int,
    has_mail: bool,
    role: str = "member",
    name: str = "",
    email: str = "",
    errors: dict[str, str] | None = None,
    link: str = "",
    said: str = "",
    noted: str = "",
) -> PeoplePage:
    """Make a page of the people that were asked for; one more than a page holds says that there are more."""
    chosen = {"q": asked.words, "state": asked.state, "role": asked.role, "team": asked.team}
    return PeoplePage(
        asked=asked,
        states=STATES,
        roles=ROLES,
        teams=tuple(teams),
        counts=counts,
        people=tuple(found[:PAGE]),
        more_href=f"/admin{query(**chosen, after=found[PAGE - 1].name)}" if len(found) > PAGE else "",
        first_href=f"/admin{query(**chosen)}" if after else "",
        role=role,
        name=name,
        email=email,
        has_mail=has_mail,
        errors=errors or {},
        link=link,
        links=tuple(links),
        link_days=link_days,
        outcome=Outcome(said),
        noted=Outcome(noted),
        now=now,
        zone=zone,
    )


def team_page(
    team: Team, found: Sequence[Listed], *, name: str, who: str, outcome: Outcome, now: int, zone: str
) -> TeamPage:
    """Make the page of a team; of a large one it shows the first people and where the others are."""
    more = f"/admin{query(team=team.slug, after=found[PAGE - 1].name)}" if len(found) > PAGE else ""
    return TeamPage(team, tuple(found[:PAGE]), more, name, who, outcome, now, zone)
