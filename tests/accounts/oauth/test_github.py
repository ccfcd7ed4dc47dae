"""Signing in with GitHub, against a server that speaks as GitHub does."""

import html
import re
import threading
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from arena.accounts import store
from arena.accounts.oauth.github import _api
from arena.core import clock
from arena.core.config import Accounts, GitHub
from tests.peers import github

from .conftest import of_github

OPEN = Accounts(sign_up="open")


def arrive(visitor, hub, path: str = "/sign-in/github", **how):
    """Go to GitHub and come back."""
    return visitor.come_back(github.sign_in(visitor.leave(path), **how))


def query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_somebody_new_chooses_a_name_and_is_signed_in_with_github_from_then_on(open_site, hub) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        answer = arrive(visitor, hub, "/sign-in/github?next=/page")
        assert answer.headers["location"] == "/join"
        form = visitor.client.get("/join").text
        assert 'value="octocat"' in form
        assert 'value="The Octocat"' in form
        assert "GitHub knows you as" in form
        assert 'type="password"' not in form
        answer = visitor.join("octo", "Octo")
        assert (answer.status_code, answer.headers["location"]) == (303, "/page")
        assert visitor.who() == "octo"
        visitor.client.cookies.clear()
        answer = arrive(visitor, hub, "/sign-in/github?next=/page")
        assert (answer.status_code, answer.headers["location"]) == (303, "/page")
        assert visitor.who() == "octo"


def test_a_terminal_that_asks_is_answered_after_signing_in_with_github(open_site, hub) -> None:
    asked = "/api/auth/cli?redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fcallback&state=s"
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        for newcomer in (True, False):
            sign_in = visitor.client.get(visitor.leave(asked)).text
            way = re.search(r'href="(/sign-in/github\?next=[^"]+)"', sign_in)
            answer = arrive(visitor, hub, html.unescape(way[1]))
            back = (visitor.join("octo") if newcomer else answer).headers["location"]
            assert back == asked
            assert "Sign in<br>your terminal?" in visitor.client.get(back).text
            visitor.client.cookies.clear()


def test_github_is_asked_for_no_more_than_is_needed_and_with_pkce(open_site, hub) -> None:
    with open_site(github=of_github(hub)) as visitor:
        asked = query(visitor.leave("/sign-in/github"))
    assert asked["scope"] == "user:email"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "http://arena.test/sign-in/github/callback"
    assert set(asked) == {
        *("client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method")
    }
    with open_site(github=of_github(hub, organisations=["team"])) as visitor:
        assert query(visitor.leave("/sign-in/github"))["scope"] == "user:email read:org"


def test_a_person_is_their_number_and_not_their_login(open_site, hub, db) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        arrive(visitor, hub)
        visitor.join("octo")
        hub.visitor.login = "renamed"
        visitor.client.cookies.clear()
        arrive(visitor, hub)
        assert visitor.who() == "octo"
        hub.visitor = github.Person(2, "octocat", "Somebody else")
        visitor.client.cookies.clear()
        assert arrive(visitor, hub).headers["location"] == "/join"
        assert visitor.who() is None
    person = db.glance(lambda conn: store.user_by_name(conn, "octo"))
    assert [each.login for each in db.glance(lambda conn: store.identities_of(conn, person.id))] == ["renamed"]


def test_the_same_number_at_another_github_is_somebody_else(open_site, hub) -> None:
    other = github.GitHub()
    try:
        with open_site(github=of_github(hub), accounts=OPEN) as visitor:
            arrive(visitor, hub)
            visitor.join("octo")
        with open_site(github=of_github(other), accounts=OPEN) as visitor:
            assert arrive(visitor, other).headers["location"] == "/join"
            assert visitor.who() is None
    finally:
        other.close()


def test_nothing_that_github_gave_is_kept(open_site, hub, db) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        arrive(visitor, hub)
        visitor.join("octo")
    token = next(iter(hub.tokens))
    kept = b"".join(each.read_bytes() for each in db.path.parent.iterdir() if each.is_file())
    assert b"octocat@example.org" in kept
    assert token.encode() not in kept


