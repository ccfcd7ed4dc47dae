"""What counts as a name, a password, a key, a link or a signature. Nothing here knows the clock or the database."""

import base64
import hmac
import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from itertools import count

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from arena.accounts.models import Counter, Device, DeviceCode, Guess, Guesses, Identity, Link, Patience, Unsigned
from arena.core.addresses import network_of
from arena.core.clock import HOUR, MINUTE
from arena.core.config import Accounts, GitHub

NAME_LENGTH = 50
NAME = re.compile(r"[a-z0-9_-]{3,50}")
DISPLAY_LENGTH = 50
LABEL_LENGTH = 50
PASSWORD_LENGTH = (8, 200)
OUR_WORDS = frozenset(("arena", "arena-box", "modu-arena", "leaderboard", "administrator"))
"""Words that come to mind here, and so to whoever guesses: alone, or with a year behind them, they are no password."""
KEY = re.compile(r"(?:modu_arena|moai_rank)_[0-9A-Za-z_-]{16,200}")
"""Ours are 52 characters; older programs bring theirs along."""
PREFIX_LENGTH = 19
"""The part of a key that may be shown: ``modu_arena_`` and 8 hex digits."""
LIVE_KEYS = 20
"""How many keys a person may have at once: one for each machine, and some to spare."""
KEY_STATES = {"live": "Live", "unused": "Unused for half a year", "revoked": "Revoked"}
UNUSED = 180 * 86_400_000
"""Milliseconds after which a key that nobody uses had better be revoked."""
CLOCK_SKEW = 300
"""Seconds that a signed request's clock may be off, both ways."""
LOOPBACK = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?([/?][!$-\[\]-~]*)?", re.ASCII | re.I)
"""An address of the visitor's own machine (RFC 8252, section 7.3). No backslash: browsers read a slash."""
STATE_LENGTH = 500
USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no word comes out, no digits, and no two that look alike (RFC 8628, section 6.1)."""
USER_CODE_LENGTH = 8
CODE_LIFE = 10 * MINUTE
RECENT = 15 * MINUTE
"""How long a sign-in is fresh enough for changing how somebody signs in, and for deleting what is theirs."""
SESSIONS = 50
"""Web sessions of a person at once; with one more, the one seen longest ago is over."""
CODE_PAUSE = 5
"""Seconds between two questions of a machine that waits; each one that comes too early adds as many."""
CODES_WAITING = 1_000
NOTE_EVERY = 10 * MINUTE
"""How exactly it is known when a key or a web session was last used: writing it each time would cost a commit."""
FIRST_WAIT = 30_000
"""Milliseconds to wait after the last free wrong guess; each further one doubles them."""
AT_ONE = Patience(free=5, forget=15 * MINUTE, longest=15 * MINUTE)
"""Guesses at one password (or by one person at codes) from one place: never more than 9 are looked at in 15 minutes."""
FROM_NETWORK = Patience(free=100, forget=MINUTE, longest=15 * MINUTE)
"""Guesses at anything from one network: an office that shares an address may mistype a lot, a list of names may not."""
OF_STRANGERS = Patience(free=50, forget=5 * MINUTE, longest=5 * MINUTE)
"""Guesses at one password from all networks: many of them together are slowed like one."""
RESETS_OF_ONE = Patience(free=3, forget=20 * MINUTE, longest=HOUR)
"""Questions for a new password of one person: three, then one in twenty minutes."""
RESETS_FROM_NETWORK = Patience(free=20, forget=5 * MINUTE, longest=HOUR)
DEVICE_PEOPLE = 4
"""How many people one browser is remembered for."""
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""What a browser's user agent holds, the rarer first: most of them say that they are others too."""
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
INVISIBLE = frozenset(
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u200b\u200e\u200f\u2800\u3164\ufeff\uffa0\U000e0001"
    + "".join(
        chr(each)
        for first, last in ((0x180B, 0x180F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFFF9, 0xFFFB), (0x1D173, 0x1D17A))
        for each in range(first, last + 1)
    )
)
"""Characters that turn the direction of the text around them, or show nothing. The joiners of emoji are not here."""
SHAPELESS = frozenset(("Cf", "Me", "Mn", "Zs"))
"""Categories that show nothing without a letter or a sign beside them."""
MARKS = 8
"""Marks that one letter may bear: no script needs more, and sorting very many of them takes seconds."""
HASHER = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
"""Argon2id, 64 MiB: about 120 ms. More than OWASP's minimum, and one thread, so that two at once fill two cores."""


