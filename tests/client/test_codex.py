"""Each trap of Codex's rollouts, counted as it must be."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from arena.client.spool import leave
from arena.client.tools import codex
from arena.wire import record_key, session_hash
from tests.client.box import Box
from tests.client.conftest import Laptop
from tests.client.lines import answer, append, write
from tests.client.rollouts import (
    SECRET,
    call,
    context,
    count,
    counts,
    fork,
    line,
    meta,
    place,
    prompt,
    record,
    stamp,
    usage,
)


@pytest.fixture
def home(laptop: Laptop) -> Path:
    return laptop.claude.parent / ".codex"


def outputs(laptop: Laptop) -> list[int]:
    return sorted(each["output"] for each in laptop.records())


def test_a_response_is_the_difference_of_two_sums(laptop: Laptop, home: Path) -> None:
    write(place(home), meta(), context(), prompt(), *counts(50, 70))
    first, second = laptop.records()
    assert (first["input"], first["cache_read"], first["output"]) == (40, 60, 50)
    assert (second["input"], second["cache_read"], second["output"]) == (40, 60, 70)
    assert (first["model"], first["turns"], second.get("turns")) == ("gpt-5.2-codex", 1, None)
    assert first["key"] == record_key("codex:s-1:100:60:0:50:25:150", "")
    assert first["at"] == 1769940010000
    (session,) = laptop.json("sync", "--dry-run")["requests"][0]["sessions"]
    assert (session["tool"], session["session"], session["collector"]) == (
        "codex",
        session_hash("codex", "s-1"),
        "codex/1",
    )


def test_a_count_that_repeats_the_sum_is_no_response(laptop: Laptop, home: Path) -> None:
    lines = counts(50, 70)
    refreshed = [count(each["payload"]["info"]["total_token_usage"], 90, usage(9, 9, 9)) for each in lines]
    write(place(home), meta(), lines[0], refreshed[0], refreshed[0], lines[1], refreshed[1])
    assert outputs(laptop) == [50, 70]


def test_a_count_without_figures_is_none(laptop: Laptop, home: Path) -> None:
    limits = line("event_msg", {"type": "token_count", "info": None, "rate_limits": {}}, 5)
    write(place(home), meta(), limits, *counts(50))
    assert outputs(laptop) == [50]


def test_a_count_that_was_missed_is_in_the_next(laptop: Laptop, home: Path) -> None:
    write(place(home), meta(), *counts(1, 2, 4, 8)[::3])
    assert outputs(laptop) == [1, 14]


def test_a_sum_that_falls_begins_anew_with_the_last_response(laptop: Laptop, home: Path) -> None:
    full = count({"total_tokens": 272000}, 25, {"total_tokens": 271000})
    write(place(home), meta(), *counts(50, 70), full, *counts(5, 6, at=30))
    assert outputs(laptop) == [5, 6, 50, 70]
    compacted = count(usage(80, 0, 9), 50, usage(20, 0, 3))
    append(place(home), compacted)
    assert outputs(laptop) == [3, 5, 6, 50, 70]


def test_without_a_sum_the_last_response_counts(laptop: Laptop, home: Path) -> None:
    write(place(home), meta(), count(None, 10, usage(10, 4, 3)), count(None, 20, usage(10, 4, 3)))
    assert outputs(laptop) == [3, 3]


def test_a_first_sum_that_holds_more_than_the_response_brings_only_the_response(laptop: Laptop, home: Path) -> None:
    inherited = usage(9_000_000, 8_000_000, 70_000)
    write(place(home), fork("s-2", 100), *counts(50, 70, at=120, before=inherited))
    assert outputs(laptop) == [50, 70]


def test_a_first_sum_alone_counts(laptop: Laptop, home: Path) -> None:
    write(place(home), meta(), count(usage(100, 60, 50), 10))
    assert outputs(laptop) == [50]


def test_a_fork_that_copies_its_parent_within_a_moment_counts_its_own(laptop: Laptop, home: Path) -> None:
    parent = [context(), prompt(), *counts(50, 70)]
    write(place(home), meta(), *parent)
    copied = [{**each, "timestamp": stamp(100 + number / 50)} for number, each in enumerate(parent)]
    own = counts(5, 6, at=110, before=parent[-1]["payload"]["info"]["total_token_usage"])
    write(place(home, "s-2"), fork("s-2", 100), *copied, prompt(101), *own)
    assert outputs(laptop) == [5, 6, 50, 70]
    assert sorted(each.get("turns", 0) for each in laptop.records()) == [0, 0, 1, 1]


def test_a_copied_history_may_take_longer_than_a_second(laptop: Laptop, home: Path) -> None:
    parent = counts(*range(1, 41))
    write(place(home), meta(), *parent)
    copied = [{**each, "timestamp": stamp(100.9 + number / 10)} for number, each in enumerate(parent)]
    own = counts(700, at=110, before=parent[-1]["payload"]["info"]["total_token_usage"])
    write(place(home, "s-2"), fork("s-2", 100), *copied, *own)
    assert outputs(laptop) == [*range(1, 41), 700]


def test_a_copied_history_may_keep_its_old_times(laptop: Laptop, home: Path) -> None:
    parent = [context(), *counts(50, 70)]
    write(place(home), meta(), *parent)
    own = counts(5, at=110, before=parent[-1]["payload"]["info"]["total_token_usage"])
    write(place(home, "s-2"), fork("s-2", 100), meta(), *parent, *own)
    assert outputs(laptop) == [5, 50, 70]


def test_what_looks_like_a_fork_s_own_but_was_copied_counts_once_under_its_parent(laptop: Laptop, home: Path) -> None:
    parent = [context(), *counts(50, 70, 90)]
    write(place(home), meta(), *parent)
    slow = [{**each, "timestamp": stamp(100 + 20 * number)} for number, each in enumerate([meta(), *parent])]
    write(place(home, "s-2"), fork("s-2", 100), *slow)
    assert laptop.json("sync", "--dry-run")["totals"]["output"] == 210


def test_a_fork_of_a_fork_counts_its_own(laptop: Laptop, home: Path) -> None:
    first = counts(50)
    second = counts(70, at=110, before=first[-1]["payload"]["info"]["total_token_usage"])
    third = counts(90, at=210, before=second[-1]["payload"]["info"]["total_token_usage"])
    write(place(home), meta(), *first)
    write(place(home, "s-2"), fork("s-2", 100), meta(), *first, *second)
    write(place(home, "s-3"), fork("s-3", 200, "s-2"), fork("s-2", 100), meta(), *first, *second, *third)
    assert outputs(laptop) == [50, 70, 90]


def test_siblings_that_copied_one_parent_keep_their_own(laptop: Laptop, home: Path) -> None:
    parent = counts(50)
    write(place(home), meta(), *parent)
    for number in range(2, 7):
        own = counts(number, at=110, before=parent[-1]["payload"]["info"]["total_token_usage"])
        source = {"subagent": {"thread_spawn": {"parent_thread_id": "s-1", "depth": 1}}}
        write(place(home, f"s-{number}"), meta(f"s-{number}", 100, source=source), meta(), *parent, *own)
    assert outputs(laptop) == [2, 3, 4, 5, 6, 50]
    assert sum(each.get("sidechain", False) for each in laptop.records()) == 5


def test_what_a_sub_agent_is_told_is_no_prompt_of_a_person(laptop: Laptop, home: Path) -> None:
    source = {"subagent": {"thread_spawn": {"parent_thread_id": "s-1", "depth": 1}}}
    write(place(home), meta(source=source), prompt(5), *counts(50), prompt(30), *counts(70, at=40))
    assert [each.get("turns", 0) for each in laptop.records()] == [0, 0]


def test_ordinals_tell_where_a_sub_agent_begins(laptop: Laptop, home: Path) -> None:
    parent = counts(50, 70)
    write(place(home), meta(), *parent)
    opening = meta("s-2", 100, parent_thread_id="s-1", thread_source="subagent", subagent_history_start_ordinal=3)
    copied = [{**each, "timestamp": stamp(200 + 20 * n), "ordinal": n + 1} for n, each in enumerate(parent)]
    own = counts(5, 6, at=240, step=0.1, before=parent[-1]["payload"]["info"]["total_token_usage"])
    write(place(home, "s-2"), opening, *copied, *({**each, "ordinal": 3 + n} for n, each in enumerate(own)))
    assert outputs(laptop) == [5, 6, 50, 70]


def test_a_fork_is_read_on_in_the_middle_of_its_copied_history(laptop: Laptop, home: Path) -> None:
    parent = counts(50, 70)
    write(place(home), meta(), *parent)
    copied = [{**each, "timestamp": stamp(100.1)} for each in parent]
    own = counts(5, at=110, before=parent[-1]["payload"]["info"]["total_token_usage"])
    path = write(place(home, "s-2"), fork("s-2", 100))
    for each in (*copied, *own):
        assert 5 not in outputs(laptop)
        append(path, each)
    assert outputs(laptop) == [5, 50, 70]


def test_records_of_responses_stand_for_themselves_and_for_the_counts_beside_them(laptop: Laptop, home: Path) -> None:
    old, first, second = counts(50, 5, 6)
    sums = [each["payload"]["info"]["total_token_usage"] for each in (old, first, second)]
    costs = [usage(100, 60, output, output // 2) for output in (50, 5, 6)]
    lines = [
        old,
        record("s-1", "r-2", costs[1], sums[1], 20),
        first,
        second,
        record("s-1", "r-3", costs[2], sums[2], 30),
    ]
    write(place(home), meta(), context(), *lines)
    assert outputs(laptop) == [5, 6, 50]


def test_the_first_record_after_its_count_is_the_same_response(laptop: Laptop, home: Path) -> None:
    (first,) = counts(50)
    own = usage(100, 60, 50, 25)
    write(place(home), meta(), first, record("s-1", "r-1", own, first["payload"]["info"]["total_token_usage"], 11))
    assert outputs(laptop) == [50]


def test_a_parent_s_records_in_a_fork_are_the_parent_s(laptop: Laptop, home: Path) -> None:
    cost = usage(100, 60, 50)
    theirs = record("s-1", "r-1", cost, cost, 10)
    write(place(home), meta(), theirs)
    mine = record("s-2", "r-2", usage(100, 60, 7), usage(200, 120, 57), 150)
    write(place(home, "s-2"), fork("s-2", 100), {**theirs, "timestamp": stamp(120)}, mine)
    assert outputs(laptop) == [7, 50]


def test_what_the_cache_stored_is_neither_new_nor_read(laptop: Laptop, home: Path) -> None:
    write(place(home), meta(), count(usage(100, 30, 5, cache_write_input_tokens=50), 10))
    each = laptop.record()
    assert (each["input"], each["cache_read"], each["cache_write_5m"]) == (20, 30, 50)


def test_the_model_may_change_within_a_session(laptop: Laptop, home: Path) -> None:
    first, second = counts(50, 70)
    write(place(home), meta(), context("gpt-5.2"), first, context("o4-mini"), second)
    assert [each["model"] for each in laptop.records()] == ["gpt-5.2", "o4-mini"]


@pytest.mark.parametrize(
    ("config", "model"), [('model = "gpt-5.1"', "gpt-5.1"), ("", "unknown"), ("[", "unknown"), ("model = 3", "unknown")]
)
def test_without_a_model_the_configuration_tells_it(laptop: Laptop, home: Path, config: str, model: str) -> None:
    write(place(home), meta(), *counts(50))
    (home / "config.toml").write_text(config)
    assert laptop.record()["model"] == model


def test_fast_mode_is_known_from_when_it_was_set(laptop: Laptop, home: Path) -> None:
    write(place(home), meta(), *counts(50, 70, at=10, step=100))
    config = home / "config.toml"
    config.write_text('service_tier = "fast"')
    os.utime(config, (1769940060, 1769940060))
    assert [each.get("speed") for each in laptop.records()] == [None, "fast"]


def test_an_archived_rollout_is_the_same_and_is_not_sent_again(
    laptop: Laptop, home: Path, box: Box, signed_in: Any
) -> None:
    path = write(place(home), meta(), *counts(50, 70))
    assert laptop.json("sync")["submitted"] == 2
    archived = place(home, folder="archived_sessions")
    archived.parent.mkdir()
    shutil.copy2(path, archived)
    assert laptop.json("sync")["files"] == {"read": 0, "unchanged": 1, "unreadable": 0}
    path.unlink()
    told = laptop.json("sync")
    assert (told["submitted"], told["skipped"]) == (0, 0)
    append(archived, *counts(5, at=90, before=usage(200, 120, 120, 60)))
    assert laptop.json("sync")["submitted"] == 1
    assert len(box.records) == 3


def compressed(path: Path) -> Path:
    packed = path.with_name(path.name + ".zst")
    subprocess.run(["zstd", "-q", "--rm", str(path), "-o", str(packed)], check=True)
    return packed


def test_a_compressed_rollout_is_read(laptop: Laptop, home: Path) -> None:
    write(place(home), meta(), context(), prompt(), *counts(*range(1, 2000)))
    plain = laptop.records()
    compressed(place(home))
    shutil.rmtree(laptop.home)
    assert laptop.records() == plain


def test_compressing_a_rollout_sends_nothing_again(laptop: Laptop, home: Path, signed_in: Any) -> None:
    path = write(place(home), meta(), *counts(50, 70))
    laptop.run("sync")
    packed = compressed(path)
    told = laptop.json("sync")
    assert (told["submitted"], told["skipped"], told["files"]["read"]) == (0, 0, 1)
    assert laptop.json("sync")["files"]["unchanged"] == 1
    subprocess.run(["zstd", "-dq", "--rm", str(packed)], check=True)
    append(path, *counts(5, at=90, before=usage(200, 120, 120, 60)))
    told = laptop.json("sync")
    assert (told["submitted"], told["skipped"]) == (1, 0)


def test_a_damaged_compressed_rollout_is_named_and_the_rest_goes_on(laptop: Laptop, home: Path) -> None:
    packed = compressed(write(place(home), meta(), *counts(*range(1, 500))))
    packed.write_bytes(packed.read_bytes()[:-200])
    write(place(home, "s-2"), meta("s-2"), *counts(700))
    code, out, err = laptop.run("sync", "--dry-run")
    assert code == 0
    assert "damaged" in err
    assert "700" in out


def test_without_a_way_to_unpack_it_is_said_how_to_get_one(
    laptop: Laptop, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compressed(write(place(home), meta(), *counts(50)))

    def nothing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(codex, "import_module", nothing)
    monkeypatch.setenv("PATH", "/nowhere")
    assert "install the `zstd` program" in laptop.run("sync", "--dry-run")[2]


def test_the_standard_library_unpacks_where_it_can(laptop: Laptop, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(place(home), meta(), *counts(50))
    content = path.read_bytes()
    compressed(path)

    class Zstd:
        """Python 3.14's own, as far as it matters."""

        ZstdError = ValueError

        @staticmethod
        def open(_: str, __: str) -> Any:
            import io

            return io.BytesIO(content)

    monkeypatch.setattr(codex, "import_module", lambda _: Zstd)
    monkeypatch.setenv("PATH", "/nowhere")
    assert outputs(laptop) == [50]


