"""A whole box with providers: what it starts like, what it keeps and logs, and how it goes on when they are gone."""

from tests.flows.conftest import Serve
from tests.flows.serving import Visitor, arena
from tests.peers import github

SECRET = {"ARENA_OAUTH__GITHUB__CLIENT_ID": "arena", "ARENA_OAUTH__GITHUB__CLIENT_SECRET": github.SECRET}


def test_no_secret_of_a_sign_in_is_kept_or_logged(serve: Serve) -> None:
    hub = github.GitHub()
    try:
        box = serve(**SECRET, ARENA_OAUTH__GITHUB__URL=hub.url, ARENA_ARENA__LOG_LEVEL="debug")
        with Visitor(box) as alice:
            alice.follow_redirects = False
            there = alice.get(f"{box.first_link()}/github").headers["location"]
            back = github.sign_in(there)
            assert alice.get(back).headers["location"] == "/join"
            data = {"csrf": alice.csrf("/join"), "name": "alice", "display": ""}
            assert alice.post("/join", data=data).status_code == 303
            assert alice.get(back).status_code == 400
            hub.say("/login/oauth/access_token", 200, {"error": "bad_verification_code"})
            again = github.sign_in(alice.get("/sign-in/github").headers["location"])
            assert alice.get(again).status_code == 403
        assert box.stop() == 0
    finally:
        hub.close()
    assert "bad_verification_code" in box.log.read_text()
    codes = [address.partition("code=")[2].partition("&")[0] for address in (back, again)]
    states = [address.partition("state=")[2].partition("&")[0] for address in (back, again)]
    for file in [box.log, *box.data.iterdir()]:
        content = file.read_bytes()
        for each in [github.SECRET, *hub.tokens, *codes, *states]:
            assert each.encode() not in content, f"{each} is in {file.name}"


def test_a_provider_that_is_gone_is_no_reason_not_to_start(serve: Serve) -> None:
    hub = github.GitHub()
    hub.close()
    box = serve(**SECRET, ARENA_OAUTH__GITHUB__URL=hub.url)
    with Visitor(box) as alice:
        alice.join(box.first_link(), "alice")
        assert alice.get("/dashboard").status_code == 200
        assert "Link GitHub" in alice.get("/settings").text


def test_the_operator_sees_that_there_is_a_secret_and_not_which(serve: Serve) -> None:
    box = serve(**SECRET)
    said = arena("admin", "config", "--data", str(box.data), **SECRET)
    assert (said.returncode, 'client_secret = "********"' in said.stdout) == (0, True)
    assert github.SECRET not in said.stdout + said.stderr


def test_half_a_configuration_is_refused_before_anything_starts(tmp_path) -> None:
    said = arena("serve", "--port", "0", "--data", str(tmp_path / "data"), ARENA_OAUTH__GITHUB__CLIENT_ID="arena")
    assert said.returncode == 1
    assert "[oauth.github] client_id needs ARENA_OAUTH__GITHUB__CLIENT_SECRET" in said.stderr
