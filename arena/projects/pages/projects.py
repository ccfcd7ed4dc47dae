"""What the pages of projects show."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from arena.projects.models import Evaluation, Part, Project, Verdict
from arena.projects.rules import A_DAY, HALVES

SHOWN = 100
"""Projects of a list, and evaluations of a project, at the most."""
HEADS = {"functionality": "Functionality", "practicality": "Practicality"}


class Line(Struct, frozen=True):
    """A project on the board; ties share a rank."""

    rank: int
    tied: bool
    project: Project
    mine: bool


class BoardPage(Struct, frozen=True):
    """What `projects/board.html` shows. ``mine`` are the reader's own, in whatever state."""

    lines: tuple[Line, ...]
    mine: tuple[Project, ...]
    has_model: bool
    now: int
    zone: str


class Typed(Struct, frozen=True):
    """What was typed into the form; ``files`` is a path a line."""

    name: str = ""
    readme: str = ""
    files: str = ""


class NewPage(Struct, frozen=True):
    """What `projects/new.html` shows. ``left`` is how many projects may still be judged today."""

    typed: Typed
    problem: str
    has_model: bool
    a_day: int
    left: int


class Half(Struct, frozen=True):
    """One half of the rubric: the score that counts, both that were given, and why."""

    label: str
    score: int
    given: tuple[int, ...]
    reason: str
    evidence: tuple[str, ...]

    @property
    def differ(self) -> bool:
        """Whether the two readings disagree."""
        return len(set(self.given)) > 1


class ProjectPage(Struct, frozen=True):
    """What `projects/project.html` shows. ``latest``, ``halves`` and ``history`` are for its person alone.

    ``latest`` is the evaluation that is shown: the newest, or an earlier one that was chosen (``is_earlier``).
    ``ahead`` is how many projects wait before it.
    """

    project: Project
    mine: bool
    latest: Evaluation | None
    is_earlier: bool
    ahead: int
    halves: tuple[Half, ...]
    history: tuple[Evaluation, ...]
    waits: bool
    has_model: bool
    worker_runs: bool
    now: int
    zone: str


def board_page(
    best: Sequence[Project], mine: Sequence[Project], *, reader: str | None, has_model: bool, now: int, zone: str
) -> BoardPage:
    """Rank the passed projects."""
    lines = []
    for project in best:
        rank = 1 + sum(1 for each in best if (each.total or 0) > (project.total or 0))
        tied = sum(1 for each in best if each.total == project.total) > 1
        lines.append(Line(rank, tied, project, project.user_id == reader))
    return BoardPage(tuple(lines), tuple(mine), has_model, now, zone)


def new_page(typed: Typed, problem: str, *, left: int, has_model: bool) -> NewPage:
    """The form, with what was typed."""
    return NewPage(typed, problem, has_model, A_DAY, left)


def project_page(
    project: Project,
    history: Sequence[Evaluation],
    ahead: int,
    *,
    chosen: str,
    reader: str | None,
    has_model: bool,
    worker_runs: bool,
    now: int,
    zone: str,
) -> ProjectPage:
    """A project; what the model wrote, quoted and refused is for its person alone."""
    mine = project.user_id == reader
    own = tuple(history) if mine else ()
    latest = next((each for each in own if each.id == chosen), own[0] if own else None)
    is_earlier = bool(own) and latest is not own[0]
    return ProjectPage(
        project=project,
        mine=mine,
        latest=latest,
        is_earlier=is_earlier,
        ahead=ahead,
        halves=_halves(latest) if latest else (),
        history=own,
        waits=project.state in ("queued", "running") and mine and not is_earlier,
        has_model=has_model,
        worker_runs=worker_runs,
        now=now,
        zone=zone,
    )


def _halves(evaluation: Evaluation) -> tuple[Half, ...]:
    if evaluation.verdicts is None:
        return ()
    verdicts = msgspec.json.decode(evaluation.verdicts, type=list[Verdict])
    halves = []
    for name in HALVES:
        parts: list[Part] = [getattr(each, name) for each in verdicts]
        strictest = min(parts, key=lambda part: part.score)
        given = tuple(part.score for part in parts)
        halves.append(Half(HEADS[name], strictest.score, given, strictest.reason, tuple(strictest.evidence)))
    return tuple(halves)
