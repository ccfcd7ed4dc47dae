"""Cookies that only we can make, forms that only our pages can send, and where `next` may lead."""

import string
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from arena.core import clock
from arena.core.keyring import rotate
from arena.web.session import safe_next
from tests.web.conftest import Open

Site = TestClient[Litestar]
TLS = "https://arena.example.org"


def csrf(site: Site) -> str:
    token: str = site.get("/form").json()["csrf"]
    return token


# -- cookies


def test_on_plain_http_the_cookie_is_called_arena_and_is_not_secure(site: Site) -> None:
    said = site.get("/enter").headers["set-cookie"]
    assert said.startswith("arena=")
    assert {part.strip().lower() for part in said.split(";")[1:]} == {
        "httponly",
        "max-age=3600",
        "path=/",
        "samesite=lax",
    }


def test_behind_tls_the_cookie_is_bound_to_the_host(open_site: Open) -> None:
    with open_site(TLS, TLS) as site:
        said = site.get("/enter").headers["set-cookie"]
        form = site.get("/form").headers.get("set-cookie", "")
    assert said.startswith("__Host-arena=")
    assert {part.strip().lower() for part in said.split(";")[1:]} == {
        "httponly",
        "max-age=3600",
        "path=/",
        "samesite=lax",
        "secure",
    }
    assert form == ""  # whoever is signed in needs no other


def test_a_session_comes_back_with_its_cookie_and_goes_when_it_is_taken_back(site: Site) -> None:
    assert site.get("/who").json() == {"token": None, "csrf": ""}
    site.get("/enter")
    assert site.get("/who").json()["token"] == "t1"
    said = site.get("/leave").headers["set-cookie"]
    assert "max-age=0" in said.lower()
    assert not site.get("/who").json()["token"]


@pytest.mark.parametrize(
    "change", [lambda c: c[:-1], lambda c: "x" + c, lambda c: c.upper(), lambda c: "", lambda _: "."]
)
def test_a_cookie_that_was_tampered_with_is_nobodys(site: Site, change: Any) -> None:
    site.get("/enter")
    sealed = site.cookies["arena"]
    site.cookies.clear()
    site.cookies.set("arena", change(sealed))
    assert site.get("/who").json()["token"] is None


def test_a_cookie_is_signed_with_sha_256(site: Site) -> None:
    site.get("/enter")
    assert len(urlsafe_b64decode(site.cookies["arena"].rpartition(".")[2] + "=")) == 32


def test_a_cookie_of_another_box_is_nobodys(open_site: Open) -> None:
    with open_site(secret="00" * 32) as other:
        other.get("/enter")
        sealed = other.cookies["arena"]
    with open_site() as site:
        site.cookies.set("arena", sealed)
        assert site.get("/who").json()["token"] is None


def test_the_cookie_of_a_form_is_no_session(site: Site) -> None:
    site.get("/form")
    sealed = site.cookies["arena-form"]
    site.cookies.clear()
    site.cookies.set("arena", sealed)
    assert site.get("/who").json()["token"] is None


def test_the_cookie_of_plain_http_opens_nothing_behind_tls(open_site: Open) -> None:
    with open_site() as plain:
        plain.get("/enter")
        sealed = plain.cookies["arena"]
    with open_site(TLS, TLS) as site:
        site.cookies.set("arena", sealed)
        assert site.get("/who").json()["token"] is None


# -- forms


def test_a_form_has_one_token_for_as_long_as_its_cookie_lives(site: Site) -> None:
    first, second = site.get("/form").json(), site.get("/form").json()
    assert first["made"]
    assert not second["made"]
    assert first["csrf"] == second["csrf"] != ""


def test_a_new_session_has_a_new_token(site: Site) -> None:
    tokens = [csrf(site)]
    for token in ("t1", "t2"):
        site.get(f"/enter?token={token}")
        tokens.append(csrf(site))
    assert len(set(tokens)) == 3


METHODS = ("POST", "PUT", "PATCH", "DELETE")


@pytest.mark.parametrize("signed_in", [False, True])
def test_a_form_of_ours_is_taken(site: Site, signed_in: bool) -> None:
    if signed_in:
        site.get("/enter")
    token = csrf(site)
    for method in METHODS:
        assert site.request(method, "/change", data={"csrf": token}).text == "changed"
        assert site.request(method, "/change", headers={"x-csrf-token": token}).text == "changed"


