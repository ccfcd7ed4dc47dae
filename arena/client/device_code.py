"""Signs in without a browser of this machine's: shows a code, and waits until somebody says yes to it elsewhere."""

import time
from collections.abc import Callable

from arena.client.api import Api, Unreachable
from arena.client.credentials import Credentials, checked_key
from arena.client.home import Refused
from arena.client.terminal import bold, clean

SLOWER = 5.0
"""Seconds that each wait grows by when the box says so (RFC 8628, section 3.5)."""

SHORTEST = 1.0
ENDS = {
    "access_denied": "nothing was signed in: the answer on the page was no.",
    "expired_token": "nobody said yes in time; run `arena login` again for a new code.",
    "invalid_grant": "the code does not work any more; run `arena login` again for a new one.",
}


def sign_in(server: str, label: str, say: Callable[[str], None]) -> str:
    """Return the key once somebody said yes. Refuses in one sentence otherwise."""
    with Api(Credentials(server, "")) as api:
        asked = api.ask_for_code(label)
        say(
            f"open {bold(clean(asked.verification_uri))} in any browser, sign in, and type\n\n"
            f"    {bold(clean(asked.user_code))}\n\n"
            f"or go straight to {clean(asked.verification_uri_complete)}"
        )
        pause = max(asked.interval, SHORTEST)
        end = time.monotonic() + asked.expires_in
        while time.monotonic() + pause < end:
            time.sleep(pause)
            try:
                said = api.collect(asked.device_code)
            except Unreachable:
                continue  # the box may be starting again
            if said.api_key:
                return checked_key(said.api_key)
            if said.error == "slow_down":
                pause += SLOWER
            elif said.error != "authorization_pending":
                raise Refused(ENDS.get(said.error) or f"{server} refused: {clean(said.error) or 'without a reason'}")
    raise Refused(ENDS["expired_token"])