def name_of(text: str) -> str:
    """The user name as it is stored: without case. (ASCII only: other letters have no lower-case form we accept.)"""
    text = text.strip()
    return text.lower() if text.isascii() else text


def display_of(text: str) -> str:
    """A display name or label on one line, without control characters and without what turns or hides text.

    It is empty if nothing would be seen of it.
    """
    kept = (" " if c.isspace() else c for c in text if c.isspace() or _is_shown(c))
    shown = " ".join(unicodedata.normalize("NFC", "".join(_few_marks(kept))).split())
    return shown if any(unicodedata.category(c) not in SHAPELESS for c in shown) else ""


def label_of(text: str) -> str:
    """A label that a program made up, on one line and cut to its length."""
    return display_of(text)[:LABEL_LENGTH].strip()


def name_problem(name: str) -> str | None:
    """Say what is wrong with a user name."""
    if NAME.fullmatch(name):
        return None
    return "A user name has 3 to 50 characters: letters a to z, digits, _ and -."


def display_problem(display: str) -> str | None:
    """Say what is wrong with a cleaned display name; an empty one is fine, the user name stands in."""
    if len(display) <= DISPLAY_LENGTH:
        return None
    return f"A display name has at most {DISPLAY_LENGTH} characters; this one has {len(display)}."


def password_problem(password: str, name: str) -> str | None:
    """Say what is wrong with a new password."""
    shortest, longest = PASSWORD_LENGTH
    if len(password) < shortest:
        return f"A password has at least {shortest} characters."
    if len(password) > longest:
        return f"A password has at most {longest} characters."
    plain = password.strip().casefold()
    without = re.sub(r"[\W\d_]{1,4}\Z", "", plain)  # up to four digits or signs at its end
    if name.casefold() in (plain, without):
        return "The password must not be the user name."
    if plain in _common() or without in OUR_WORDS or (len(without) >= 6 and without in _common()):
        return "This password is among the most common ones, which are guessed first. Choose another."
    return None


def names_like(login: str) -> Iterator[str]:
    """User names as near as can be to a login elsewhere, the nearest first; there is no end to them."""
    plain = unicodedata.normalize("NFKD", login.partition("@")[0]).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9_-]+", "-", plain).strip("-")[:NAME_LENGTH]
    if len(name) < 3:
        name = f"user-{name}".strip("-")
    yield name
    for number in count(2):
        ending = f"-{number}"
        yield name[: NAME_LENGTH - len(ending)] + ending


def stranger_problem(identity: Identity, accounts: Accounts, github: GitHub) -> str | None:
    """Say why somebody new may not join without a link, if they may not."""
    if accounts.sign_up == "open":
        return None
    if accounts.sign_up == "domain" and (_allowed_addresses(identity, accounts) or _is_member(identity, github)):
        return None
    who = f"{login} opens" if (login := display_of(identity.login)[:50]) else "This identity opens"
    return (
        f"{who} no account here. Ask an administrator of this arena for an invitation link; "
        "if you have an account, sign in to it another way and link this one in your settings."
    )


def address_of(identity: Identity, accounts: Accounts) -> str | None:
    """The e-mail address of somebody at their provider: one of the allowed domains, else their main one."""
    return next(iter((*_allowed_addresses(identity, accounts), *identity.emails)), None)


def agent_words(agent: str) -> str:
    """Name a browser and its system in short ("Firefox on Linux"), from what it says of itself."""
    browser = next((name for sign, name in BROWSERS if sign in agent), "")
    system = next((name for sign, name in SYSTEMS if sign in agent), "")
    if not browser:
        browser = display_of(re.split(r"[/ ]", agent, maxsplit=1)[0])[:30] or "Unknown browser"
    return f"{browser} on {system}" if system else browser


def hash_password(password: str) -> str:
    """Hash a password with Argon2id. Slow on purpose: call it in a thread."""
    return HASHER.hash(_typed(password))


