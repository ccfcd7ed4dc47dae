"""The security log as administrators see it: found, narrowed, page by page, and taken away as a table."""

import csv
import json
import re
import sqlite3
from collections.abc import Iterator

import pytest

from arena.accounts.actions import people
from arena.audit.actions import note
from arena.audit.models import OPERATOR, Caller
from arena.core import clock
from arena.core.clock import DAY
from tests.flows.serving import Serving, Visitor

AGENT = '=HYPERLINK("http://evil.test")<b>'
ROWS = 130


@pytest.fixture(scope="module")
def admin(box: Serving) -> Iterator[Visitor]:
    """Somebody who runs the box, on which a lot happened two days ago, some of it to somebody deleted since."""
    with Visitor(box) as visitor:
        visitor.join(box.first_link(), "root")
        box.add("bob")
        box.add("zebulon")
        by = str(box.ask("SELECT id FROM users WHERE username = 'root'")[0][0])
        (bob,), (zebulon,) = box.ask("SELECT id FROM users WHERE username IN ('bob', 'zebulon') ORDER BY username")
        start = clock.now() - 2 * DAY

        def fill(conn: sqlite3.Connection) -> None:
            for number in range(ROWS):
                person = (bob, zebulon, None)[number % 3]
                caller = Caller(f"192.0.2.{number % 5}", AGENT if number == 7 else "a browser")
                note(
                    conn, "session_created", person, caller, start + number, sessions=[f"s{number}", "x"], number=number
                )
            people.delete_user(conn, name="zebulon", caller=OPERATOR, now=clock.now(), by=by)

        box.write(fill)
        yield visitor


def numbers(text: str) -> list[int]:
    """The rows of a page, in their order."""
    return [int(found) for found in re.findall(r'<tr id="row_(\d+)">', text)]


def older(text: str) -> str:
    found = re.search(r'id="older" href="([^"]+)"', text)
    return found[1].replace("&amp;", "&") if found else ""


def walk(admin: Visitor, path: str) -> list[int]:
    """All rows from a page on, following its link to the older ones."""
    rows: list[int] = []
    while path:
        answer = admin.get(path)
        assert answer.status_code == 200
        rows += numbers(answer.text)
        path = older(answer.text)
    return rows


def test_the_whole_log_is_read_page_by_page_newest_first(box: Serving, admin: Visitor) -> None:
    every = [row[0] for row in box.ask("SELECT seq FROM security_audit_log ORDER BY created_at DESC, seq DESC")]
    first = admin.get("/admin/audit")
    assert len(numbers(first.text)) == 50
    assert walk(admin, "/admin/audit") == every
    assert len(every) > ROWS
    assert f"{len(every)} things happened since" in first.text
    head = box.ask("SELECT head_seq, lower(hex(head_hash)) FROM security_audit_chain")[0]
    assert f"arena admin audit verify --head {head[0]}:{head[1]}" in first.text


def test_it_is_narrowed_by_event_person_address_day_and_words(box: Serving, admin: Visitor) -> None:
    made = "SELECT seq FROM security_audit_log WHERE event_type = 'session_created' AND "
    order = " ORDER BY created_at DESC, seq DESC"

    def expected(where: str) -> list[int]:
        return [row[0] for row in box.ask(made + where + order)]

    bobs = "user_id = (SELECT id FROM users WHERE username = 'bob')"
    assert walk(admin, "/admin/audit?event=session_created") == expected("1 = 1")
    assert walk(admin, "/admin/audit?person=BOB&event=session_created") == expected(bobs)
    assert walk(admin, "/admin/audit?address=192.0.2.3") == expected("ip_address = '192.0.2.3'")
    assert walk(admin, "/admin/audit?q=%22number%22:77") == expected("details LIKE '%:77}'")
    day = (clock.now() - 2 * DAY) // DAY * DAY
    text = clock.iso(day)[:10]
    assert walk(admin, f"/admin/audit?from={text}&to={text}") == expected(
        f"created_at BETWEEN {day} AND {day + DAY - 1}"
    )
    assert walk(admin, "/admin/audit?to=2020-01-01") == []
    assert walk(admin, "/admin/audit?from=2020-01-01&event=user_deleted") == [
        row[0] for row in box.ask("SELECT seq FROM security_audit_log WHERE event_type = 'user_deleted'")
    ]


def test_people_have_their_name_of_today_and_whoever_is_deleted_has_none(box: Serving, admin: Visitor) -> None:
    text = admin.get("/admin/audit?event=session_created").text
    assert "<bdi>bob</bdi>" in text
    assert "<bdi>a deleted person</bdi>" in text
    assert "zebulon" not in admin.get("/admin/audit").text
    gone = re.search(r'href="([^"]+)"[^>]* class="gone"', text)
    assert gone
    found = walk(admin, gone[1].replace("&amp;", "&"))
    assert len(found) == len(
        box.ask(
            "SELECT 1 FROM security_audit_log WHERE details LIKE '%' AND user_id IS NOT NULL"
            " AND user_id NOT IN (SELECT id FROM users)"
        )
    )
    box.write(lambda conn: conn.execute("UPDATE users SET username = 'robert' WHERE username = 'bob'"))
    assert "<bdi>robert</bdi>" in admin.get("/admin/audit?event=session_created").text
    box.write(lambda conn: conn.execute("UPDATE users SET username = 'bob' WHERE username = 'robert'"))


