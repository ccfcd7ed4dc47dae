"""What is secret is kept nowhere in clear: not in the database, not in the queue, not in any log."""

import json
import re
import stat

import httpx

from arena.accounts.actions import links
from arena.audit.models import OPERATOR
from arena.core import clock
from tests.flows.conftest import Serve
from tests.flows.serving import Visitor, arena, get, post, session, wait_until
from tests.peers.mailbox import PASSWORD as LOGIN
from tests.peers.mailbox import Mailbox
from tests.peers.model import Model, send
from tests.peers.receiver import Receiver

PASSWORD = "a very secret passphrase"
MISTYPED = "typed-into-the-wrong-field"
TOKEN = "0123456789abcdef-metrics"
MAIL = "somebody@example.org"


def test_no_secret_is_stored_or_logged_in_clear(serve: Serve) -> None:
    box = serve(ARENA_ARENA__LOG_LEVEL="debug", ARENA_ARENA__SLOW_MS="1", ARENA_METRICS__BEARER_TOKEN=TOKEN)
    first = box.first_link()
    with Visitor(box) as alice:
        alice.join(first, "alice", PASSWORD)
        key = alice.make_key()
        invitation = box.write(lambda conn: links.invite(conn, name=None, days=1, caller=OPERATOR, now=clock.now()))
        codes = post(f"{box.url}/api/auth/device", json={"label": "server"}).json()
        alice.post("/device", data={"csrf": alice.csrf("/device"), "code": codes["user_code"], "answer": "yes"})
        collected = post(f"{box.url}/api/auth/device/token", json={"device_code": codes["device_code"]}).json()
        cookie = alice.cookies["arena"]
        form = alice.csrf("/dashboard")
        with Visitor(box) as stranger:
            token = stranger.csrf("/sign-in")
            for name, password in ((MISTYPED, PASSWORD), (MAIL, PASSWORD), ("alice", MISTYPED)):
                stranger.post("/sign-in", data={"csrf": token, "name": name, "password": password})
            stranger.get(f"/join/{invitation}")
            stranger.get(f"/join/{invitation}x")
            stranger.get(f"/{MAIL}", params={"q": MAIL}, headers={"X-Request-Id": MAIL, "Referer": MAIL})
            told = [stranger.get("/metrics", headers={"Authorization": f"Bearer {each}"}) for each in (TOKEN, MISTYPED)]
            assert [each.status_code for each in told] == [200, 401]
    almost = key[:-1] + ("0" if key[-1] != "0" else "1")
    for sent in (key, almost):
        get(f"{box.url}/api/v1/verify", headers={"X-API-Key": sent})
        post(f"{box.url}/api/v1/sessions", json=session(), headers={"X-API-Key": sent, "X-Signature": "0" * 64})
    assert box.stop() == 0
    secrets = [PASSWORD, MISTYPED, MAIL, TOKEN, key, almost, invitation, first.rpartition("/")[2], cookie, form]
    secrets += [codes["device_code"], codes["user_code"], collected["api_key"]]
    for file in [box.log, *box.data.iterdir()]:
        content = file.read_bytes()
        for each in secrets:
            assert each.encode() not in content, f"{each} is in {file.name}"
            assert each not in told[0].text
    written = box.log.read_text()
    told_of = [json.loads(line) for line in written.splitlines() if '"request"' in line]
    assert {"/join/{token}", "/sign-in", "/api/v1/sessions", "/device"} <= {line["path"] for line in told_of}
    assert len({line["request_id"] for line in told_of}) == len(told_of)
    for name in ("alice", "Alice", key[:19]):
        assert name not in written
        assert name not in told[0].text


MODEL_KEY = "sk-0123456789-of-the-model"
README = "# A project of whispers\n\nNobody but its person may read this line."
FEEDBACK = "A verdict that is for one pair of eyes."


def test_no_key_of_the_model_and_nothing_that_is_judged_is_logged(serve: Serve) -> None:
    model = Model()
    quote = README.splitlines()[-1]
    half = {"score": 3, "reason": FEEDBACK, "evidence": [quote]}
    model.judge = lambda _: {"functionality": half, "practicality": half, "feedback": FEEDBACK}
    model.faults = [
        json.dumps({"error": {"message": f"{MODEL_KEY} may not ask about {quote}", "code": MODEL_KEY}}).encode(),
        *(500, b"{", lambda to: send(to, 429, MODEL_KEY.encode())),
    ]
    box = serve(ARENA_ARENA__LOG_LEVEL="debug", **model.env(API_KEY=MODEL_KEY, TIMEOUT="1"))
    try:
        alice = box.add("alice")
        sent = {
            "projectName": "Whispering gallery",
            "description": README,
            "fileStructure": {"src": ["secret-name.py"]},
        }
        answer = httpx.post(f"{box.url}/api/v1/evaluate", timeout=60, **alice.request(sent))
        assert answer.status_code == 503
        answer = httpx.post(f"{box.url}/api/v1/evaluate", timeout=60, **alice.request(sent))
        assert answer.json()["evaluation"]["feedback"] == FEEDBACK
        told = arena("admin", "evaluate", "calibrate", "--only", "blank-stub", "--data", str(box.data), **box.env)
        metrics = get(f"{box.url}/metrics").text
    finally:
        model.close()
    assert box.stop() == 0
    for secret in (MODEL_KEY, quote, FEEDBACK, "Whispering gallery", "secret-name"):
        assert secret not in box.log.read_text()
        assert secret not in metrics
        assert secret not in told.stdout + told.stderr
    for file in box.data.iterdir():
        assert MODEL_KEY.encode() not in file.read_bytes(), file.name


def test_what_the_box_keeps_is_its_owners_alone(serve: Serve) -> None:
    box = serve()
    assert stat.S_IMODE(box.data.stat().st_mode) == 0o700
    for file in box.data.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file.name


LINK = re.compile(rb"/join/[\w-]{43}")


def test_no_mailed_link_and_no_login_of_a_server_is_left_behind(serve: Serve) -> None:
    mailbox, receiver = Mailbox(login=True), Receiver()
    mailbox.faults = ["rcpt 550 no such user"]
    receiver.faults = [500]
    hook = {"ARENA_WEBHOOKS__SLACK_URL": receiver.url}
    box = serve(ARENA_ARENA__LOG_LEVEL="debug", **mailbox.env(USER="arena", PASSWORD=LOGIN), **hook)
    with Visitor(box) as root:
        root.join(box.first_link(), "root", PASSWORD)
        for address in ("refused@example.org", "taken@example.org"):
            data = {"csrf": root.csrf("/admin"), "role": "member", "email": address}
            assert "is on its way" in root.post("/admin/invitations", data=data).text
        root.post("/admin/chat/test", data={"csrf": root.csrf("/admin/chat")})
        wait_until(lambda: receiver.bodies != [], 20)
        wait_until(lambda: box.ask("SELECT 1 FROM deliveries WHERE is_secret = 1 AND content IS NOT NULL") == [], 20)
        assert mailbox.logins[0] == ("arena", LOGIN)
        shown = "".join(
            root.get(page).text for page in ("/admin/deliveries", "/admin/system", "/metrics", "/admin/chat")
        )
    mailbox.close()
    receiver.close()
    assert box.stop() == 0
    assert LINK.search(mailbox.letters[0].as_bytes())
    for secret in (LINK, re.compile(LOGIN.encode()), re.compile(b"T0KEN")):
        assert not secret.search(shown.encode())
        for file in [box.log, *box.data.iterdir()]:
            assert not secret.search(file.read_bytes()), f"{secret.pattern!r} is in {file.name}"
    assert "example.org" not in box.log.read_text()
