"""What the board shows: one Struct for the template, made from a board and the visitor.

People in privacy mode appear as "Anonymous": their rows carry nothing that could be joined with another page. On a
team's board they do not appear at all.
"""

from collections.abc import Sequence
from datetime import date
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from arena.core import clock
from arena.leaderboard.models import EVERYONE, Board, Scope, Standing
from arena.leaderboard.rules import window
from arena.web import words

PAGE_SIZE = 50
CODING = 5 * 60_000
"""Milliseconds after a record in which its person counts as coding now."""
PERIODS = {"daily": "Today", "weekly": "Week", "monthly": "Month", "all_time": "All time"}
METRICS = {
    "score": "Score",
    "tokens": "Tokens",
    "cost": "Cost",
    "sessions": "Sessions",
    "streak": "Streak",
    "projects": "Projects",
}
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


class Choice(Struct, frozen=True):
    """A tab or a column head: one view of the board."""

    key: str
    label: str
    href: str
    current: bool


class Option(Struct, frozen=True):
    """A line of a select."""

    value: str
    label: str
    chosen: bool


class Strand(Struct, frozen=True):
    """The line from a person's place at the end of yesterday to their place now."""

    kind: str
    """up, down, same, you, or new (a dot only)."""
    fall: int
    """By how many rows the old place lies below the new one; negative if above."""


class Week(Struct, frozen=True):
    """Seven bars, Monday first, drawn upwards from 20 on a step of 11; ``today`` apart."""

    bars: str
    today: str
    words: str


class Row(Struct, frozen=True):
    """One line of the board. ``name`` and ``dom_id`` are empty for somebody private."""

    place: str
    """The old place at the left end of this row; empty where there is none."""
    strand: Strand | None
    rank: int
    tied: bool
    moved: int | None
    """By how many ranks, up is positive; None if unknown or not to be shown."""
    new: bool
    name: str
    display: str
    team: str
    """Empty too on the board of a team."""
    dom_id: str
    you: bool
    hidden: bool
    """Whether this is the visitor's own row, and others see "Anonymous" in it."""
    coding: bool
    behind: str
    score: float
    tokens: int
    cost: str
    """As it is written: in US dollars, "+" behind a part of it, or "unknown"."""
    sessions: int
    streak: int
    projects: int
    """The points of their passed projects."""
    main: str
    """The value ranked by, as it is written."""
    week: Week


class Sentence(Struct, frozen=True):
    """The two lines of the headline, as cases; the template has one whole string for each.

    ``lead``: nobody, alone, ahead, tie, or you_alone, you_ahead, you_tie; left where the winner is not here any more.
    ``stand``: none, signed_out, unranked, elsewhere (on another team's board), behind, behind_private, shared, ahead,
    ahead_private; alone where nobody is left ahead.
    """

    lead: str
    when: str
    leader: str = ""
    second: str = ""
    gap: str = ""
    sharing: int = 0
    stand: str = "none"
    rank: int = 0
    stand_gap: str = ""
    stand_name: str = ""


class FirstRun(Struct, frozen=True):
    """What to do while there is no record at all. ``kind``: admin, member or visitor."""

    kind: str
    name: str
    address: str
    demo_command: str
    link_days: int


