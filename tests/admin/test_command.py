"""What all of the operator's commands share."""

import os
import subprocess
import sys

import pytest


def test_without_a_data_folder_a_command_says_what_to_do(run, tmp_path) -> None:
    outcome = run("users", "list", "--data", str(tmp_path / "nowhere"))
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("arena admin: there is no data folder")
    assert outcome.err.count("\n") == 1
    assert not (tmp_path / "nowhere").exists()


def test_the_data_folder_and_configuration_may_come_from_the_environment(run, data, tmp_path, monkeypatch) -> None:
    (tmp_path / "conf.toml").write_text('[server]\nurl = "https://arena.example.org"\n')
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert run("users", "invite").code == 1
    monkeypatch.setenv("ARENA_DATA", str(data))
    monkeypatch.setenv("ARENA_CONFIG", str(tmp_path / "conf.toml"))
    assert run("users", "invite").out.startswith("https://arena.example.org/join/")


def test_a_configuration_beside_it_is_read(run, tmp_path) -> None:
    (tmp_path / "arena.toml").write_text('[server]\nurl = "https://arena.example.org"\n')
    assert run("users", "invite").out.startswith("https://arena.example.org/join/")


def test_without_any_address_links_are_made_with_host_and_port(run, data) -> None:
    (data / "address").unlink()
    assert run("users", "invite").out.startswith("http://127.0.0.1:8000/join/")


def test_a_bad_configuration_is_one_sentence(run, tmp_path) -> None:
    (tmp_path / "arena.toml").write_text("[server]\nprot = 1\n")
    outcome = run("users", "list")
    assert (outcome.code, outcome.out) == (1, "")
    assert "prot" in outcome.err


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b""])
def test_a_file_that_is_no_database_is_one_sentence_and_an_empty_one_gets_tables(run, data, content) -> None:
    for file in data.glob("arena.db*"):
        file.unlink()
    (data / "arena.db").write_bytes(content)
    outcome = run("users", "list")
    if content:
        assert (outcome.code, outcome.out) == (1, "")
        assert outcome.err.count("\n") == 1
    else:
        assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.parametrize(
    "argv",
    [(), ("nothing",), ("users",), ("users", "fly"), ("users", "add"), ("users", "list", "--nope"), ("keys", "create")],
)
def test_wrong_usage_is_2(run, argv) -> None:
    assert run(*argv).code == 2


@pytest.mark.parametrize("argv", [("--help",), ("users", "--help"), ("keys", "revoke", "--help")])
def test_help_is_0_and_speaks_on_standard_output(run, argv) -> None:
    outcome = run(*argv)
    assert (outcome.code, outcome.err) == (0, "")
    assert "arena admin" in outcome.out


@pytest.mark.parametrize(
    ("command", "verbs"),
    [
        ("users", ["list", "add", "invite", "disable", "enable", "promote", "delete", "export"]),
        ("keys", ["list", "create", "revoke"]),
    ],
)
def test_every_help_text_has_an_example(run, command, verbs) -> None:
    for verb in verbs:
        out = run(command, verb, "--help").out
        assert f"example: arena admin {command} {verb}" in " ".join(out.split())


def test_a_command_costs_no_web_framework(data) -> None:
    code = "import sys; from arena import admin; admin.main(['users', 'list']); sys.exit('litestar' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], cwd=data.parent, env=environment, check=False).returncode == 0
