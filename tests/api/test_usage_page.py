"""The administrators' page of usage, the table to take away, and each person's own."""

import csv
import json
import re
from collections.abc import Iterator

import pytest

from arena.core import clock
from tests.flows.serving import Person, Serving, Visitor, session

EVER = "from=2020-01-01&to=2030-01-01"


@pytest.fixture(scope="module")
def admin(box: Serving) -> Iterator[Visitor]:
    """Somebody who runs the box, on which somebody private and somebody whose model has no price used something."""
    box.add("carol", private=True).send(session(modelName="claude-sonnet-4-5", sessionId="one", inputTokens=10**6))
    box.add("-dash").send(session(modelName="nobody-knows", sessionId="two"))
    with Visitor(box) as visitor:
        visitor.join(box.first_link(), "root")
        yield visitor


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines(), strict=True))


def test_the_page_and_its_table_tell_the_same_by_name_private_people_too(box: Serving, admin: Visitor) -> None:
    page = admin.get("/admin/usage").text
    assert "<bdi>carol</bdi>" in page
    assert "with prices missing for 1 response" in page
    assert page.index("<bdi>carol</bdi>") < page.index("<bdi>-dash</bdi>")
    link = re.search(r'href="(/admin/usage\.csv[^"]+)"', page)
    assert link
    answer = admin.get(link[1].replace("&amp;", "&"))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    today = clock.iso(clock.now())[:10]
    name = f'attachment; filename="usage-{today[:7]}-01-{today}.csv"'
    assert answer.headers["content-disposition"] == name
    found = {row["person"]: row for row in rows(answer.text)}
    assert found.keys() == {"carol", "'-dash"}
    (nanodollars,) = box.ask("SELECT SUM(cost) FROM daily_user_stats")[0]
    assert found["carol"]["cost_usd"] == f"{nanodollars // 10**9}.{nanodollars % 10**9:09}"
    assert (found["'-dash"]["cost_usd"], found["'-dash"]["records_without_price"]) == ("", "1")


def test_rows_are_told_apart_by_what_is_ticked(admin: Visitor) -> None:
    found = rows(admin.get(f"/admin/usage.csv?{EVER}&by=model&by=tool&by=nonsense").text)
    assert [(row["tool"], row["model"]) for row in found] == [
        ("claude-code", "claude-sonnet-4-5"),
        ("claude-code", "nobody-knows"),
    ]
    page = admin.get(f"/admin/usage?{EVER}&by=model&by=tool").text
    assert page.count(" checked>") == 2


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("from=soon", "A day looks like 2026-11-20."),
        ("from=2026-11-21&to=2026-11-20", "The last day is before the first one."),
        ("person=nobody-here", "Nobody has this user name."),
    ],
)
def test_what_is_not_understood_is_said_beside_the_field(admin: Visitor, asked: str, sentence: str) -> None:
    answer = admin.get(f"/admin/usage?{asked}")
    assert answer.status_code == 422
    assert sentence in answer.text
    assert admin.get(f"/admin/usage.csv?{asked}").status_code == 400


def test_days_without_anything_say_so(admin: Visitor) -> None:
    assert "Nothing was used, 1–2 Jan 2020." in admin.get("/admin/usage?from=2020-01-01&to=2020-01-02").text


def test_only_the_part_that_htmx_asks_for_is_sent(admin: Visitor) -> None:
    part = admin.get("/admin/usage", headers={"HX-Request": "true", "HX-Target": "bill"}).text
    assert part.lstrip().startswith('<div id="bill"')


def test_a_person_takes_their_own_and_nobody_else_s(box: Serving, admin: Visitor) -> None:
    box.add("erin").send(session(sessionId="three", inputTokens=77))
    mine = admin.get("/dashboard/usage.csv")
    assert rows(mine.text) == []
    assert 'filename="usage-root.csv"' in mine.headers["content-disposition"]
    sent = Person(box, "root", admin.make_key()).send(session(sessionId="four", inputTokens=88))
    assert sent.status_code == 201
    (row,) = rows(admin.get("/dashboard/usage.csv").text)
    assert list(row)[:4] == ["day", "project", "tool", "model"]
    assert row["input_tokens"] == "88"


def test_taking_a_table_away_is_a_row_of_the_log(box: Serving, admin: Visitor) -> None:
    admin.get(f"/admin/usage.csv?{EVER}&by=day&person=CAROL")
    sql = "SELECT details FROM security_audit_log WHERE event_type = 'usage_exported' ORDER BY seq DESC LIMIT 1"
    told = json.loads(box.ask(sql)[0][0])
    (root,) = box.ask("SELECT id FROM users WHERE username = 'root'")[0]
    days = {"from": "2020-01-01", "to": "2030-01-01"}
    assert told == {**days, "person": "carol", "told_apart_by": "day", "by": root}
