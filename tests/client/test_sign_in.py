"""`arena login` without a key: through the browser of this machine, or by a code that somebody types elsewhere."""

import json
import threading
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from arena.client import device_code, loopback
from tests.client.box import KEY, Box
from tests.client.conftest import Laptop

OLD = "modu_arena_ffffffff_" + "f" * 32
QUIET = ("--no-hooks", "--no-sync")


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No screen and nobody far away, whoever runs the tests."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)


class Browser:
    """Does with the address that it is opened with what a test says."""

    def __init__(self, does: Callable[["Browser"], None]) -> None:
        self.does = does
        self.opened = ""
        self.saw: list[tuple[int, str, str]] = []
        self.done = threading.Event()

    def open(self, address: str) -> bool:
        self.opened = address
        try:
            self.does(self)
        finally:
            self.done.set()
        return True

    @property
    def asked(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.opened).query).items()}

    def answer(self, **said: str) -> None:
        """Come back as the box sends it: with the state it was given, unless the test says another."""
        self.go(f"{self.asked['redirect_uri']}?{urlencode({'state': self.asked['state'], **said})}")

    def go(self, address: str) -> None:
        try:
            answer = urllib.request.urlopen(address, timeout=5)
        except urllib.error.HTTPError as no:
            answer = no
        with answer:
            self.saw.append((answer.status, answer.url, answer.read().decode()))


@pytest.fixture
def open_browser(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Browser], None]], Browser]:
    def opened(does: Callable[[Browser], None]) -> Browser:
        browser = Browser(does)
        monkeypatch.setenv("BROWSER", "one of the test")
        monkeypatch.setattr(webbrowser, "open", browser.open)
        return browser

    return opened


Open = Callable[[Callable[[Browser], None]], Browser]


def login(laptop: Laptop, box: Box, *more: str) -> tuple[int, str, str]:
    return laptop.run("login", "--server", box.url, *QUIET, *more)


def one_sentence(answer: tuple[int, str, str], words: str, laptop: Laptop) -> None:
    code, out, err = answer
    assert (code, err.count("\n")) == (1, 1), err
    assert words in err
    assert "Traceback" not in out + err
    assert not (laptop.home / "credentials.json").exists()


# -- through the browser


def test_the_browser_brings_the_key(laptop: Laptop, box: Box, open_browser: Open) -> None:
    browser = open_browser(lambda browser: browser.answer(api_key=KEY, username="alice"))
    code, out, err = login(laptop, box, "--label", "work laptop")
    assert code == 0, err
    assert browser.opened.startswith(f"{box.url}/api/auth/cli?")
    assert browser.opened in out
    assert "alice" in out
    assert KEY not in out + err
    assert browser.asked["label"] == "work laptop"
    assert len(browser.asked["state"]) > 40
    target = urlsplit(browser.asked["redirect_uri"])
    assert (target.scheme, target.hostname, target.path) == ("http", "127.0.0.1", "/callback")
    kept = json.loads((laptop.home / "credentials.json").read_text())
    assert (kept["api_key"], kept["username"]) == (KEY, "alice")


def test_the_page_in_the_browser_says_that_it_may_be_closed_and_its_address_holds_no_key(
    laptop: Laptop, box: Box, open_browser: Open
) -> None:
    browser = open_browser(lambda browser: browser.answer(api_key=KEY))
    assert login(laptop, box)[0] == 0
    assert browser.done.wait(5)
    ((status, address, page),) = browser.saw
    assert (status, urlsplit(address).path, urlsplit(address).query) == (200, "/done", "")
    assert "You may close this page." in page
    assert KEY not in page


def test_the_machines_own_name_is_its_label(
    laptop: Laptop, box: Box, open_browser: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "kitchen.example.org")
    browser = open_browser(lambda browser: browser.answer(api_key=KEY))
    assert login(laptop, box)[0] == 0
    assert browser.asked["label"] == "kitchen"


def test_a_no_in_the_browser_is_one_sentence(laptop: Laptop, box: Box, open_browser: Open) -> None:
    no = {"error": "access_denied", "error_description": "The answer in the browser was no."}
    browser = open_browser(lambda browser: browser.answer(**no))
    one_sentence(login(laptop, box), "nothing was signed in: the answer in the browser was no.", laptop)
    assert browser.done.wait(5)
    assert "Nothing was signed in." in browser.saw[0][2]


def test_an_answer_with_another_state_is_turned_away_and_the_right_one_still_taken(
    laptop: Laptop, box: Box, open_browser: Open
) -> None:
    def does(browser: Browser) -> None:
        for state in ("", "x", "é", browser.asked["state"][:-1]):
            browser.answer(api_key=OLD, state=state)
        browser.go(browser.asked["redirect_uri"])
        browser.go(browser.asked["redirect_uri"].replace("/callback", "/done"))
        browser.answer(api_key=KEY)

    browser = open_browser(does)
    code, _, err = login(laptop, box)
    assert code == 0, err
    assert err.count("\n") == 1
    assert "another sign-in was turned away" in err
    assert browser.done.wait(5)
    assert [status for status, _, _ in browser.saw] == [400] * 5 + [404, 200]
    assert json.loads((laptop.home / "credentials.json").read_text())["api_key"] == KEY


