"""Whatever the network does: patience, then one sentence, and what is unsent stays."""

import socket
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.client.box import KEY, Box
from tests.client.conftest import Laptop
from tests.client.lines import answer, write

pytestmark = pytest.mark.usefixtures("signed_in")


@pytest.fixture(autouse=True)
def history(laptop: Laptop) -> None:
    write(laptop.transcript, answer())


def failed(laptop: Laptop) -> str:
    code, out, err = laptop.run("sync")
    assert (code, out, err.count("\n")) == (1, "", 1), err
    return err


def cut(to: BaseHTTPRequestHandler) -> None:
    to.send_response(200)
    to.send_header("Content-Length", "500")
    to.end_headers()
    to.wfile.write(b'{"success":')
    to.close_connection = True


def hung_up(to: BaseHTTPRequestHandler) -> None:
    to.close_connection = True


def answering(status: int, content: bytes, **headers: str) -> Any:
    def send(to: BaseHTTPRequestHandler) -> None:
        to.send_response(status)
        for name, value in headers.items():
            to.send_header(name.replace("_", "-"), value)
        to.send_header("Content-Length", str(len(content)))
        to.end_headers()
        to.wfile.write(content)

    return send


@pytest.mark.parametrize("fault", [500, 503, 429, cut, hung_up])
def test_three_retries_get_over_a_bad_moment(laptop: Laptop, box: Box, fault: Any) -> None:
    box.faults = [fault] * 3
    assert laptop.json("sync")["submitted"] == 1


@pytest.mark.parametrize("fault", [500, 429, cut])
def test_after_three_retries_what_is_unsent_stays(laptop: Laptop, box: Box, fault: Any) -> None:
    box.faults = [fault] * 4
    assert "stays in the ledger" in failed(laptop)
    assert box.faults == []
    assert laptop.json("sync")["submitted"] == 1


def test_a_box_that_is_down_is_one_sentence(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("ARENA_SERVER", f"http://127.0.0.1:{free.getsockname()[1]}")
    assert "cannot be reached" in failed(laptop)


def test_a_slow_box_is_not_waited_for_forever(laptop: Laptop, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arena.client.api.TIMEOUT", 0.05)
    box.delay = 0.3
    assert "cannot be reached" in failed(laptop)


def test_retry_after_is_honoured(laptop: Laptop, box: Box) -> None:
    box.faults = [answering(429, b"{}", Retry_After="0.2")]
    began = time.monotonic()
    assert laptop.json("sync")["submitted"] == 1
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize(
    ("told", "when"), [("3600", "in 60 minutes"), ("91", "in 2 minutes"), ("inf", "later"), ("1e999", "later")]
)
def test_a_box_that_asks_for_much_patience_is_not_waited_for(laptop: Laptop, box: Box, told: str, when: str) -> None:
    box.faults = [answering(429, b"{}", Retry_After=told)]
    assert failed(laptop).endswith(f"asks for patience; what is unsent stays in the ledger, run this again {when}.\n")
    assert laptop.json("sync")["submitted"] == 1


@pytest.mark.parametrize("told", ["nan", "-5", "soon", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_an_odd_retry_after_harms_nobody(laptop: Laptop, box: Box, told: str) -> None:
    box.faults = [answering(429, b"{}", Retry_After=told)]
    assert laptop.json("sync")["submitted"] == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_says_how_to_sign_in_again(laptop: Laptop, box: Box, status: int) -> None:
    box.faults = [status]
    assert "sign in again with `arena login`" in failed(laptop)
    assert box.faults == []


@pytest.mark.parametrize("skew", [-7200, 7200])
def test_a_wrong_clock_is_signed_with_the_box_s_time(laptop: Laptop, box: Box, skew: int) -> None:
    box.skew = skew
    assert laptop.json("sync")["submitted"] == 1


def test_a_box_that_never_likes_our_clock_is_asked_twice_only(laptop: Laptop, box: Box) -> None:
    wrong = b'{"success":false,"error":{"code":"UNAUTHORIZED","message":"no","details":{"serverTime":1}}}'
    box.faults = [answering(401, wrong)] * 2
    assert "arena login" in failed(laptop)


@pytest.mark.parametrize("content", [b"<html>hotel wifi</html>", b'{"success": tr', b"", b"[]", b'{"success":true}'])
def test_nonsense_is_one_sentence(laptop: Laptop, box: Box, content: bytes) -> None:
    box.faults = [content]
    assert "did not answer like an arena box" in failed(laptop)
    assert laptop.json("sync")["submitted"] == 1


def test_an_old_client_is_told_what_the_box_says(laptop: Laptop, box: Box) -> None:
    said = b'{"success":false,"error":{"code":"UPGRADE","message":"Please update \\u001b[31marena."}}'
    box.faults = [answering(426, said)]
    assert failed(laptop) == "arena: Please update [31marena.\n"


def test_a_redirect_does_not_carry_the_key_away(laptop: Laptop, box: Box) -> None:
    box.faults = [answering(302, b"", Location="https://elsewhere.example/")]
    assert "elsewhere.example" in failed(laptop)


def test_the_key_is_in_no_message(laptop: Laptop, box: Box) -> None:
    for fault in (401, 500, b"<html>"):
        box.faults = [fault] * 4
        assert KEY not in failed(laptop)
        box.faults = []