REFUSED: dict[str, dict[str, Any]] = {
    "no token": {},
    "an empty token": {"data": {"csrf": ""}},
    "a wrong token": {"data": {"csrf": "0" * 64}},
    "a token that is not ASCII": {"data": {"csrf": "ключ"}},
    "the token in the address": {"params": {"csrf": "RIGHT"}},
    "the token in JSON": {"json": {"csrf": "RIGHT"}},
    "another site's origin": {"data": {"csrf": "RIGHT"}, "headers": {"origin": "https://evil.example"}},
    "no origin to speak of": {"data": {"csrf": "RIGHT"}, "headers": {"origin": "null"}},
    "half an origin": {"data": {"csrf": "RIGHT"}, "headers": {"origin": "http://["}},
    "our name with another port": {"data": {"csrf": "RIGHT"}, "headers": {"origin": "http://arena.test:81"}},
    "our name within another": {"data": {"csrf": "RIGHT"}, "headers": {"origin": "http://arena.test.evil.example"}},
    "another site's fetch": {"data": {"csrf": "RIGHT"}, "headers": {"sec-fetch-site": "cross-site"}},
    "a neighbour's fetch": {"data": {"csrf": "RIGHT"}, "headers": {"sec-fetch-site": "same-site"}},
}


@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("what", REFUSED)
def test_a_form_from_elsewhere_is_refused(site: Site, what: str, signed_in: bool) -> None:
    if signed_in:
        site.get("/enter")
    right = csrf(site)

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: fill(each) for name, each in value.items()}
        return [fill(each) for each in value] if isinstance(value, list) else right if value == "RIGHT" else value

    for method in METHODS:
        assert site.request(method, "/change", **fill(REFUSED[what])).status_code == 403, method


def test_without_any_cookie_of_ours_no_token_is_right(site: Site) -> None:
    token = csrf(site)
    site.cookies.clear()
    assert site.post("/change", data={"csrf": token}).status_code == 403
    assert site.post("/change", data={"csrf": ""}).status_code == 403


def test_the_token_of_one_session_is_not_that_of_another(site: Site) -> None:
    site.get("/enter?token=t1")
    token = csrf(site)
    site.get("/enter?token=t2")
    assert site.post("/change", data={"csrf": token}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://arena.test"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "http://arena.test", "sec-fetch-site": "same-origin"},
    ],
)
def test_our_own_origin_is_taken(site: Site, headers: dict[str, str]) -> None:
    assert site.post("/change", data={"csrf": csrf(site)}, headers=headers).text == "changed"


def test_behind_a_proxy_the_configured_address_is_our_origin(open_site: Open) -> None:
    with open_site(TLS, "https://10.0.0.7:8000") as site:
        data = {"csrf": csrf(site)}
        assert site.post("/change", data=data, headers={"origin": TLS}).text == "changed"
        assert site.post("/change", data=data, headers={"origin": TLS + ".evil.example"}).status_code == 403


def test_requests_with_a_key_of_their_own_are_not_asked_for_a_form(site: Site) -> None:
    assert site.post("/api/v1/signed", headers={"origin": "https://evil.example"}).text == "taken"


def test_looking_needs_no_token(site: Site) -> None:
    assert (
        site.get("/who", headers={"origin": "https://evil.example", "sec-fetch-site": "cross-site"}).status_code == 200
    )