def test_calls_of_tools_count_on_the_response_that_made_them_and_tell_no_secret_names(
    laptop: Laptop, home: Path
) -> None:
    first, second = counts(50, 70)
    calls = [
        call("exec_command", arguments=json.dumps({"cmd": SECRET})),
        call("exec_command", 6, arguments="{}"),
        call("mcp__payroll__query", arguments="{}"),
        call("query", namespace="mcp__payroll", arguments="{}"),
        call("our-own-tool", arguments="{}"),
        line("response_item", {"type": "web_search_call", "action": {"query": SECRET}}, 7),
        line("response_item", {"type": "message", "role": "assistant", "content": [{"type": "function_call"}]}, 7),
    ]
    write(place(home), meta(), *calls, first, call("update_plan", 15, arguments="{}"), second)
    assert [each["tools"] for each in laptop.records()] == [
        {"exec_command": 2, "mcp": 2, "other": 1, "web_search": 1},
        {"update_plan": 1},
    ]


PATCH = f"""*** Begin Patch
*** Add File: {SECRET}/new.py
+first
+a "quoted" \\n+not a line
*** Update File: {SECRET}/old.py
@@ def f():
 same
-gone \\\\
-gone too
+come
*** Delete File: {SECRET}/dead.py
*** End Patch
"""


