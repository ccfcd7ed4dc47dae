"""`arena login` as a process of its own, a real box, and somebody who reads its pages and answers."""

import html
import json
import re
import select
import signal
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from arena.accounts.actions import links
from arena.audit.models import OPERATOR
from arena.core import clock
from tests.flows.serving import Laptop, Person, Serving, Visitor, arena, get, post
from tests.flows.transcripts import Tree, tokens

PASSWORD = "correct horse battery"
QUIET = ("--no-hooks", "--no-sync")


@pytest.fixture
def visitor(box: Serving, alice: Person) -> Iterator[Visitor]:
    """Alice's browser; she has a password and is not signed in."""
    with Visitor(box) as browser:
        link = box.write(partial(links.sign_in_link, name=alice.name, days=1, caller=OPERATOR, now=clock.now()))
        browser.post(f"/join/{link}", data={"csrf": browser.csrf(f"/join/{link}"), "password": PASSWORD})
        browser.cookies.clear()
        yield browser


def sign_in(visitor: Visitor, page: httpx.Response, name: str) -> httpx.Response:
    """Fill in the sign-in page that one was led to, and go where it leads."""
    assert page.url.path == "/sign-in"
    return visitor.post("/sign-in", data={**hidden(page), "name": name, "password": PASSWORD})


def hidden(page: httpx.Response) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)
    return {name: html.unescape(value) for name, value in found}


def keys_of(person: Person) -> int:
    asked = "SELECT count(*) FROM api_keys k JOIN users u ON u.id = k.user_id WHERE u.username = :name"
    count: int = person.box.ask(asked, name=person.name)[0][0]
    return count


def way_of(box: Serving, key: str) -> str:
    """How a key was come by, as the security log has it."""
    noted = box.ask("SELECT details FROM security_audit_log WHERE event_type = 'api_key_generated'")
    (way,) = (made["way"] for made in (json.loads(row[0]) for row in noted) if made["prefix"] == key[:19])
    return str(way)


