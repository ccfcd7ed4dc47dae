"""Tell the figures of a box as Prometheus reads them.

What was counted stands in memory as plain numbers (`arena.web.counts`); prometheus-client, imported by whoever asks
first, writes it down.
"""

import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import arena
from arena.backups.actions.keeping import backups_in, copied_at
from arena.core import sqlite
from arena.core.config import Config, Place
from arena.core.figures import Figure
from arena.core.queue import waiting
from arena.core.spread import Spread
from arena.deliveries import actions as deliveries
from arena.deliveries.models import Waiting
from arena.operations import store
from arena.operations.actions.health import changed_at, size
from arena.operations.models import Counted, Seen
from arena.operations.rules.jobs import outcomes
from arena.prices import store as prices


def look(conn: sqlite3.Connection, *, place: Place, config: Config) -> Seen:
    """See what is kept in rows and files. Takes about a millisecond."""
    files = {
        "database": place.database,
        "log": Path(f"{place.database}-wal"),
        "queue": place.data / "queue.db",
        "queue_log": place.data / "queue.db-wal",
    }
    return Seen(
        files={name: size(path) for name, path in files.items()},
        disk_free=shutil.disk_usage(place.data).free,
        queue=waiting(place.data),
        beat_at=changed_at(place.beat),
        jobs=store.jobs(conn),
        runs=store.last_runs(conn),
        backups=[each.made_at for each in backups_in(place.backups(config.backups.folder))],
        copied_at=copied_at(place),
        prices=prices.newest(conn)[0],
        deliveries=deliveries.waiting(conn),
    )


