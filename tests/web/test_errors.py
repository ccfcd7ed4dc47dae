"""Failures as a page, as a fragment and as JSON: the right status, one sentence, and nothing of the inside."""

import json

import pytest
from google.rpc import code_pb2, status_pb2
from litestar import Litestar
from litestar.testing import TestClient
from structlog.testing import capture_logs

from arena.core.errors import ArenaError, Invalid
from arena.web.api import rpc_status
from tests.web.conftest import KINDS

Site = TestClient[Litestar]
STATUS = {
    "Invalid": (400, "VALIDATION_ERROR"),
    "NotSignedIn": (401, "UNAUTHORIZED"),
    "Forbidden": (403, "FORBIDDEN"),
    "NotFound": (404, "NOT_FOUND"),
    "Conflict": (409, "CONFLICT"),
    "TooLarge": (413, "TOO_LARGE"),
    "ClientTooOld": (426, "CLIENT_TOO_OLD"),
    "TooMany": (429, "RATE_LIMITED"),
    "Unavailable": (503, "SERVICE_UNAVAILABLE"),
}


def test_every_kind_of_failure_is_told_here() -> None:
    told = {kind for kind in ArenaError.__subclasses__() if kind.__module__ == "arena.core.errors"}
    assert told == set(KINDS.values())
    assert set(STATUS) == set(KINDS)


@pytest.mark.parametrize("kind", STATUS)
def test_a_failure_is_a_page_with_its_sentence_for_people(site: Site, kind: str) -> None:
    said = site.get(f"/fail/{kind}")
    assert said.status_code == STATUS[kind][0]
    assert said.headers["content-type"].startswith("text/html")
    assert "One sentence &amp; &lt;more&gt;." in said.text
    assert "<html" in said.text


@pytest.mark.parametrize("kind", STATUS)
@pytest.mark.parametrize("road", ["/api/v1", "/v1"])
def test_a_failure_is_an_envelope_for_programs(site: Site, kind: str, road: str) -> None:
    said = site.get(f"{road}/fail/{kind}")
    status, code = STATUS[kind]
    assert said.status_code == status
    assert said.headers["content-type"].startswith("application/json")
    body = said.json()
    assert body.pop("meta")["timestamp"].endswith("Z")
    assert body == {
        "success": False,
        "error": {"code": code, "message": "One sentence & <more>.", "details": {"field": "why"}},
    }


@pytest.mark.parametrize("kind", STATUS)
def test_a_failure_under_api_auth_is_a_bare_sentence(site: Site, kind: str) -> None:
    said = site.get(f"/api/auth/fail/{kind}")
    assert said.status_code == STATUS[kind][0]
    assert said.json() == {"error": "One sentence & <more>."}


@pytest.mark.parametrize("kind", STATUS)
def test_a_page_among_the_addresses_of_programs_says_it_to_each_as_they_read(site: Site, kind: str) -> None:
    browsers = site.get(f"/api/auth/page/{kind}", headers={"accept": "text/html,application/xml;q=0.9,*/*;q=0.8"})
    programs = site.get(f"/api/auth/page/{kind}", headers={"accept": "*/*"})
    assert browsers.status_code == programs.status_code == STATUS[kind][0]
    assert "<html" in browsers.text
    assert programs.json() == {"error": "One sentence & <more>."}


RPC_CODE = {
    "Invalid": code_pb2.INVALID_ARGUMENT,
    "NotSignedIn": code_pb2.UNAUTHENTICATED,
    "Forbidden": code_pb2.PERMISSION_DENIED,
    "NotFound": code_pb2.NOT_FOUND,
    "Conflict": code_pb2.ALREADY_EXISTS,
    "TooLarge": code_pb2.RESOURCE_EXHAUSTED,
    "ClientTooOld": code_pb2.FAILED_PRECONDITION,
    "TooMany": code_pb2.RESOURCE_EXHAUSTED,
    "Unavailable": code_pb2.UNAVAILABLE,
    "broken": code_pb2.INTERNAL,
}