# -- JSON of programs that have a cookie and know no token

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "headers",
    [
        JSON,
        {"content-type": "Application/JSON; charset=utf-8"},
        JSON | {"origin": "http://arena.test"},
        JSON | {"sec-fetch-site": "same-origin"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_route_that_says_so_takes_json_without_a_token(site: Site, method: str, headers: dict[str, str]) -> None:
    site.get("/enter")
    assert site.request(method, "/api/settings", content=b"{}", headers=headers).text == "changed"


@pytest.mark.parametrize(
    "headers",
    [
        *({"content-type": kind} for kind in ("text/plain", "application/x-www-form-urlencoded")),
        {"content-type": "multipart/form-data; boundary=x"},
        *({"content-type": kind} for kind in ("text/plain; application/json", "application/json-seq", "")),
        {},
        JSON | {"origin": "https://evil.example"},
        JSON | {"origin": "null"},
        JSON | {"origin": "http://arena.test:81"},
        JSON | {"sec-fetch-site": "cross-site"},
        JSON | {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_another_sites_page_could_send_is_not_taken_there(
    site: Site, method: str, headers: dict[str, str]
) -> None:
    site.get("/enter")
    assert site.request(method, "/api/settings", content=b"{}", headers=headers).status_code in (400, 403)


def test_a_form_with_its_token_is_taken_there_too(site: Site) -> None:
    site.get("/enter")
    assert site.post("/api/settings", data={"csrf": csrf(site)}).text == "changed"
    assert site.post("/api/settings", headers={"x-csrf-token": csrf(site)}).text == "changed"


def test_json_needs_a_token_everywhere_else(site: Site) -> None:
    site.get("/enter")
    assert site.post("/change", content=b"{}", headers=JSON).status_code == 403


# -- where to go next

HOSTILE = [
    *("//evil.example", "///evil.example", "/\\evil.example", "\\/evil.example", "\\\\evil.example"),
    *("/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example", " //evil.example"),
    *("http://evil.example", "https:evil.example", "http:/evil.example", "javascript:alert(1)", "data:text/html,x"),
    *("//[", "http://[", "//evil.example:x", "//user@evil.example", "/a\r\nSet-Cookie: x=y", "/a\nb", "/\x00", "/\x7f"),
    *("", "evil.example", "./a", "../a", "?a", "#a", "/日本", "/\ud800", "/a b"),
]


@pytest.mark.parametrize("address", HOSTILE)
def test_a_hostile_next_leads_to_the_front_page(address: str) -> None:
    assert safe_next(address) == "/"


@pytest.mark.parametrize(
    "address",
    ["/", "/dashboard", "/?period=daily&q=%E6%97%A5", "/users/alice#top", "/a//b", "/%2f/x", "/?next=//evil.example"],
)
def test_a_place_here_is_kept(address: str) -> None:
    assert safe_next(address) == address


@given(
    st.text(max_size=30)
    | st.text(alphabet="/\\:.@[]?#\t\r\n ev%09", max_size=12)
    | st.builds(lambda start, rest: start + rest, st.sampled_from(["/", "//", "/\\", "/\t/", "http:"]), st.text())
)
def test_wherever_next_leads_a_browser_stays_here(address: str) -> None:
    led = safe_next(address)
    assert led in (address, "/")
    led.encode("ascii")  # it travels in a header
    assert not set(led) & set(string.whitespace + "\0\\")
    # As browsers read it: control characters at the ends and tabs and newlines anywhere are dropped, \ is /.
    read = "".join(each for each in led.strip("".join(map(chr, range(33)))) if each not in "\t\r\n").replace("\\", "/")
    assert urlsplit(urljoin("http://arena.test/sign-in", read)).netloc == "arena.test"


# -- a rotation of the secret


def test_cookies_and_forms_of_before_a_rotation_are_good_until_its_grace_is_over(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = clock.now()
    site.get("/enter")
    shown = csrf(site)
    before = site.cookies["arena"]
    rotate(tmp_path / "secret-5e5e", grace=60_000, now=start)
    assert site.get("/who").json()["token"] == "t1"
    assert site.post("/change", data={"csrf": shown}).text == "changed"
    fresh = csrf(site)
    assert fresh != shown
    assert site.post("/change", headers={"x-csrf-token": fresh}).text == "changed"
    site.get("/enter")
    after = site.cookies["arena"]
    assert after != before
    monkeypatch.setattr(clock, "now", lambda: start + 60_000)
    monkeypatch.setattr(site.app.state.box.keyring, "_now", clock.now)
    assert site.get("/who").json()["token"] == "t1"
    assert site.post("/change", data={"csrf": fresh}).text == "changed"
    assert site.post("/change", data={"csrf": shown}).status_code == 403
    site.cookies.clear()
    site.cookies.set("arena", before, domain="arena.test")
    assert site.get("/who").json()["token"] is None


def test_a_form_of_somebody_not_signed_in_outlives_a_rotation_too(site: Site, tmp_path: Path) -> None:
    shown = csrf(site)
    rotate(tmp_path / "secret-5e5e", grace=60_000, now=clock.now())
    assert site.post("/change", data={"csrf": shown}).text == "changed"
    rotate(tmp_path / "secret-5e5e", grace=0, now=clock.now())
    assert site.post("/change", data={"csrf": shown}).status_code == 403