def test_a_second_answer_changes_nothing(
    laptop: Laptop, box: Box, open_browser: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def does(browser: Browser) -> None:
        at_once = [threading.Thread(target=browser.answer, kwargs={"api_key": KEY}) for _ in range(4)]
        for each in at_once:
            each.start()
        for each in at_once:
            each.join()

    shown = threading.Event.wait
    monkeypatch.setattr(loopback, "LINGER", 5.0)
    browser = open_browser(does)
    # Linger until the browser has all that it came for.
    monkeypatch.setattr(
        loopback._Listener, "__exit__", lambda self, *_: (shown(browser.done, 5), self.shutdown(), self.server_close())
    )
    code, _, err = login(laptop, box)
    assert code == 0, err
    assert [(status, urlsplit(address).path) for status, address, _ in browser.saw] == [(200, "/done")] * 4
    assert len([path for path, _, _ in box.requests if path == "/api/v1/verify"]) == 1


def test_nobody_who_answers_is_waited_for_five_minutes(
    laptop: Laptop, box: Box, open_browser: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert loopback.PATIENCE == 300
    monkeypatch.setattr(loopback, "PATIENCE", 0.05)
    open_browser(lambda _: None)
    one_sentence(login(laptop, box), "nobody answered in the browser within five minutes", laptop)


def test_a_machine_that_gives_no_port_is_one_sentence(
    laptop: Laptop, box: Box, open_browser: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(loopback._Listener, "server_bind", busy)
    open_browser(lambda _: None)
    one_sentence(login(laptop, box), "(Address already in use); run `arena login --device`", laptop)


def test_a_box_that_is_down_opens_no_browser(laptop: Laptop, box: Box, open_browser: Open) -> None:
    browser = open_browser(lambda _: None)
    box.faults = [503] * 4
    one_sentence(login(laptop, box), "nothing was signed in, try again later", laptop)
    box.faults = [b"<html>hotel wifi</html>"]
    one_sentence(login(laptop, box), "did not answer like an arena box", laptop)
    assert browser.opened == ""


def test_a_key_that_the_box_does_not_know_is_not_kept(laptop: Laptop, box: Box, open_browser: Open) -> None:
    def does(browser: Browser) -> None:
        box.faults = [401]
        browser.answer(api_key=KEY)

    open_browser(does)
    one_sentence(login(laptop, box), "does not accept this key", laptop)


def test_what_is_no_key_is_not_kept(laptop: Laptop, box: Box, open_browser: Open) -> None:
    open_browser(lambda browser: browser.answer(api_key="sk-123"))
    one_sentence(login(laptop, box), "not an arena key", laptop)


def test_with_json_a_program_reads_the_result_and_a_person_the_rest(
    laptop: Laptop, box: Box, open_browser: Open
) -> None:
    browser = open_browser(lambda browser: browser.answer(api_key=KEY))
    code, out, err = login(laptop, box, "--json")
    assert code == 0
    assert json.loads(out) == {"username": "alice", "server": box.url, "hooks": []}
    assert browser.opened in err


@pytest.mark.parametrize(
    ("there", "platform", "opens"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"BROWSER": "firefox"}, "linux", True),
        ({}, "linux", False),
        ({}, "darwin", True),
        ({}, "win32", True),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "a b c d"}, "linux", False),
        ({"BROWSER": "firefox", "SSH_TTY": "/dev/pts/1"}, "darwin", False),
    ],
)
def test_a_browser_is_opened_only_where_its_person_sits(
    monkeypatch: pytest.MonkeyPatch, there: dict[str, str], platform: str, opens: bool
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(webbrowser, "get", lambda: None)
    for name, value in there.items():
        monkeypatch.setenv(name, value)
    assert loopback.has_browser() == opens


def test_a_machine_with_a_screen_and_no_browser_shows_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise webbrowser.Error

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "get", none)
    assert not loopback.has_browser()


