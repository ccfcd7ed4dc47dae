"""Sites of the accounts room that people may come to by providers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from litestar import Litestar

from arena.core.config import Accounts, Config, GitHub, OAuth, OpenID, Secret, Server
from arena.core.db import Database
from tests.accounts.conftest import Site, build, serve
from tests.peers import github, liar, openid

ADDRESS = "http://arena.test"


class Visitor:
    """A browser in front of a site, that may leave it for a provider."""

    def __init__(self, site: Site) -> None:
        self.site, self.client, self.db = site, site.client, site.db

    def leave(self, path: str, **headers: str) -> str:
        """Follow a link of the site; the address that it leads to."""
        answer = self.client.get(path, headers=headers, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def come_back(self, address: str) -> Any:
        """Come back to the site from a provider; its answer."""
        assert address.startswith(ADDRESS), address
        parts = urlsplit(address)
        return self.client.get(f"{parts.path}?{parts.query}", follow_redirects=False)

    def join(self, name: str, display: str = "") -> Any:
        """Choose a name after a provider named somebody new."""
        data = {"csrf": self.site.csrf("/join"), "name": name, "display": display}
        return self.client.post("/join", data=data, follow_redirects=False)

    def who(self) -> str | None:
        """Who is signed in."""
        answer = self.client.get("/page", follow_redirects=False)
        return answer.text if answer.status_code == 200 else None

    def post(self, path: str, **data: str) -> Any:
        """Send a form of the settings page."""
        data["csrf"] = self.site.csrf("/settings")
        return self.client.post(path, data=data, follow_redirects=False)


Open = Callable[..., Any]


@pytest.fixture(scope="package")
def doors() -> Litestar:
    """The doors of all sites of this folder: making them takes longer than most tests."""
    return build()


@pytest.fixture
def open_site(db: Database, tmp_path: Path, doors: Litestar) -> Open:
    """Open a site with these providers; several at once are several browsers in front of one box."""

    @contextmanager
    def site(**sections: Any) -> Iterator[Visitor]:
        accounts = sections.pop("accounts", Accounts())
        config = Config(server=Server(url=ADDRESS), accounts=accounts, oauth=OAuth(**sections))
        with contextmanager(serve)(db, tmp_path, config, doors) as made:
            yield Visitor(made)

    return site


@pytest.fixture
def hub() -> Iterator[github.GitHub]:
    made = github.GitHub()
    yield made
    if made.hold is not None:
        made.hold.set()
    made.close()


def of_github(hub: github.GitHub, **more: Any) -> GitHub:
    """The configuration of a box that knows this GitHub."""
    return GitHub(client_id="arena", client_secret=Secret(github.SECRET), url=hub.url, **more)


@pytest.fixture(scope="module")
def provider() -> Iterator[openid.OpenID]:
    made = openid.OpenID()
    yield made
    made.stop()


@pytest.fixture
def untrue() -> Iterator[liar.Liar]:
    made = liar.Liar()
    yield made
    made.close()


def of_openid(issuer: str, **more: Any) -> OpenID:
    """The configuration of a box that knows this provider."""
    return OpenID(client_id="arena", client_secret=Secret("the secret of arena"), issuer=issuer, **more)
