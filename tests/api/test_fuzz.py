"""The whole API, fuzzed by its own OpenAPI document over a socket: it never breaks, nor answers what is not told there.

``ARENA_FUZZ=200`` makes that many cases for each operation; the count is printed at the end (``pytest -s``).
"""

import hmac
import os
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from arena.doors import DOORS, Door
from arena.web.errors import PROGRAMS
from tests.api.test_matrix import PAGES
from tests.flows.serving import Person, Serving

FEW = 25
CASES = int(os.environ.get("ARENA_FUZZ", FEW))

NOT_ASKED = [ignored_auth, positive_data_acceptance]
"""We sign whatever was made up (who may call is the matrix's), and no schema says that a session may not lie ahead."""


@schemathesis.serializer("application/x-protobuf")
def protobuf(_: Any, value: Any) -> bytes:
    """Bytes of any kind, which is what most of them are not."""
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture(scope="module")
def api(box: Serving) -> Any:
    return schemathesis.openapi.from_url(f"{box.url}/api/openapi.json")


@pytest.fixture(scope="module")
def caller(box: Serving) -> Person:
    return box.add("caller")


@pytest.fixture(scope="module")
def line() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture(scope="module")
def sent() -> Iterator[Counter[str]]:
    count: Counter[str] = Counter()
    yield count
    print("\nfuzzed:", sum(count.values()), "requests,", len(count), "operations", dict(count))


@pytest.mark.parametrize(
    "door", [door for door in DOORS if door.path not in PAGES and door.path.startswith(PROGRAMS)], ids=str
)
def test_no_operation_breaks_or_answers_what_it_does_not_tell(
    door: Door, api: Any, box: Serving, caller: Person, line: requests.Session, sent: Counter[str]
) -> None:
    @settings(max_examples=CASES, deadline=None, derandomize=CASES == FEW, suppress_health_check=list(HealthCheck))
    @given(case=api[door.path][door.method].as_strategy())
    def fuzz(case: Any) -> None:
        request = requests.Request(**case.as_transport_kwargs(base_url=box.url)).prepare()
        if "revoke" not in door.path:  # that one would end the caller's key
            sign(request, caller.key)
        answer = line.send(request, timeout=20)
        sent[f"{door.method} {door.path}"] += 1
        case.validate_response(answer, excluded_checks=NOT_ASKED)

    fuzz()


def sign(request: requests.PreparedRequest, key: str) -> None:
    """Prove who asks, as programs do."""
    body = request.body or b""
    raw = body.encode() if isinstance(body, str) else body
    stamp = str(int(time.time()))
    signature = hmac.new(key.encode(), stamp.encode() + b":" + raw, "sha256").hexdigest()
    request.headers.update({"X-API-Key": key, "X-Timestamp": stamp, "X-Signature": signature})