def test_who_did_it_is_named_and_leads_to_their_deeds(admin: Visitor) -> None:
    text = admin.get("/admin/audit?event=user_deleted").text
    found = re.search(r'<i>by</i> <a href="([^"]+)"[^>]*><bdi>root</bdi>', text)
    assert found
    deeds = numbers(admin.get(found[1].replace("&amp;", "&")).text)
    assert set(numbers(text)) < set(deeds)


def test_what_a_stranger_wrote_is_shown_as_text(admin: Visitor) -> None:
    text = admin.get("/admin/audit?q=hyperlink").text
    assert "=HYPERLINK(&#34;http://evil.test&#34;)&lt;b&gt;" in text


def test_the_exact_time_and_a_long_list_stand_in_titles(admin: Visitor) -> None:
    text = admin.get("/admin/audit?q=%22number%22:77").text
    assert re.search(r'<td title="\d+ \w{3} \d{4}, \d\d:\d\d:\d\d UTC, row [\d,]+">', text)
    assert '<span class="detail" title="s77, x"><i>sessions</i> s77 and 1 more</span>' in text


def test_only_the_part_that_htmx_asks_for_is_sent(admin: Visitor) -> None:
    part = admin.get("/admin/audit?event=user_created", headers={"HX-Request": "true", "HX-Target": "audit"})
    assert part.text.lstrip().startswith('<div id="audit"')
    assert "<html" not in part.text
    assert numbers(part.text) == numbers(admin.get("/admin/audit?event=user_created").text)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("person=nobody-here", "Nobody has this user name."),
        ("from=soon", "A day looks like 2026-11-20."),
        ("from=2026-11-21&to=2026-11-20", "The last day is before the first one."),
        ("event=user_teleported", "There is no such event."),
    ],
)
def test_what_is_not_understood_is_said_beside_the_field_and_nothing_typed_is_lost(
    admin: Visitor, asked: str, sentence: str
) -> None:
    answer = admin.get(f"/admin/audit?{asked}&q=a+word")
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="a word"' in answer.text
    assert numbers(answer.text) == []
    assert admin.get(f"/admin/audit.csv?{asked}").status_code == 400


def test_nonsense_in_the_address_is_no_failure(admin: Visitor) -> None:
    for path in ("?after=x", "?after=99999999999999999999-1", "?after=1-1&after=2-2", "?q=%00%FF", "?nothing=1"):
        assert admin.get(f"/admin/audit{path}").status_code == 200


def test_nothing_found_says_so(admin: Visitor) -> None:
    assert "Nothing like this has happened." in admin.get("/admin/audit?q=unheard+of").text


def test_all_that_was_asked_for_can_be_taken_away_as_a_table(box: Serving, admin: Visitor) -> None:
    answer = admin.get("/admin/audit.csv?event=session_created")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="audit-\d{4}-\d\d-\d\d\.csv"', answer.headers["content-disposition"])
    head, *rows = csv.reader(answer.text.splitlines(keepends=True))
    assert head == ["row", "time", "event", "person", "person_id", "address", "user_agent", "details", "hash"]
    assert [int(row[0]) for row in rows] == walk(admin, "/admin/audit?event=session_created")
    assert {row[3] for row in rows} == {"bob", "a deleted person", ""}
    assert [row[6] for row in rows if row[6] != "a browser"] == [f"'{AGENT}"]
    stored = box.ask("SELECT lower(hex(hash)), details FROM security_audit_log WHERE seq = :seq", seq=int(rows[0][0]))
    assert [(row[8], row[7]) for row in rows[:1]] == stored


def test_an_export_is_read_in_parts(box: Serving, admin: Visitor) -> None:
    def fill(conn: sqlite3.Connection) -> None:
        for number in range(2_500):
            note(conn, "session_duplicate", None, OPERATOR, clock.now(), number=number)

    box.write(fill)
    rows = list(csv.reader(admin.get("/admin/audit.csv?event=session_duplicate").text.splitlines()))
    assert len({row[0] for row in rows[1:]}) == len(rows[1:]) == 2_500


def test_members_and_strangers_see_nothing_of_it(box: Serving, admin: Visitor) -> None:
    with Visitor(box) as stranger:
        stranger.follow_redirects = False
        for path in ("/admin/audit", "/admin/audit.csv"):
            assert stranger.get(path).headers["location"].startswith("/sign-in?next=%2Fadmin%2Faudit")


def test_taking_rows_away_is_a_row(box: Serving, admin: Visitor) -> None:
    sql = "SELECT details FROM security_audit_log WHERE event_type = 'audit_exported' ORDER BY seq"
    before = len(box.ask(sql))
    for address in ("/admin/audit.csv", "/admin/audit.csv?event=user_created", "/admin/audit.csv?event=nothing"):
        admin.get(address)
    (root,) = box.ask("SELECT id FROM users WHERE username = 'root'")[0]
    told = [json.loads(details) for (details,) in box.ask(sql)][before:]
    assert told == [{"by": root}, {"only": "user_created", "by": root}]
