"""`arena login`, `logout`, `status`: who this machine is, and what it refuses to do."""

import io
import json
import sys

import pytest

from tests.client.box import KEY, Box
from tests.client.conftest import Laptop
from tests.client.lines import answer, write


def test_login_remembers_hooks_and_sends(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, answer())
    code, out, err = laptop.run("register", "--api-key", KEY, "--server", box.url)
    assert code == 0, err
    assert "alice" in out
    assert KEY not in out + err
    assert len(box.records) == 1
    assert laptop.settings.exists()
    kept = laptop.home / "credentials.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(kept.read_text())["username"] == "alice"


def test_a_key_is_read_from_standard_input(laptop: Laptop, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(KEY + "\n"))
    told = laptop.json("login", "--api-key", "-", "--server", box.url, "--no-sync", "--no-hooks")
    assert told == {"username": "alice", "server": box.url, "hooks": []}


@pytest.mark.parametrize("key", ["", " ", "sk-123", KEY[:-1], KEY + "0", KEY.upper(), "modu_arena_x"])
def test_what_is_no_key_is_refused_unsent(laptop: Laptop, box: Box, key: str) -> None:
    code, _, err = laptop.run("login", "--api-key", key, "--server", box.url)
    assert (code, err.count("\n")) == (1, 1)
    assert box.requests == []
    assert not (laptop.home / "credentials.json").exists()


def test_a_key_that_the_box_refuses_is_not_kept(laptop: Laptop, box: Box) -> None:
    box.faults = [401]
    assert laptop.run("login", "--api-key", KEY, "--server", box.url)[0] == 1
    assert not (laptop.home / "credentials.json").exists()


@pytest.mark.parametrize(
    "server", ["http://arena.example.org", "http://10.0.0.5:8000", "ftp://x", "https://", "http://127.evil.example"]
)
def test_plain_http_to_others_is_refused(laptop: Laptop, server: str) -> None:
    code, _, err = laptop.run("login", "--api-key", KEY, "--server", server)
    assert (code, err.count("\n")) == (1, 1)


def test_insecure_is_remembered_for_that_server(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arena.client.api.RETRIES", 0)
    monkeypatch.setattr("arena.client.api.Api._connected", lambda _: (_ for _ in ()).throw(OSError("no such host")))
    server = "http://arena.invalid"
    assert "cannot be reached" in laptop.run("login", "--api-key", KEY, "--server", server, "--insecure")[2]
    assert "cannot be reached" in laptop.run("login", "--api-key", KEY, "--server", server)[2]
    assert "cannot be reached" not in laptop.run("login", "--api-key", KEY, "--server", "http://b.invalid")[2]


def test_a_credentials_file_that_cannot_be_read_is_replaced(laptop: Laptop, box: Box) -> None:
    laptop.home.mkdir(mode=0o700)
    (laptop.home / "credentials.json").write_text("{")
    assert "arena login --server" in laptop.run("status")[2]
    assert laptop.run("login", "--api-key", KEY, "--server", box.url, "--no-hooks", "--no-sync")[0] == 0
    assert laptop.json("status")["username"] == "alice"


def test_the_environment_wins_over_the_file(laptop: Laptop, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    (laptop.home).mkdir(mode=0o700)
    kept = {"server": "https://old.invalid", "api_key": KEY, "username": "x"}
    (laptop.home / "credentials.json").write_text(json.dumps(kept))
    monkeypatch.setenv("ARENA_SERVER", box.url)
    monkeypatch.setenv("ARENA_API_KEY", "moai_rank_ffffffff_" + "f" * 32)
    assert laptop.json("status")["username"] == "alice"
    assert box.requests[0][1]["x-api-key"].startswith("moai_rank_")


def test_signed_out_commands_say_how_to_sign_in(laptop: Laptop) -> None:
    for command in ("sync", "status"):
        code, _, err = laptop.run(command)
        assert (code, err.count("\n")) == (1, 1)
        assert "arena login" in err


@pytest.mark.usefixtures("signed_in")
def test_logout_removes_key_and_hooks_and_revokes_if_told(laptop: Laptop, box: Box) -> None:
    laptop.run("hooks", "install")
    assert laptop.json("logout", "--revoke") == {"removed": True, "revoked": True, "hooks": ["claude-code"]}
    assert [path for path, _, _ in box.requests] == ["/api/v1/keys/revoke"]
    assert not (laptop.home / "credentials.json").exists()
    assert laptop.run("logout")[0] == 0


@pytest.mark.usefixtures("signed_in")
def test_status_shows_ranks_hooks_and_what_waits(laptop: Laptop) -> None:
    write(laptop.transcript, answer())
    laptop.run("sync", "--dry-run")
    code, out, _ = laptop.run("status")
    assert code == 0
    for words in ("alice", "#2 of 9", "414.16", "not ranked", "claude-code: missing", "1 records not sent"):
        assert words in out
    assert "\x1b" not in out


@pytest.mark.usefixtures("signed_in")
def test_status_without_the_box_still_shows_this_machine(laptop: Laptop, box: Box) -> None:
    box.faults = [500] * 4
    code, out, err = laptop.run("status")
    assert (code, err.count("\n")) == (1, 1)
    assert "0 records not sent" in out
