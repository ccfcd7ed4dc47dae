"""Signing in with OpenID Connect: against a real provider, and against one that lies."""

import time
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey, RSAKey

from arena.accounts import store
from arena.core import clock
from arena.core.config import Accounts, OpenID
from tests.peers import openid
from tests.peers.liar import JSON

from .conftest import of_openid

OPEN = Accounts(sign_up="open")


def query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def arrive(visitor, login: str, path: str = "/sign-in/oidc", **how):
    """Go to the real provider and come back."""
    return visitor.come_back(openid.sign_in(visitor.leave(path), login, **how))


def come(visitor, liar, **back: str):
    """Go to the lying provider and come back."""
    return visitor.come_back(liar.sign_in(visitor.leave("/sign-in/oidc"), **back))


# -- a real provider


def test_somebody_new_chooses_a_name_and_comes_back_as_the_same_person(open_site, provider, db) -> None:
    with open_site(oidc=of_openid(provider.issuer, name="Team ID"), accounts=OPEN) as visitor:
        assert "Continue with Team ID" in visitor.client.get("/sign-in").text
        assert arrive(visitor, "jane", "/sign-in/oidc?next=/page").headers["location"] == "/join"
        form = visitor.client.get("/join").text
        assert 'value="jane"' in form
        assert 'value="Jane of the team"' in form
        assert visitor.join("jane").headers["location"] == "/page"
        visitor.client.cookies.clear()
        assert arrive(visitor, "jane").headers["location"] == "/"
        assert visitor.who() == "jane"
    person = db.glance(partial(store.user_by_name, username="jane"))
    (linked,) = db.glance(partial(store.identities_of, user_id=person.id))
    assert (linked.issuer, linked.login, linked.email) == (provider.issuer, "jane", "jane@example.org")


def test_claims_in_the_id_token_are_as_good_as_those_beside_it(open_site, db) -> None:
    other = openid.OpenID(claimsInIdToken=True)
    try:
        with open_site(oidc=of_openid(other.issuer), accounts=OPEN) as visitor:
            arrive(visitor, "jane")
            visitor.join("jane")
    finally:
        other.stop()
    person = db.glance(partial(store.user_by_name, username="jane"))
    assert db.glance(partial(store.identities_of, user_id=person.id))[0].email == "jane@example.org"


def test_what_is_asked_for_has_pkce_state_and_nonce_and_is_new_each_time(open_site, provider) -> None:
    with open_site(oidc=of_openid(provider.issuer)) as visitor:
        first, second = (query(visitor.leave("/sign-in/oidc")) for _ in range(2))
    assert first["code_challenge_method"] == "S256"
    assert first["scope"] == "openid profile email"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 43
        assert first[name] != second[name]


def test_a_code_that_was_used_already_opens_nothing(open_site, provider) -> None:
    with open_site(oidc=of_openid(provider.issuer), accounts=OPEN) as visitor:
        back = openid.sign_in(visitor.leave("/sign-in/oidc"), "jane")
        visitor.come_back(back)
        visitor.join("jane")
        visitor.client.cookies.clear()
        own = query(visitor.leave("/sign-in/oidc"))
        replayed = f"{own['redirect_uri']}?code={query(back)['code']}&state={own['state']}&iss={provider.issuer}"
        answer = visitor.come_back(replayed)
        assert answer.status_code == 403
        assert "was used already" in answer.text
        assert visitor.who() is None


def test_a_verified_address_of_the_domain_lets_somebody_join(open_site, provider) -> None:
    allowed = Accounts(sign_up="domain", domains=["Example.org"])
    with open_site(oidc=of_openid(provider.issuer), accounts=allowed) as visitor:
        assert arrive(visitor, "jane").headers["location"] == "/join"
        answer = arrive(visitor, "unverified-jane")
        assert answer.status_code == 403
        assert "unverified-jane opens no account here." in answer.text
    elsewhere = Accounts(sign_up="domain", domains=["org", "evil-example.org", "ample.org"])
    with open_site(oidc=of_openid(provider.issuer), accounts=elsewhere) as visitor:
        assert arrive(visitor, "jane").status_code == 403


def test_whoever_says_no_at_the_provider_hears_that_nothing_changed(open_site, provider) -> None:
    with open_site(oidc=of_openid(provider.issuer)) as visitor:
        answer = arrive(visitor, "jane", refuses=True)
        assert answer.status_code == 403
        assert "OpenID Connect was not allowed to say who you are" in answer.text


def test_a_provider_that_changed_its_key_is_believed_at_once(open_site) -> None:
    rotating = openid.OpenID(kid="old")
    try:
        with open_site(oidc=of_openid(rotating.issuer), accounts=OPEN) as visitor:
            arrive(visitor, "jane")
            visitor.join("jane")
            rotating.stop()
            rotating.start(kid="new")
            visitor.client.cookies.clear()
            arrive(visitor, "jane")
            assert visitor.who() == "jane"
    finally:
        rotating.stop()


