"""Names, passwords, signatures, versions."""

import unicodedata
from itertools import islice

import pytest

from arena.accounts import rules
from arena.accounts.models import Identity, Link, Unsigned
from arena.core.config import Accounts, GitHub

NOW = 1_700_000_000_000
KEY = "modu_arena_0123abcd_" + "0f" * 16
SIGNATURE = "0019eb64545b97969869973ec1f7414eb38cd02b5fb57b5e993163b0aded6a5d"


@pytest.mark.parametrize("name", ["bob", "a_b-c", "007", "x" * 50])
def test_these_are_user_names(name: str) -> None:
    assert rules.name_problem(rules.name_of(name)) is None


@pytest.mark.parametrize(
    "name", ["", "ab", "x" * 51, "bob smith", "b.ob", "지민이네", "bo\u212a", "bob\n1", "bob/../x"]
)
def test_these_are_not_user_names(name: str) -> None:
    assert rules.name_problem(rules.name_of(name)) is not None


def test_a_user_name_has_no_case() -> None:
    assert rules.name_of(" Alice ") == "alice"


def test_a_display_name_is_any_text_on_one_line() -> None:
    assert rules.display_of("  김지민 \n 👩‍💻 ") == "김지민 👩‍💻"
    assert rules.display_of("A\u0308") == "Ä"


def test_a_display_name_loses_what_turns_or_hides_text() -> None:
    assert rules.display_of("bob\u202egnp\u2066\u200b\x1b[31m\x00\ufeff") == "bobgnp[31m"


@pytest.mark.parametrize(
    "blank", ["\u3164", "\u2800 \u115f", "\u200d\u200c", "\ufe0f", "\u0301", "\u00a0", "\U000e0061"]
)
def test_a_display_name_of_which_nothing_is_seen_is_none(blank: str) -> None:
    assert rules.display_of(blank) == ""
    assert rules.display_of(f"bob{blank}").startswith("bob")


@pytest.mark.parametrize(
    "whole", ["\U0001f3f4\U000e0067\U000e0062\U000e007f", "\u2764\ufe0f", "ภู่ที่รู้", "שָׁלוֹם", "Việt", "క్ష్మ"]
)
def test_a_display_name_keeps_what_its_script_needs(whole: str) -> None:
    assert rules.display_of(whole) == unicodedata.normalize("NFC", whole)


def test_no_letter_bears_marks_without_end() -> None:
    marks = "\u0315\u0334" * 60_000
    assert len(rules.display_of(f"a{marks}b")) == 2 + rules.MARKS
    hidden = "\u200b".join(marks)
    assert len(rules.display_of(f"a{hidden}b")) == 2 + rules.MARKS


def test_a_year_behind_a_user_name_makes_no_password_of_it() -> None:
    assert rules.password_problem("Roberta-99", "roberta") is not None
    assert rules.password_problem("Roberta-99", "rob") is None


def test_a_password_longer_than_any_is_wrong_and_takes_no_longer() -> None:
    stored = rules.hash_password("x" * 200)
    assert rules.is_password(stored, "x" * 200)
    assert not rules.is_password(stored, "x" * 201)
    assert not rules.is_password(stored, "\u0315\u0334" * 60_000)


def test_a_display_name_may_be_fifty_characters() -> None:
    assert rules.display_problem("김" * 50) is None
    assert rules.display_problem("김" * 51) is not None


@pytest.mark.parametrize(
    "password",
    [
        "seven77",
        "x" * 201,
        "Roberta_1",
        "password",
        "Trustno1",
        "12345678",
        "iloveyou2026",
        "letmein!123",
        "arena2026",
        "Modu-Arena!",
        " sunshine1 ",
    ],
)
def test_these_passwords_are_refused(password: str) -> None:
    assert rules.password_problem(password, "roberta_1") is not None


@pytest.mark.parametrize(
    "password",
    ["eight887", "x" * 200, "비밀번호는여덟자", "correct horse battery", "sunshine24680", "abc-12345-67890"],
)
def test_these_passwords_are_taken(password: str) -> None:
    assert rules.password_problem(password, "roberta_1") is None


def test_a_password_fits_however_its_letters_are_composed() -> None:
    assert rules.is_password(rules.hash_password("caf\u00e9 caf\u00e9"), "cafe\u0301 cafe\u0301")


def test_no_password_fits_nobody() -> None:
    assert not rules.is_password(None, "")
    assert not rules.is_password("not a hash", "whatever")


def test_nobodys_hash_costs_what_anybodys_does() -> None:
    assert not rules.wants_rehash(rules._nobodys_hash())


def test_a_stored_hash_is_argon2id() -> None:
    assert rules.hash_password("whatever").startswith("$argon2id$")


def test_a_key_has_52_characters_and_is_new_each_time() -> None:
    first, second = rules.new_key(), rules.new_key()
    assert len(first) == 52
    assert rules.KEY.fullmatch(first)
    assert first != second
    assert len("modu_arena_0123abcd") == rules.PREFIX_LENGTH


def test_links_say_why_they_do_not_open() -> None:
    fresh = Link("invite", None, None, "member", NOW + 1, None)
    used = Link("invite", None, None, "member", NOW + 1, NOW - 1)
    over = Link("invite", None, None, "member", NOW, None)
    assert rules.link_problem(fresh, NOW) is None
    said = {rules.link_problem(link, NOW) for link in (None, used, over)}
    assert len(said) == 3
    assert None not in said


