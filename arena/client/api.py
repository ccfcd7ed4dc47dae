"""Speaks to the box: signed requests, patient retries, one sentence for whatever goes wrong."""

import hmac
import random
import time
from email.utils import parsedate_to_datetime
from gzip import compress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from arena import __version__
from arena.client.credentials import Credentials
from arena.client.home import Refused
from arena.client.terminal import clean
from arena.wire import DayAnswer, DayReport, Judged, JudgedAnswer, Submitted, UsageAnswer, UsageReport

TIMEOUT = 30.0
PAUSE = 0.5
"""Seconds before the first retry; each later one waits twice as long, give or take a half."""

RETRIES = 3
LONGEST_WAIT = 90.0
"""Seconds; a box that counts calls by the minute asks for at most 62. Who asks for more is asked again another time."""

GZIP_FROM = 1024
SKEW = 60
"""Seconds by which our clock may differ from the box's before we sign with the box's time."""

LARGEST_ANSWER = 8 * 1024 * 1024


T = TypeVar("T")


class Unreachable(Refused):
    """The box could not be spoken to now; what is unsent stays in the ledger."""


class _Error(msgspec.Struct):
    code: str = ""
    message: str = ""
    details: Any = None


class _Envelope(msgspec.Struct):
    success: bool
    data: msgspec.Raw = msgspec.Raw(b"null")
    error: _Error | None = None


class Identity(msgspec.Struct):
    """Who a key belongs to."""

    valid: bool = True
    username: str = ""
    apiKeyPrefix: str = ""
    privacyMode: bool = False
    createdAt: Any = None


class Place(msgspec.Struct):
    """A place on one board, and by how many it rose since yesterday; None for somebody new, or from an older box."""

    position: int | None = None
    compositeScore: float | None = None
    totalParticipants: int | None = None
    movement: int | None = None

    @property
    def is_ranked(self) -> bool:
        """Whether there is a place; who has none is told the one after the last."""
        return bool(self.position and self.totalParticipants and self.position <= self.totalParticipants)


class Rankings(msgspec.Struct):
    """The places of the four periods."""

    daily: Place | None = None
    weekly: Place | None = None
    monthly: Place | None = None
    allTime: Place | None = None


class Stats(msgspec.Struct):
    """Sums over all time."""

    totalTokens: int = 0
    totalSessions: int = 0
    inputTokens: int = 0
    outputTokens: int = 0


class Cost(msgspec.Struct):
    """What was used cost, in US dollars; None where nothing of it is known."""

    estimatedCost: float | None = None
    costIsComplete: bool | None = None
    """False where records of unknown cost are left out; None from a box that does not tell costs."""


class Today(Cost):
    """What was used today."""

    inputTokens: int = 0
    outputTokens: int = 0


class Standing(msgspec.Struct):
    """Where a person stands. ``usage`` is of all time; older boxes tell neither today nor the streak, in days."""

    username: str = ""
    rankings: Rankings = msgspec.field(default_factory=Rankings)
    stats: Stats | None = None
    usage: Cost | None = None
    today: Today | None = None
    streak: int | None = None
    lastUpdated: Any = None


class Forgotten(msgspec.Struct):
    """What the box removed."""

    sessions: int = 0
    records: int = 0


