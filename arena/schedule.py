"""THE TIMETABLE: one line a job, lowest room first. Times of day are those of the box's zone."""

from arena.accounts import jobs as accounts
from arena.audit import jobs as audit
from arena.backups import jobs as backups
from arena.chat import jobs as chat
from arena.core.config import Config
from arena.core.work import At, Hourly, Job, Minutely
from arena.deliveries import jobs as deliveries
from arena.digests import jobs as digests
from arena.leaderboard import jobs as leaderboard
from arena.operations import jobs as operations
from arena.projects import jobs as projects
from arena.usage import jobs as usage


def _each_hour(config: Config) -> bool:
    return config.backups.every == "hour"


def _each_day(config: Config) -> bool:
    return config.backups.every == "day"


def _copies_backups(config: Config) -> bool:
    return bool(config.backups.copy_to)


def _has_mail(config: Config) -> bool:
    return config.mail.is_on


def _has_a_model(config: Config) -> bool:
    return bool(config.llm.provider)


def _tells_somebody(config: Config) -> bool:
    return bool(config.webhooks.url("slack") or config.webhooks.url("json"))


def _tells_anybody(config: Config) -> bool:
    return _tells_somebody(config) or _has_mail(config)


JOBS = (
    Job("arena.audit.prune", "takes the oldest rows of the security log away", At(2, 0), audit.prune, is_final=True),
    Job("arena.deliveries.send", "sends the mail and the messages that wait", Minutely(), deliveries.send),
    Job("arena.deliveries.prune", "takes the oldest sent messages away", At(2, 20), deliveries.prune, is_final=True),
    Job("arena.accounts.tidy", "takes web sessions, links and codes away that are over", Hourly(17), accounts.tidy),
    Job("arena.accounts.notify", "mails what happened to accounts", Minutely(), accounts.notify, _has_mail),
    Job("arena.backups.run", "writes a backup, and lets old ones go", Hourly(7), backups.run, _each_hour),
    Job("arena.backups.run", "writes a backup, and lets old ones go", At(0, 7), backups.run, _each_day),
    Job("arena.backups.copy", "copies backups into the bucket", Hourly(12), backups.copy, _copies_backups),
    Job("arena.operations.optimise", "renews the figures by which queries are planned", At(3, 41), operations.optimise),
    Job("arena.operations.check", "reads the whole database and sees that it makes sense", At(3, 11), operations.check),
    Job("arena.usage.retain", "lets the detail of old usage go, and old days", At(2, 0), usage.retain, is_final=True),
    Job("arena.usage.price", "checks that every model that was used has a price", At(3, 20), usage.price),
    Job("arena.projects.evaluate", "judges the projects that wait", Minutely(), projects.evaluate, _has_a_model),
    Job("arena.leaderboard.freeze", "freezes rankings of what is over", At(0, 5), leaderboard.freeze, is_final=True),
    Job("arena.leaderboard.prune", "lets old rankings of single days go", At(2, 10), leaderboard.prune, is_final=True),
    Job("arena.chat.watch", "tells of new leaders, budgets and failing jobs", Minutely(), chat.watch, _tells_anybody),
    Job("arena.chat.tell_week", "tells how the week ended", At(9, 0, 0), chat.tell_week, _tells_somebody),
    Job("arena.digests.send", "writes last week's mail", At(7, 0, weekday=0), digests.send, _has_mail),
)