def test_a_signature_is_hmac_sha256_over_time_and_body() -> None:
    assert rules.signature(KEY, "1700000000", b'{"a":1}') == SIGNATURE


def test_a_signature_covers_raw_utf8() -> None:
    expected = "4f03cfbe863a69c879dfc86f4caefe6adfb707ed96763d885cc9aa1dfb0fb0dc"
    assert rules.signature(KEY, "1700000000", '{"a":"한글"}'.encode()) == expected


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
def test_a_clock_may_be_five_minutes_off(seconds: int) -> None:
    assert rules.signature_problem(KEY, "1700000000", SIGNATURE, b'{"a":1}', NOW + seconds * 1000) is None


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_clock_may_not_be_further_off(seconds: int) -> None:
    problem = rules.signature_problem(KEY, "1700000000", SIGNATURE, b'{"a":1}', NOW + seconds * 1000)
    late = "X-Timestamp is more than 300 seconds off: set this machine's clock."
    assert problem == Unsigned("hmac_timestamp_expired", f"{-seconds:+} s", late)


@pytest.mark.parametrize("timestamp", ["soon", "-1700000000", "1700000000.0", "1_700_000_000", "१७००", "9" * 13])
def test_a_timestamp_is_whole_seconds(timestamp: str) -> None:
    problem = rules.signature_problem(KEY, timestamp, SIGNATURE, b'{"a":1}', NOW)
    unread = "X-Timestamp must be the time in whole seconds since 1970."
    assert problem == Unsigned("hmac_signature_invalid", "time unreadable", unread)


@pytest.mark.parametrize(("timestamp", "sent"), [(None, SIGNATURE), ("1700000000", None), ("", ""), (None, None)])
def test_a_missing_signature_is_named(timestamp: str | None, sent: str | None) -> None:
    problem = rules.signature_problem(KEY, timestamp, sent, b'{"a":1}', NOW)
    missing = "This request must be signed: X-Timestamp and X-Signature are missing."
    assert problem == Unsigned("hmac_signature_invalid", "missing", missing)


@pytest.mark.parametrize("sent", [SIGNATURE.upper(), SIGNATURE[:-1], "0" * 64, "é"])
def test_a_wrong_signature_is_named(sent: str) -> None:
    problem = rules.signature_problem(KEY, "1700000000", sent, b'{"a":1}', NOW)
    wrong = "X-Signature does not fit this key, time and body."
    assert problem == Unsigned("hmac_signature_invalid", "does not fit", wrong)


def test_a_changed_body_breaks_the_signature() -> None:
    assert rules.signature_problem(KEY, "1700000000", SIGNATURE, b'{"a": 1}', NOW) is not None


@pytest.mark.parametrize(
    ("version", "older"),
    [("1.1.9", True), ("0.9.0", True), ("1.2.0", False), ("1.10.0", False), ("1.1.9rc1", True), ("dev", False)],
)
def test_versions_are_compared_by_number(version: str, older: bool) -> None:
    assert rules.is_older(version, "1.2.0") is older


@pytest.mark.parametrize(
    ("login", "names"),
    [
        ("octocat", ["octocat", "octocat-2", "octocat-3"]),
        ("Octo.Cat", ["octo-cat", "octo-cat-2", "octo-cat-3"]),
        ("jane.doe@example.org", ["jane-doe", "jane-doe-2", "jane-doe-3"]),
        ("Jörg Müller", ["jorg-muller", "jorg-muller-2", "jorg-muller-3"]),
        ("ab", ["user-ab", "user-ab-2", "user-ab-3"]),
        ("김예진", ["user", "user-2", "user-3"]),
        ("", ["user", "user-2", "user-3"]),
        ("--x_y--", ["x_y", "x_y-2", "x_y-3"]),
        ("x" * 60, ["x" * 50, "x" * 48 + "-2", "x" * 48 + "-3"]),
    ],
)
def test_a_login_elsewhere_becomes_a_user_name(login: str, names: list[str]) -> None:
    found = list(islice(rules.names_like(login), 3))
    assert found == names
    assert [rules.name_problem(name) for name in found] == [None] * 3


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 "
            "Safari/537.36 Edg/150.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 "
            "Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile "
            "Safari/537.36",
            "Chrome on Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "CriOS/150.0.0.0 Mobile/15E148 Safari/604.1",
            "Chrome on iPhone",
        ),
        ("curl/8.14.1", "curl"),
        ("<b>\u202e", "<b>"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_named_in_short(agent: str, words: str) -> None:
    assert rules.agent_words(agent) == words


@pytest.mark.parametrize(
    ("emails", "kept"),
    [
        (("me@home.example", "me@example.org"), "me@example.org"),
        (("me@home.example",), "me@home.example"),
        (("me@example.org.evil.example",), "me@example.org.evil.example"),
        ((), None),
    ],
)
def test_the_address_that_the_policy_asks_for_is_the_one_kept(emails: tuple[str, ...], kept: str | None) -> None:
    identity = Identity("oidc", "https://accounts.example.org", "1", "me", emails=emails)
    assert rules.address_of(identity, Accounts(domains=["EXAMPLE.org"])) == kept


def test_a_strangers_sentence_names_them_if_it_can() -> None:
    identity = Identity("oidc", "https://accounts.example.org", "1", "")
    problem = rules.stranger_problem(identity, Accounts(), GitHub())
    assert problem is not None
    assert problem.startswith("This identity opens no account here.")
