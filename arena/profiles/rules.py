"""Shape a person's figures as the wire protocol has them: shares, patterns, style."""

from collections import Counter
from typing import Any

import msgspec

from arena.accounts.models import Person
from arena.core import clock
from arena.core.clock import Days
from arena.leaderboard.models import Placed, Standing
from arena.leaderboard.rules import efficiency
from arena.prices.rules import dollars
from arena.profiles.models import Facts
from arena.usage.models import Habits, StoredSession, UserTotals
from arena.usage.rules.closing import hour_of_week

STYLES = (
    ("creator", ("Write",)),
    ("refactorer", ("Edit", "MultiEdit")),
    ("automator", ("Bash", "Task")),
    ("explorer", ("Read", "Grep", "Glob", "WebSearch", "WebFetch")),
)
"""Which tool calls make which style; of equals the first wins."""
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def public(person: Person, standing: Standing | None, facts: Facts, days: Days, today: str) -> dict[str, Any]:
    """Shape a profile as the wire protocol has it."""
    totals = facts.totals
    habits = facts.habits
    tools: Counter[str] = Counter(habits.tools)
    metrics: Counter[str] = Counter(
        linesAdded=habits.lines_added,
        linesDeleted=habits.lines_deleted,
        filesModified=habits.files_modified,
        filesCreated=habits.files_created,
    )
    for session in facts.sessions:
        tools.update(msgspec.json.decode(session.tool_usage, type=dict[str, int]))
        metrics.update(msgspec.json.decode(session.code_metrics, type=dict[str, int]))
    used = [session for session in facts.sessions if session.first_at is not None]
    last_active = max((day.stat_date for day in facts.days if day.total_tokens), default=None)
    return {
        "username": person.name,
        "displayName": person.display,
        "avatarUrl": person.avatar,
        "joinedAt": clock.iso(person.created_at),
        "stats": {
            "totalTokens": totals.total_all_tokens,
            "totalSessions": totals.total_sessions,
            "currentRank": standing.rank if standing else None,
            "compositeScore": standing.score if standing else None,
        },
        "tokenBreakdown": {
            "inputTokens": totals.total_input_tokens,
            "outputTokens": totals.total_output_tokens,
            "cacheCreationTokens": facts.cache[0],
            "cacheReadTokens": facts.cache[1],
            "totalTokens": totals.total_all_tokens,
            "estimatedCost": dollars(totals.total_cost, totals.total_unpriced),
        },
        "modelUsage": _shares(
            [(model, sessions) for model, sessions, _ in _models(facts)], "modelName", "sessionCount", None
        ),
        "dailyActivity": [
            {
                "date": day.stat_date,
                "tokens": day.total_tokens,
                "sessions": day.session_count,
                "inputTokens": day.input_tokens,
                "outputTokens": day.output_tokens,
            }
            for day in facts.days
        ],
        **_patterns(facts, used, days),
        "streak": {
            "currentStreak": standing.streak if standing else 0,
            "longestStreak": facts.longest_streak,
            "lastActiveDate": last_active,
        },
        "codeMetrics": _code(metrics),
        "toolUsage": _shares(tools.most_common(10), "toolName", "count", sum(tools.values())),
        "vibeStyle": _style(tools, used, habits),
        "agentBreakdown": _agents(totals),
        "rankHistory": _ranks(facts),
        "isPrivate": person.private,
    }


def mine(standing: Standing | None, facts: Facts, today: str) -> dict[str, Any]:
    """Shape a person's own figures as the wire protocol has them: sums of all time, days of the last 7 and 30."""
    totals = facts.totals
    used = totals.total_input_tokens + totals.total_output_tokens
    days: list[dict[str, Any]] = [
        {
            "date": day.stat_date,
            "inputTokens": day.input_tokens,
            "outputTokens": day.output_tokens,
            "sessions": day.session_count,
        }
        for day in facts.days
    ]
    return {
        "overview": {
            "totalInputTokens": totals.total_input_tokens,
            "totalOutputTokens": totals.total_output_tokens,
            "totalCacheTokens": totals.total_cache_tokens,
            "totalTokens": totals.total_all_tokens,
            "totalSessions": totals.total_sessions,
            "averageTokensPerSession": round(used / totals.total_sessions) if totals.total_sessions else 0,
            "efficiencyScore": efficiency(totals.total_input_tokens, totals.total_output_tokens),
            "successfulProjectsCount": facts.passed,
        },
        "toolBreakdown": _agents(totals),
        "trends": {
            name: [day for day in days if day["date"] >= clock.shift(today, -back)]
            for name, back in (("last7Days", 7), ("last30Days", 30))
        },
        "rankHistory": _ranks(facts),
        "streaks": {"current": standing.streak if standing else 0, "longest": facts.longest_streak},
    }


