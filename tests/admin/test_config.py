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