class Login:
    """An `arena login` that waits for somebody. Without a screen it shows a code; with one, its browser is nobody."""

    def __init__(self, laptop: Laptop, box: Serving, *options: str, screen: bool = True) -> None:
        laptop.env["BROWSER"] = f"{sys.executable} -c pass %s" if screen else ""
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY"):
            laptop.env[name] = ""
        self.process = laptop.start("login", "--server", box.url, *options)
        self.heard = ""

    def hears(self, pattern: str) -> str:
        """What it says that looks like this."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + 15
        while not (found := re.search(pattern, self.heard)):
            assert time.monotonic() < deadline, self.heard
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                chunk = self.process.stdout.read1(65_536).decode()  # type: ignore[attr-defined]
                assert chunk or re.search(pattern, self.heard), self.heard
                self.heard += chunk
        return found[0]

    def ends(self) -> tuple[int, str]:
        """Its exit code and all that it said."""
        try:
            rest, _ = self.process.communicate(timeout=20)
        finally:
            self.process.kill()
        return self.process.returncode, self.heard + rest.decode()


@pytest.fixture
def login(laptop: Laptop, box: Serving) -> Iterator[partial[Login]]:
    begun: list[Login] = []

    def begin(*options: str, screen: bool = True) -> Login:
        begun.append(Login(laptop, box, *options, screen=screen))
        return begun[-1]

    yield begin  # type: ignore[misc]
    for each in begun:
        each.process.kill()
        each.process.communicate()


ADDRESS = r"http://\S+/api/auth/cli\?\S+(?=\n)"
CODE = r"(?<=    )[A-Z]{4}-[A-Z]{4}(?=\n)"


# -- through the browser of the machine


def test_a_terminal_is_signed_in_by_its_person_in_the_browser(
    login: partial[Login], visitor: Visitor, alice: Person, laptop: Laptop, tree: Tree
) -> None:
    tree.session("one", 5)
    waiting = login("--label", "work laptop")
    page = sign_in(visitor, visitor.get(waiting.hears(ADDRESS)), alice.name)
    assert page.url.path == "/api/auth/cli"
    assert "work laptop" in page.text
    done = visitor.post("/api/auth/cli", data={**hidden(page), "label": "work laptop", "answer": "yes"})
    assert (done.status_code, done.url.path) == (200, "/done")
    assert "You may close this page." in done.text
    code, said = waiting.ends()
    assert code == 0, said
    assert f"as {alice.name}" in said
    assert "5 submitted" in said
    assert alice.totals() == (*tokens(tree), 1)
    kept = json.loads((laptop.home / "credentials.json").read_text())
    assert kept["api_key"] not in said
    assert kept["api_key"] not in alice.box.log.read_text()
    labels = alice.box.ask("SELECT label FROM api_keys WHERE prefix = :prefix", prefix=kept["api_key"][:19])
    assert labels == [("work laptop",)]
    assert way_of(alice.box, kept["api_key"]) == "browser"


def test_no_in_the_browser_leaves_the_machine_signed_out(
    login: partial[Login], visitor: Visitor, alice: Person, laptop: Laptop
) -> None:
    waiting = login(*QUIET)
    page = sign_in(visitor, visitor.get(waiting.hears(ADDRESS)), alice.name)
    done = visitor.post("/api/auth/cli", data={**hidden(page), "answer": "no"})
    assert "Nothing was signed in." in done.text
    code, said = waiting.ends()
    assert code == 1
    assert "nothing was signed in: the answer in the browser was no." in said
    assert not (laptop.home / "credentials.json").exists()


def test_looking_at_the_page_signs_nothing_in(login: partial[Login], visitor: Visitor, alice: Person) -> None:
    waiting = login(*QUIET)
    address = waiting.hears(ADDRESS)
    sign_in(visitor, visitor.get(address), alice.name)
    visitor.get(address)
    assert waiting.process.poll() is None
    assert keys_of(alice) == 1  # the one that alice had


@pytest.mark.parametrize(("options", "shown"), [((), ADDRESS), (("--device",), CODE)])
def test_whoever_stops_it_hears_one_sentence(
    login: partial[Login], laptop: Laptop, options: tuple[str, ...], shown: str
) -> None:
    waiting = login(*options, *QUIET)
    waiting.hears(shown)
    waiting.process.send_signal(signal.SIGINT)
    code, said = waiting.ends()
    assert code == 130
    assert said.endswith("arena: stopped; nothing was signed in.\n")
    assert "Traceback" not in said
    assert not (laptop.home / "credentials.json").exists()


def test_a_box_that_is_not_there_is_one_sentence(laptop: Laptop) -> None:
    done = arena("login", "--server", "http://127.0.0.1:9", **{**laptop.env, "BROWSER": "none"})
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "cannot be reached" in done.stderr


# -- by a code


def test_a_machine_without_a_browser_is_signed_in_from_another(
    login: partial[Login], visitor: Visitor, alice: Person, laptop: Laptop
) -> None:
    waiting = login("--label", "build server", *QUIET, screen=False)
    code = waiting.hears(CODE)
    waiting.hears(rf"{alice.box.url}/device\?code={code}")
    page = sign_in(visitor, visitor.get(f"/device?code={code}"), alice.name)
    assert f'value="{code}"' in page.text
    confirm = visitor.post("/device", data={**hidden(page), "code": code.replace("-", "").lower()})
    for words in ("build server", "127.0.0.1", "arena/", code):
        assert words in confirm.text
    done = visitor.post("/device", data={**hidden(confirm), "answer": "yes"})
    assert "You may close this page." in done.text
    again = visitor.post("/device", data={**hidden(confirm), "answer": "yes"})
    assert "answered already" in again.text
    exit_code, said = waiting.ends()
    assert exit_code == 0, said
    assert alice.name in said
    key = json.loads((laptop.home / "credentials.json").read_text())["api_key"]
    assert key not in said + confirm.text + done.text + alice.box.log.read_text()
    assert way_of(alice.box, key) == "device"
    assert Person(alice.box, alice.name, key).get("/api/v1/verify")["username"] == alice.name


def test_two_machines_have_a_key_each_and_one_is_revoked_alone(
    box: Serving, visitor: Visitor, alice: Person, tmp_path: Path, tree: Tree
) -> None:
    machines = {label: Laptop(tmp_path / label, tree.claude) for label in ("home", "work")}
    sign_in(visitor, visitor.get("/device"), alice.name)
    waiting = [Login(machine, box, "--label", label, *QUIET, screen=False) for label, machine in machines.items()]
    for each in waiting:
        confirm = visitor.post("/device", data={"csrf": visitor.csrf("/device"), "code": each.hears(CODE)})
        visitor.post("/device", data={**hidden(confirm), "answer": "yes"})
    assert [each.ends()[0] for each in waiting] == [0, 0]
    dashboard = visitor.get("/dashboard").text
    prefixes = {}
    for label, machine in machines.items():
        prefixes[label] = json.loads((machine.home / "credentials.json").read_text())["api_key"][:19]
        assert f"<bdi>{label}</bdi>" in dashboard
    visitor.post(f"/dashboard/keys/{prefixes['work']}/revoke", data={"csrf": visitor.csrf("/dashboard")})
    tree.session("one", 1)
    machines["home"].sync()
    refused = arena("sync", **machines["work"].env)
    assert refused.returncode == 1
    assert "sign in again with `arena login`" in refused.stderr


def test_a_machine_that_is_killed_while_it_waits_leaves_no_key(
    login: partial[Login], visitor: Visitor, alice: Person
) -> None:
    waiting = login("--device", *QUIET)
    code = waiting.hears(CODE)
    waiting.process.kill()
    page = sign_in(visitor, visitor.get("/device"), alice.name)
    confirm = visitor.post("/device", data={**hidden(page), "code": code})
    visitor.post("/device", data={**hidden(confirm), "answer": "yes"})
    assert keys_of(alice) == 1  # the one that alice had


def test_a_box_that_is_started_again_knows_who_waits(serve: object, laptop: Laptop, tmp_path: Path) -> None:
    box: Serving = serve()  # type: ignore[operator]
    asked = post(f"{box.url}/api/auth/device", json={"label": "server"}).json()
    with Visitor(box) as visitor:
        visitor.join(box.first_link(), "alice")
        confirm = visitor.post("/device", data={"csrf": visitor.csrf("/device"), "code": asked["user_code"]})
        visitor.post("/device", data={**hidden(confirm), "answer": "yes"})
    box.kill()
    box.start()
    got = post(f"{box.url}/api/auth/device/token", json={"device_code": asked["device_code"]}).json()
    assert Person(box, "alice", got["api_key"]).get("/api/v1/verify")["username"] == "alice"
    assert post(f"{box.url}/api/auth/device/token", json={"device_code": asked["device_code"]}).json() == {
        "error": "invalid_grant"
    }


# -- the same road for programs that were there before


def test_an_older_program_is_signed_in_through_the_same_page(box: Serving, visitor: Visitor, alice: Person) -> None:
    asked = {"redirect_uri": "http://localhost:8099/callback", "state": "of an older program"}
    page = sign_in(visitor, visitor.get("/api/auth/cli", params=asked), alice.name)
    visitor.follow_redirects = False
    led = visitor.post("/api/auth/cli", data={**hidden(page), "answer": "yes"}).headers["location"]
    assert led.startswith("http://localhost:8099/callback?")
    said = {name: values[0] for name, values in parse_qs(urlsplit(led).query).items()}
    assert (said["state"], said["username"]) == ("of an older program", alice.name)
    assert Person(box, alice.name, said["api_key"]).get("/api/v1/verify")["valid"] is True


def test_the_page_may_lead_to_the_program_that_asked_and_no_other(
    box: Serving, visitor: Visitor, alice: Person
) -> None:
    asked = {"redirect_uri": "http://localhost:8099/callback", "state": "x"}
    page = sign_in(visitor, visitor.get("/api/auth/cli", params=asked), alice.name)
    (policy,) = page.headers.get_list("content-security-policy")
    assert "form-action 'self' http://localhost:8099;" in policy
    for other in ("/device", "/dashboard"):
        (usual,) = visitor.get(other).headers.get_list("content-security-policy")
        assert "form-action 'self';" in usual
        assert policy.replace(" http://localhost:8099", "") == usual


def test_the_page_for_codes_asks_to_sign_in_and_comes_back(box: Serving) -> None:
    away = get(f"{box.url}/device?code=BCDF-GHJK")
    assert (away.status_code, away.headers["location"]) == (303, "/sign-in?next=%2Fdevice%3Fcode%3DBCDF-GHJK")