def test_a_provider_that_is_down_is_a_sentence_before_and_after(open_site) -> None:
    failing = openid.OpenID()
    try:
        with open_site(oidc=of_openid(failing.issuer)) as visitor:
            back = openid.sign_in(visitor.leave("/sign-in/oidc"), "jane")
            failing.stop()
            answer = visitor.come_back(back)
            assert answer.status_code == 503
            assert "OpenID Connect does not answer as it should just now." in answer.text
        with open_site(oidc=of_openid(failing.issuer)) as visitor:
            answer = visitor.client.get("/sign-in/oidc", follow_redirects=False)
            assert answer.status_code == 503
            assert "sign in another way" in answer.text
            assert 'name="password"' in answer.text
    finally:
        failing.stop()


# -- a provider that lies


def test_the_liar_is_believed_while_it_says_the_truth(open_site, untrue) -> None:
    with open_site(oidc=of_openid(untrue.url), accounts=OPEN) as visitor:
        assert come(visitor, untrue).headers["location"] == "/join"
        assert come(visitor, untrue, iss=untrue.url).headers["location"] == "/join"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"iss": "https://accounts.example.org"},
        {"iss": None},
        {"aud": "another client"},
        {"aud": ["another client"]},
        {"aud": None},
        {"aud": ["arena", "another client"]},
        {"aud": ["arena", "another client"], "azp": "another client"},
        {"azp": "another client"},
        {"exp": int(time.time()) - 120},
        {"exp": None},
        {"exp": "never"},
        {"exp": float("inf")},
        {"iat": int(time.time()) + 3_600},
        {"iat": None},
        {"nbf": int(time.time()) + 3_600},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"sub": "x" * 256},
        {"at_hash": "of another access token"},
    ],
    ids=str,
)
def test_a_signed_token_that_is_not_for_this_sign_in_opens_nothing(open_site, untrue, claims) -> None:
    untrue.claims = claims
    with open_site(oidc=of_openid(untrue.url), accounts=OPEN) as visitor:
        answer = come(visitor, untrue)
        assert answer.status_code == 403
        assert "does not prove who you are, so nobody was signed in." in answer.text
        assert visitor.client.get("/join", follow_redirects=False).text.count("knows you") == 0


@pytest.mark.parametrize("claims", [{"aud": ["arena"]}, {"aud": ["arena", "b"], "azp": "arena"}, {"azp": "arena"}])
def test_a_token_for_several_is_good_if_it_was_made_for_this_box(open_site, untrue, claims) -> None:
    untrue.claims = claims
    with open_site(oidc=of_openid(untrue.url), accounts=OPEN) as visitor:
        assert come(visitor, untrue).headers["location"] == "/join"


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256"}, {"kid": "unknown"}], ids=str)
def test_a_token_without_a_signature_of_the_provider_opens_nothing(open_site, untrue, header) -> None:
    untrue.header = header
    with open_site(oidc=of_openid(untrue.url), accounts=OPEN) as visitor:
        assert come(visitor, untrue).status_code == 403


def test_a_token_signed_by_somebody_else_opens_nothing(open_site, untrue) -> None:
    untrue.key = RSAKey.generate_key(2048, {"kid": "one"})
    with open_site(oidc=of_openid(untrue.url), accounts=OPEN) as visitor:
        assert come(visitor, untrue).status_code == 403


@pytest.mark.parametrize("token", [None, "", "a.b.c", "e30.e30.", 7, "ü.ü.ü"])
def test_what_is_no_token_opens_nothing(open_site, untrue, token) -> None:
    said = b'{"access_token": "a", "token_type": "Bearer", "id_token": %s}'
    value = b"null" if token is None else (f'"{token}"'.encode() if isinstance(token, str) else b"7")
    untrue.answers["/token"] = 200, JSON, said % value
    with open_site(oidc=of_openid(untrue.url), accounts=OPEN) as visitor:
        answer = come(visitor, untrue)
        assert answer.status_code in (403, 503)
        assert "OpenID Connect" in answer.text


def test_an_answer_of_another_provider_is_refused_before_its_code_is_sent_anywhere(open_site, untrue) -> None:
    with open_site(oidc=of_openid(untrue.url), accounts=OPEN) as visitor:
        assert come(visitor, untrue, iss="https://accounts.example.org").status_code == 403
        assert "/token" not in untrue.counts


def test_a_provider_that_says_it_names_itself_must_do_so(open_site, untrue) -> None:
    untrue.about = {"authorization_response_iss_parameter_supported": True}
    with open_site(oidc=of_openid(untrue.url), accounts=OPEN) as visitor:
        assert come(visitor, untrue).status_code == 403
        assert come(visitor, untrue, iss=untrue.url).headers["location"] == "/join"


@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://accounts.example.org"},
        {"authorization_endpoint": "http://accounts.example.org/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": 5},
        {"jwks_uri": None},
    ],
    ids=str,
)
def test_a_provider_that_says_odd_things_about_itself_is_not_left_for(open_site, untrue, about) -> None:
    untrue.about = about
    with open_site(oidc=of_openid(untrue.url)) as visitor:
        assert visitor.client.get("/sign-in/oidc", follow_redirects=False).status_code == 503


