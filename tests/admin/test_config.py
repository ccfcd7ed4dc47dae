"""``arena admin config`` prints what the box believes."""

import msgspec
import pytest

from arena import admin
from arena.core.config import Config


def test_what_is_printed_is_the_configuration(
    database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARENA_SERVER__PORT", "9000")
    assert admin.main(["config", "--data", str(database.parent)]) == 0
    printed = msgspec.toml.decode(capsys.readouterr().out, type=Config)
    assert printed.server.port == 9000
    assert printed.ranking == Config().ranking


def test_a_misspelt_key_is_named(database, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text("[server]\nprot = 9000\n")
    assert admin.main(["config", "--data", str(database.parent), "--config", str(file)]) == 1
    assert "prot" in capsys.readouterr().err


def test_of_a_secret_only_that_there_is_one_is_printed(
    database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARENA_OAUTH__GITHUB__CLIENT_ID", "a")
    monkeypatch.setenv("ARENA_OAUTH__GITHUB__CLIENT_SECRET", "hush")
    monkeypatch.setenv("ARENA_BACKUPS__S3__KEY_ID", "a")
    monkeypatch.setenv("ARENA_BACKUPS__S3__SECRET_KEY", "hush")
    assert admin.main(["config", "--data", str(database.parent)]) == 0
    said = capsys.readouterr()
    assert "hush" not in said.out + said.err
    assert msgspec.toml.decode(said.out)["backups"]["s3"]["secret_key"] == "********"
    printed = msgspec.toml.decode(said.out)["oauth"]
    assert printed["github"]["client_secret"] == "********"
    assert "client_secret" not in printed["oidc"]
