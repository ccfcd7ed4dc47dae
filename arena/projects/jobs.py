"""The projects room's jobs."""

from arena.core.work import Work
from arena.projects.actions import judging


def evaluate(work: Work) -> None:
    """Judge what waits. The web calls for it; the timetable does so too, in case that was lost."""
    judging.evaluate_waiting(work.db, work.config.llm, work.days, work.now)
