"""People, their keys, web sessions and one-time links, as the rest of the box reads them."""

from typing import Literal

from msgspec import Struct

Role = Literal["member", "admin"]
LinkKind = Literal["admin", "invite", "sign-in"]
Way = Literal["page", "browser", "device", "password", "operator", "slack"]
"""How somebody came to a key: on a page, through their browser, by device code, by password, from the operator, or by a
link in Slack."""
DeviceState = Literal["pending", "allowed", "denied", "used"]


class Person(Struct, frozen=True):
    """Somebody with an account. Times are epoch milliseconds."""

    id: str
    name: str
    display: str
    role: Role
    private: bool
    avatar: str | None
    disabled_at: int | None
    created_at: int

    @property
    def is_admin(self) -> bool:
        """Whether they run this box."""
        return self.role == "admin"

    @property
    def is_disabled(self) -> bool:
        """Whether neither their password nor their keys open anything."""
        return self.disabled_at is not None


class Settings(Struct, frozen=True, rename="camel"):
    """What a person chooses for themselves, as programs send and get it."""

    privacy_mode: bool


class KeyOwner(Struct, frozen=True):
    """Whose key it is that was sent, and the state of the key."""

    person: Person
    key_id: str
    last_used_at: int | None
    last_refused_at: int | None
    revoked_at: int | None

    @property
    def is_good(self) -> bool:
        """Whether the key opens anything."""
        return self.revoked_at is None and not self.person.is_disabled


class Unsigned(Struct, frozen=True):
    """What is wrong with a signature: the event and reason for the security log, the sentence for who sent it."""

    event: str
    reason: str
    sentence: str


class SessionOwner(Struct, frozen=True):
    """Whose web session it is, since when and until when."""

    person: Person
    session_id: str
    last_seen_at: int
    expires_at: int
    opened_at: int


class Password(Struct, frozen=True):
    """What a sign-in is checked against; nothing in it for somebody who has no password."""

    user_id: str
    hash: str | None

    def __repr__(self) -> str:
        """Name the person, not the hash."""
        return f"Password(user_id={self.user_id!r})"


class Account(Struct, frozen=True):
    """Everything that is kept of a person in their own row, for themselves to take away."""

    id: str
    username: str
    display_name: str
    role: Role
    email: str | None
    email_verified_at: int | None
    weekly_digest: bool
    github_avatar_url: str | None
    privacy_mode: bool
    disabled_at: int | None
    created_at: int
    updated_at: int


class Mail(Struct, frozen=True):
    """Where mail to a person goes: a confirmed address, and one that waits to be confirmed."""

    email: str | None
    weekly_digest: bool
    asked: str | None = None
    asked_until: int = 0


class EmailLink(Struct, frozen=True):
    """An address that somebody wants, and until when its owner may confirm it."""

    user_id: str
    email: str
    expires_at: int


class Reader(Struct, frozen=True):
    """Somebody whom mail may reach."""

    id: str
    name: str
    display: str
    email: str


class Key(Struct, frozen=True):
    """An API key as it can be shown after its making: never the key itself."""

    id: str
    username: str
    prefix: str
    label: str
    created_at: int
    last_used_at: int | None
    last_refused_at: int | None
    revoked_at: int | None


class WebSession(Struct, frozen=True):
    """A browser that is signed in."""

    id: str
    created_at: int
    last_seen_at: int
    expires_at: int
    ip_address: str | None
    user_agent: str | None


class OpenSession(Struct, frozen=True):
    """A browser that is signed in, and who it is."""

    id: str
    username: str
    created_at: int
    last_seen_at: int
    expires_at: int
    ip_address: str | None
    user_agent: str | None


class Link(Struct, frozen=True):
    """A one-time link: what it opens, for whom, until when."""

    kind: LinkKind
    user_id: str | None
    name: str | None
    role: Role
    expires_at: int
    used_at: int | None


class DeviceCode(Struct, frozen=True):
    """A machine that asks for a key by device code: what it calls itself, where it asks from, and what became of it.

    ``pause`` is the seconds that it must wait between two questions.
    """

    device_hash: str
    label: str
    ip_address: str | None
    user_agent: str | None
    state: DeviceState
    user_id: str | None
    pause: int
    polled_at: int | None
    created_at: int
    expires_at: int


class NewCodes(Struct, frozen=True):
    """What a machine gets when it asks: the long code, for itself, and the short one, for its person to type."""

    device_code: str
    user_code: str

    def __repr__(self) -> str:
        """Name neither."""
        return "NewCodes()"


class DeviceAsk(Struct, frozen=True):
    """The body of ``POST /api/auth/device``."""

    label: str = ""
    """What the machine is called; its person sees it before they say yes, and later beside its key."""


class DeviceAsked(Struct, frozen=True):
    """The answer (RFC 8628, section 3.2). Seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


class DeviceCollect(Struct, frozen=True):
    """The body of ``POST /api/auth/device/token``."""

    device_code: str


class DeviceKey(Struct, frozen=True):
    """The answer, once: a key and whose it is. ``access_token`` is what OAuth calls the key."""

    access_token: str
    api_key: str
    token_type: str
    username: str
    user_id: str
    created_at: str

    def __repr__(self) -> str:
        """Name the person, not the key."""
        return f"DeviceKey({self.username!r})"


class NewKey(Struct, frozen=True):
    """A key that was just made, and whose it is: the only time that it can be seen."""

    person: Person
    key: str

    def __repr__(self) -> str:
        """Name the person, not the key."""
        return f"NewKey({self.person.name!r})"


class Asked(Struct, frozen=True):
    """What a provider is asked with, and what its answer is held against."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