def is_password(stored: str | None, password: str) -> bool:
    """Say whether a password fits; without a stored hash it never does, and takes as long to say so."""
    longest = PASSWORD_LENGTH[1]
    try:
        fits = HASHER.verify(stored or _nobodys_hash(), _typed(password[:longest]))
        return fits and stored is not None and len(password) <= longest
    except (VerificationError, InvalidHashError):
        return False


def wants_rehash(stored: str) -> bool:
    """Say whether a stored hash was made at another cost than today's."""
    return HASHER.check_needs_rehash(stored)


def new_key() -> str:
    """Make an API key: a prefix that may be shown, and 128 random bits."""
    return f"modu_arena_{secrets.token_hex(4)}_{secrets.token_hex(16)}"


def loopback_problem(address: str) -> str | None:
    """Say why a key may not be sent to an address: only a program of the visitor's own machine may have it."""
    if LOOPBACK.fullmatch(address):
        return None
    return "redirect_uri: must be http on localhost, 127.0.0.1 or [::1], any port and path."


def state_problem(state: str) -> str | None:
    """Say what is wrong with the mark by which a program knows its own question again."""
    if 1 <= len(state) <= STATE_LENGTH:
        return None
    return f"state: must be there, and at most {STATE_LENGTH} characters."


def new_user_code() -> str:
    """Make a code for a person to type, in two groups."""
    code = "".join(secrets.choice(USER_CODE_LETTERS) for _ in range(USER_CODE_LENGTH))
    return f"{code[:4]}-{code[4:]}"


def user_code_of(text: str) -> str:
    """The code as it was made, however it was typed: in any case, with or without a dash or spaces."""
    code = "".join(letter for letter in text.upper() if letter.isalnum())
    return f"{code[:4]}-{code[4:]}"


def device_code_problem(asked: DeviceCode, now: int) -> str | None:
    """Say why a machine does not wait behind its code any more."""
    if asked.state != "pending":
        return "This code has been answered already. Each one works once; ask the terminal for a new one."
    if asked.expires_at <= now:
        return "This code is over: it lasts ten minutes. Ask the terminal for a new one."
    return None


def how_to_join(sign_up: str, address: str) -> str:
    """Tell somebody new, by what the configuration lets in, how they get an account at a box."""
    match sign_up:
        case "open":
            return f"Make an account at {address}/join in a browser, then log in here."
        case "domain":
            return f"Sign in at {address}/sign-in in a browser, with a provider that it names."
        case _:
            return "Ask its administrator for an invitation link, and open it in a browser."


def link_problem(link: Link | None, now: int) -> str | None:
    """Say why a one-time link does not open."""
    if link is None:
        return "This link is not known here, or a newer one has taken its place. Ask for a new one."
    if link.used_at is not None:
        return "This link has been used already. Ask for a new one."
    if link.expires_at <= now:
        return "This link has expired. Ask for a new one."
    return None


def password_mark(stored: str) -> str:
    """What a browser that signed in well keeps of the password: it changes with it, and tells nothing of it."""
    return sha256(stored.encode()).hexdigest()[:16]


def remembered(device: Device, user_id: str, stored: str) -> Device:
    """The browser once somebody with this password signed in; the one who did so longest ago is forgotten."""
    others = [pair for pair in device.marks.items() if pair[0] != user_id]
    return Device(device.id, dict([*others, (user_id, password_mark(stored))][-DEVICE_PEOPLE:]))


def is_known(device: Device | None, user_id: str, stored: str) -> bool:
    """Say whether somebody signed in well from this browser, with the password that they still have."""
    return device is not None and device.marks.get(user_id) == password_mark(stored)


def password_counters(secret: str, name: str, address: str | None, device: str | None) -> list[Counter]:
    """What counts a guess at a password; ``device`` is the id of a browser known to its owner.

    Such a browser has a counter of its own, so strangers, however many and from wherever, never shut the owner out
    of it. A name that nobody has is counted like any other, so that nothing tells the two apart.
    """
    if device is not None:
        return [Counter(_counter(secret, "password", name, "device", device), AT_ONE)]
    network = network_of(address)
    return [
        Counter(_counter(secret, "password", name, "network", network), AT_ONE),
        Counter(_counter(secret, "password", name), OF_STRANGERS),
        Counter(_counter(secret, "network", network), FROM_NETWORK),
    ]


