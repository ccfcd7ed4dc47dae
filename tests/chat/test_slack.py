"""The slash command: signed by Slack, answered for one person alone, and the page that its link leads to."""

import hmac
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from arena.accounts.actions import links
from arena.audit.models import OPERATOR
from arena.chat.rules.slack import is_from_slack, may_invite, said, standing
from arena.core import clock
from arena.core.clock import DAY
from tests.flows.conftest import pytest_runtest_makereport, serve
from tests.flows.serving import Serving, Visitor, post, session, wait_until

__all__ = ["pytest_runtest_makereport", "serve"]
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
KEY = re.compile(r"modu_arena_[0-9a-f]{8}_[0-9a-f]{32}")
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    made = Serving(tmp_path_factory.mktemp("box") / "data", ARENA_SLACK__SIGNING_SECRET=SECRET).start()
    yield made
    assert made.stop() == 0


def signed(body: bytes, at: int | None = None, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(time.time()) if at is None else at)
    tag = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, "sha256").hexdigest()
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={tag}",
    }


def form(text: str, user: str = "U1", **more: str) -> bytes:
    fields = {"team_id": "T1", "user_id": user, "user_name": f"slack-{user.lower()}", "command": "/arena", "text": text}
    fields["trigger_id"] = str(time.time_ns())  # as Slack's own, no two requests are the same
    return urlencode({**fields, **more}).encode()


def type_in(box: Serving, text: str, user: str = "U1", **more: str) -> str:
    """What somebody reads who typed this."""
    body = form(text, user, **more)
    answer = post(f"{box.url}/slack/command", content=body, headers=signed(body))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told.keys() == {"text", "response_type"}
    assert told["response_type"] == "ephemeral"
    assert not KEY.search(told["text"])
    return str(told["text"])


def link_in(box: Serving, text: str) -> str:
    found = re.search(rf"{box.url}(/slack/key/\S+)", text)
    assert found, text
    return found[1]


@contextmanager
def browser_of(box: Serving, name: str) -> Iterator[Visitor]:
    do = {"days": 1, "caller": OPERATOR, "now": clock.now()}
    token = box.write(lambda conn: links.sign_in_link(conn, name=name, **do))
    with Visitor(box) as visitor:
        visitor.post(f"/join/{token}", data={"csrf": visitor.csrf(f"/join/{token}"), "password": PASSWORD})
        yield visitor


def use(visitor: Visitor, path: str) -> httpx.Response:
    return visitor.post(path, data={"csrf": visitor.csrf(path)})


# -- signatures


def test_the_signature_is_that_of_slacks_own_example() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name="
        b"foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F"
        b"hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015."
        b"47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    tag = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    at = 1_531_420_618
    assert is_from_slack(SECRET, str(at), tag, body, at * 1000)
    assert is_from_slack(SECRET, str(at), tag, body, (at + 300) * 1000)
    assert not is_from_slack(SECRET, str(at), tag, body, (at + 301) * 1000)
    assert not is_from_slack(SECRET, str(at), tag, body, (at - 301) * 1000)
    assert not is_from_slack(SECRET, str(at), tag, body + b"&", at * 1000)
    assert not is_from_slack(SECRET, str(at + 1), tag, body, at * 1000)
    assert not is_from_slack(SECRET + "x", str(at), tag, body, at * 1000)
    for stamp in ("", "now", "-1", "1" * 99, "１５３１４２０６１８", f"{at}\n"):
        assert not is_from_slack(SECRET, stamp, tag, body, at * 1000)
    for other in ("", tag[3:], tag.upper(), tag[:-1], "v0=é"):
        assert not is_from_slack(SECRET, str(at), other, body, at * 1000)
    found = said(body, tag)
    assert (found.workspace, found.user, found.name, found.command, found.verb) == (
        "T1DC2JH3J",
        "U2CERLKJA",
        "roadrunner",
        "/webhook-collect",
        "help",
    )


FORGED: dict[str, Callable[[bytes], dict[str, str]]] = {
    "nothing": lambda _: {"Content-Type": "application/x-www-form-urlencoded"},
    "another secret": lambda body: signed(body, secret="another"),
    "another body": lambda body: signed(body + b"x"),
    "six minutes ago": lambda body: signed(body, int(time.time()) - 360),
    "in six minutes": lambda body: signed(body, int(time.time()) + 360),
    "another time": lambda body: {**signed(body), "X-Slack-Request-Timestamp": str(int(time.time()) - 1)},
}