class LeaderboardPage(Struct, frozen=True):
    """What `leaderboard/board.html` shows."""

    period: str
    metric: str
    metric_label: str
    search: str
    page: int
    pages: int
    first: int
    last: int
    found: int
    tool: str
    """The id of the tool that alone counts here, or empty."""
    team: str
    """The slug of the team that this board is of, or empty."""
    team_name: str
    tools: tuple[Option, ...]
    """What the board can be narrowed to; empty where there is no choice."""
    teams: tuple[Option, ...]
    tabs: tuple[Choice, ...]
    heads: dict[str, Choice]
    sentence: Sentence
    people: int
    tokens: int
    cost: str
    unpriced: int
    """How many people have records whose cost nobody knows."""
    sessions: int
    dates: str
    zone: str
    then: str
    """What the left end of the strands stands for, a weekday say, in short; empty without strands."""
    since: str
    """The same, in full."""
    today_index: int
    rows: tuple[Row, ...]
    pinned: Row | None
    """The visitor's own row if it is on another page of this board."""
    hidden: bool
    """Whether the visitor's row reads "Anonymous" for everybody else."""
    profiles: bool
    previous_href: str
    next_href: str
    week_href: str
    all_href: str
    """This board without the search."""
    everyone_href: str
    """This board with all tools and teams."""
    path: str
    on: str
    """The first day of a day, week or month that is over, if it is not told by the path."""
    state: str
    """running; or of what is over: ended (to be frozen in the next night), open (late reports still move it), final."""
    name: str
    """The day, week or month, in words."""
    final_from: str
    """The day from which an open ranking is final."""
    is_season: bool
    before_href: str
    """The board of the day, week or month before; empty where nothing is known of it."""
    before_name: str
    link: str
    """The full address of a season."""
    first_run: FirstRun | None = None
    invitation_link: str | None = None