def code_counters(secret: str, user_id: str | None, address: str | None) -> list[Counter]:
    """What counts a guess at a code that somebody types: it is theirs, or, of nobody signed in, their network's.

    One-time links and API keys are not counted like this: with 256 and 128 random bits no number of guesses helps.
    """
    who = ("user", user_id) if user_id else ("network", network_of(address))
    return [Counter(_counter(secret, "code", *who), AT_ONE)]


def reset_counters(secret: str, typed: str, address: str | None) -> list[Counter]:
    """What counts a question for a new password: what was typed, whether anybody is called so, and its network."""
    return [
        Counter(_counter(secret, "reset", typed.strip().casefold()), RESETS_OF_ONE),
        Counter(_counter(secret, "resets", network_of(address)), RESETS_FROM_NETWORK),
    ]


def is_new_place(agent: str, address: str, known: Iterable[tuple[str, str]]) -> bool:
    """Say whether nobody signed in with such a browser from this network before; the very first time is not new."""
    seen = {(agent_words(each), network_of(place)) for each, place in known}
    return bool(seen) and (agent_words(agent), network_of(address)) not in seen


def wait_of(held: Guesses | None, patience: Patience, now: int) -> int:
    """Milliseconds until a counter takes the next guess. (More than the longest wait: the clock was put back.)"""
    left = held.blocked_until - now if held else 0
    return left if 0 < left <= patience.longest else 0


