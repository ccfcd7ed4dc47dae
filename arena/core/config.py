"""The configuration: one frozen Struct, from ``arena.toml`` and the environment.

``ARENA_SECTION__KEY`` in the environment wins over the file. An unknown key is refused by name. Secrets are not in
the file: they are made on first start and kept in the data folder, readable by its owner alone.
"""

import contextlib
import os
import re
import secrets
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct


class ConfigError(Exception):
    """The configuration cannot be used; the sentence says which key and why."""


class Server(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the box listens and how it is reached."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8000
    url: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    trusted_proxies: list[str] = []


class Arena(Struct, frozen=True, forbid_unknown_fields=True):
    """The box itself."""

    name: Annotated[str, Meta(min_length=1, max_length=50)] = "arena"
    time_zone: str = "UTC"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class Accounts(Struct, frozen=True, forbid_unknown_fields=True):
    """Sign-in. Days."""

    link_days: Annotated[int, Meta(ge=1, le=90)] = 7
    session_days: Annotated[int, Meta(ge=1, le=400)] = 30


class Boards(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may look at boards."""

    visible: Literal["everyone", "signed-in"] = "everyone"


Weight = Annotated[float, Meta(ge=0, le=1)]


class Ranking(Struct, frozen=True, forbid_unknown_fields=True):
    """The weights of the composite score; they add up to 1."""

    token: Weight = 0.40
    efficiency: Weight = 0.25
    session: Weight = 0.20
    streak: Weight = 0.15


class Retention(Struct, frozen=True, forbid_unknown_fields=True):
    """How long things are kept. Days."""

    audit_days: Annotated[int, Meta(ge=1, le=36_500)] = 365


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """How often one caller may ask; `rate` reads it."""

    api: int | str = 100
    authentication: int | str = 10
    sensitive: int | str = 30
    public: int | str = 200
    upload: int | str = "100/hour"
    otlp: int | str = 1200


class Client(Struct, frozen=True, forbid_unknown_fields=True):
    """The laptops."""

    oldest: Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+\Z")] = "0.1.0"


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be configured, with its default."""

    server: Server = Server()
    arena: Arena = Arena()
    accounts: Accounts = Accounts()
    boards: Boards = Boards()
    ranking: Ranking = Ranking()
    retention: Retention = Retention()
    limits: Limits = Limits()
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
    for name, value in environment.items():
        section, _, key = name.removeprefix("ARENA_").lower().partition("__")
        if name.startswith("ARENA_") and key and isinstance(keys := tree.setdefault(section, {}), dict):
            keys[key] = _list(value) if key == "trusted_proxies" else value
    try:
        config = msgspec.convert(tree, Config, strict=False)
    except msgspec.ValidationError as problem:
        raise ConfigError(f"{file or 'the environment'}: {problem}") from problem
    _check(config)
    return config


def _list(value: str) -> list[str]:
    return [each.strip() for each in value.split(",") if each.strip()]


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

    def reached_at(self, server: Server) -> str:
        """The address that links are made with, without a slash at its end: configured, else where it serves."""
        try:
            return server.url.rstrip("/") or self.address.read_text().strip()
        except FileNotFoundError:
            return f"http://{server.host}:{server.port}"

    @property
    def zone(self) -> Path:
        """Where the time zone is noted that the days in the database were made in."""
        return self.data / "zone"

    @property
    def secret(self) -> str:
        """The signing secret (64 hex digits), made when it is first asked for."""
        file = self.data / "secret"
        if not file.exists():
            temporary = self.data / f".secret.{os.getpid()}"
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as writing:
                writing.write(secrets.token_hex(32))
                writing.flush()
                os.fsync(writing.fileno())
            with contextlib.suppress(FileExistsError):  # another process was first
                os.link(temporary, file)  # never shows half a file
            temporary.unlink()
        secret = file.read_text().strip()
        if not re.fullmatch("[0-9a-f]{64}", secret):
            raise ConfigError(
                f"{file} does not hold 64 hex digits; restore it from a backup, or remove it for a new one"
            )
        return secret


def place(data: Path) -> Place:
    """Make the data folder (0700) if it is not there; what is written into it from now on is its owner's alone."""
    os.umask(0o077)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Place(data.resolve())