@pytest.mark.parametrize(
    ("emails", "kept"),
    [
        ([("a@example.org", True, True), ("b@example.org", False, True)], "a@example.org"),
        ([("b@example.org", False, True), ("a@example.org", True, True)], "a@example.org"),
        ([("a@example.org", True, False), ("b@example.org", False, True)], "b@example.org"),
        ([("a@example.org", True, False)], None),
        ([], None),
    ],
)
def test_the_main_address_is_kept_if_github_has_verified_it(open_site, hub, db, emails, kept: str | None) -> None:
    hub.visitor.emails = emails
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        arrive(visitor, hub)
        visitor.join("octo")
    person = db.glance(lambda conn: store.user_by_name(conn, "octo"))
    assert db.glance(lambda conn: store.identities_of(conn, person.id))[0].email == kept


def test_an_app_that_may_not_read_addresses_still_lets_people_in(open_site, hub) -> None:
    hub.say("/api/v3/user/emails", 403, {"message": "Resource not accessible by integration"})
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        assert arrive(visitor, hub).headers["location"] == "/join"


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        ("bad_verification_code", 403, "GitHub does not know this sign-in, or it was used already."),
        ("incorrect_client_credentials", 403, "GitHub refused (incorrect_client_credentials)."),
        ("redirect_uri_mismatch", 403, "GitHub refused (redirect_uri_mismatch)."),
        ("temporarily_unavailable", 503, "GitHub does not answer as it should just now."),
        ("<script>alert(1)</script>", 403, "GitHub refused (unknown)."),
    ],
)
def test_an_error_in_a_good_answer_is_a_sentence(open_site, hub, error: str, status: int, sentence: str) -> None:
    hub.say("/login/oauth/access_token", 200, {"error": error, "error_description": "in GitHub's words"})
    with open_site(github=of_github(hub)) as visitor:
        answer = arrive(visitor, hub)
        assert (answer.status_code, sentence in answer.text) == (status, True)
        assert "in GitHub's words" not in answer.text
        assert visitor.who() is None


def test_whoever_says_no_at_github_hears_that_nothing_changed(open_site, hub) -> None:
    with open_site(github=of_github(hub)) as visitor:
        answer = arrive(visitor, hub, refuses=True)
        assert answer.status_code == 403
        assert "GitHub was not allowed to say who you are, so nothing was changed here." in answer.text


def test_a_code_that_was_used_already_opens_nothing(open_site, hub) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        back = github.sign_in(visitor.leave("/sign-in/github"))
        code = query(back)["code"]
        visitor.come_back(back)
        visitor.join("octo")
        visitor.client.cookies.clear()
        own = query(visitor.leave("/sign-in/github"))
        answer = visitor.come_back(f"{own['redirect_uri']}?code={code}&state={own['state']}")
        assert answer.status_code == 403
        assert "was used already" in answer.text
        assert visitor.who() is None


def test_a_code_of_another_browser_is_refused_by_pkce(open_site, hub) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        stolen = query(github.sign_in(visitor.leave("/sign-in/github")))["code"]
        visitor.client.cookies.clear()
        own = query(visitor.leave("/sign-in/github"))
        answer = visitor.come_back(f"{own['redirect_uri']}?code={stolen}&state={own['state']}")
        assert answer.status_code == 403
        assert visitor.who() is None


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (403, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(clock.now() // 1000 + 90)}),
        (429, {"retry_after": "90"}),
    ],
)
@pytest.mark.parametrize("path", ["/api/v3/user", "/api/v3/user/emails"])
def test_a_limit_of_github_is_a_sentence_and_says_when(open_site, hub, status: int, headers, path: str) -> None:
    hub.say(path, status, {"message": "API rate limit exceeded"}, **headers)
    with open_site(github=of_github(hub)) as visitor:
        answer = arrive(visitor, hub)
        assert answer.status_code == 503
        assert "GitHub does not answer as it should just now." in answer.text
        assert 0 < int(answer.headers["retry-after"]) <= 90


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/login/oauth/access_token", 500, b"<h1>Unicorn</h1>"),
        ("/login/oauth/access_token", 404, {"message": "Not Found"}),
        ("/login/oauth/access_token", 200, b"<h1>Sign in to the proxy</h1>"),
        ("/login/oauth/access_token", 200, b"[]"),
        ("/login/oauth/access_token", 200, {"token_type": "bearer"}),
        ("/login/oauth/access_token", 200, {"access_token": 5}),
        ("/login/oauth/access_token", 302, b""),
        ("/api/v3/user", 401, {"message": "Bad credentials"}),
        ("/api/v3/user", 502, b""),
        ("/api/v3/user", 200, b"not JSON"),
        ("/api/v3/user", 200, {"login": "octocat"}),
        ("/api/v3/user", 200, {"id": "583231", "login": "octocat"}),
        ("/api/v3/user", 200, b"[" * 5_000),
        ("/api/v3/user", 200, b" " * (1 << 20) + b"{}"),
        ("/api/v3/user", 301, b""),
        ("/api/v3/user/emails", 200, {"email": "octocat@example.org"}),
        ("/api/v3/user/emails", 500, b""),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_sentence(open_site, hub, path: str, status: int, body) -> None:
    hub.say(path, status, body, **({"location": f"{hub.url}/elsewhere"} if status in (301, 302) else {}))
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        answer = arrive(visitor, hub)
        assert answer.status_code == 503
        assert "GitHub does not answer as it should just now." in answer.text
        assert visitor.who() is None
    assert "/elsewhere" not in [each.path for each in hub.asked]