def guessed_wrong(held: Guesses | None, patience: Patience, now: int) -> Guesses:
    """What a counter holds after one more wrong guess.

    Each wrong guess is forgotten some time after the one before it. Six above the free ones none is added: the wait
    is the longest by then, and ends some time after an attack does.
    """
    most = now + (patience.free + 6) * patience.forget
    forgotten_at = min(max(held.forgotten_at if held else now, now) + patience.forget, most)
    remembered = -((now - forgotten_at) // patience.forget)
    doubled = remembered - patience.free
    wait = min(FIRST_WAIT << doubled, patience.longest) if doubled >= 0 else 0
    return Guesses(forgotten_at, now + wait if wait else 0)


def guessed_right(held: Guesses, guess: Guess) -> Guesses:
    """What a counter holds once a guess that it counted turned out right; a wait that others caused goes on."""
    own_wait = held.blocked_until == guess.held.blocked_until
    return Guesses(held.forgotten_at - guess.counter.patience.forget, 0 if own_wait else held.blocked_until)


def longest_wait(begun: list[Guess], now: int) -> int | None:
    """Seconds that the next guess has to wait after one that was wrong; None if it has not."""
    wait = max(guess.held.blocked_until for guess in begun) - now
    return -(-wait // 1000) if wait > 0 else None


def in_words(wait: int) -> str:
    """Write milliseconds to wait as people say them, rounded up ("30 seconds", "4 minutes", "25 hours")."""
    length, unit = (1000, "second") if wait <= MINUTE else (MINUTE, "minute") if wait <= 2 * HOUR else (HOUR, "hour")
    number = -(-wait // length)
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def is_due(noted_at: int | None, now: int) -> bool:
    """Say whether it is time to note again that a key or a session is in use."""
    return noted_at is None or now - noted_at >= NOTE_EVERY


SECONDS = re.compile(r"[0-9]{1,12}")


def signature(key: str, timestamp: str, body: bytes) -> str:
    """The signature of a request: lower-case hex HMAC-SHA256 over time and raw body, under the whole key."""
    return hmac.digest(key.encode(), timestamp.encode() + b":" + body, "sha256").hex()


def signature_problem(key: str, timestamp: str | None, sent: str | None, body: bytes, now: int) -> Unsigned | None:
    """Say what is wrong with a request's time or signature. ``now`` in epoch milliseconds; ``timestamp`` in seconds."""
    if not timestamp or not sent:
        missing = "This request must be signed: X-Timestamp and X-Signature are missing."
        return Unsigned("hmac_signature_invalid", "missing", missing)
    if not SECONDS.fullmatch(timestamp):
        unread = "X-Timestamp must be the time in whole seconds since 1970."
        return Unsigned("hmac_signature_invalid", "time unreadable", unread)
    if abs(off := int(timestamp) - now // 1000) > CLOCK_SKEW:
        late = f"X-Timestamp is more than {CLOCK_SKEW} seconds off: set this machine's clock."
        return Unsigned("hmac_timestamp_expired", f"{off:+} s", late)
    if not hmac.compare_digest(sent.encode(), signature(key, timestamp, body).encode()):
        return Unsigned("hmac_signature_invalid", "does not fit", "X-Signature does not fit this key, time and body.")
    return None


PASSED_ON = frozenset((b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"))
"""What proxies add to requests."""
HERE = re.compile(r"(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?")
PASS_LASTS = MINUTE


def is_here(address: str | None, host: str) -> bool:
    """Say whether a request came from this very machine, and was meant for it by name."""
    return (address or "").startswith(("127.", "::1")) and HERE.fullmatch(host) is not None


def make_pass(secret: str, now: int) -> str:
    """Make what lets whoever can read the secret of a box read its figures, for a minute."""
    return f"{now}.{hmac.new(secret.encode(), f'arena.metrics:{now}'.encode(), sha256).hexdigest()}"


def is_pass(sent: str, secrets: list[str], now: int) -> bool:
    """Say whether that was made with one of these secrets, and in the last minute."""
    made, _, _ = sent.partition(".")
    if not re.fullmatch(r"[0-9]{13}", made) or abs(now - int(made)) > PASS_LASTS:
        return False
    return any(hmac.compare_digest(sent.encode(), make_pass(secret, int(made)).encode()) for secret in secrets)


def off_token(secret: str, user_id: str) -> str:
    """Make what ends the weekly mail to somebody, and does nothing else: it stands in every such mail."""
    return f"{user_id}.{hmac.new(secret.encode(), f'arena.digest.off:{user_id}'.encode(), sha256).hexdigest()[:32]}"


def opened_off(token: str, secrets: list[str]) -> str | None:
    """Whose weekly mail a token ends, if it was made with one of these secrets."""
    user_id, _, _ = token.partition(".")
    made = (off_token(secret, user_id).encode() for secret in secrets)
    return user_id if any(hmac.compare_digest(token.encode(), each) for each in made) else None


def is_older(version: str, oldest: str) -> bool:
    """Say whether a client's version is older than the oldest one accepted; one that cannot be read is not."""
    theirs = re.match(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})", version, re.ASCII)
    return theirs is not None and tuple(map(int, theirs.groups())) < tuple(map(int, oldest.split(".")))


def _allowed_addresses(identity: Identity, accounts: Accounts) -> list[str]:
    domains = {domain.casefold() for domain in accounts.domains}
    return [each for each in identity.emails if each.rpartition("@")[2].casefold() in domains]


def _is_member(identity: Identity, github: GitHub) -> bool:
    theirs = {each.casefold() for each in identity.organisations}
    return identity.provider == "github" and not theirs.isdisjoint(each.casefold() for each in github.organisations)


def _is_shown(character: str) -> bool:
    return character not in INVISIBLE and unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")


@cache
def _common() -> frozenset[str]:
    """The 30,000 passwords that leaked most often. (Read when first needed: it takes a tenth of a second.)"""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


def _few_marks(text: Iterable[str]) -> Iterator[str]:
    marks = 0
    for each in text:
        marks = marks + 1 if unicodedata.combining(each) else 0
        if marks <= MARKS:
            yield each


def _typed(password: str) -> bytes:
    """The bytes of a password, whether its keyboard composes accents and Hangul or not."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace")


def _counter(secret: str, *what: str) -> str:
    return hmac.new(secret.encode(), "\0".join(("guess", *what)).encode("utf-8", "replace"), "sha256").hexdigest()[:32]


def _nobodys_hash() -> str:
    """A hash at today's cost that nobody's password has."""
    salt, tag = base64.b64encode(bytes(16)).rstrip(b"="), base64.b64encode(bytes(32)).rstrip(b"=")
    cost = f"m={HASHER.memory_cost},t={HASHER.time_cost},p={HASHER.parallelism}"
    return f"$argon2id$v=19${cost}${salt.decode()}${tag.decode()}"