@pytest.mark.parametrize(
    "made",
    [
        call("apply_patch", kind="custom_tool_call", input=PATCH, status="completed"),
        call("apply_patch", arguments=json.dumps({"input": PATCH})),
        call("shell", arguments=json.dumps({"command": ["apply_patch", PATCH], "workdir": SECRET})),
    ],
)
def test_lines_of_a_patch_are_counted_wherever_it_stands(laptop: Laptop, home: Path, made: dict[str, Any]) -> None:
    write(place(home), meta(), made, *counts(50))
    each = laptop.record()
    assert (each["lines_added"], each["lines_deleted"]) == (3, 2)
    assert (each["files_created"], each["files_modified"]) == (1, 1)


def test_deeds_before_a_sync_count_on_the_response_after_it(laptop: Laptop, home: Path) -> None:
    path = write(place(home), meta(), prompt(), call("apply_patch", kind="custom_tool_call", input=PATCH))
    assert laptop.records() == []
    append(path, *counts(50))
    each = laptop.record()
    assert (each["turns"], each["tools"], each["lines_added"]) == (1, {"apply_patch": 1}, 3)


def test_a_line_cut_by_a_kill_is_read_when_it_is_whole(laptop: Laptop, home: Path) -> None:
    first, second = (json.dumps(each).encode() + b"\n" for each in counts(50, 70))
    path = write(place(home), meta(), first, second[:90])
    assert outputs(laptop) == [50]
    append(path, second[90:])
    assert outputs(laptop) == [50, 70]


