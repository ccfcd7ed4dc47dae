"""The administrator's pages of people and teams, on a real box, as a browser without scripts sees them."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from arena.accounts import store
from arena.accounts.actions import links
from arena.audit.models import OPERATOR
from arena.core import clock
from tests.flows.serving import Serving, Visitor, session

FRAGMENT = {"HX-Request": "true"}


@pytest.fixture(scope="module")
def root(box: Serving) -> Iterator[Visitor]:
    """Somebody who runs the box."""
    with Visitor(box) as visitor:
        visitor.join(box.first_link(), "root")
        yield visitor


def do(visitor: Visitor, address: str, **fields: str) -> Any:
    """Send a form of ours."""
    return visitor.post(address, data={"csrf": visitor.csrf("/dashboard"), **fields})


def events(box: Serving, *kinds: str) -> list[tuple[Any, ...]]:
    """What the security log holds of these events: event, person by name, details."""
    rows = box.ask(
        "SELECT l.event_type, u.username, l.details FROM security_audit_log l "
        "LEFT JOIN users u ON u.id = l.user_id ORDER BY l.seq"
    )
    return [(event, name, json.loads(details)) for event, name, details in rows if event in kinds]


def id_of(box: Serving, name: str) -> str:
    return str(box.ask("SELECT id FROM users WHERE username = :name", name=name)[0][0])


def listed(text: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/admin/people/([\w-]+)">', text)


# -- the list


def test_people_are_found_by_name_state_role_and_team(box: Serving, root: Visitor) -> None:
    for name in ("ann", "ben", "cat_1", "cat-2"):
        box.add(name)
    box.write(lambda conn: conn.execute("UPDATE users SET display_name = 'Änne 100%' WHERE username = 'ben'") and None)
    do(root, "/admin/people/ann/disable")
    do(root, "/admin/teams", name="Cats")
    do(root, "/admin/people/cat-2/team", team="cats")
    assert set(listed(root.get("/admin").text)) >= {"ann", "ben", "cat_1", "cat-2", "root"}
    assert listed(root.get("/admin?q=cat").text) == ["cat-2", "cat_1"]
    assert listed(root.get("/admin?q=CAT_").text) == ["cat_1"]
    assert listed(root.get("/admin?q=100%25").text) == ["ben"]
    assert listed(root.get("/admin?state=disabled").text) == ["ann"]
    assert listed(root.get("/admin?role=admin").text) == ["root"]
    assert listed(root.get("/admin?team=cats").text) == ["cat-2"]
    assert "cat-2" not in listed(root.get("/admin?team=-").text)
    assert "Nobody like this." in root.get("/admin?q=zzz").text
    assert set(listed(root.get("/admin?state=odd&role=odd").text)) >= {"ann", "root"}


def test_the_list_goes_on_by_name_and_keeps_what_was_asked(box: Serving, root: Visitor) -> None:
    def crowd(conn: Any) -> None:
        for number in range(60):
            store.add_user(conn, f"crowd-{number}", f"zz-{number:02}", "Z", "member", None, clock.now())

    box.write(crowd)
    first = root.get("/admin?q=zz-").text
    assert listed(first) == [f"zz-{number:02}" for number in range(50)]
    more = re.search(r'id="more" href="([^"]+)"', first)
    assert more
    rest = root.get(more[1].replace("&amp;", "&")).text
    assert listed(rest) == [f"zz-{number:02}" for number in range(50, 60)]
    assert 'id="more"' not in rest
    assert 'id="first" href="/admin?q=zz-"' in rest


def test_the_list_tells_when_somebody_was_last_here_and_how_many_keys_they_have(box: Serving, root: Visitor) -> None:
    box.add("seen").send(session())
    row = root.get("/admin?q=seen").text.partition('href="/admin/people/seen"')[2].partition("</tr>")[0]
    assert '<td class="n">1</td>' in row
    row = root.get("/admin?q=root").text.partition('href="/admin/people/root"')[2].partition("</tr>")[0]
    assert "s ago" in row
    assert "administrator" in row


def test_only_administrators_have_the_link_to_these_pages(box: Serving, root: Visitor) -> None:
    assert '<a href="/admin">Admin</a>' in root.get("/dashboard").text
    with Visitor(box) as member:
        link = re.search(r"<code>(http[^<]+/join/[^<]+)</code>", do(root, "/admin/invitations").text)
        assert link
        member.join(link[1], "plain")
        assert "/admin" not in member.get("/dashboard").text
        assert member.get("/admin").status_code == 403


# -- invitations


def test_an_invitation_fixes_name_and_role_and_works_once(box: Serving, root: Visitor) -> None:
    answer = do(root, "/admin/invitations", name="Deputy", role="admin")
    link = re.search(r"<code>(http[^<]+/join/[^<]+)</code>", answer.text)
    assert link
    assert link[1] not in root.get("/admin").text
    assert answer.headers["cache-control"] == "no-store"
    with Visitor(box) as deputy:
        deputy.join(link[1], "ignored")
        assert deputy.get("/admin").status_code == 200
    assert box.ask("SELECT role FROM users WHERE username = 'deputy'") == [("admin",)]
    with Visitor(box) as second:
        assert second.get(link[1]).status_code == 404
    assert events(box, "invitation_created")[-1][2]["by"] == id_of(box, "root")


@pytest.mark.parametrize(("name", "says"), [("x", "3 to 50 characters"), ("root", "The user name root is taken.")])
def test_a_name_that_cannot_be_invited_is_told_at_its_field_and_kept(root: Visitor, name: str, says: str) -> None:
    answer = do(root, "/admin/invitations", name=name, role="admin")
    assert answer.status_code in (400, 409)
    assert says in answer.text
    assert f'value="{name}"' in answer.text
    assert '<option value="admin" selected>' in answer.text


def test_links_that_nobody_used_are_listed_and_withdrawn(box: Serving, root: Visitor) -> None:
    link = re.search(r"<code>(http[^<]+/join/[^<]+)</code>", do(root, "/admin/invitations", name="never-came").text)
    assert link
    row = root.get("/admin").text.partition("lets <bdi>never-came</bdi> in")[2]
    mark = re.search(r'action="/admin/links/([0-9a-f]{12})/withdraw"', row)
    assert mark
    assert link[1].rpartition("/")[2] not in row
    assert "That link opens nothing any more." in do(root, f"/admin/links/{mark[1]}/withdraw").text
    assert "was used or over already" in do(root, f"/admin/links/{mark[1]}/withdraw").text
    with Visitor(box) as late:
        assert late.get(link[1]).status_code == 404
    assert events(box, "link_withdrawn") == [("link_withdrawn", None, {"link": mark[1][:8], "by": id_of(box, "root")})]


# -- somebody


def test_a_sign_in_link_is_shown_once_and_lets_its_person_in(box: Serving, root: Visitor) -> None:
    box.add("lena")
    link = re.search(r"<code>(http[^<]+/join/[^<]+)</code>", do(root, "/admin/people/lena/link").text)
    assert link
    with Visitor(box) as lena:
        lena.join(link[1], "lena")
        assert "lena" in lena.get("/dashboard").text
    assert "A password" in root.get("/admin/people/lena").text
    do(root, "/admin/people/lena/disable")
    assert "Make a sign-in link" not in root.get("/admin/people/lena").text
    refused = do(root, "/admin/people/lena/link")
    assert refused.status_code == 409
    assert "lena is disabled; enable them first." in refused.text


def test_somebody_is_disabled_and_enabled_at_once_and_twice_changes_nothing(box: Serving, root: Visitor) -> None:
    mia = box.add("mia")
    for _ in range(2):
        assert "mia is disabled" in do(root, "/admin/people/mia/disable").text
    assert mia.post("/api/v1/sessions", session()).status_code == 401
    for _ in range(2):
        assert "mia is enabled" in do(root, "/admin/people/mia/enable").text
    assert mia.send(session()).status_code == 201
    deeds = [(event, name) for event, name, _ in events(box, "user_disabled", "user_enabled") if name == "mia"]
    assert deeds == [("user_disabled", "mia"), ("user_enabled", "mia")]


def test_the_last_administrator_stays(box: Serving) -> None:
    box.write(lambda conn: conn.execute("UPDATE users SET role = 'member' WHERE username <> 'root'") and None)
    with Visitor(box) as root:
        token = box.write(lambda conn: _link(conn, "root"))
        root.post(f"/join/{token}", data={"csrf": root.csrf(f"/join/{token}"), "password": ""})
        page = root.get("/admin/people/root").text
        assert "root/demote" not in page
        assert "root/disable" not in page
        assert "root/delete" not in page
        for deed, more in (("demote", {}), ("disable", {}), ("delete", {"confirm": "root"})):
            refused = do(root, f"/admin/people/root/{deed}", **more)
            assert refused.status_code == 409
            assert "root is the last administrator" in refused.text
        box.add("nils")
        assert "nils is an administrator." in do(root, "/admin/people/nils/promote").text
        assert "root/demote" in root.get("/admin/people/root").text
        for _ in range(2):
            assert "nils is a member." in do(root, "/admin/people/nils/demote").text
    assert [name for _, name, _ in events(box, "user_demoted")] == ["nils"]


def _link(conn: Any, name: str) -> str:
    return links.sign_in_link(conn, name=name, days=1, caller=OPERATOR, now=clock.now())


def test_an_export_holds_what_is_kept_and_no_secret(box: Serving, root: Visitor) -> None:
    olga = box.add("olga")
    answer = root.get("/admin/people/olga/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="olga.json"'
    kept = answer.json()
    assert kept["account"]["username"] == "olga"
    assert kept["api_keys"][0]["prefix"] == olga.key[:19]
    assert olga.key not in answer.text
    assert "hash" not in answer.text
    assert events(box, "user_exported") == [("user_exported", "olga", {"by": id_of(box, "root")})]


def test_somebody_is_deleted_only_when_their_name_is_typed(box: Serving, root: Visitor) -> None:
    box.add("otto").send(session())
    refused = do(root, "/admin/people/otto/delete", confirm="ott")
    assert refused.status_code == 400
    assert "Nothing was deleted: type otto to confirm." in refused.text
    assert 'value="ott"' in refused.text
    id = id_of(box, "otto")
    done = do(root, "/admin/people/otto/delete", confirm=" OTTO ")
    assert "otto is deleted, with everything of theirs." in done.text
    assert "otto" not in listed(done.text)
    assert box.ask("SELECT 1 FROM usage_records WHERE user_id = :id", id=id) == []
    assert box.ask("SELECT 1 FROM daily_tool_stats WHERE user_id = :id", id=id) == []
    again = do(root, "/admin/people/otto/delete", confirm="otto")
    assert again.status_code == 404
    assert "There is nobody called otto." in again.text


@pytest.mark.parametrize("path", ["/admin/people/nobody", "/admin/people/nobody/export", "/admin/teams/nowhere"])
def test_what_is_not_there_is_not_found(root: Visitor, path: str) -> None:
    assert root.get(path).status_code == 404


def test_a_deed_that_is_none_is_not_found(box: Serving, root: Visitor) -> None:
    box.add("quinn")
    assert do(root, "/admin/people/quinn/explode").status_code == 404


def test_a_deed_asked_for_in_place_answers_with_the_fragment(box: Serving, root: Visitor) -> None:
    box.add("rosa")
    data = {"csrf": root.csrf("/dashboard")}
    answer = root.post("/admin/people/rosa/promote", data=data, headers={**FRAGMENT, "HX-Target": "person"})
    assert answer.text.lstrip().startswith('<div id="person"')
    assert "rosa is an administrator." in answer.text


def test_the_ways_in_that_somebody_has_are_told(box: Serving, root: Visitor) -> None:
    pia = box.add("pia")
    pia.send(session())
    now = clock.now()
    box.write(
        lambda conn: store.add_identity(
            conn,
            id="i1",
            user_id=id_of(box, "pia"),
            provider="github",
            issuer="https://github.com",
            subject="7",
            login="pia-at-work",
            email=None,
            now=now,
        )
    )
    text = root.get("/admin/people/pia").text
    assert "No password" in text
    assert "pia-at-work</bdi> at https://github.com, last used" in text
    assert '<a href="/admin/keys?person=pia&amp;state=live">1 key</a>, last used' in text
    assert "Signed in nowhere" in text


# -- teams


def test_a_team_is_made_filled_renamed_and_deleted(box: Serving, root: Visitor) -> None:
    box.add("sam")
    assert "There is a team R&amp;D now." in do(root, "/admin/teams", name="R&D").text
    assert "sam is in R&amp;D." in do(root, "/admin/teams/r-d/add", who="Sam").text
    assert "sam is in R&amp;D." in do(root, "/admin/teams/r-d/add", who="sam").text
    renamed = do(root, "/admin/teams/r-d/rename", name="연구 개발")
    assert "The team is called 연구 개발 now." in renamed.text
    assert listed(root.get("/admin/teams/연구-개발").text) == ["sam"]
    assert root.get("/admin/teams/r-d").status_code == 404
    assert root.get("/?team=연구-개발").status_code == 200
    assert "1 person is in no team now." in do(root, "/admin/teams/연구-개발/delete").text
    assert do(root, "/admin/teams/연구-개발/delete").status_code == 404
    assert root.get("/admin/people/sam").status_code == 200
    by = id_of(box, "root")
    made = events(box, "team_created", "team_renamed", "team_deleted")
    assert [event for event, _, _ in made[-3:]] == ["team_created", "team_renamed", "team_deleted"]
    assert all(details["by"] == by for _, _, details in made)
    assert [name for _, name, _ in events(box, "team_assigned")][-1:] == ["sam"]


def test_a_wrong_name_of_a_team_is_told_and_kept(root: Visitor) -> None:
    do(root, "/admin/teams", name="Tigers")
    for name, says in (("tigers!", "There is a team called Tigers already."), ("!", "needs a letter or a digit")):
        answer = do(root, "/admin/teams", name=name)
        assert answer.status_code in (400, 409)
        assert says in answer.text
        assert f'value="{name}"' in answer.text
    do(root, "/admin/teams", name="Lions")
    clash = do(root, "/admin/teams/lions/rename", name="TIGERS")
    assert clash.status_code == 409
    assert 'value="TIGERS"' in clash.text


def test_somebody_unknown_is_not_put_in_and_what_was_typed_stays(root: Visitor) -> None:
    do(root, "/admin/teams", name="Bears")
    answer = do(root, "/admin/teams/bears/add", who="no<body")
    assert answer.status_code == 404
    assert "There is nobody called no&lt;body." in answer.text
    assert 'value="no&lt;body"' in answer.text


def test_whoever_moved_on_is_not_taken_out_of_another_team(box: Serving, root: Visitor) -> None:
    box.add("tess")
    for name in ("Red", "Blue"):
        do(root, "/admin/teams", name=name)
    do(root, "/admin/teams/red/add", who="tess")
    do(root, "/admin/teams/blue/add", who="tess")
    late = do(root, "/admin/teams/red/remove", who="tess")
    assert late.status_code == 409
    assert "tess is not in Red any more." in late.text
    assert listed(root.get("/admin/teams/blue").text) == ["tess"]
    assert "tess is in no team." in do(root, "/admin/teams/blue/remove", who="tess").text


# -- keys and web sessions of everybody


def test_any_key_is_found_and_revoked_where_one_looks(box: Serving, root: Visitor) -> None:
    uma = box.add("uma")
    rest = "/admin/keys?person=uma&state=live"
    assert f"{uma.key[:19]}…" in root.get(rest).text
    assert uma.key not in root.get(rest).text
    [(id,)] = box.ask("SELECT id FROM api_keys WHERE prefix = :prefix", prefix=uma.key[:19])
    answer = do(root, f"/admin/keys/{id}/revoke?person=uma&state=live")
    assert f"{uma.key[:19]} of uma is revoked" in answer.text
    assert "No key like this." in answer.text
    assert "was revoked before" in do(root, f"/admin/keys/{id}/revoke").text
    assert uma.post("/api/v1/sessions", session()).status_code == 401
    assert f"{uma.key[:19]}…" in root.get("/admin/keys?person=uma&state=revoked").text
    assert do(root, "/admin/keys/nothing/revoke").status_code == 404
    revoked = [details for event, name, details in events(box, "api_key_revoked") if name == "uma"]
    assert revoked == [{"prefix": uma.key[:19], "by": id_of(box, "root")}]


def test_keys_that_nobody_uses_are_found(box: Serving, root: Visitor) -> None:
    box.add("vera")
    long_ago = clock.now() - 181 * clock.DAY
    box.write(lambda conn: conn.execute("UPDATE api_keys SET created_at = :at", {"at": long_ago}) and None)
    used = box.add("used")
    used.send(session())
    found = root.get("/admin/keys?state=unused").text
    assert ">vera</a>" in found
    assert ">used</a>" not in found


def test_keys_go_on_page_by_page(box: Serving, root: Visitor) -> None:
    box.add("wade")
    id = id_of(box, "wade")

    def many(conn: Any) -> None:
        for number in range(54):
            store.add_key(conn, f"0000-{number:03}", id, f"hash-{number}", f"prefix-{number:03}", "old", clock.now())

    box.write(many)
    seen, path = [], "/admin/keys?person=wade"
    while path:
        text = root.get(path).text
        seen += re.findall(r"<code>(prefix-\d+|modu_arena_\w+)…</code>", text)
        older = re.search(r'id="older" href="([^"]+)"', text)
        path = older[1].replace("&amp;", "&") if older else ""
    assert len(seen) == len(set(seen)) == 55


def test_web_sessions_of_anybody_are_seen_and_ended(box: Serving, root: Visitor) -> None:
    box.add("xena")
    browsers = []
    for _ in range(3):
        token = box.write(lambda conn: _link(conn, "xena"))
        browser = Visitor(box)
        password = "" if browsers else "correct horse"
        browser.post(f"/join/{token}", data={"csrf": browser.csrf(f"/join/{token}"), "password": password})
        browsers.append(browser)
    page = root.get("/admin/sessions?person=xena").text
    ids = re.findall(r'action="/admin/sessions/([\w-]+)/end', page)
    assert len(ids) == 3
    assert "this browser" not in page
    assert "this browser" in root.get("/admin/sessions?person=root").text
    answer = do(root, f"/admin/sessions/{ids[0]}/end?person=xena")
    assert "xena is signed out of that browser." in answer.text
    assert "was over already" in do(root, f"/admin/sessions/{ids[0]}/end").text
    assert [browser.get("/dashboard").url.path for browser in browsers].count("/dashboard") == 2
    assert "xena is signed out of 2 browsers." in do(root, "/admin/people/xena/sessions/end?person=xena").text
    assert "xena is signed out of 0 browsers." in do(root, "/admin/people/xena/sessions/end").text
    assert [browser.get("/dashboard").url.path for browser in browsers].count("/dashboard") == 0
    assert "xena</bdi> is signed in nowhere." in root.get("/admin/sessions?person=xena").text
    ended = [details["sessions"] for event, name, details in events(box, "sessions_ended") if name == "xena"]
    assert ended == [1, 2]
    for browser in browsers:
        browser.close()


def test_two_administrators_at_once_leave_one(box: Serving, root: Visitor) -> None:
    box.write(lambda conn: conn.execute("UPDATE users SET role = 'member' WHERE username <> 'root'") and None)
    box.add("yves", role="admin")
    with ThreadPoolExecutor(2) as pool:
        token = root.csrf("/dashboard")
        both = [
            pool.submit(root.post, f"/admin/people/{name}/disable", data={"csrf": token}) for name in ("root", "yves")
        ]
        codes = sorted(each.result().status_code for each in both)
    assert box.ask("SELECT count(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL") == [(1,)]
    assert codes[-1] in (401, 403, 409)