# -- by a code


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it slept each time, without the time."""
    pauses: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(device_code, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: now[0]))
    return pauses


WAIT, SLOW, KEPT = {"error": "authorization_pending"}, {"error": "slow_down"}, {"api_key": KEY, "username": "alice"}


def test_a_code_is_shown_and_the_key_comes_once_somebody_said_yes(laptop: Laptop, box: Box, slept: list[float]) -> None:
    box.collected = [WAIT, SLOW, WAIT, KEPT]
    code, out, err = login(laptop, box, "--label", "server")
    assert code == 0, err
    assert "BCDF-GHJK" in out
    assert f"{box.url}/device?code=BCDF-GHJK" in out
    assert KEY not in out + err
    assert slept == [5, 5, 10, 10]
    asked = [(path, body) for path, _, body in box.requests if path.startswith("/api/auth")]
    assert asked[0] == ("/api/auth/device", {"label": "server"})
    assert asked[1:] == [("/api/auth/device/token", {"device_code": "the long one"})] * 4
    assert json.loads((laptop.home / "credentials.json").read_text())["api_key"] == KEY


def test_with_device_no_browser_is_opened(laptop: Laptop, box: Box, slept: list[float], open_browser: Open) -> None:
    browser = open_browser(lambda _: None)
    box.collected = [KEPT]
    assert login(laptop, box, "--device")[0] == 0
    assert browser.opened == ""


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("access_denied", "the answer on the page was no"),
        ("expired_token", "nobody said yes in time"),
        ("invalid_grant", "does not work any more"),
        ("something \x1b[31mnew", "refused: something [31mnew"),
        ("", "refused: without a reason"),
    ],
)
def test_an_end_without_a_key_is_one_sentence(
    laptop: Laptop, box: Box, slept: list[float], said: str, words: str
) -> None:
    box.collected = [WAIT, {"error": said}]
    one_sentence(login(laptop, box), words, laptop)


def test_nobody_who_says_yes_is_waited_for_as_long_as_the_code_lasts(
    laptop: Laptop, box: Box, slept: list[float]
) -> None:
    box.lasts = 60
    box.collected = [WAIT] * 100
    one_sentence(login(laptop, box), "nobody said yes in time", laptop)
    assert sum(slept) == 55


def test_a_box_that_is_started_again_meanwhile_does_not_end_it(laptop: Laptop, box: Box, slept: list[float]) -> None:
    box.collected = [WAIT, KEPT]
    answer = box.device

    def down_once(to: Any) -> None:
        if to.path.endswith("/token") and len(box.collected) == 1:
            box.device = answer  # type: ignore[method-assign]
            box.faults = [503] * 3
            box.reply(to, 503, {})
            return
        answer(to)

    box.device = down_once  # type: ignore[method-assign]
    assert login(laptop, box)[0] == 0


def test_a_box_that_knows_no_codes_says_so(laptop: Laptop, box: Box) -> None:
    box.device = lambda to: box.reply(to, 404, {"error": "There is nothing at this address."})  # type: ignore[method-assign]
    one_sentence(login(laptop, box), "refused: There is nothing at this address.", laptop)
    box.device = lambda to: box.send(to, 200, b"<html>")  # type: ignore[method-assign]
    one_sentence(login(laptop, box), "did not answer like an arena box", laptop)


def test_a_box_that_is_down_is_one_sentence(laptop: Laptop, box: Box) -> None:
    box.faults = [503] * 4
    one_sentence(login(laptop, box), "nothing was signed in, try again later", laptop)


# -- again


def revoked(box: Box) -> list[str]:
    return [headers["x-api-key"] for path, headers, _ in box.requests if path == "/api/v1/keys/revoke"]


def test_a_new_key_takes_the_place_of_the_one_that_was_made_for_this_machine(
    laptop: Laptop, box: Box, slept: list[float]
) -> None:
    box.collected = [{"api_key": OLD}, {"api_key": KEY}]
    assert login(laptop, box)[0] == 0
    assert revoked(box) == []
    assert login(laptop, box)[0] == 0
    assert revoked(box) == [OLD]


def test_a_key_that_is_refused_already_keeps_nobody_from_signing_in_again(
    laptop: Laptop, box: Box, slept: list[float]
) -> None:
    box.collected = [{"api_key": OLD}, {"api_key": KEY}]
    assert login(laptop, box)[0] == 0
    data = box.data

    def refusing(path: str, body: Any) -> Any:
        if path == "/api/v1/keys/revoke":
            raise ConnectionError
        return data(path, body)

    box.data = refusing  # type: ignore[method-assign]
    assert login(laptop, box)[0] == 0


@pytest.mark.parametrize("first", [("--api-key", OLD), ("--device",)])
def test_a_key_that_was_given_is_never_revoked_nor_revokes(
    laptop: Laptop, box: Box, slept: list[float], first: tuple[str, ...]
) -> None:
    box.collected = [{"api_key": OLD if first == ("--device",) else KEY}] * 2
    assert login(laptop, box, *first)[0] == 0
    second = ("--api-key", KEY) if first == ("--device",) else ("--device",)
    assert login(laptop, box, *second)[0] == 0
    assert revoked(box) == []


def test_a_key_and_a_code_at_once_are_wrong_usage(laptop: Laptop, box: Box) -> None:
    assert login(laptop, box, "--device", "--api-key", KEY)[0] == 2


def test_the_help_shows_each_way(laptop: Laptop) -> None:
    code, out, _ = laptop.run("login", "--help")
    assert code == 0
    for words in ("arena login --server", "--device", "--api-key -", "example:"):
        assert words in out
