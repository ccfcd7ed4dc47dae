"""What the install page prints for machines without arena is what their tools and our doors understand."""

import json
import shlex
import subprocess
import tomllib
from pathlib import Path

from arena.home.pages import fleet

ADDRESS = "https://arena.example.org"


def test_the_settings_are_files_of_their_kinds_and_lead_here() -> None:
    found = fleet(ADDRESS)
    claude, gemini = json.loads(found.claude_code), json.loads(found.gemini)
    assert claude["env"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == gemini["telemetry"]["otlpEndpoint"] == f"{ADDRESS}/otlp"
    assert claude["otelHeadersHelper"] == "/usr/local/bin/arena-key"
    assert gemini["telemetry"]["logPrompts"] is False
    codex = tomllib.loads(found.codex)["otel"]
    assert codex["exporter"]["otlp-http"]["endpoint"] == f"{ADDRESS}/otlp/v1/logs"
    assert codex["log_user_prompt"] is False


def test_the_helper_prints_the_key_that_was_saved(tmp_path: Path) -> None:
    helper = tmp_path / "arena-key"
    helper.write_text(fleet(ADDRESS).key_helper + "\n")
    save = "(umask 077 && cat > ~/.arena-key)"
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    subprocess.run(["sh", "-c", save], input=b"modu_arena_key\n", env=environment, check=True)
    said = subprocess.run(["sh", shlex.quote(str(helper))], env=environment, capture_output=True, check=True)
    assert json.loads(said.stdout) == {"X-API-Key": "modu_arena_key"}
    assert (tmp_path / ".arena-key").stat().st_mode & 0o077 == 0
