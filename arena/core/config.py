"""The configuration: one frozen Struct, from ``arena.toml`` and the environment.

``ARENA_SECTION__KEY`` in the environment wins over the file. An unknown key is refused by name. Secrets are not in
the file: our own are made on first start and kept in the data folder, readable by its owner alone; those that others
gave us come from the environment, or from a file of their own that ``<key>_file`` names.
"""

import base64
import os
import re
from collections.abc import Mapping
from email.utils import parseaddr
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from arena.core.origins import is_here, is_safe

SECRETS = frozenset(
    {"client_secret", "api_key", "bearer_token", "password", "slack_url", "json_url", "signing_secret", "secret_key"}
)
"""Keys that may not stand in the file."""
SIGNING = "whsec_"
"""How a secret of Standard Webhooks begins."""
ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+", re.ASCII)
BUCKET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[\w.=+@-]+)*)/?", re.ASCII)
"""How a bucket is named, and a place in it."""
LISTS = frozenset({"trusted_proxies", "domains", "organisations"})
"""Keys whose value in the environment is a list with commas."""


class ConfigError(Exception):
    """The configuration cannot be used; the sentence says which key and why."""


class Secret:
    """A secret that somebody gave us. Printed by accident it shows nothing; whoever needs it asks for ``value``."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        """Show that there is one, not which."""
        return "Secret(...)"

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.value)


class Server(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the box listens and how it is reached."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8000
    url: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    trusted_proxies: list[str] = []
    connections: Annotated[int, Meta(ge=10, le=100_000)] = 1_000


class Arena(Struct, frozen=True, forbid_unknown_fields=True):
    """The box itself."""

    name: Annotated[str, Meta(min_length=1, max_length=50)] = "arena"
    time_zone: str = "UTC"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    slow_ms: Annotated[int, Meta(ge=1)] = 500


class Accounts(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may sign up, and sign-in. Days."""

    sign_up: Literal["invite", "open", "domain"] = "invite"
    domains: list[Annotated[str, Meta(pattern=r"^[^@\s]+\Z")]] = []
    link_days: Annotated[int, Meta(ge=1, le=90)] = 7
    session_days: Annotated[int, Meta(ge=1, le=400)] = 30
    idle_days: Annotated[int, Meta(ge=1, le=400)] = 14

    @property
    def unseen_days(self) -> int:
        """How long a web session lasts whose browser does not come back."""
        return min(self.idle_days, self.session_days)


ButtonName = Annotated[str, Meta(min_length=1, max_length=30)]


class GitHub(Struct, frozen=True, forbid_unknown_fields=True):
    """Sign-in by github.com or a GitHub Enterprise."""

    client_id: str = ""
    client_secret: Secret | UnsetType = UNSET
    client_secret_file: str = ""
    name: ButtonName = "GitHub"
    url: str = "https://github.com"
    organisations: list[str] = []

    @property
    def issuer(self) -> str:
        """Who it is that says who somebody is."""
        return self.url.rstrip("/")


class OpenID(Struct, frozen=True, forbid_unknown_fields=True):
    """Sign-in by any OpenID Connect provider."""

    client_id: str = ""
    client_secret: Secret | UnsetType = UNSET
    client_secret_file: str = ""
    name: ButtonName = "OpenID Connect"
    issuer: str = ""


class OAuth(Struct, frozen=True, forbid_unknown_fields=True):
    """The providers that people may sign in with, each under the name of its file in `arena.accounts.oauth`."""

    github: GitHub = GitHub()
    oidc: OpenID = OpenID()


