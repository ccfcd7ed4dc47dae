"""The boards' jobs."""

from arena.core.work import Work
from arena.leaderboard.actions import freezing


def freeze(work: Work) -> str | None:
    """Freeze what ended at midnight, and what late reports have moved."""
    frozen = freezing.freeze(work.db, config=work.config, days=work.days, now=work.now())
    return f"{len(frozen)} rankings, {sum(each.changed for each in frozen)} places" if frozen else None


def prune(work: Work) -> str | None:
    """Let the rankings of single days go that are older than they are to be kept."""
    keep_days, today = work.config.retention.ranking_days, work.days.of(work.now())
    gone = freezing.prune(work.db, keep_days=keep_days, today=today)
    return f"{gone} rows" if gone else None