@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri", "userinfo_endpoint"])
def test_nothing_is_sent_in_clear(open_site, untrue, name: str) -> None:
    untrue.about = {name: "http://accounts.example.org/somewhere"}
    untrue.claims = {"email": None}
    with open_site(oidc=of_openid(untrue.url), accounts=OPEN) as visitor:
        assert come(visitor, untrue).status_code == 503


def test_the_user_info_must_be_about_the_same_person(open_site, untrue) -> None:
    untrue.claims = {"email": None}
    with open_site(oidc=of_openid(untrue.url), accounts=OPEN) as visitor:
        untrue.told = {"sub": "somebody else", "email": "boss@example.org", "email_verified": True}
        assert come(visitor, untrue).status_code == 403
        untrue.told = {"sub": "248289761001", "email": "jane@example.org", "email_verified": True}
        assert come(visitor, untrue).headers["location"] == "/join"


@pytest.mark.parametrize(
    ("verified", "status"), [(True, 303), ("true", 303), (False, 403), ("false", 403), (None, 403)]
)
def test_only_a_verified_address_counts(open_site, untrue, verified, status: int) -> None:
    untrue.claims = {"email_verified": verified}
    allowed = Accounts(sign_up="domain", domains=["example.org"])
    with open_site(oidc=of_openid(untrue.url), accounts=allowed) as visitor:
        assert come(visitor, untrue).status_code == status


def test_a_key_that_nobody_knows_is_asked_for_again_at_most_once_a_minute(
    open_site, untrue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_site(oidc=of_openid(untrue.url), accounts=OPEN) as visitor:
        come(visitor, untrue)
        assert untrue.counts["/keys"] == 1
        untrue.header = {"kid": "unknown"}
        for _ in range(3):
            assert come(visitor, untrue).status_code == 403
        assert untrue.counts["/keys"] == 2
        later = clock.now() + 61_000
        monkeypatch.setattr(clock, "now", lambda: later)
        untrue.key = ECKey.generate_key("P-256", {"kid": "two", "use": "sig", "alg": "ES256"})
        untrue.published = [untrue.key]
        untrue.header = {"alg": "ES256"}
        assert come(visitor, untrue).headers["location"] == "/join"
        assert untrue.counts["/keys"] == 3


def test_a_key_is_good_only_for_what_it_was_published_for(open_site, untrue) -> None:
    untrue.published = [RSAKey.import_key({**untrue.key.as_dict(private=False), "use": "enc"})]
    with open_site(oidc=of_openid(untrue.url), accounts=OPEN) as visitor:
        assert come(visitor, untrue).status_code == 403


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token", "/me"])
@pytest.mark.parametrize(
    "answer",
    [
        (500, JSON, b""),
        (200, JSON, b"{"),
        (200, JSON, b"[]"),
        (200, JSON, b"null"),
        (204, {}, b""),
        (302, {"location": "https://accounts.example.org/"}, b""),
        (200, {**JSON, "content-encoding": "gzip"}, b"\x1f\x8b"),
        (200, JSON, b" " * (1 << 20) + b"{}"),
        (200, JSON, b'{"keys": ' + b"[" * 100_000),
    ],
    ids=lambda answer: f"{answer[0]} {answer[2][:4]!r}",
)
def test_whatever_is_answered_wherever_is_never_our_failure(open_site, untrue, path: str, answer) -> None:
    untrue.claims = {"email": None}
    untrue.answers[path] = answer
    with open_site(oidc=of_openid(untrue.url), accounts=OPEN) as visitor:
        first = visitor.client.get("/sign-in/oidc", follow_redirects=False)
        last = visitor.come_back(untrue.sign_in(first.headers["location"])) if first.status_code == 303 else first
        assert last.status_code in (403, 503)
        assert "OpenID Connect" in last.text


def test_a_client_without_a_secret_is_taken_by_its_id_alone(open_site, untrue) -> None:
    with open_site(oidc=OpenID(client_id="arena", issuer=untrue.url), accounts=OPEN) as visitor:
        assert come(visitor, untrue).headers["location"] == "/join"


def test_somebody_of_whom_much_is_said_joins_all_the_same(open_site, untrue) -> None:
    untrue.claims = {"name": "가" * 5_000, "preferred_username": "\u202e" * 5_000 + "jane", "email": "x" * 5_000}
    with open_site(oidc=of_openid(untrue.url), accounts=OPEN) as visitor:
        answer = visitor.come_back(untrue.sign_in(visitor.leave(f"/sign-in/oidc?next=/{'x' * 5_000}")))
        assert answer.headers["location"] == "/join"
        assert all(len(cookie) < 4_000 for cookie in answer.headers.get_list("set-cookie"))
        assert f'value="{"가" * 50}"' in visitor.client.get("/join").text
        assert visitor.join("jane").headers["location"] == "/"