class Boards(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may look at boards."""

    visible: Literal["everyone", "signed-in"] = "everyone"


Weight = Annotated[float, Meta(ge=0, le=1)]


class Ranking(Struct, frozen=True, forbid_unknown_fields=True):
    """The weights of the composite score, which add up to 1; and for how many days late reports move what is over."""

    token: Weight = 0.40
    efficiency: Weight = 0.25
    session: Weight = 0.20
    streak: Weight = 0.15
    late_days: Annotated[int, Meta(ge=0, le=60)] = 7


Kept = Annotated[int, Meta(ge=0, le=36_500)]
LEAST_DETAIL, LEAST_DAILY = 30, 371


class Retention(Struct, frozen=True, forbid_unknown_fields=True):
    """How long things are kept. Days; 0 keeps them for ever where that may be."""

    detail_days: Kept = 90
    daily_days: Kept = 400
    ranking_days: Kept = 30
    audit_days: Kept = 365
    delivery_days: Annotated[int, Meta(ge=1, le=36_500)] = 30


class LLM(Struct, frozen=True, forbid_unknown_fields=True):
    """The language model that judges projects."""

    provider: Literal["", "openai_compatible", "anthropic"] = ""
    url: str = ""
    model: Annotated[str, Meta(max_length=100)] = ""
    api_key: Secret | UnsetType = UNSET
    api_key_file: str = ""
    timeout: Annotated[int, Meta(ge=1, le=600)] = 60
    answer_tokens: Annotated[int, Meta(ge=500, le=100_000)] = 4_000
    daily_budget: Annotated[float, Meta(ge=0)] = 0.0
    concurrency: Annotated[int, Meta(ge=1, le=16)] = 2


class S3(Struct, frozen=True, forbid_unknown_fields=True):
    """How buckets are reached."""

    endpoint: str = ""
    region: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9-]{1,63}\Z")] = "us-east-1"
    path_style: bool = True
    key_id: str = ""
    secret_key: Secret | UnsetType = UNSET
    secret_key_file: str = ""


class Backups(Struct, frozen=True, forbid_unknown_fields=True):
    """When backups are made, where to, and which stay."""

    every: Literal["hour", "day", "off"] = "hour"
    folder: str = ""
    copy_to: str = ""
    key_file: str = ""
    keep_hours: Annotated[int, Meta(ge=0, le=1_000)] = 6
    keep_days: Annotated[int, Meta(ge=0, le=1_000)] = 7
    keep_weeks: Annotated[int, Meta(ge=0, le=1_000)] = 4
    s3: S3 = S3()


class Mail(Struct, frozen=True, forbid_unknown_fields=True):
    """The server that mail leaves by; none with an empty host."""

    host: str = ""
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: Secret | UnsetType = UNSET
    password_file: str = ""
    sender: str = ""

    @property
    def is_on(self) -> bool:
        """Whether mail leaves the box."""
        return bool(self.host)


class Webhooks(Struct, frozen=True, forbid_unknown_fields=True):
    """Addresses of others that are told what happens; each may be a secret by itself."""

    slack_url: Secret | UnsetType = UNSET
    slack_url_file: str = ""
    json_url: Secret | UnsetType = UNSET
    json_url_file: str = ""
    signing_secret: Secret | UnsetType = UNSET
    signing_secret_file: str = ""

    def url(self, target: str) -> str:
        """The address of a target, "slack" or "json"; empty if there is none."""
        url = {"slack": self.slack_url, "json": self.json_url}.get(target)
        return url.value if url else ""

    @property
    def key(self) -> bytes | None:
        """What messages to "json" are signed with, if anything."""
        written = self.signing_secret
        return base64.b64decode(written.value.removeprefix(SIGNING), validate=True) if written else None


class Slack(Struct, frozen=True, forbid_unknown_fields=True):
    """The Slack app whose slash command this box answers; none without a secret."""

    signing_secret: Secret | UnsetType = UNSET
    signing_secret_file: str = ""
    may_join: bool = False


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """How often one caller may ask; `rate` reads it."""

    api: int | str = 100
    authentication: int | str = 10
    sensitive: int | str = 30
    public: int | str = 200
    upload: int | str = "100/hour"
    otlp: int | str = 1200


class Metrics(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may read the figures of the box."""

    bearer_token: Secret | UnsetType = UNSET
    bearer_token_file: str = ""


class Client(Struct, frozen=True, forbid_unknown_fields=True):
    """The laptops."""

    oldest: Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+\Z")] = "0.1.0"


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be configured, with its default."""

    server: Server = Server()
    arena: Arena = Arena()
    accounts: Accounts = Accounts()
    oauth: OAuth = OAuth()
    boards: Boards = Boards()
    ranking: Ranking = Ranking()
    retention: Retention = Retention()
    backups: Backups = Backups()
    llm: LLM = LLM()
    mail: Mail = Mail()
    webhooks: Webhooks = Webhooks()
    slack: Slack = Slack()
    limits: Limits = Limits()
    metrics: Metrics = Metrics()
    client: Client = Client()


UNITS = {"second": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}


class Rate(Struct, frozen=True):
    """So many calls in a second, minute, hour or day."""

    number: int
    unit: str

    @property
    def milliseconds(self) -> int:
        """The length of the unit."""
        return UNITS[self.unit]


def rate(written: int | str) -> Rate | None:
    """Read a limit: a number is per minute, "N/second|minute|hour|day" says it; 0 and "off" are none.

    Raises `ValueError`.
    """
    found = re.fullmatch(r"(\d{1,12})(?:/(second|minute|hour|day))?|off", str(written).strip())
    if found is None:
        raise ValueError(f"{written!r} is no limit; write a number a minute, 'N/{'|'.join(UNITS)}', or 'off'")
    number = int(found[1] or 0)
    return Rate(number, found[2] or "minute") if number else None


def load(file: Path | None, environment: Mapping[str, str] = os.environ) -> Config:
    """Read ``arena.toml`` (if there is one) and the environment.

    Raises `ConfigError` with the file, the key and the reason.
    """
    tree: dict[str, Any] = {}
    if file is not None:
        try:
            tree = msgspec.toml.decode(file.read_bytes())
        except OSError as problem:
            raise ConfigError(f"{file}: {problem.strerror}") from problem
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            raise ConfigError(f"{file} is not TOML: {problem}") from problem
        _refuse_secrets(tree, file, [])
    for name, value in environment.items():
        if name.startswith("ARENA_") and "__" in name:
            _overlay(tree, name.removeprefix("ARENA_").lower().split("__"), value)
    _read_secrets(tree)
    try:
        config = msgspec.convert(tree, Config, strict=False, dec_hook=lambda _, value: Secret(value))
    except msgspec.ValidationError as problem:
        raise ConfigError(f"{file or 'the environment'}: {problem}") from problem
    _check(config)
    return config


def _list(value: str) -> list[str]:
    return [each.strip() for each in value.split(",") if each.strip()]


def _refuse_secrets(tree: dict[str, Any], file: Path, path: list[str]) -> None:
    for key, value in tree.items():
        if key in SECRETS:
            where = "__".join(("ARENA", *path, key)).replace("ARENA__", "ARENA_").upper()
            raise ConfigError(
                f"{file}: [{'.'.join(path)}] {key} is a secret and does not stand here; "
                f"give it as {where} in the environment, or name a file that holds it as {key}_file"
            )
        if isinstance(value, dict):
            _refuse_secrets(value, file, [*path, key])


def _overlay(tree: dict[str, Any], path: list[str], value: str) -> None:
    *sections, key = path
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            return
    tree[key] = _list(value) if key in LISTS else value


def _read_secrets(tree: dict[str, Any]) -> None:
    for key, value in list(tree.items()):
        secret = key.removesuffix("_file")
        if isinstance(value, dict):
            _read_secrets(value)
        elif secret in SECRETS and secret != key and value and secret not in tree:
            try:
                tree[secret] = Path(value).read_text().strip()
            except (OSError, UnicodeDecodeError, TypeError) as problem:
                raise ConfigError(f"{key}: {value} cannot be read ({problem})") from problem


def _check(config: Config) -> None:
    try:
        ZoneInfo(config.arena.time_zone)
    except (KeyError, ValueError, OSError) as problem:  # OSError: a folder of zones, such as "America"
        raise ConfigError(f"[arena] time_zone: {config.arena.time_zone!r} is not a known time zone") from problem
    weights = config.ranking
    if abs(weights.token + weights.efficiency + weights.session + weights.streak - 1) > 1e-9:
        raise ConfigError("[ranking] token, efficiency, session and streak must add up to 1")
    if bool(config.server.tls_cert) != bool(config.server.tls_key):
        raise ConfigError("[server] tls_cert and tls_key belong together")
    for proxy in config.server.trusted_proxies:
        try:
            ip_network(proxy)
        except ValueError as problem:  # "*" too: whoever believes everybody lets callers choose their own address
            raise ConfigError(
                f"[server] trusted_proxies: {proxy!r} is neither an address nor a network like 10.0.0.0/8 ({problem})"
            ) from problem
    for name, written in msgspec.structs.asdict(config.limits).items():
        try:
            rate(written)
        except ValueError as problem:
            raise ConfigError(f"[limits] {name}: {problem}") from problem
    if config.server.url and not config.server.url.startswith(("http://", "https://")):
        raise ConfigError("[server] url must start with http:// or https://")
    token = config.metrics.bearer_token
    if token and not 16 <= len(token.value) <= 1000:
        raise ConfigError("[metrics] bearer_token must have at least 16 characters (openssl rand -hex 32 makes one)")
    _check_retention(config.retention)
    _check_oauth(config)
    _check_llm(config.llm)
    _check_mail(config.mail)
    _check_webhooks(config.webhooks)
    _check_backups(config.backups)


def _check_retention(keep: Retention) -> None:
    if 0 < keep.detail_days < LEAST_DETAIL:
        raise ConfigError(
            f"[retention] detail_days must be 0 or at least {LEAST_DETAIL}: tools keep their own logs about that long, "
            "so larger copies of a record may still arrive"
        )
    if 0 < keep.daily_days < LEAST_DAILY:
        raise ConfigError(
            f"[retention] daily_days must be 0 or at least {LEAST_DAILY}: the heatmap shows 53 weeks of daily rows"
        )


def _check_oauth(config: Config) -> None:
    github, oidc = config.oauth.github, config.oauth.oidc
    if config.accounts.sign_up == "domain" and not (config.accounts.domains or github.organisations):
        raise ConfigError('[accounts] sign_up = "domain" needs domains, or organisations in [oauth.github]')
    for section, key, address in (("github", "url", github.url), ("oidc", "issuer", oidc.issuer)):
        if address and not is_safe(address):
            raise ConfigError(f"[oauth.{section}] {key} must start with https://")
    if github.client_id and not github.client_secret:
        raise ConfigError("[oauth.github] client_id needs ARENA_OAUTH__GITHUB__CLIENT_SECRET or client_secret_file")
    if bool(oidc.client_id) != bool(oidc.issuer):
        raise ConfigError("[oauth.oidc] issuer and client_id belong together")


def _check_llm(llm: LLM) -> None:
    if bool(llm.provider) != bool(llm.url) or bool(llm.provider) != bool(llm.model):
        raise ConfigError("[llm] provider, url and model belong together")
    if llm.url and not llm.url.startswith(("http://", "https://")):
        raise ConfigError("[llm] url must start with http:// or https://")


def _check_mail(mail: Mail) -> None:
    if not mail.host:
        return
    if not ADDRESS.fullmatch(parseaddr(mail.sender)[1]):
        raise ConfigError('[mail] sender must be an address, as "arena@example.org" or "Arena <arena@example.org>"')
    if bool(mail.user) != bool(mail.password):
        raise ConfigError("[mail] user and password (ARENA_MAIL__PASSWORD or password_file) belong together")
    if mail.security == "none" and not is_here(mail.host):
        raise ConfigError('[mail] security = "none" is for a mail server on this very machine; use "starttls" or "tls"')


def _check_webhooks(webhooks: Webhooks) -> None:
    for target in ("slack", "json"):
        url = webhooks.url(target)
        if url and not is_safe(url):
            raise ConfigError(f"[webhooks] {target}_url must start with https://")
    try:
        is_good = webhooks.key is None or 24 <= len(webhooks.key) <= 64
    except ValueError:
        is_good = False
    if not is_good:
        raise ConfigError(f"[webhooks] signing_secret must be {SIGNING} and base64 of 24 to 64 bytes")


def _check_backups(backups: Backups) -> None:
    s3 = backups.s3
    if backups.copy_to and BUCKET.fullmatch(backups.copy_to) is None:
        raise ConfigError(f"[backups] copy_to: {backups.copy_to!r} is no bucket; write it as s3://bucket/prefix")
    if bool(s3.key_id) != bool(s3.secret_key):
        raise ConfigError("[backups.s3] key_id and ARENA_BACKUPS__S3__SECRET_KEY (or secret_key_file) belong together")
    if s3.endpoint and not s3.endpoint.startswith(("http://", "https://")):
        raise ConfigError("[backups.s3] endpoint must start with http:// or https://")
    if s3.endpoint and not backups.key_file and not is_safe(s3.endpoint):
        raise ConfigError(
            "[backups.s3] endpoint: over http anybody on the way could read the backups; use https://, or set "
            "[backups] key_file so that they are encrypted"
        )


class Place(Struct, frozen=True):
    """Where a running box keeps things: its folder and the files in it."""

    data: Path

    @property
    def database(self) -> Path:
        """The database file."""
        return self.data / "arena.db"

    @property
    def address(self) -> Path:
        """Where `serve` notes the address that links are made with."""
        return self.data / "address"

    @property
    def listening(self) -> Path:
        """Where `serve` notes the address that it listens on, which differs from the other behind a proxy."""
        return self.data / "listening"

    def reached_at(self, server: Server) -> str:
        """The address that links are made with, without a slash at its end: configured, else where it serves."""
        try:
            return server.url.rstrip("/") or self.address.read_text().strip()
        except FileNotFoundError:
            return f"http://{server.host}:{server.port}"

    def backups(self, folder: str) -> Path:
        """Where backups go: a configured folder, else one in the data folder."""
        return Path(folder) if folder else self.data / "backups"

    @property
    def zone(self) -> Path:
        """Where the time zone is noted that the days in the database were made in."""
        return self.data / "zone"

    @property
    def beat(self) -> Path:
        """What the worker touches each minute, to say that it lives."""
        return self.data / "beat"

    @property
    def copied(self) -> Path:
        """Where it is noted which backup is the newest that was copied elsewhere."""
        return self.data / "copied"

    @property
    def secret(self) -> Path:
        """The file of the signing secrets (see `arena.core.keyring`)."""
        return self.data / "secret"


def place(data: Path) -> Place:
    """Make the data folder (0700) if it is not there; what is written into it from now on is its owner's alone."""
    os.umask(0o077)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Place(data.resolve())