class Identity(Struct, frozen=True):
    """Who somebody is at a provider, as the provider has just said.

    They are one person by ``issuer`` and ``subject``; the login may change hands. ``emails`` are those that the
    provider has verified, the main one first; others are left behind at the door.
    """

    provider: str
    issuer: str
    subject: str
    login: str
    display: str = ""
    emails: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()


class Offer(Struct, frozen=True):
    """A provider that people may come by: what it is in addresses, on the button, and in its identities."""

    provider: str
    name: str
    issuer: str


class Errand(Struct, frozen=True):
    """What a visitor left for, kept in their browser until they come back.

    ``token`` is of the one-time link that they came by; ``user_id`` says who, signed in, wants to link an identity.
    """

    provider: str
    asked: Asked
    next: str
    token: str | None = None
    user_id: str | None = None


class Newcomer(Struct, frozen=True):
    """Somebody whom a provider named and who may join, kept in their browser until they chose a name."""

    identity: Identity
    next: str
    token: str | None = None


class LinkedIdentity(Struct, frozen=True):
    """A way into an account: somebody's identity at a provider."""

    id: str
    provider: str
    issuer: str
    login: str
    email: str | None
    created_at: int
    last_used_at: int


class OpenLink(Struct, frozen=True):
    """A one-time link that still opens something, by the hash of its token: for whom, made and ending when."""

    token_hash: str
    kind: LinkKind
    name: str | None
    role: Role
    created_at: int
    expires_at: int

    @property
    def mark(self) -> str:
        """What names it to whoever may withdraw it; it opens nothing."""
        return self.token_hash[:12]


class Export(Struct, frozen=True):
    """What the accounts room knows about a person."""

    account: Account
    identities: list[LinkedIdentity]
    api_keys: list[Key]
    web_sessions: list[WebSession]


class SignedIn(Struct, frozen=True):
    """A web session that was just opened: whose, and the token for the cookie."""

    person: Person
    token: str

    def __repr__(self) -> str:
        """Name the person, not the token."""
        return f"SignedIn({self.person.name!r})"


class Device(Struct, frozen=True):
    """A browser in which somebody signed in well: its own id, and each one's password mark of that time by user id."""

    id: str
    marks: dict[str, str]


class Patience(Struct, frozen=True):
    """How many wrong guesses are free, in how many milliseconds one is forgotten, how long the longest wait is."""

    free: int
    forget: int
    longest: int


class Counter(Struct, frozen=True):
    """What counts a guess: its name in the table, and its patience."""

    name: str
    patience: Patience


class Guesses(Struct, frozen=True):
    """What a counter holds: when its last wrong guess will be forgotten, and until when it takes no other."""

    forgotten_at: int
    blocked_until: int


class Guess(Struct, frozen=True):
    """A guess as one counter counted it, and what that held then."""

    counter: Counter
    held: Guesses


# -- what programs send and get under /api/auth and /api/me


class LogIn(Struct, frozen=True):
    """The body of ``POST /api/auth/login``. The user name may stand in either field."""

    password: str
    username: str = ""
    email: str = ""
    source: str = ""
    """"cli": make a key too."""

    def __repr__(self) -> str:
        """Name the person, not the password."""
        return f"LogIn({self.username!r})"


class Register(Struct, frozen=True, rename="camel"):
    """The body of ``POST /api/auth/register``."""

    username: str
    password: str
    display_name: str = ""

    def __repr__(self) -> str:
        """Name the person, not the password."""
        return f"Register({self.username!r})"


class Member(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Somebody who just came in. The prefix is of their newest key."""

    id: str
    username: str
    display_name: str
    api_key_prefix: str | None
    created_at: str = ""


class CameIn(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The answer to whoever came in, with a key if they asked for one."""

    user: Member
    api_key: str = ""

    def __repr__(self) -> str:
        """Name the person, not the key."""
        return f"CameIn({self.user.username!r})"


class Done(Struct, frozen=True):
    """The answer when there is nothing more to tell."""

    success: bool = True


class Myself(Struct, frozen=True, rename="camel"):
    """What a person is told of themselves. The prefix is of their newest key."""

    id: str
    username: str
    display_name: str
    email: str | None
    github_username: str | None
    github_avatar_url: str | None
    api_key_prefix: str | None
    privacy_mode: bool
    successful_projects_count: int
    created_at: str
    updated_at: str


class Whoami(Struct, frozen=True):
    """The answer of ``GET /api/auth/me``."""

    user: Myself


class WhichKey(Struct, frozen=True):
    """The body of ``POST /api/me/regenerate-key`` and ``revoke-key``: the key with this prefix, if one is named."""

    prefix: str = ""


class Regenerated(Struct, frozen=True, rename="camel"):
    """A key that took the place of another."""

    api_key: str
    api_key_prefix: str
    message: str

    def __repr__(self) -> str:
        """Name the prefix, not the key."""
        return f"Regenerated({self.api_key_prefix!r})"


class Revoked(Struct, frozen=True, rename="camel"):
    """The prefixes of the keys that open nothing any more."""

    success: bool
    revoked_key_prefixes: list[str]
    message: str
