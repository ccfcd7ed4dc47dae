"""Whatever becomes of a tool's files, a sync goes on, sends only what the box can read, and tells no secret."""

import random
from pathlib import Path

import msgspec
import pytest

from arena.client import batches, ledger
from arena.client.counting import count, module, tool_names
from arena.wire import UsageReport
from tests.client import samples
from tests.client.conftest import Laptop

MUTANTS = 20
VALUES = b'null -1 1e400 [1] {"a":1} 99999999999999999999 "s" "" true 0.5 [] {}'.split()


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Change some bytes, take some out, double some, and put other values before those that are there."""
    changed = bytearray(content)
    for _ in range(chance.randrange(1, 30)):
        at = chance.randrange(len(changed))
        match chance.randrange(5):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                del changed[at : at + chance.randrange(1, 40)]
            case 2:
                start = chance.randrange(len(changed))
                changed[at:at] = changed[start : start + chance.randrange(1, 200)]
            case 3 if (colon := changed.find(b'":', at)) > 0:
                changed[colon + 2 : colon + 2] = chance.choice(VALUES) + b',"x":'
            case 4 if chance.random() < 0.05:
                del changed[at:]
        changed = changed or bytearray(b"x")
    return bytes(changed)


@pytest.mark.parametrize("tool", tool_names())
def test_no_mutant_of_a_sample_stops_a_sync(laptop: Laptop, tmp_path: Path, tool: str) -> None:
    for seed in range(MUTANTS):
        chance = random.Random(f"{tool} {seed}")
        for database in tmp_path.rglob("*.db"):
            database.unlink()
        for path in samples.lay(tool, tmp_path):
            path.write_bytes(mutated(path.read_bytes(), chance))
        conn = ledger.opened()
        for full in (False, True):
            count(conn, module(tool), module(tool).sources(), full)
        for batch in batches.batches(conn, [tool]):
            sent = msgspec.json.encode(batch.report)
            assert msgspec.json.decode(sent, type=UsageReport) == batch.report
            assert samples.CANARY.encode() not in sent
        conn.close()
