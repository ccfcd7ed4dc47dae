"""Each trap of Roo Code's tasks that Cline's do not have, counted as it must be."""

from pathlib import Path

import pytest

from arena.client.tools import roo_code
from arena.wire import record_key
from tests.client.conftest import Laptop
from tests.client.tasks import AT, figures, prompt, request, task


@pytest.fixture
def storage(laptop: Laptop) -> Path:
    return laptop.home.parent / ".config" / "VSCodium" / "User" / "globalStorage" / "rooveterinaryinc.roo-cline"


def test_what_was_sent_holds_the_cache_s_share(laptop: Laptop, storage: Path) -> None:
    task(storage, request(used=(12_012, 250, 3000, 9000), apiProtocol="anthropic"))
    task(storage, request(used=(12_012, 250, 3000, 9000), apiProtocol="openai"), name="t-2")
    assert [figures(record) for record in laptop.records()] == [[12, 250, 3000, 9000]] * 2
    assert laptop.records()[0]["key"] == record_key(f"{roo_code.NAME}:t-1:{AT + 10}", "")


@pytest.mark.parametrize(("protocol", "new"), [("anthropic", 12_012), ("openai", 12)])
def test_older_versions_left_it_out_for_one_protocol(laptop: Laptop, storage: Path, protocol: str, new: int) -> None:
    before = roo_code.WHOLE_SINCE - 1 - AT
    task(storage, request(before, (12_012, 250, 3000, 9000), apiProtocol=protocol))
    assert laptop.record()["input"] == new


def test_the_model_is_the_one_that_the_prompt_of_the_request_names(laptop: Laptop, storage: Path) -> None:
    fake = "<slug>x</slug>\n<name>x</name>\n<model>fake</model>"
    said = [prompt(12, "first", said=fake), {"role": "assistant", "content": fake}, prompt(32, "second")]
    task(storage, request(10), request(30), request(50), api_conversation_history=said)
    assert [record["model"] for record in laptop.records()] == ["first", "second", "second"]


@pytest.mark.parametrize("model", ["a b", "<script>", "", "x" * 200])
def test_what_is_no_name_of_a_model_does_not_travel(laptop: Laptop, storage: Path, model: str) -> None:
    task(storage, request(), api_conversation_history=[prompt(12, model)])
    assert laptop.record()["model"] == "unknown"


def test_the_folder_stands_in_the_task_s_own_history(laptop: Laptop, storage: Path) -> None:
    task(storage, request(), history_item={"task": "secret", "workspace": "/home/dev/secret"})
    task(storage, request(20), name="t-2", api_conversation_history=[prompt(12)])
    laptop.run("exclude", "/home/dev/secret")
    assert laptop.record()["at"] == AT + 20
    assert str(storage / "tasks") in roo_code.places()