def leaderboard(
    board: Board,
    *,
    visitor_id: str | None,
    search: str,
    page: int,
    week: dict[str, tuple[int, ...]],
    now: int,
    profiles: bool = False,
    season: bool = False,
    address: str = "",
) -> LeaderboardPage:
    """Show one page of a board, as this visitor may see it.

    ``page`` counts from 1 and is brought into range; ``search`` picks people by what is shown of them, after ranking.
    ``week`` holds seven daily token totals of the current week (Monday first) by user id, for the people shown.
    ``profiles`` links names to `/users/{name}`; ``season`` shows a month at its own ``address``.
    """
    search = search.strip()
    chosen, page, pages = _chosen(board, visitor_id, search, page)
    shown = chosen[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    mine = next((i for i, s in enumerate(board.standings) if s.user_id == visitor_id), None)
    is_other = season or board.is_over
    short, since = _then(board)
    before = clock.shift(board.start, -1) if board.oldest and board.start > board.oldest else ""

    def row(index: int, *, braided: bool) -> Row:
        return _row(board, index, visitor_id, week, now, braided=braided)

    def view(period: str = board.period, metric: str = board.metric, search: str = search, to: int = 1) -> str:
        return href(period, metric, search, to, board.scope, on=board.start if is_other else "")

    def of(day: str) -> str:
        """The same board of the day, week or month that holds another day; the running one where it is."""
        start, end = window(board.period, day)
        on = start if season or end < board.today else ""
        return href(board.period, board.metric, "", 1, board.scope, on=on)

    def link(to: int) -> str:
        return view(to=to) if 1 <= to <= pages else ""

    if is_other:
        neighbours = [before, board.start, clock.shift(board.end, 1)]
        there = [day for day in neighbours if day and day <= board.today]
        named = {day: name(board.period, window(board.period, day)[0], board.today) for day in there}
        tabs = tuple(Choice(day, _capital(named[day]), of(day), day == board.start) for day in there)
    else:
        tabs = tuple(Choice(k, v, view(period=k), k == board.period) for k, v in PERIODS.items())
    return LeaderboardPage(
        period=board.period,
        metric=board.metric,
        metric_label=METRICS[board.metric],
        search=search,
        page=page,
        pages=pages,
        first=(page - 1) * PAGE_SIZE + 1 if shown else 0,
        last=(page - 1) * PAGE_SIZE + len(shown),
        found=len(chosen),
        tool=board.scope.tool.id if board.scope.tool else "",
        team=board.scope.team.slug if board.scope.team else "",
        team_name=board.scope.team.name if board.scope.team else "",
        tools=_tools(board),
        teams=_teams(board),
        tabs=tabs,
        heads={k: Choice(k, v, view(metric=k), k == board.metric) for k, v in METRICS.items()},
        sentence=_sentence(board, visitor_id),
        people=len(board.standings),
        tokens=board.overview.tokens,
        cost=words.cost(board.overview.cost, 0) if board.overview.cost else "",
        unpriced=board.overview.unpriced,
        sessions=board.overview.sessions,
        dates=_dates(board),
        zone=board.zone,
        then=short if board.overview.rows_then and not search else "",
        since=since,
        today_index=date.fromisoformat(board.today).weekday(),
        rows=tuple(row(i, braided=not search) for i in shown),
        pinned=row(mine, braided=False) if mine is not None and mine not in shown and not search else None,
        hidden=mine is not None and board.standings[mine].private,
        profiles=profiles,
        previous_href=link(page - 1),
        next_href=link(page + 1),
        week_href=href("weekly", board.metric, scope=board.scope),
        all_href=view(search=""),
        everyone_href=href(board.period, board.metric, on=board.start if is_other else ""),
        path=href(board.period, on=board.start).partition("?")[0] if is_other else "/",
        on=board.start if is_other and not season else "",
        state=_state(board),
        name=name(board.period, board.start, board.today) if board.start else "",
        final_from=board.final_from,
        is_season=season,
        before_href=of(before) if before else "",
        before_name=name(board.period, window(board.period, before)[0], board.today) if before else "",
        link=address,
    )


def people_on(board: Board, *, visitor_id: str | None, search: str, page: int) -> list[str]:
    """The ids of the people that a page of a board shows: those whose week must be looked up."""
    chosen, page, _ = _chosen(board, visitor_id, search.strip(), page)
    shown = [board.standings[index].user_id for index in chosen[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]]
    return shown if visitor_id is None else [*shown, visitor_id]


def first_run(
    board: Board,
    *,
    address: str,
    name: str | None,
    is_admin: bool,
    invitation_link: str | None = None,
    demo_command: str = "",
    link_days: int = 7,
) -> LeaderboardPage:
    """Show what to do next on a box that has no record yet.

    ``name`` is the visitor's user name; ``board`` an empty board. Without ``demo_command`` that step is left out.
    """
    kind = "visitor" if name is None else "admin" if is_admin else "member"
    empty = leaderboard(board, visitor_id=None, search="", page=1, week={}, now=0)
    first = FirstRun(kind, name or "", address, demo_command, link_days)
    return replace(empty, first_run=first, invitation_link=invitation_link)


def href(
    period: str = "weekly",
    metric: str = "score",
    search: str = "",
    page: int = 1,
    scope: Scope = EVERYONE,
    on: str = "",
) -> str:
    """The address of a view of the board; what is usual (this week, by score, everyone, first page) is left out.

    With the first day of another day, week or month (``on``) it is that one's; a month is a season.
    """
    asked: list[tuple[str, str | int]] = []
    path = f"/seasons/{on[:7]}" if on and period == "monthly" else "/"
    if path == "/" and period != "weekly":
        asked.append(("period", period))
    if path == "/" and on:
        asked.append(("on", on))
    if metric != "score":
        asked.append(("metric", metric))
    if scope.tool:
        asked.append(("tool", scope.tool.id))
    if scope.team:
        asked.append(("team", scope.team.slug))
    if search:
        asked.append(("q", search))
    if page > 1:
        asked.append(("page", page))
    return f"{path}?{urlencode(asked)}" if asked else path


def name(period: str, start: str, today: str) -> str:
    """Name a day, week or month in a sentence, its year only where it is another than today's."""
    first = date.fromisoformat(start)
    match period:
        case "daily":
            return "today" if start == today else words.day(start)
        case "weekly":
            year, week, _ = first.isocalendar()
            return f"week {week}" if year == date.fromisoformat(today).isocalendar().year else f"week {week} of {year}"
    return MONTHS[first.month - 1] + ("" if start[:4] == today[:4] else start[:4].rjust(5))


def measure(metric: str, value: float) -> str:
    """Write a value of a metric as its column does."""
    match metric:
        case "score":
            return words.score(value)
        case "streak":
            return f"{words.exact(round(value))} d"
        case "tokens":
            return words.short(round(value))
        case "cost":
            return words.cost(round(value), 0)
    return words.exact(round(value))


def gap(metric: str, value: float) -> str:
    """Write a difference in a metric, with its unit where it has one."""
    match metric:
        case "score":
            return words.score(value)
        case "tokens":
            return f"{words.short(round(value))} tokens"
        case "cost":
            return words.cost(round(value), 0)
        case "streak":
            return words.plural(round(value), "day", "days")
        case "projects":
            return words.plural(round(value), "point", "points")
    return words.plural(round(value), "session", "sessions")


def _tools(board: Board) -> tuple[Option, ...]:
    if len(board.tools) < 2 and board.scope.tool is None:
        return ()
    chosen = board.scope.tool
    named = (Option(tool.id, tool.display_name, tool == chosen) for tool in board.tools)
    return Option("", "All", chosen is None), *named


def _teams(board: Board) -> tuple[Option, ...]:
    if not board.teams:
        return ()
    chosen = board.scope.team
    named = (Option(team.slug, team.name, team == chosen) for team in board.teams)
    return Option("", "Everyone", chosen is None), *named


def _chosen(board: Board, visitor_id: str | None, search: str, page: int) -> tuple[Sequence[int], int, int]:
    """Which rows match, the page brought into range, and how many pages there are."""
    chosen: Sequence[int] = range(len(board.standings))
    if search:
        chosen = [i for i in chosen if _matches(board.standings[i], search, visitor_id)]
    pages = max(1, -(-len(chosen) // PAGE_SIZE))
    return chosen, min(max(page, 1), pages), pages


def _strand(board: Board, index: int, visitor_id: str | None) -> Strand | None:
    """The strand from somebody's row at the end of yesterday; None where there is none to draw."""
    standing, rows_then = board.standings[index], board.overview.rows_then
    if not rows_then or (standing.private and standing.user_id != visitor_id):
        return None
    if index not in rows_then:
        return Strand("new", 0)
    fall = rows_then[index] - index
    if standing.user_id == visitor_id:
        return Strand("you", fall)
    moved = (standing.before or 0) - standing.rank
    return Strand("up" if moved > 0 else "down" if moved < 0 else "same", fall)


def _row(
    board: Board,
    index: int,
    visitor_id: str | None,
    week: dict[str, tuple[int, ...]],
    now: int,
    *,
    braided: bool,
) -> Row:
    standing = board.standings[index]
    you = standing.user_id == visitor_id
    veiled = standing.private and not you
    moved = standing.before - standing.rank if standing.before is not None and not veiled else None
    return Row(
        place=str(board.overview.ranks_then[index]) if braided and index < len(board.overview.ranks_then) else "",
        strand=_strand(board, index, visitor_id) if braided else None,
        rank=standing.rank,
        tied=standing.tied,
        moved=moved,
        new=bool(board.overview.rows_then) and standing.before is None and not veiled,
        name="" if veiled else standing.name,
        display="Anonymous" if veiled else standing.display,
        team="" if veiled or standing.team is None or board.scope.team else standing.team.name,
        dom_id="" if veiled else f"r-{standing.name}",
        you=you,
        hidden=standing.private and you,
        coding=not veiled and 0 <= now - standing.last_at < CODING,
        behind=_behind(board, index),
        score=standing.score,
        tokens=_tokens(standing),
        cost=words.cost(standing.cost, standing.unpriced),
        sessions=standing.sessions,
        streak=standing.streak,
        projects=standing.projects,
        main=measure(board.metric, standing.value),
        week=_week(week.get(standing.user_id, (0,) * 7), date.fromisoformat(board.today).weekday()),
    )


def _behind(board: Board, index: int) -> str:
    if index == 0:
        return ""
    difference = board.standings[index - 1].value - board.standings[index].value
    return measure(board.metric, difference) if difference > 0 else "="


def _week(totals: Sequence[int], today: int) -> Week:
    most = max(*totals, 1)
    bars = ""
    for weekday, total in enumerate(totals):
        if total and weekday != today:
            bars += _bar(weekday, total, most)
    spoken = ", ".join(
        f"{name[:3]} {words.short(total)}" for name, total in zip(words.WEEKDAYS, totals, strict=True) if total
    )
    return Week(bars, _bar(today, totals[today], most) if totals[today] else "", spoken or "nothing this week")


def _bar(weekday: int, total: int, most: int) -> str:
    return f"M{weekday * 11 + 4.5} 20V{round(20 - max(1.5, 20 * total / most), 1):g}"


def _sentence(board: Board, visitor_id: str | None) -> Sentence:
    standings, when = board.standings, _when(board)
    mine = next((i for i, s in enumerate(standings) if s.user_id == visitor_id), None)
    stand: dict[str, str | int] = {}
    if visitor_id is None:
        stand = {"stand": "signed_out"}
    elif mine is None:
        stand = {"stand": "unranked" if board.scope.team is None else "elsewhere"}
    if not standings:
        return Sentence("nobody", when, **stand)  # type: ignore[arg-type]
    top = standings[0]
    if top.rank > 1:  # of what is over: whoever won has left since
        return Sentence("left", when, **(_stand(board, mine) if mine is not None else stand))  # type: ignore[arg-type]
    sharing = sum(s.rank == top.rank for s in standings)
    lead = "alone" if len(standings) == 1 else "tie" if sharing > 1 else "ahead"
    is_mine = mine is not None and standings[mine].rank == top.rank
    if mine is not None and not is_mine:
        stand = _stand(board, mine)
    elif is_mine and lead == "ahead":
        second = _seen(standings[1], visitor_id)
        stand = {"stand": "ahead" if second else "ahead_private", "stand_name": second}
    others = [s for s in standings[:sharing] if not (is_mine and s.user_id == visitor_id)]
    return Sentence(
        lead=f"you_{lead}" if is_mine else lead,
        when=when,
        leader=_seen(others[0], visitor_id) if others else "",
        second=_seen(others[1], visitor_id) if len(others) > 1 else "",
        gap=gap(board.metric, top.value - standings[1].value) if lead == "ahead" else "",
        sharing=sharing,
        **stand,  # type: ignore[arg-type]
    )


def _stand(board: Board, mine: int) -> dict[str, str | int]:
    me = board.standings[mine]
    ahead = next((s for s in reversed(board.standings[:mine]) if s.rank < me.rank), None)
    if ahead is None:
        return {"stand": "alone", "rank": me.rank}
    name = _seen(ahead, me.user_id)
    case = "shared" if me.tied else "behind"
    return {
        "stand": case if name else f"{case}_private",
        "rank": me.rank,
        "stand_gap": gap(board.metric, ahead.value - me.value),
        "stand_name": name,
    }


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _when(board: Board) -> str:
    if board.period == "daily" and not board.is_over:
        when = "today"
    else:
        when = name(board.period, board.start, board.today) if board.start else "the all-time board"
    if board.scope.team:
        when += f" in \u2068{board.scope.team.name}\u2069"  # isolated: a name may run from right to left
    if board.scope.tool:
        when += f" with {board.scope.tool.display_name}"
    return when


def _state(board: Board) -> str:
    if not board.is_over:
        return "running"
    return "final" if board.is_final else "open" if board.final_from else "ended"


def _dates(board: Board) -> str:
    if board.period == "all_time" or not board.start:
        return f"all records up to {words.day(board.today)}"
    return words.day_range(board.start, board.end)


def _then(board: Board) -> tuple[str, str]:
    """When the places were that strands come from: in short, and in full."""
    earlier = clock.shift(board.start if board.then == "before" else board.today, -1)
    if board.then == "yesterday" or board.period == "daily":
        return words.weekday(earlier)[:3], words.weekday(earlier)
    first = date.fromisoformat(earlier)
    if board.period == "weekly":
        return f"W{first.isocalendar().week}", f"week {first.isocalendar().week}"
    return MONTHS[first.month - 1][:3], MONTHS[first.month - 1]


def _matches(standing: Standing, search: str, visitor_id: str | None) -> bool:
    if standing.private and standing.user_id != visitor_id:
        return search.casefold() in "anonymous"
    return search.casefold() in standing.name.casefold() or search.casefold() in standing.display.casefold()


def _seen(standing: Standing, visitor_id: str | None) -> str:
    return "" if standing.private and standing.user_id != visitor_id else standing.display


def _tokens(standing: Standing) -> int:
    return standing.input + standing.output