@pytest.mark.parametrize("kind", RPC_CODE)
def test_a_failure_is_an_rpc_status_for_exporters_of_telemetry(site: Site, kind: str) -> None:
    told = "One sentence & <more>." if kind in STATUS else "Something here is broken. It has been written to the log."
    as_json = site.get(f"/otlp/fail/{kind}")
    assert as_json.headers["content-type"].startswith("application/json")
    assert as_json.json() == {"code": RPC_CODE[kind], "message": told}
    as_protobuf = site.get(f"/otlp/fail/{kind}", headers={"content-type": "application/x-protobuf"})
    assert as_protobuf.headers["content-type"].startswith("application/x-protobuf")
    assert status_pb2.Status.FromString(as_protobuf.content) == status_pb2.Status(code=RPC_CODE[kind], message=told)
    assert as_json.status_code == as_protobuf.status_code == STATUS.get(kind, (500,))[0]


def test_a_long_sentence_is_an_rpc_status_too() -> None:
    for length in (0, 127, 128, 20_000):
        body = rpc_status(Invalid("é" * length), protobuf=True).content
        assert status_pb2.Status.FromString(body).message == "é" * length


@pytest.mark.parametrize("road", ["", "/api/v1", "/api/auth", "/otlp"])
def test_whoever_comes_too_often_is_told_when_to_come_again(site: Site, road: str) -> None:
    assert site.get(f"{road}/fail/TooMany").headers["retry-after"] == "7"
    assert "retry-after" not in site.get(f"{road}/fail/Conflict").headers


def test_whoever_is_not_signed_in_is_shown_the_way_in(site: Site) -> None:
    assert 'href="/sign-in"' in site.get("/fail/NotSignedIn").text


@pytest.mark.parametrize("road", ["", "/api/v1", "/api/auth"])
def test_our_own_mistake_shows_nothing_of_the_inside_but_to_the_log(site: Site, road: str) -> None:
    with capture_logs() as log:
        said = site.get(f"{road}/fail/broken")
    assert said.status_code == 500
    assert "the inside of the box" not in said.text
    assert "LookupError" not in said.text
    assert [(line["event"], str(line["exc_info"])) for line in log] == [("broken", "the inside of the box")]


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/nowhere/at/all", 404),
        ("POST", "/who", 405),
        ("GET", "/api/v1/nowhere", 404),
        ("GET", "/api/v1/signed", 405),
        ("GET", "/api/auth/nowhere", 404),
        ("PUT", "/api/v1/signed", 405),
    ],
)
def test_addresses_and_methods_that_do_not_exist_are_told_alike(
    site: Site, method: str, address: str, status: int
) -> None:
    said = site.request(method, address)
    assert said.status_code == status
    if address.startswith("/api/auth/"):
        assert set(said.json()) == {"error"}
    elif address.startswith("/api/"):
        assert said.json()["error"]["code"] == {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}[status]
    else:
        assert "<html" in said.text


def test_a_fragment_that_the_error_page_does_not_have_is_the_whole_page(site: Site) -> None:
    said = site.get("/fail/NotFound", headers={"hx-request": "true", "hx-target": "board"})
    assert said.status_code == 404
    assert "<html" in said.text
    assert "HX-Target" in said.headers["vary"]


def test_programs_of_other_sites_may_read_a_refusal(site: Site) -> None:
    assert site.get("/api/v1/fail/Invalid").headers["access-control-allow-origin"] == "*"


def test_a_refusal_is_never_kept_by_a_cache(site: Site) -> None:
    assert site.get("/api/v1/fail/Invalid").headers["cache-control"] == "no-store"
    assert site.get("/fail/Invalid").headers["cache-control"] == "no-store"


def test_what_is_sent_as_json_is_json_whatever_it_says(site: Site) -> None:
    assert json.loads(site.get("/api/v1/fail/broken").content)["error"]["code"] == "INTERNAL_ERROR"