class Code(msgspec.Struct):
    """What a machine without a browser shows its person, and asks with. Seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: float
    interval: float = 5


class Collected(msgspec.Struct):
    """A key, or the word that says why there is none."""

    api_key: str = ""
    error: str = ""


class _Answer(UsageAnswer, frozen=True):
    success: bool = True


class _DayAnswer(DayAnswer, frozen=True):
    success: bool = True


class _Status(msgspec.Struct):
    timeZone: str = ""


class Api:
    """One box, spoken to with one key, or none, over one connection that ``with`` closes."""

    def __init__(self, credentials: Credentials) -> None:
        parts = urlsplit(credentials.server)
        self._key = credentials.api_key
        self._server = credentials.server
        self._secure = parts.scheme == "https"
        self._place = (parts.hostname or "", parts.port)
        self._path = parts.path.rstrip("/")
        self._drift = 0
        self.ahead: float | None = None
        """Seconds by which this machine's clock is ahead of the box's, as of its last answer."""
        self._connection: HTTPConnection | None = None

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def knock(self) -> None:
        """Make sure that a box answers here."""
        self._ask("GET", "/api/v1/status")

    def ask_for_code(self, label: str) -> Code:
        """Ask for the codes that sign in a machine without a browser."""
        status, _, content = self._patiently("POST", "/api/auth/device", msgspec.json.encode({"label": label}))
        if status != 200:
            raise Refused(f"{self._server} refused: {clean(self._data(content, Collected).error)}")
        return self._data(content, Code)

    def collect(self, device_code: str) -> Collected:
        """Ask for the key that the codes stand for."""
        body = msgspec.json.encode({"device_code": device_code})
        _, _, content = self._patiently("POST", "/api/auth/device/token", body)
        return self._data(content, Collected)

    def verify(self) -> Identity:
        """Ask whom the key belongs to."""
        return self._data(self._ask("GET", "/api/v1/verify"), Identity)

    def rank(self) -> Standing:
        """Ask where the person stands."""
        return self._data(self._ask("GET", "/api/v1/rank"), Standing)

    def send(self, report: UsageReport) -> UsageAnswer:
        """Send one batch of usage."""
        return self._data(self._ask("POST", "/api/v1/usage", msgspec.json.encode(report)), _Answer)

    def send_days(self, report: DayReport) -> DayAnswer:
        """Send what ccusage sums up by day."""
        return self._data(self._ask("POST", "/v1/sync", msgspec.json.encode(report)), _DayAnswer)

    def zone(self) -> str:
        """Ask in which time zone the box counts days; older ones do not say."""
        return self._data(self._ask("GET", "/api/v1/status"), _Status).timeZone

    def submit(self, project: Submitted) -> Judged:
        """Have a project judged; how that stands right now."""
        sent = self._ask("POST", "/api/v1/evaluate?wait=0", msgspec.json.encode(project), pack=False)
        return self._data(sent, JudgedAnswer).evaluation

    def evaluation(self, id: str) -> Judged:
        """Ask how that stands."""
        return self._data(self._ask("GET", f"/api/v1/evaluations/{id}"), JudgedAnswer).evaluation

    def forget(self, project: str) -> Forgotten:
        """Ask the box to remove what it has of a project, named by its keyed hash."""
        return self._data(self._ask("POST", "/api/v1/forget", msgspec.json.encode({"project": project})), Forgotten)

    def revoke(self) -> None:
        """Ask the box to take no more of this key."""
        self._ask("POST", "/api/v1/keys/revoke", b"{}")

    def _data(self, raw: msgspec.Raw | bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(raw, type=kind)
        except msgspec.MsgspecError:
            raise self._nonsense() from None

    def _ask(self, method: str, path: str, body: bytes | None = None, *, pack: bool = True) -> msgspec.Raw:
        packed = pack and body is not None and len(body) > GZIP_FROM
        sent = compress(body, 6) if body is not None and packed else body
        status, headers, content = self._patiently(method, path, sent, packed)
        if status == 401 and body is not None and self._correct_clock(_envelope(content)):
            status, headers, content = self._patiently(method, path, sent, packed)
        return self._judge(status, headers, _envelope(content))

    def _patiently(
        self, method: str, path: str, body: bytes | None, packed: bool = False
    ) -> tuple[int, dict[str, str], bytes]:
        """Ask until the box answers for good. Raises `Unreachable` when it does not."""
        attempt = 0
        while True:
            status, headers, content, why = self._once(method, path, body, packed)
            if status and status < 500 and status != 429:
                return status, headers, content
            pause = _pause(attempt, headers.get("retry-after", ""))
            if attempt == RETRIES or pause > LONGEST_WAIT:
                raise Unreachable(self._hopeless(status, why, pause))
            time.sleep(pause)
            attempt += 1

    def _once(self, method: str, path: str, body: bytes | None, packed: bool) -> tuple[int, dict[str, str], bytes, str]:
        """Make one attempt; status 0 means that no whole answer came, and why."""
        headers = {
            "User-Agent": f"arena/{__version__}",
            "X-Arena-Client": __version__,
            "Accept": "application/json",
        }
        if self._key:
            headers["X-API-Key"] = self._key
        if body is not None:
            headers["Content-Type"] = "application/json"
        if body is not None and self._key:
            stamp = str(int(time.time()) + self._drift)
            headers["X-Timestamp"] = stamp
            headers["X-Signature"] = hmac.new(self._key.encode(), f"{stamp}:".encode() + body, "sha256").hexdigest()
            if packed:
                headers["Content-Encoding"] = "gzip"
        try:
            connection = self._connected()
            connection.request(method, self._path + path, body, headers)
            answer = connection.getresponse()
            content = answer.read(LARGEST_ANSWER)
            if answer.length and len(content) < LARGEST_ANSWER:
                raise IncompleteRead(content, answer.length)
            if answer.will_close or answer.length:
                self._close()
            lowered = _lowered(answer)
            self.ahead = _ahead(lowered.get("date", ""))
            return answer.status, lowered, content, ""
        except (OSError, HTTPException) as error:
            self._close()
            return 0, {}, b"", _why(error)

    def _connected(self) -> HTTPConnection:
        if self._connection is None:
            kind = HTTPSConnection if self._secure else HTTPConnection
            self._connection = kind(*self._place, timeout=TIMEOUT)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _correct_clock(self, envelope: "_Envelope | None") -> bool:
        error = envelope.error if envelope else None
        if error is None or error.code != "UNAUTHORIZED" or not isinstance(error.details, dict):
            return False
        theirs = error.details.get("serverTime")
        if not isinstance(theirs, int | float):
            return False
        drift = int(theirs - time.time())
        if abs(drift - self._drift) <= SKEW:
            return False
        self._drift = drift
        return True

    def _judge(self, status: int, headers: dict[str, str], envelope: "_Envelope | None") -> msgspec.Raw:
        if status in {401, 403}:
            said = f" ({_said(envelope)})" if _said(envelope) else ""
            raise Refused(f"{self._server} does not accept this key{said}; sign in again with `arena login`.")
        if status == 426:
            raise Refused(_said(envelope) or "this client is too old for the box; update it: pip install -U arena-box.")
        if 300 <= status < 400:
            target = clean(headers.get("location", "elsewhere"))
            raise Refused(f"{self._server} sends us on to {target}; sign in with the address that answers itself.")
        if envelope is None:
            raise self._nonsense()
        if status >= 400 or not envelope.success:
            raise Refused(f"{self._server} refused: {_said(envelope) or f'status {status}'}")
        return envelope.data

    def _hopeless(self, status: int, why: str, pause: float) -> str:
        told = f"answers with an error of its own ({status})" if status else f"cannot be reached ({why})"
        if status == 429:
            told = "asks for patience"
        when = f"in {-(-pause // 60):.0f} minutes" if LONGEST_WAIT < pause < float("inf") else "later"
        what_to_do = f"what is unsent stays in the ledger, run this again {when}."
        return f"{self._server} {told}; {what_to_do if self._key else f'nothing was signed in, try again {when}.'}"

    def _nonsense(self) -> Refused:
        return Refused(f"{self._server} did not answer like an arena box; check the address (`arena login --server`).")


def _pause(attempt: int, told: str) -> float:
    wait: float = PAUSE * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311
    if told:
        try:
            wait = float(told)
        except ValueError:
            try:
                wait = parsedate_to_datetime(told).timestamp() - time.time()
            except (ValueError, TypeError):
                return wait
    return max(0.0, wait)


def _ahead(date: str) -> float | None:
    try:
        return time.time() - parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError):
        return None


def _envelope(content: bytes) -> _Envelope | None:
    try:
        return msgspec.json.decode(content, type=_Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _said(envelope: _Envelope | None) -> str:
    return clean(envelope.error.message) if envelope and envelope.error else ""


def _lowered(answer: HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.getheaders()}


def _why(error: Exception) -> str:
    return clean(getattr(error, "strerror", None) or str(error)) or type(error).__name__