def test_a_token_that_was_revoked_meanwhile_is_a_sentence(open_site, hub) -> None:
    class Forgetful(dict):
        def __setitem__(self, *_: object) -> None:
            """Keep nothing."""

    hub.tokens = Forgetful()
    with open_site(github=of_github(hub)) as visitor:
        assert arrive(visitor, hub).status_code == 503


def test_a_github_that_is_down_is_a_sentence_and_sessions_go_on(open_site, hub) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        arrive(visitor, hub)
        visitor.join("octo")
        back = github.sign_in(visitor.leave("/sign-in/github"))
        hub.close()
        try:
            answer = visitor.come_back(back)
            assert answer.status_code == 503
            assert "GitHub does not answer as it should just now." in answer.text
            assert visitor.who() == "octo"
        finally:
            hub.__init__()  # for the fixture to close


def test_a_github_that_says_nothing_is_given_up(open_site, hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_site(github=of_github(hub)) as visitor:
        back = github.sign_in(visitor.leave("/sign-in/github"))
        monkeypatch.setattr("arena.accounts.oauth._exchange.DEADLINE", 0.2)
        hub.hold = threading.Event()
        assert visitor.come_back(back).status_code == 503


def test_a_github_that_drips_is_given_up(open_site, hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, and there is no end of them."""
    monkeypatch.setattr("arena.accounts.oauth._exchange.DEADLINE", 0.3)
    with open_site(github=of_github(hub)) as visitor:
        back = github.sign_in(visitor.leave("/sign-in/github"))
        hub.say("/login/oauth/access_token", 200, b" " * 20, content_length="1000")
        assert visitor.come_back(back).status_code == 503


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://octocorp.ghe.com", "https://api.octocorp.ghe.com"),
        ("https://github.example.org", "https://github.example.org/api/v3"),
        ("https://example.org/github", "https://example.org/github/api/v3"),
    ],
)
def test_each_kind_of_github_has_its_api_where_it_should_be(url: str, api: str) -> None:
    assert _api(url) == api


def test_members_of_an_organisation_may_join_and_others_not(open_site, hub, events) -> None:
    team = of_github(hub, organisations=["Team"])
    with open_site(github=team, accounts=Accounts(sign_up="domain")) as visitor:
        answer = arrive(visitor, hub)
        assert answer.status_code == 403
        assert "octocat opens no account here." in answer.text
        assert events()[-1] == ("sign_in_failed", None, {"reason": "not invited", "provider": "github"})
        hub.visitor.organisations = [f"org-{number}" for number in range(950)] + ["team"]
        answer = arrive(visitor, hub)
        assert answer.headers["location"] == "/join"
        assert all(len(cookie) < 4_000 for cookie in answer.headers.get_list("set-cookie"))
        assert visitor.join("octo").status_code == 303
        assert visitor.who() == "octo"


def test_an_organisation_counts_only_where_the_policy_says_so(open_site, hub) -> None:
    hub.visitor.organisations = ["team"]
    with open_site(github=of_github(hub, organisations=["team"])) as visitor:
        assert arrive(visitor, hub).status_code == 403


def test_the_settings_of_a_provider_show_no_secret() -> None:
    settings = of_github(type("Hub", (), {"url": "https://github.com"})())
    assert github.SECRET not in repr(settings)
    with pytest.raises(TypeError):
        msgspec.json.encode(settings)
    assert isinstance(settings, GitHub)