def _models(facts: Facts) -> list[tuple[str, int, int]]:
    """Each model, in how many sessions, and all its tokens; most sessions first."""
    known = Habits(models=dict(facts.habits.models))
    known.add(Habits(models={model: (sessions, tokens) for model, sessions, tokens in facts.models}))
    found = [(model, sessions, tokens) for model, (sessions, tokens) in known.models.items()]
    return sorted(found, key=lambda each: (-each[1], -each[2], each[0]))


def _ranks(facts: Facts) -> dict[str, Any]:
    """Places by score in periods that are over, oldest first, and the best ever kept."""
    return {
        period: {"places": [_place(each) for each in found.places], "best": found.best and _place(found.best)}
        for period, found in facts.ranks.items()
    }


def _place(place: Placed) -> dict[str, Any]:
    return {
        "periodStart": place.start,
        "rank": place.rank,
        "totalParticipants": place.people,
        "compositeScore": place.score,
    }


def _shares(pairs: list[tuple[str, int]], name: str, count: str, whole: int | None) -> list[dict[str, Any]]:
    total = whole if whole is not None else sum(number for _, number in pairs)
    return [{name: key, count: number, "percentage": _percent(number, total)} for key, number in pairs]


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def _patterns(facts: Facts, used: list[StoredSession], days: Days) -> dict[str, Any]:
    """Tokens by the hour and weekday of each record, sessions by those of their end, in the box's zone."""
    tokens: Counter[int] = Counter(facts.habits.hours)
    for quarter, count in facts.quarters:
        tokens[hour_of_week(days, quarter * 900_000)] += count
    ends: Counter[int] = Counter(facts.habits.ends)
    ends.update(hour_of_week(days, session.ended_at) for session in used)
    tokens_by_hour, tokens_by_weekday = _by_hour_and_weekday(tokens)
    by_hour, by_weekday = _by_hour_and_weekday(ends)
    return {
        "hourlyActivity": [
            {"hour": hour, "tokens": tokens_by_hour[hour], "sessions": by_hour[hour]} for hour in range(24)
        ],
        "dayOfWeekActivity": [
            {
                "dayOfWeek": weekday,
                "dayName": WEEKDAYS[weekday],
                "tokens": tokens_by_weekday[weekday],
                "sessions": by_weekday[weekday],
                "avgTokensPerSession": round(tokens_by_weekday[weekday] / by_weekday[weekday])
                if by_weekday[weekday]
                else 0,
            }
            for weekday in range(7)
        ],
    }


def _by_hour_and_weekday(counts: Counter[int]) -> tuple[Counter[int], Counter[int]]:
    by_hour: Counter[int] = Counter()
    by_weekday: Counter[int] = Counter()
    for hour, count in counts.items():
        by_hour[hour % 24] += count
        by_weekday[hour // 24] += count
    return by_hour, by_weekday


def _code(metrics: Counter[str]) -> dict[str, Any] | None:
    if not any(metrics.values()):
        return None
    added, deleted = metrics["linesAdded"], metrics["linesDeleted"]
    return {
        "linesAdded": added,
        "linesDeleted": deleted,
        "filesModified": metrics["filesModified"],
        "filesCreated": metrics["filesCreated"],
        "productivity": added - deleted,
        "refactorRatio": round(deleted / added, 2) if added else 0.0,
    }


def _style(tools: Counter[str], used: list[StoredSession], habits: Habits) -> dict[str, Any] | None:
    calls = sum(tools.values())
    if not calls:
        return None
    sessions = len(used) + habits.sessions
    seconds = sum(each.duration_seconds for each in used) + habits.seconds
    turns = sum(each.turn_count for each in used) + habits.turns
    scores = {style: sum(tools[name] for name in names) for style, names in STYLES}
    return {
        "primaryStyle": max(scores, key=lambda style: scores[style]),
        "styleScores": {style: _percent(count, calls) for style, count in scores.items()},
        "avgSessionDuration": round(seconds / sessions) if sessions else 0,
        "avgTurnsPerSession": round(turns / sessions, 1) if sessions else 0,
    }


def _agents(totals: UserTotals) -> list[dict[str, Any]]:
    sessions = msgspec.json.decode(totals.sessions_by_tool, type=dict[str, int])
    whole = sum(tokens or 0 for tokens in totals.tools.values())
    return [
        {
            "toolType": tool,
            "tokens": count,
            "sessions": sessions.get(tool, 0),
            "percentage": _percent(count or 0, whole),
        }
        for tool, count in totals.tools.items()
    ]