def test_a_rollout_that_was_written_anew_takes_nothing_back(laptop: Laptop, home: Path) -> None:
    lines = counts(50, 70, 90)
    path = write(place(home), meta(), *lines)
    assert outputs(laptop) == [50, 70, 90]
    write(path, meta(), *lines[1:2])
    assert outputs(laptop) == [50, 70, 90]


def test_nothing_malformed_fails_a_rollout(laptop: Laptop, home: Path) -> None:
    odd = [b"\n", b"words\n", b"\0" * 64 + b"\n", b"[" * 5000 + b"\n", b"\xff\xfe\n", b'{"type":"event_msg"}\n']
    odd += [b'{"type":"event_msg","payload":{"type":"token_count","info":"?"}}\n', b'{"type":"session_meta"}\n']
    odd += [b'{"type":"turn_context","payload":[]}\n', b'{"type":"new_kind","payload":{"type":"token_count"}}\n']
    wrong = [count(usage(-5, 0, 3), 1), count(usage(10**12, 0, 3), 2), count({"input_tokens": "many"}, 3)]
    write(place(home), meta(), *odd, *wrong, *counts(50))
    assert outputs(laptop) == [50]


def test_json_with_spaces_counts(laptop: Laptop, home: Path) -> None:
    spaced = [json.dumps(each).encode() + b"\n" for each in (meta(), context(), *counts(50))]
    write(place(home), *spaced)
    assert (laptop.record()["output"], laptop.record()["model"]) == (50, "gpt-5.2-codex")