@pytest.mark.parametrize("forgery", FORGED)
def test_what_slack_did_not_sign_just_now_is_refused_and_noted(box: Serving, forgery: str) -> None:
    body = form("key")
    sql = "SELECT (SELECT COUNT(*) FROM slack_links), (SELECT COUNT(*) FROM slack_requests)"
    before = box.ask(sql)
    answer = post(f"{box.url}/slack/command", content=body, headers=FORGED[forgery](body))
    assert answer.status_code == 401
    assert answer.json()["error"].startswith("This request is not signed by the Slack app of this box")
    assert box.ask(sql) == before
    noted = "SELECT 1 FROM security_audit_log WHERE event_type = 'slack_signature_invalid'"
    wait_until(lambda: box.ask(noted), 5)


def test_a_request_is_heeded_once(box: Serving) -> None:
    body = form("key")
    answers = [post(f"{box.url}/slack/command", content=body, headers=signed(body, int(time.time()))) for _ in range(2)]
    same = signed(body)
    answers += [post(f"{box.url}/slack/command", content=body, headers=same) for _ in range(2)]
    assert answers[0].status_code == 200
    assert answers[-1].status_code == 401
    assert "came before" in answers[-1].text


@pytest.mark.parametrize("more", [{"team_id": ""}, {"user_id": "<!channel>"}, {"user_id": "u1"}, {"team_id": "T" * 40}])
def test_what_cannot_be_read_is_refused(box: Serving, more: dict[str, str]) -> None:
    body = form("key", **more)
    assert post(f"{box.url}/slack/command", content=body, headers=signed(body)).status_code == 400


def test_bytes_of_any_kind_are_no_failure(box: Serving) -> None:
    for body in (b"\xff\xfe", b"%ff%fe=1", b"a&" * 5000, b"", b"team_id=T1&user_id=U1&text=%00%ff"):
        assert post(f"{box.url}/slack/command", content=body, headers=signed(body)).status_code in (200, 400)
    big = b"a" * 30_000
    assert post(f"{box.url}/slack/command", content=big, headers=signed(big)).status_code == 413


def test_without_a_secret_nobody_is_answered(serve: Callable[..., Serving]) -> None:
    other = serve()
    body = form("help")
    for secret in (SECRET, ""):
        answer = post(f"{other.url}/slack/command", content=body, headers=signed(body, secret=secret))
        assert answer.status_code == 401


# -- a key


def test_a_key_is_handed_over_on_the_page_alone_and_the_person_is_known_from_then_on(box: Serving) -> None:
    box.add("bob")
    text = type_in(box, "key", "UBOB")
    assert "Ask who runs this arena for an invitation." in text
    path = link_in(box, text)
    with Visitor(box) as stranger:
        assert "/sign-in" in str(stranger.get(path).url)
    with browser_of(box, "bob") as bob:
        page = bob.get(path)
        assert "slack-ubob" in page.text
        assert not KEY.search(page.text)
        assert bob.get(path).status_code == 200  # looking does not use it up
        made = use(bob, path)
        assert made.headers["cache-control"] == "no-store"
        assert KEY.search(made.text)
        assert bob.get(path).status_code == 404
    assert box.ask("SELECT label FROM api_keys WHERE label = 'from Slack'") == [("from Slack",)]
    assert box.ask("SELECT details FROM security_audit_log WHERE event_type = 'slack_linked'")
    assert "makes a key for bob" in type_in(box, "KEY  please", "UBOB")


def test_somebody_elses_link_opens_nothing(box: Serving) -> None:
    box.add("carol")
    box.add("mallory")
    first = link_in(box, type_in(box, "key", "UCAROL"))
    with browser_of(box, "carol") as carol:
        use(carol, first)
    path = link_in(box, type_in(box, "key", "UCAROL"))
    with browser_of(box, "mallory") as mallory:
        assert mallory.get(path).status_code == 404
        answer = mallory.post(path, data={"csrf": mallory.csrf("/dashboard")})
        assert answer.status_code == 404
        assert not KEY.search(answer.text)
    with browser_of(box, "carol") as carol:
        assert KEY.search(use(carol, path).text)