def exposition(counted: Counted, seen: Seen | None, rows: Mapping[str, int], figures: Iterable[Figure] = ()) -> bytes:
    """Write all figures down, in Prometheus' text format 0.0.4; without what was seen, if nothing could be."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    families = [*_counted(counted), *(_seen(seen) if seen else ()), *_rows(rows), *map(_family, figures)]
    registry.register(_Figures(families))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Figures:
    """Finished figures, as a registry collects them."""

    def __init__(self, families: list[Any]) -> None:
        self._families = families

    def collect(self) -> Iterable[Any]:
        return self._families


def _counted(counted: Counted) -> Iterable[Any]:
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    by_door: dict[tuple[str, str], Spread] = {}
    requests = CounterMetricFamily(
        "arena_requests", "Answers, by method, door and kind of status.", labels=["method", "door", "status"]
    )
    for (method, door, kind), spread in sorted(counted.requests.items()):
        requests.add_metric([method, door or "none", f"{kind}xx"], spread.total)
        by_door.setdefault((method, door or "none"), Spread(spread.bounds)).add_all(spread)
    yield requests
    seconds = HistogramMetricFamily(
        "arena_request_seconds", "Seconds until an answer began.", labels=["method", "door"]
    )
    for labels, spread in by_door.items():
        seconds.add_metric(list(labels), buckets=_buckets(spread), sum_value=spread.sum)
    yield seconds
    yield _counter(
        "arena_records",
        "Usage records that arrived, by road and by what became of them.",
        ["road", "outcome"],
        counted.records,
    )
    yield _counter("arena_refusals", "Calls that were one too many, by limit.", ["limit"], counted.refused)
    yield _counter("arena_kept_answers", "Answers that were found ready, or made.", ["outcome"], counted.kept)
    for name, help, spread in (
        ("arena_commit_writes", "Writes that shared a commit.", counted.commits),
        ("arena_commit_seconds", "Seconds that a commit took, with the work of its writes.", counted.commit_seconds),
    ):
        yield HistogramMetricFamily(name, help, buckets=_buckets(spread), sum_value=spread.sum)
    yield CounterMetricFamily(
        "arena_slow_statements", "Statements written to the log as slow.", value=counted.slow_statements
    )
    yield CounterMetricFamily(
        "arena_refused_writes", "Writes that lock, disk or database did not let through.", value=counted.refused_writes
    )
    yield _gauge("arena_database_damaged", "Whether the database is known to be damaged.", int(counted.is_damaged))
    yield _gauge("arena_live_streams", "Live boards that are open.", counted.streams)
    yield _gauge("arena_worker_up", "Whether the worker runs.", int(counted.worker_runs))


def _seen(seen: Seen) -> Iterable[Any]:
    from prometheus_client.core import InfoMetricFamily

    about = {"version": arena.__version__, "sqlite": sqlite.VERSION, "journal": sqlite.JOURNAL}
    yield InfoMetricFamily("arena_build", "The release, and its database.", value=about)
    yield _gauges(
        "arena_file_bytes", "Sizes of the files; `log` is what is not yet in the database.", "file", seen.files
    )
    yield _gauge("arena_disk_free_bytes", "Room on the disk of the data folder.", seen.disk_free)
    yield _gauge("arena_queue_tasks", "Tasks that wait for the worker.", seen.queue)
    yield _gauge("arena_price_version", "The price table that costs are worked out with.", seen.prices)
    yield _gauge("arena_backups", "Backups that there are.", len(seen.backups))
    if seen.backups:
        yield _gauge("arena_backup_timestamp_seconds", "When the newest backup was made.", max(seen.backups) / 1000)
    if seen.copied_at is not None:
        yield _gauge(
            "arena_backup_copy_timestamp_seconds",
            "When the newest backup was made that lies in the bucket.",
            seen.copied_at / 1000,
        )
    if seen.beat_at is not None:
        yield _gauge("arena_worker_beat_timestamp_seconds", "When the worker last said it lives.", seen.beat_at / 1000)
    yield _counter(
        "arena_job_runs",
        "Runs of jobs, by outcome. Of those that look each minute, only runs that did something.",
        ["job", "outcome"],
        {(job.name, outcome): number for job in seen.jobs for outcome, number in outcomes(job)},
    )
    yield _gauges(
        "arena_job_due_timestamp_seconds",
        "When a job is to run next.",
        "job",
        {job.name: job.due_at / 1000 for job in seen.jobs if job.due_at is not None},
    )
    yield from _deliveries(seen.deliveries)
    runs = seen.runs
    yield _gauges(
        "arena_job_timestamp_seconds",
        "When the last run of a job ended.",
        "job",
        {run.name: run.finished_at / 1000 for run in runs},
    )
    yield _gauges(
        "arena_job_seconds",
        "How long the last run of a job took.",
        "job",
        {run.name: (run.finished_at - run.started_at) / 1000 for run in runs},
    )
    yield _gauges(
        "arena_job_failed",
        "Whether the last run of a job failed.",
        "job",
        {run.name: int(bool(run.problem)) for run in runs},
    )


def _deliveries(stand: Waiting) -> Iterable[Any]:
    from prometheus_client.core import GaugeMetricFamily

    messages = GaugeMetricFamily("arena_deliveries", "Mail and webhooks, by state and kind.", labels=["state", "kind"])
    for (state, kind), number in sorted(stand.states.items()):
        messages.add_metric([state, kind], number)
    yield messages
    yield _counter(
        "arena_delivery_tries", "What came of trying to send them, by kind.", ["kind", "outcome"], stand.outcomes
    )
    if stand.oldest_at is not None:
        yield _gauge(
            "arena_delivery_oldest_timestamp_seconds", "Since when the oldest of them waits.", stand.oldest_at / 1000
        )


def _rows(rows: Mapping[str, int]) -> Iterable[Any]:
    yield _gauges("arena_rows", "Rows of the large tables.", "table", rows)


def _family(figure: Figure) -> Any:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    kind = CounterMetricFamily if figure.grows else GaugeMetricFamily
    family = kind(figure.name, figure.help, labels=list(figure.labels))
    for labels, value in figure.values.items():
        family.add_metric(list(labels), value)
    return family


def _counter(name: str, help: str, labels: list[str], counts: Mapping[Any, int]) -> Any:
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(name, help, labels=labels)
    for key, number in sorted(counts.items()):
        family.add_metric([key] if isinstance(key, str) else list(key), number)
    return family


def _gauge(name: str, help: str, value: float) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, help, value=value)


def _gauges(name: str, help: str, label: str, values: Mapping[str, float]) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, help, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _buckets(spread: Spread) -> list[tuple[str, float]]:
    """How many values were at most each bound, as Prometheus counts them."""
    number, buckets = 0, []
    for bound, count in zip((*spread.bounds, float("inf")), spread.counts, strict=True):
        number += count
        buckets.append(("+Inf" if bound == float("inf") else str(float(bound)), float(number)))
    return buckets