def test_a_rollout_without_its_first_line_is_named_by_its_file(laptop: Laptop, home: Path) -> None:
    for session in ("s-1", "s-2"):
        write(place(home, session), context(), *counts(50))
    assert {each["key"] for each in laptop.records()} == {
        record_key(f"codex:{session}:100:60:0:50:25:150", "") for session in ("s-1", "s-2")
    }


def test_another_home_is_looked_into_where_it_is_set(
    laptop: Laptop, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(place(home), meta(), *counts(50))
    write(place(tmp_path / "elsewhere", "s-2"), meta("s-2"), *counts(70))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "elsewhere"))
    assert outputs(laptop) == [70]


def test_other_files_are_no_rollouts(laptop: Laptop, home: Path) -> None:
    write(home / "sessions" / "notes.jsonl", meta(), *counts(50))
    write(home / "history.jsonl", meta(), *counts(50))
    assert laptop.records() == []


def test_an_excluded_project_is_not_sent(laptop: Laptop, home: Path) -> None:
    write(place(home), meta(), *counts(50))
    write(place(home, "s-2"), meta("s-2", cwd="/home/dev/open"), *counts(70))
    laptop.run("exclude", f"/home/dev/{SECRET}")
    assert outputs(laptop) == [70]


def test_nothing_of_what_was_written_leaves(laptop: Laptop, home: Path) -> None:
    write(place(home), meta(), context(), prompt(), call("shell", arguments=PATCH), *counts(50))
    code, out, _ = laptop.run("sync", "--dry-run", "--json")
    assert code == 0
    assert SECRET not in out


def test_a_hook_has_all_rollouts_read_for_sub_agents_have_their_own(
    laptop: Laptop, home: Path, box: Box, signed_in: Any
) -> None:
    path = write(place(home), meta(), *counts(50))
    write(place(home, "s-2"), meta("s-2", source={"subagent": {}}), *counts(70))
    write(laptop.transcript, answer())
    leave({"tool": "codex", "session_id": "s-1", "transcript_path": str(path)})
    assert laptop.run("sync", "--spooled")[0] == 0
    assert sorted(each["output"] for each in box.records.values()) == [50, 70]
    assert laptop.json("sync")["submitted"] == 1


def test_a_hook_that_names_nothing_has_the_tool_read(laptop: Laptop, home: Path, box: Box, signed_in: Any) -> None:
    write(place(home), meta(), *counts(50))
    leave({"tool": "codex", "session_id": "s-1"})
    assert laptop.run("sync", "--spooled")[0] == 0
    assert len(box.records) == 1
