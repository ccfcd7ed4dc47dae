"""A box that serves TLS itself: its cookies are bound to it, browsers are told to stay with TLS, old TLS is refused."""

import socket
import ssl
import warnings
from collections.abc import Iterator

import httpx
import pytest

from tests.flows.conftest import end
from tests.flows.serving import Serving, Visitor
from tests.peers.certificate import certificate


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A box with a certificate of its own making."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = certificate(folder)
    box = Serving(folder / "data", ARENA_SERVER__TLS_CERT=str(cert), ARENA_SERVER__TLS_KEY=str(key)).start()
    yield box
    end(box)


def test_the_cookies_of_a_sign_in_are_bound_to_the_box(tls: Serving) -> None:
    with Visitor(tls) as visitor:
        visitor.follow_redirects = False
        said = visitor.join(tls.first_link(), "alice").headers.get_list("set-cookie")
        assert {each.partition("=")[0] for each in said} == {"__Host-arena", "__Host-arena-device"}
        for each in said:
            assert {"secure", "httponly", "path=/", "samesite=lax"} <= set(each.lower().split("; "))
        assert visitor.get("/dashboard").status_code == 200


@pytest.mark.parametrize("path", ["/", "/nothing", "/static/base.css", "/api/leaderboard"])
def test_browsers_are_told_to_stay_with_tls(tls: Serving, path: str) -> None:
    said = httpx.get(tls.url + path, verify=False).headers["strict-transport-security"]
    assert said == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_todays_tls_is_spoken_with_authenticated_ciphers(tls: Serving, version: str) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    context.set_ciphers("ALL:@SECLEVEL=0")
    with ssl_connection(tls, context) as connection:
        name, _, bits = connection.cipher() or ("", "", 0)
    assert bits >= 128
    assert "GCM" in name or "CHACHA20" in name


def test_the_tls_of_yesterday_is_refused(tls: Serving) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError), ssl_connection(tls, context):
        pass


def ssl_connection(tls: Serving, context: ssl.SSLContext) -> ssl.SSLSocket:
    address = httpx.URL(tls.url)
    plain = socket.create_connection((address.host, address.port or 0), timeout=10)
    try:
        return context.wrap_socket(plain)
    except BaseException:
        plain.close()
        raise