def test_a_link_lasts_ten_minutes_and_a_new_one_ends_it(box: Serving) -> None:
    box.add("dan")
    old, new = (link_in(box, type_in(box, "key", "UDAN")) for _ in range(2))
    with browser_of(box, "dan") as dan:
        assert dan.get(old).status_code == 404
        assert dan.get(new).status_code == 200
        ((left,),) = box.ask("SELECT expires_at FROM slack_links WHERE slack_user = 'UDAN'")
        assert 0 < left - clock.now() <= 600_000
        box.write(lambda conn: conn.execute("UPDATE slack_links SET expires_at = 1"))
        assert dan.get(new).status_code == 404
        assert dan.post(new, data={"csrf": dan.csrf("/dashboard")}).status_code == 404


def test_two_who_press_at_once_make_one_key(box: Serving) -> None:
    box.add("erin")
    path = link_in(box, type_in(box, "key", "UERIN"))
    with browser_of(box, "erin") as erin:
        token = erin.csrf(path)
        answers = [erin.post(path, data={"csrf": token}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 404, 404]


def test_who_is_unlinked_is_unknown_again_and_takes_it_along_before(box: Serving) -> None:
    box.add("finn")
    with browser_of(box, "finn") as finn:
        use(finn, link_in(box, type_in(box, "key", "UFINN")))
        (mine,) = finn.get("/settings/export").json()["slack_accounts"]
        assert (mine["workspace"], mine["slack_user"]) == ("T1", "UFINN")
        waiting = link_in(box, type_in(box, "key", "UFINN"))
        assert "has forgotten" in type_in(box, "unlink", "UFINN")
        assert finn.get(waiting).status_code == 404
        assert finn.get("/settings/export").json()["slack_accounts"] == []
    assert "nothing to forget" in type_in(box, "unlink", "UFINN")
    assert "does not know who you are" in type_in(box, "rank", "UFINN")


# -- places and help


def test_a_place_is_told_to_its_person_private_or_not(box: Serving) -> None:
    box.add("gina", private=True).send(session(sessionId="one", inputTokens=10**7, outputTokens=10**7))
    box.add("hugo").send(session(sessionId="two"))
    for name in ("gina", "hugo"):
        with browser_of(box, name) as visitor:
            use(visitor, link_in(box, type_in(box, "key", f"U{name.upper()}")))
    assert type_in(box, "rank", "UGINA").startswith("You are 1st of 2 this week, with ")
    assert "2nd of 2 this month" in type_in(box, "rank", "UHUGO")


def test_anything_else_says_what_can_be_typed(box: Serving) -> None:
    for text in ("", "help", "what", "<!channel>"):
        told = type_in(box, text, command="/usage")
        assert "`/usage key`" in told
        assert "<!" not in told
    assert "`/arena key`" in type_in(box, "", command="/<!here>")


# -- joining


def test_whoever_has_no_account_may_be_invited_once(serve: Callable[..., Serving]) -> None:
    other = serve(ARENA_SLACK__SIGNING_SECRET=SECRET, ARENA_SLACK__MAY_JOIN="true")
    text = type_in(other, "key", "UNEW")
    path = link_in(other, text)
    invitation = re.search(r"http\S+/join/\S+", text)
    assert invitation
    assert "were handed an invitation before" in type_in(other, "key", "UNEW")
    with Visitor(other) as visitor:
        visitor.join(invitation[0], "newcomer")
        path = link_in(other, type_in(other, "key", "UNEW"))
        assert KEY.search(use(visitor, path).text)
    assert "/join/" not in type_in(other, "key", "UNEW")


def test_an_invitation_follows_when_the_earlier_one_is_over() -> None:
    assert may_invite(None, 7, 0)
    assert not may_invite(0, 7, 7 * DAY - 1)
    assert may_invite(0, 7, 7 * DAY)


def test_an_open_box_says_where_to_join(serve: Callable[..., Serving]) -> None:
    other = serve(ARENA_SLACK__SIGNING_SECRET=SECRET, ARENA_ACCOUNTS__SIGN_UP="open")
    assert f"Join first: {other.url}/join" in type_in(other, "key", "UNEW")


def test_nobody_is_on_a_board_without_usage() -> None:
    boards: list[Any] = []
    assert standing(boards, "somebody") == "You are on no board yet: nothing of yours has arrived."
