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


class NewPage(Struct, frozen=True):
    """What `projects/new.html` shows. ``name`` and ``readme`` are what was typed."""

    name: str
    readme: str
    problem: str
    has_model: bool
    a_day: int


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
    """What `projects/project.html` shows. ``latest``, ``halves`` and ``history`` are for its person alone; ``given``
    are the scores that everybody may see."""

    project: Project
    mine: bool
    latest: Evaluation | None
    halves: tuple[Half, ...]
    history: tuple[Evaluation, ...]
    waits: bool
    has_model: bool
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


def new_page(name: str, readme: str, problem: str, *, has_model: bool) -> NewPage:
    """The form, with what was typed."""
    return NewPage(name, readme, problem, has_model, A_DAY)


def project_page(
    project: Project, history: Sequence[Evaluation], *, reader: str | None, has_model: bool, now: int, zone: str
) -> ProjectPage:
    """A project; what the model wrote, quoted and refused is for its person alone."""
    mine = project.user_id == reader
    own = tuple(history) if mine else ()
    latest = own[0] if own else None
    return ProjectPage(
        project=project,
        mine=mine,
        latest=latest,
        halves=_halves(latest) if latest else (),
        history=own,
        waits=project.state in ("queued", "running") and mine,
        has_model=has_model,
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
