"""Boxes behind the proxies of docs/deploy, as they stand there but for names, ports and certificates."""

import getpass
import grp
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.conftest import alice, bob, pytest_runtest_makereport
from tests.flows.serving import ROOT, Serving
from tests.peers.certificate import certificate

__all__ = ["alice", "bob", "pytest_runtest_makereport"]

PROXIES = ("caddy", "nginx")
RECIPES = ROOT / "docs" / "deploy"
CADDY = """{{
	admin off
	auto_https disable_redirects
	storage file_system {folder}/caddy
}}
"""
NGINX = """
daemon off;
user {user} {group};
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
	access_log off;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	include {folder}/arena.conf;
}}
"""


class Proxied(Serving):
    """A box that people reach through a proxy alone."""

    def __init__(self, name: str, folder: Path) -> None:
        self.port, self.plain_port, upstream = _free_ports(3)
        super().__init__(
            folder / "data",
            *("--port", str(upstream)),
            ARENA_SERVER__URL=f"https://127.0.0.1:{self.port}",
            ARENA_SERVER__TRUSTED_PROXIES="127.0.0.1",
        )
        cert, key = certificate(folder)
        command = _caddy if name == "caddy" else _nginx
        with (folder / "proxy.log").open("wb") as log:
            self._proxy = subprocess.Popen(
                command(folder, {"listen": self.port, "plain": self.plain_port, "to": upstream}, cert, key),
                env={"HOME": str(folder), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.start()

    def close(self) -> None:
        """End both."""
        self._proxy.terminate()
        self._proxy.wait(10)
        if self.process is not None:
            assert self.stop() == 0


def _free_ports(number: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()


def _replaced(text: str, *pairs: tuple[str, str]) -> str:
    """A recipe with other words in the place of those that everybody has to choose for themselves."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def _caddy(folder: Path, ports: dict[str, int], cert: Path, key: Path) -> list[str]:
    recipe = _replaced(
        (RECIPES / "Caddyfile").read_text(),
        ("\narena.example.org {", f"\nhttps://127.0.0.1:{ports['listen']} {{\n\ttls {cert} {key}"),
        ("127.0.0.1:8000", f"127.0.0.1:{ports['to']}"),
    )
    (folder / "Caddyfile").write_text(CADDY.format(folder=folder) + recipe)
    return [_program("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def _nginx(folder: Path, ports: dict[str, int], cert: Path, key: Path) -> list[str]:
    recipe = _replaced(
        (RECIPES / "nginx.conf").read_text(),
        ("listen 80;", f"listen 127.0.0.1:{ports['plain']};"),
        ("listen 443 ssl", f"listen 127.0.0.1:{ports['listen']} ssl"),
        ("/etc/letsencrypt/live/arena.example.org/fullchain.pem", str(cert)),
        ("/etc/letsencrypt/live/arena.example.org/privkey.pem", str(key)),
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{ports['to']};"),
    )
    (folder / "arena.conf").write_text(recipe)
    (folder / "nginx.conf").write_text(
        NGINX.format(folder=folder, user=getpass.getuser(), group=grp.getgrgid(os.getgid()).gr_name)
    )
    return [_program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]


def _program(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    assert found, f"{name} is not installed"
    return found


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Proxied]]:
    """A box behind each of the proxies."""
    made = {name: Proxied(name, tmp_path_factory.mktemp(name)) for name in PROXIES}
    yield made
    for each in made.values():
        each.close()


@pytest.fixture(params=PROXIES)
def box(request: pytest.FixtureRequest, boxes: dict[str, Proxied]) -> Proxied:
    """One of them after the other."""
    return boxes[request.param]
