"""Mail: build one message (RFC 5322), and hand it to the configured server.

aiosmtplib is imported with the first one: no start pays for it.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from functools import cache
from typing import TYPE_CHECKING

from arena.core.config import Mail
from arena.core.sending import Unsent

if TYPE_CHECKING:
    import aiosmtplib

SEVEN_BITS = SMTP.clone(cte_type="7bit")
"""Any server takes it: nobody needs to offer 8BITMIME."""
PATIENCE = 10.0
"""Seconds to wait for a connection or an answer."""
TURNS = 5
"""Turns of the loop in which a connection that failed to become encrypted says its last words and is closed."""
WHOLE = 30.0
"""Seconds that one message may take."""


def message(
    settings: Mail,
    *,
    id: str,
    at: int,
    to: str,
    name: str,
    subject: str,
    text: str,
    html: str,
    unsubscribe: str,
) -> bytes:
    """Write a message down as it travels; the same id and instant make the same message.

    ``text`` is the plain part, ``html`` the other one, ``unsubscribe`` the address that takes its reader off a list by
    one click (RFC 8058); both may be empty.
    """
    sender = _address(settings.sender)
    made = EmailMessage(policy=SEVEN_BITS)
    made["From"] = sender
    made["To"] = Address(_line(name), addr_spec=to)
    made["Subject"] = _line(subject)
    made["Date"] = datetime.fromtimestamp(at / 1000, UTC)
    made["Message-ID"] = f"<{id}@{sender.domain}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice answers it
    if unsubscribe:
        made["List-Unsubscribe"] = f"<{unsubscribe}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
        made.set_boundary(f"=_{id}")
    return made.as_bytes()


async def send(settings: Mail, to: str, message: bytes) -> None:
    """Hand a message to the server for one recipient. Raises `Unsent`.

    A server that refuses recipient or content for good (5xx) is not asked again; one that refuses the box itself, by
    its login or its sender, is: an operator can put that right.
    """
    async with _connected(settings) as client:
        await client.sendmail(_address(settings.sender).addr_spec, [to], message)


async def check(settings: Mail) -> None:
    """See whether the server lets this box in, and send nothing. Raises `Unsent`."""
    async with _connected(settings):
        pass


@asynccontextmanager
async def _connected(settings: Mail) -> AsyncIterator["aiosmtplib.SMTP"]:
    """A server that let us in; whatever it says no with is `Unsent`."""
    import aiosmtplib

    client = aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        username=settings.user or None,
        password=settings.password.value if settings.password else None,
        local_hostname=_address(settings.sender).domain,
        timeout=PATIENCE,
        use_tls=settings.security == "tls",
        start_tls=settings.security == "starttls",
        tls_context=_trust() if settings.security != "none" else None,
    )
    try:
        async with asyncio.timeout(WHOLE):
            await client.connect()
            yield client
    except TimeoutError as no:  # aiosmtplib's are of this kind too
        raise Unsent("The mail server did not answer in time.", again=True, is_down=True) from no
    except aiosmtplib.SMTPRecipientsRefused as no:
        raise _refused("refused the recipient", no.recipients[0]) from no
    except aiosmtplib.SMTPDataError as no:
        raise _refused("refused the message", no) from no
    except aiosmtplib.SMTPSenderRefused as no:
        raise _refused("refused the sender", no, is_down=True) from no
    except aiosmtplib.SMTPAuthenticationError as no:
        raise _refused("does not accept this box's login", no, is_down=True) from no
    except aiosmtplib.SMTPResponseException as no:
        raise _refused("is not ready", no, is_down=True) from no
    except (aiosmtplib.SMTPException, OSError) as no:
        raise Unsent(_broken(no), again=True, is_down=True) from no
    else:
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):  # it is done, with or without manners
            await client.quit()
    finally:
        client.close()
        for _ in range(TURNS):
            await asyncio.sleep(0)


def _broken(no: Exception) -> str:
    import aiosmtplib

    if type(no) is aiosmtplib.SMTPException:  # how it says that an extension is missing
        return "The mail server does not offer the encryption or login that [mail] asks for."
    cause = no.__cause__ if isinstance(no.__cause__, OSError) else no
    if isinstance(cause, ssl.SSLError):
        return f"The mail server's certificate or TLS is no good ({cause.reason or type(cause).__name__})."
    return f"The mail server could not be reached, or broke off ({type(cause).__name__})."


def _refused(what: str, no: "aiosmtplib.SMTPResponseException", *, is_down: bool = False) -> Unsent:
    said = " ".join("".join(c if c.isprintable() else " " for c in no.message).split())[:200]
    return Unsent(f"The mail server {what} ({no.code} {said}).", again=is_down or no.code < 500, is_down=is_down)


def _address(written: str) -> Address:
    name, address = parseaddr(written)
    return Address(name, addr_spec=address)


def _line(text: str) -> str:
    """One line of printable characters: what somebody typed makes no header of its own."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()
