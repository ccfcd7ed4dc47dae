"""The committed ``arena.toml`` tells the truth; a configuration that cannot be used is refused by the key's name."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from arena.accounts.actions.providers import names
from arena.core.config import Config, ConfigError, OAuth, Rate, load, rate

FILE = Path(__file__).parents[2] / "arena.toml"


def load_text(tmp_path: Path, text: str, **environment: str) -> Config:
    file = tmp_path / "arena.toml"
    file.write_text(text)
    return load(file, environment)


def test_the_committed_file_is_the_default() -> None:
    assert load(FILE, {}) == Config()


def test_the_committed_file_lists_every_key_with_its_default() -> None:
    assert tomllib.loads(FILE.read_text()) == msgspec.to_builtins(Config())


def test_every_key_of_the_committed_file_is_explained() -> None:
    lines = FILE.read_text().splitlines()
    for section in FILE.read_text().split("\n[")[1:]:
        assert "#" in section, section
    assert lines[0].startswith("#")


def test_without_a_file_everything_has_its_default() -> None:
    assert load(None, {}) == Config()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[servers]\nport = 1", "servers"),
        ("[server]\nprot = 1", "prot"),
        ("[ranking]\nprojects = 0.1", "projects"),
        ("port = 1", "port"),
    ],
)
def test_an_unknown_key_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=rf"unknown field `{named}`"):
        load_text(tmp_path, text)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    config = load_text(
        tmp_path,
        '[server]\nport = 1\nhost = "::1"\n',
        ARENA_SERVER__PORT="9000",
        ARENA_RANKING__TOKEN="0.5",
        ARENA_RANKING__STREAK="0.05",
        ARENA_SERVER__TRUSTED_PROXIES="10.0.0.1, 10.0.0.0/8",
        ARENA_DATA="/nowhere",
        PORT="7",
    )
    assert (config.server.port, config.server.host) == (9000, "::1")
    assert (config.ranking.token, config.ranking.streak) == (0.5, 0.05)
    assert config.server.trusted_proxies == ["10.0.0.1", "10.0.0.0/8"]


def test_an_unknown_key_in_the_environment_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="unknown field `prot`"):
        load(None, {"ARENA_SERVER__PROT": "9000"})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[arena]\ntime_zone = "Mars/Olympus"', r"\[arena\] time_zone: 'Mars/Olympus' is not a known time zone"),
        ('[arena]\ntime_zone = "../../etc/passwd"', r"\[arena\] time_zone"),
        ('[arena]\ntime_zone = "America"', r"\[arena\] time_zone"),
        ('[arena]\ntime_zone = ""', r"\[arena\] time_zone"),
        ("[ranking]\ntoken = nan", r"`\$\.ranking\.token`"),
        ("server = 1", r"`\$\.server`"),
        ("[ranking]\ntoken = 0.5", r"\[ranking\].*add up to 1"),
        ("[ranking]\ntoken = 1.5\nefficiency = 0\nsession = 0\nstreak = -0.5", r"`\$\.ranking\."),
        ('[server]\ntls_cert = "cert.pem"', r"\[server\] tls_cert and tls_key"),
        ('[server]\ntls_key = "key.pem"', r"\[server\] tls_cert and tls_key"),
        ('[server]\nurl = "arena.example.org"', r"\[server\] url"),
        ('[server]\ntrusted_proxies = ["*"]', r"\[server\] trusted_proxies: '\*' is neither an address nor a network"),
        ('[server]\ntrusted_proxies = ["10.0.0.1/8"]', r"\[server\] trusted_proxies: .*host bits set"),
        ('[server]\ntrusted_proxies = ["proxy.example.org"]', r"\[server\] trusted_proxies"),
        ('[server]\ntrusted_proxies = [""]', r"\[server\] trusted_proxies"),
        ("[server]\nport = 70000", r"`\$\.server\.port`"),
        ('[server]\nport = "many"', r"`\$\.server\.port`"),
        ('[boards]\nvisible = "nobody"', r"`\$\.boards\.visible`"),
        ('[arena]\nlog_level = "loud"', r"`\$\.arena\.log_level`"),
        ('[arena]\nname = ""', r"`\$\.arena\.name`"),
        ("[arena]\nslow_ms = 0", r"`\$\.arena\.slow_ms`"),
        ('[metrics]\nbearer_token = "0123456789abcdef"', r"\[metrics\] bearer_token is a secret"),
        ('[client]\noldest = "new"', r"`\$\.client\.oldest`"),
        ("[retention]\ndetail_days = 29", r"\[retention\] detail_days must be 0 or at least 30: .* may still arrive"),
        ("[retention]\ndaily_days = 370", r"\[retention\] daily_days must be 0 or at least 371: the heatmap"),
        ("[retention]\naudit_days = -1", r"`\$\.retention\.audit_days`"),
        ("[accounts]\nsession_days = 0", r"`\$\.accounts\.session_days`"),
        ('[limits]\napi = "100/fortnight"', r"\[limits\] api: '100/fortnight' is no limit; write a number a minute"),
        ("[limits]\notlp = -1", r"\[limits\] otlp: -1 is no limit"),
        ('[limits]\npublic = "1.5"', r"\[limits\] public: '1.5' is no limit"),
        ('[limits]\nupload = "/hour"', r"\[limits\] upload"),
        ('[limits]\nupload = ""', r"\[limits\] upload"),
        ("[limits]\nsensitive = 1.5", r"`\$\.limits\.sensitive`"),
        ("[limits]\nlogins = 5", r"unknown field `logins`"),
        ('[accounts]\nsign_up = "everybody"', r"`\$\.accounts\.sign_up`"),
        ('[accounts]\nsign_up = "domain"', r"\[accounts\] sign_up = \"domain\" needs domains, or organisations"),
        ('[accounts]\ndomains = ["me@example.org"]', r"`\$\.accounts\.domains\[0\]`"),
        ('[oauth.github]\nclient_id = "a"', r"\[oauth\.github\] client_id needs ARENA_OAUTH__GITHUB__CLIENT_SECRET"),
        ('[oauth.github]\nurl = "http://github.example.org"', r"\[oauth\.github\] url must start with https://"),
        ('[oauth.oidc]\nissuer = "https://accounts.example.org"', r"\[oauth\.oidc\] issuer and client_id belong"),
        ('[oauth.oidc]\nclient_id = "a"', r"\[oauth\.oidc\] issuer and client_id belong together"),
        ('[oauth.oidc]\nname = ""', r"`\$\.oauth\.oidc\.name`"),
        ("[oauth.google]\n", r"unknown field `google`"),
        ("[oauth.github]\nsecret = 1", r"unknown field `secret`"),
        ('[oauth.github]\nclient_secret_file = "/nowhere"', r"client_secret_file: /nowhere cannot be read"),
        ("[oauth.github]\nclient_secret_file = 5", r"client_secret_file: 5 cannot be read"),
        ('[mail]\nhost = "smtp.example.org"', r"\[mail\] sender must be an address"),
        ('[mail]\nhost = "smtp.example.org"\nsender = "Arena"', r"\[mail\] sender must be an address"),
        (
            '[mail]\nhost = "a.example"\nsender = "a@b.example"\nuser = "a"',
            r"\[mail\] user and password .* belong together",
        ),
        (
            '[mail]\nhost = "10.0.0.1"\nsender = "a@b.example"\nsecurity = "none"',
            r"\[mail\] security = \"none\" is for",
        ),
        ('[mail]\nsecurity = "ssl"', r"`\$\.mail\.security`"),
        ('[mail]\npassword = "hush"', r"\[mail\] password is a secret"),
        ('[webhooks]\nslack_url = "https://a.example"', r"\[webhooks\] slack_url is a secret"),
        ('[webhooks]\nteams_url_file = ""', r"unknown field `teams_url_file`"),
        (
            '[backups]\ncopy_to = "s3:/box"',
            r"\[backups\] copy_to: 's3:/box' is no bucket; write it as s3://bucket/prefix",
        ),
        ('[backups]\ncopy_to = "/mnt/elsewhere"', r"\[backups\] copy_to"),
        ('[backups.s3]\nkey_id = "a"', r"\[backups\.s3\] key_id and ARENA_BACKUPS__S3__SECRET_KEY"),
        ('[backups.s3]\nendpoint = "minio.example.org"', r"\[backups\.s3\] endpoint must start with http"),
        (
            '[backups.s3]\nendpoint = "http://minio.example.org"',
            r"\[backups\.s3\] endpoint: over http anybody .* key_file",
        ),
        ('[backups.s3]\nregion = "a b"', r"`\$\.backups\.s3\.region`"),
        (
            '[backups.s3]\nsecret_key = "hush"',
            r"\[backups\.s3\] secret_key is a secret .* ARENA_BACKUPS__S3__SECRET_KEY",
        ),
        ("[arena", "is not TOML"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_its_key(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load_text(tmp_path, text)


def test_retention_can_be_turned_off(tmp_path: Path) -> None:
    keep = load_text(tmp_path, "[retention]\ndetail_days = 0\ndaily_days = 0\naudit_days = 0").retention
    assert (keep.detail_days, keep.daily_days, keep.audit_days, keep.ranking_days) == (0, 0, 0, 30)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "arena.toml").write_bytes('[arena]\nname = "Kölle"'.encode("latin-1"))
    with pytest.raises(ConfigError, match="is not TOML"):
        load(tmp_path / "arena.toml", {})


def test_a_section_that_is_no_section_is_refused_whatever_the_environment_says(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"`\$\.server`"):
        load_text(tmp_path, "server = 1", ARENA_SERVER__PORT="9000")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml: No such file"):
        load(tmp_path / "missing.toml", {})


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_zones_of_any_offset_are_taken(tmp_path: Path, zone: str) -> None:
    assert load_text(tmp_path, f'[arena]\ntime_zone = "{zone}"').arena.time_zone == zone


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (100, Rate(100, "minute")),
        ("100", Rate(100, "minute")),
        ("2/second", Rate(2, "second")),
        ("30/minute", Rate(30, "minute")),
        (" 100/hour ", Rate(100, "hour")),
        ("5000/day", Rate(5000, "day")),
        (0, None),
        ("0", None),
        ("0/day", None),
        ("off", None),
    ],
)
def test_a_limit_is_a_number_a_minute_or_says_its_unit_or_is_off(written: int | str, read: Rate | None) -> None:
    assert rate(written) == read


def test_limits_of_the_environment_are_read_too() -> None:
    limits = load(None, {"ARENA_LIMITS__API": "7", "ARENA_LIMITS__OTLP": "3/second"}).limits
    assert (rate(limits.api), rate(limits.otlp)) == (Rate(7, "minute"), Rate(3, "second"))


@pytest.mark.parametrize("section", ["oauth.github", "oauth.oidc", "oauth", "accounts"])
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path, section: str) -> None:
    with pytest.raises(ConfigError, match=r"is a secret and does not stand here; give it as ARENA_") as refused:
        load_text(tmp_path, f'[{section}]\nclient_secret = "hush"')
    assert f"ARENA_{section.upper().replace('.', '__')}__CLIENT_SECRET" in str(refused.value)
    assert "hush" not in str(refused.value)


def test_a_secret_comes_from_the_environment_or_from_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of the file\n")
    text = f'[oauth.github]\nclient_id = "a"\nclient_secret_file = "{tmp_path}/secret"'
    found = load_text(tmp_path, text).oauth.github
    assert found.client_secret
    assert found.client_secret.value == "of the file"
    found = load_text(tmp_path, text, ARENA_OAUTH__GITHUB__CLIENT_SECRET="of the environment").oauth.github
    assert found.client_secret
    assert found.client_secret.value == "of the environment"
    named = {"ARENA_OAUTH__GITHUB__CLIENT_ID": "a", "ARENA_OAUTH__GITHUB__CLIENT_SECRET_FILE": f"{tmp_path}/secret"}
    found = load(None, named).oauth.github
    assert found.client_secret
    assert found.client_secret.value == "of the file"


def test_a_bucket_may_be_spoken_to_in_clear_where_nobody_can_listen_or_read(tmp_path: Path) -> None:
    for written in (
        '[backups.s3]\nendpoint = "http://127.0.0.1:9000"',
        '[backups]\nkey_file = "key"\n[backups.s3]\nendpoint = "http://minio.example.org"',
    ):
        assert load_text(tmp_path, written).backups.s3.endpoint


def test_an_empty_secret_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="client_id needs"):
        load_text(tmp_path, '[oauth.github]\nclient_id = "a"', ARENA_OAUTH__GITHUB__CLIENT_SECRET="")


def test_a_secret_shows_itself_to_nobody_by_accident() -> None:
    config = load(None, {"ARENA_OAUTH__GITHUB__CLIENT_ID": "a", "ARENA_OAUTH__GITHUB__CLIENT_SECRET": "hush"})
    assert "hush" not in f"{config} {config.oauth.github!r} {config.oauth.github.client_secret!s}"
    with pytest.raises(TypeError):
        msgspec.json.encode(config)


def test_a_token_that_can_be_guessed_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match=r"\[metrics\] bearer_token must have at least 16") as refused:
        load(None, {"ARENA_METRICS__BEARER_TOKEN": "too-short"})
    assert "too-short" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SLACK_URL", "http://hooks.example.org/T0KEN", "slack_url must start with https://"),
        ("JSON_URL", "hooks.example.org/T0KEN", "json_url must start with https://"),
        ("SIGNING_SECRET", "whsec_T0KEN", "signing_secret must be whsec_ and base64 of 24 to 64 bytes"),
        ("SIGNING_SECRET", "whsec_T0KEN!", "signing_secret must be whsec_ and base64 of 24 to 64 bytes"),
    ],
)
def test_an_address_or_key_of_webhooks_that_is_no_good_is_refused_and_not_repeated(
    name: str, value: str, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence) as refused:
        load(None, {f"ARENA_WEBHOOKS__{name}": value})
    assert "T0KEN" not in str(refused.value)


def test_mail_by_this_very_machine_needs_no_encryption() -> None:
    said = {"HOST": "localhost", "SECURITY": "none", "SENDER": "Arena <arena@example.org>"}
    assert load(None, {f"ARENA_MAIL__{name}": value for name, value in said.items()}).mail.security == "none"


def test_lists_in_the_environment_have_commas() -> None:
    named = {"ARENA_ACCOUNTS__DOMAINS": "a.example, b.example", "ARENA_OAUTH__GITHUB__ORGANISATIONS": "team"}
    config = load(None, named)
    assert config.accounts.domains == ["a.example", "b.example"]
    assert config.oauth.github.organisations == ["team"]


def test_every_provider_that_can_be_configured_has_its_file() -> None:
    assert set(names()) == set(OAuth.__struct_fields__)
