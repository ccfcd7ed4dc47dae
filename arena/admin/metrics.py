"""``arena admin metrics``: the figures of the running box."""

# isort: skip_file
# `command` first: it chooses the SQLite library.
from arena.admin import command

import argparse
import http.client
import ssl
from urllib.parse import urlsplit

from arena.accounts.rules import make_pass
from arena.admin.command import Opened, Refused
from arena.core import clock
from arena.core.keyring import Keyring
from arena.operations.actions.health import is_served


def main(argv: list[str]) -> int:
    """Print what ``/metrics`` tells; 1 if the box does not run."""
    return command.run(command.alone("metrics", "print the figures of the running box", _print, "metrics"), argv)


def _print(box: Opened, _: argparse.Namespace) -> None:
    if not is_served(box.place.data):
        raise Refused(f"no box runs on {box.place.data}; figures are counted while `arena serve` runs.")
    proof = make_pass(Keyring(box.place.secret, clock.now).newest, clock.now())
    try:
        connection = _connection(box.place.listening.read_text().strip())
        connection.request("GET", "/metrics", headers={"Host": "localhost", "Authorization": f"Bearer {proof}"})
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException) as problem:
        raise Refused(f"the box runs and does not answer ({problem}); try again in a moment.") from problem
    if answer.status != 200:
        raise Refused(f"the box runs and answers {answer.status} instead of its figures; its log says why.")
    print(text, end="")


def _connection(address: str) -> http.client.HTTPConnection:
    """A connection to where our own box listens; its certificate is for the name that people use."""
    at = urlsplit(address)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(at.hostname or "", at.hostname or "")  # noqa: S104
    if at.scheme == "https":
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(host, at.port, timeout=10, context=anybody)
    return http.client.HTTPConnection(host, at.port, timeout=10)
