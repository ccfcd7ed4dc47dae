"""Leaving for a provider and coming back: what belongs together, who may join, what is linked, what opens what."""

import sqlite3
import threading
from functools import partial

import pytest

from arena.accounts import rules, store
from arena.accounts.actions import identities, links, people
from arena.accounts.models import Identity
from arena.core import clock
from arena.core.config import Accounts, Config
from arena.core.errors import Conflict, Invalid, NotFound
from tests.accounts.conftest import HERE, NOW, PASSWORD, wait
from tests.peers import github, openid

from .conftest import of_github, of_openid

OPEN = Accounts(sign_up="open")
OCTOCAT = Identity("github", "https://github.com", "583231", "octocat", "The Octocat")
STALE = "This sign-in was begun in another browser or tab, took too long, or is over. Begin again."


def arrive(visitor, path: str = "/sign-in/github", **how):
    return visitor.come_back(github.sign_in(visitor.leave(path), **how))


def invite(db, name=None):
    return db.write_sync(partial(links.invite, name=name, days=7, caller=HERE, now=clock.now()))


def sign_in_link(db, name):
    return db.write_sync(partial(links.sign_in_link, name=name, days=7, caller=HERE, now=clock.now()))


def linked_to(db, person) -> list[str]:
    return [each.login for each in db.read_sync(partial(store.identities_of, user_id=person.id))]


def link_address(visitor, name: str = "GitHub") -> str:
    """The address of a "Link ..." button on the settings page."""
    page = visitor.client.get("/settings").text
    return page.partition(f">Link {name}<")[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")


# -- what this browser left for, and nothing else


def test_a_wrong_state_signs_nobody_in(open_site, hub) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        back = github.sign_in(visitor.leave("/sign-in/github"))
        answer = visitor.come_back(back.replace("state=", "state=x"))
        assert (answer.status_code, STALE in answer.text) == (400, True)


@pytest.mark.parametrize("path", ["/sign-in/github/callback", "/sign-in/github/callback?code=a&state=b"])
def test_somebody_who_left_for_nothing_is_not_signed_in(open_site, hub, path: str) -> None:
    with open_site(github=of_github(hub)) as visitor:
        answer = visitor.client.get(path)
        assert (answer.status_code, STALE in answer.text) == (400, True)
    assert hub.asked == []


def test_what_another_browser_left_for_does_not_sign_this_one_in(open_site, hub) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        back_of_attacker = github.sign_in(visitor.leave("/sign-in/github"))
        visitor.client.cookies.clear()
        visitor.leave("/sign-in/github")
        answer = visitor.come_back(back_of_attacker)
        assert (answer.status_code, STALE in answer.text) == (400, True)
        assert visitor.who() is None


def test_an_errand_comes_back_once_even_with_its_cookie_kept(open_site, hub) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        back = github.sign_in(visitor.leave("/sign-in/github"))
        kept = dict(visitor.client.cookies)
        visitor.come_back(back)
        visitor.client.cookies.update(kept)
        asked = len(hub.asked)
        answer = visitor.come_back(back)
        assert (answer.status_code, STALE in answer.text) == (400, True)
        assert len(hub.asked) == asked


def test_an_errand_that_comes_back_twice_at_once_is_done_once(open_site, hub) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        back = github.sign_in(visitor.leave("/sign-in/github"))
        hub.hold = threading.Event()
        answers: list[int] = []
        first = threading.Thread(target=lambda: answers.append(visitor.come_back(back).status_code))
        first.start()
        while not any(each.path == "/login/oauth/access_token" for each in hub.asked):
            first.join(0.01)
        answers.append(visitor.come_back(back).status_code)
        hub.hold.set()
        first.join()
    assert answers == [400, 303]


def test_an_errand_lasts_ten_minutes(open_site, hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        back = github.sign_in(visitor.leave("/sign-in/github"))
        later = clock.now() + 10 * clock.MINUTE
        monkeypatch.setattr(clock, "now", lambda: later)
        assert STALE in visitor.come_back(back).text


def test_an_answer_for_another_provider_is_refused(open_site, hub, provider) -> None:
    with open_site(github=of_github(hub), oidc=of_openid(provider.issuer), accounts=OPEN) as visitor:
        back = github.sign_in(visitor.leave("/sign-in/github"))
        assert STALE in visitor.come_back(back.replace("/sign-in/github/", "/sign-in/oidc/")).text


def test_a_cookie_that_was_changed_is_none(open_site, hub) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        back = github.sign_in(visitor.leave("/sign-in/github"))
        sealed = visitor.client.cookies["arena-errand"]
        visitor.client.cookies.clear()
        visitor.client.cookies.set("arena-errand", "x" + sealed[1:])
        assert STALE in visitor.come_back(back).text


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_cannot_make_somebody_leave(open_site, hub, site: str) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        answer = visitor.client.get("/sign-in/github?next=/page", headers={"sec-fetch-site": site})
        assert answer.status_code == 200
        assert 'href="/sign-in/github?next=%2Fpage"' in answer.text
        assert "arena-errand" not in visitor.client.cookies
        token = invite(visitor.db)
        elsewhere = {"sec-fetch-site": site}
        assert visitor.leave(f"/join/{token}/github", **elsewhere) == f"/join/{token}"


def test_next_never_leaves_this_site(open_site, hub) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        arrive(visitor, "/sign-in/github?next=https://evil.test/")
        assert visitor.join("octo").headers["location"] == "/"


def test_the_cookie_of_an_errand_is_short_and_out_of_reach_of_scripts(open_site, hub) -> None:
    with open_site(github=of_github(hub)) as visitor:
        answer = visitor.client.get("/sign-in/github", follow_redirects=False)
        cookie = answer.headers["set-cookie"].lower()
        assert cookie.startswith("arena-errand=")
        for part in ("httponly", "samesite=lax", "path=/", "max-age=600"):
            assert part in cookie
        done = visitor.come_back(github.sign_in(answer.headers["location"]))
        assert "arena-errand=" in done.headers["set-cookie"]
        assert "max-age=0" in done.headers["set-cookie"].lower()


@pytest.mark.parametrize("name", ["oidc", "google", "_exchange", "..", "%2e%2e"])
def test_a_provider_that_is_not_configured_is_not_there(open_site, hub, name: str) -> None:
    with open_site(github=of_github(hub)) as visitor:
        assert visitor.client.get(f"/sign-in/{name}", follow_redirects=False).status_code in (404, 307)
        assert "Continue with OpenID" not in visitor.client.get("/sign-in").text


def test_without_providers_the_sign_in_page_offers_none(site) -> None:
    assert "Continue with" not in site.client.get("/sign-in").text
    assert site.client.get("/sign-in/github", follow_redirects=False).status_code == 404


def test_signing_in_rotates_the_session(open_site, hub, db) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        arrive(visitor)
        visitor.join("octo")
        before = visitor.client.cookies["arena"]
        arrive(visitor)
        assert visitor.client.cookies["arena"] != before
        person = db.read_sync(partial(people.someone, name="octo"))
        assert len(db.read_sync(partial(store.sessions_of, user_id=person.id))) == 1


# -- who may join


def test_without_an_invitation_somebody_new_hears_what_to_do(open_site, hub, db, events) -> None:
    with open_site(github=of_github(hub)) as visitor:
        answer = arrive(visitor)
        assert answer.status_code == 403
        assert "octocat opens no account here. Ask an administrator of this arena for an invitation link" in answer.text
        assert "Nobody joins here without a link." in visitor.client.get("/join").text
    assert events()[-1][0] == "sign_in_failed"
    assert db.read_sync(store.users) == []


def test_an_invitation_is_used_up_by_whoever_joins_with_a_provider(open_site, hub, db, events) -> None:
    token = invite(db)
    with open_site(github=of_github(hub)) as visitor:
        assert f'href="/join/{token}/github"' in visitor.client.get(f"/join/{token}").text
        assert arrive(visitor, f"/join/{token}/github").headers["location"] == "/join"
        assert visitor.client.get(f"/join/{token}").status_code == 200  # looking on has not used it up
        assert visitor.join("octo").status_code == 303
        assert visitor.who() == "octo"
        assert "used already" in visitor.client.get(f"/join/{token}").text
    made = [(event, details.get("link"), details.get("provider")) for event, _, details in events()]
    mark = made[0][1]
    assert made == [
        ("invitation_created", mark, None),
        ("user_created", None, None),
        ("identity_linked", None, "github"),
        ("user_signed_in", mark, "github"),
    ]


def test_an_invitation_may_fix_the_name(open_site, hub, db) -> None:
    token = invite(db, "grace")
    with open_site(github=of_github(hub)) as visitor:
        arrive(visitor, f"/join/{token}/github")
        assert 'value="grace"' in visitor.client.get("/join").text
        visitor.join("mallory")
        assert visitor.who() == "grace"


def test_the_first_administrator_may_come_by_a_provider(open_site, hub, db) -> None:
    token = db.write_sync(partial(links.create_first_link, days=7, now=clock.now()))
    with open_site(github=of_github(hub)) as visitor:
        arrive(visitor, f"/join/{token}/github")
        visitor.join("octo")
        assert visitor.client.get("/operator").text == "the operator's"


def test_an_invitation_that_was_used_meanwhile_makes_no_account(open_site, hub, db) -> None:
    token = invite(db)
    with open_site(github=of_github(hub)) as visitor:
        arrive(visitor, f"/join/{token}/github")
        csrf = visitor.site.csrf("/join")
        wait(
            links.join(
                db, token=token, name="bob", display="", password=PASSWORD, session_days=1, caller=HERE, now=clock.now()
            )
        )
        answer = visitor.client.post("/join", data={"csrf": csrf, "name": "octo"}, follow_redirects=False)
        assert answer.status_code == 404
        assert "used already" in answer.text
    assert [person.name for person in db.read_sync(store.users)] == ["bob"]


def test_a_bad_link_is_not_left_with(open_site, hub) -> None:
    with open_site(github=of_github(hub)) as visitor:
        assert visitor.client.get("/join/made-up/github").status_code == 404


def test_a_name_that_is_taken_is_not_offered_and_a_wrong_one_keeps_what_was_typed(open_site, hub, crowd) -> None:
    crowd.add("octocat")
    crowd.add("octocat-2")
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        arrive(visitor)
        assert 'value="octocat-3"' in visitor.client.get("/join").text
        answer = visitor.join("OCTOCAT", "O & o")
        assert answer.status_code == 400
        assert "The user name octocat is taken." in answer.text
        assert 'value="OCTOCAT"' in answer.text
        assert "O &amp; o" in answer.text
        assert visitor.join("o").status_code == 400
        assert visitor.join("octo").status_code == 303


def test_two_browsers_that_join_as_one_identity_make_one_account(db) -> None:
    outcomes: list[object] = []
    ready = threading.Barrier(2)
    config = Config(accounts=OPEN)

    def enter(name: str) -> None:
        deed = partial(identities.join, identity=OCTOCAT, token=None, display="", config=config, caller=HERE, now=NOW)
        ready.wait()
        try:
            outcomes.append(db.write_sync(partial(deed, name=name)).person.name)
        except Conflict:
            outcomes.append(None)

    threads = [threading.Thread(target=enter, args=(name,)) for name in ("bob", "carol")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(None) == 1
    assert len(db.read_sync(store.users)) == 1


def test_an_account_that_joined_has_no_password_and_no_other_way_in(open_site, hub, db) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        arrive(visitor)
        visitor.join("octo")
        visitor.client.cookies.clear()
        assert visitor.site.sign_in("octo", "").status_code == 401


def test_a_form_that_waited_too_long_says_so(open_site, hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        arrive(visitor)
        csrf = visitor.site.csrf("/join")
        later = clock.now() + 10 * clock.MINUTE
        monkeypatch.setattr(clock, "now", lambda: later)
        answer = visitor.client.post("/join", data={"csrf": csrf, "name": "octo"}, follow_redirects=False)
        assert answer.status_code == 404
        assert "ten minutes have passed: begin again." in answer.text


def test_on_an_open_box_anybody_joins_with_a_password_too(open_site, db) -> None:
    with open_site(accounts=OPEN) as visitor:
        assert 'href="/join"' in visitor.client.get("/sign-in").text
        data = {"csrf": visitor.site.csrf("/join"), "name": "carol", "display": "", "password": "short"}
        answer = visitor.client.post("/join", data=data, follow_redirects=False)
        assert (answer.status_code, "at least 8" in answer.text) == (400, True)
        data["password"] = PASSWORD
        assert visitor.client.post("/join", data=data, follow_redirects=False).status_code == 303
        assert visitor.who() == "carol"


def test_a_box_that_is_not_open_is_not_joined_without_a_link(open_site, site) -> None:
    data = {"csrf": site.csrf("/sign-in"), "name": "carol", "password": PASSWORD}
    assert site.client.post("/join", data=data, follow_redirects=False).status_code == 404


# -- what opens what


def test_an_address_that_fits_never_opens_or_links_an_account(open_site, provider, db, bob) -> None:
    db.write_sync(lambda conn: conn.execute("UPDATE users SET email = 'jane@example.org' WHERE username = 'bob'"))
    with open_site(oidc=of_openid(provider.issuer)) as visitor:
        answer = visitor.come_back(openid.sign_in(visitor.leave("/sign-in/oidc"), "jane"))
        assert answer.status_code == 403
        assert visitor.who() is None
    assert linked_to(db, bob) == []


def test_somebody_signed_in_links_a_provider_and_comes_back_by_it(open_site, hub, db, bob, events) -> None:
    with open_site(github=of_github(hub)) as visitor:
        visitor.site.sign_in("bob")
        answer = arrive(visitor, link_address(visitor))
        assert answer.headers["location"] == "/settings?done=linked#identities"
        page = visitor.client.get("/settings?done=linked").text
        assert "It is linked: you can sign in with it from now on." in page
        assert "octocat@example.org" in page
        visitor.client.cookies.clear()
        arrive(visitor)
        assert visitor.who() == "bob"
    assert ("identity_linked", bob.id, {"provider": "github"}) in events()
    assert linked_to(db, bob) == ["octocat"]


def test_linking_begins_only_just_after_signing_in(open_site, hub, bob, monkeypatch) -> None:
    with open_site(github=of_github(hub)) as visitor:
        visitor.site.sign_in("bob")
        address, later = link_address(visitor), clock.now() + rules.RECENT + 1
        monkeypatch.setattr(clock, "now", lambda: later)
        assert visitor.leave(address) == "/sign-in?again=yes&next=%2Fsettings"
        assert hub.asked == []


@pytest.mark.parametrize("proof", ["", "?proof=", "?proof=wrong"])
def test_linking_begins_only_from_ones_own_settings(open_site, hub, bob, proof: str) -> None:
    with open_site(github=of_github(hub)) as visitor:
        visitor.site.sign_in("bob")
        assert visitor.leave(f"/settings/link/github{proof}") == "/settings#identities"
        assert visitor.leave(link_address(visitor), **{"sec-fetch-site": "cross-site"}) == "/settings#identities"
        assert hub.asked == []


def test_the_proof_of_another_person_begins_nothing(open_site, hub, bob, carol) -> None:
    with open_site(github=of_github(hub)) as visitor:
        visitor.site.sign_in("bob")
        of_bob = link_address(visitor)
        visitor.client.cookies.clear()
        visitor.site.sign_in("carol")
        assert visitor.leave(of_bob) == "/settings#identities"


def test_what_one_began_to_link_is_not_linked_to_whoever_signed_in_meanwhile(open_site, hub, db, bob, carol) -> None:
    with open_site(github=of_github(hub)) as visitor:
        visitor.site.sign_in("bob")
        back = github.sign_in(visitor.leave(link_address(visitor)))
        visitor.client.post("/sign-out", data={"csrf": visitor.site.csrf("/settings")})
        visitor.site.sign_in("carol")
        answer = visitor.come_back(back)
        assert answer.status_code == 409
        assert "nothing was linked" in answer.text
    assert linked_to(db, bob) == linked_to(db, carol) == []


def test_an_identity_opens_one_account(open_site, hub, db, bob, carol) -> None:
    with open_site(github=of_github(hub)) as visitor:
        visitor.site.sign_in("bob")
        arrive(visitor, link_address(visitor))
        arrive(visitor, link_address(visitor))  # once more changes nothing
        visitor.client.cookies.clear()
        visitor.site.sign_in("carol")
        answer = arrive(visitor, link_address(visitor))
        assert answer.status_code == 409
        assert "This identity opens another account here." in answer.text
    assert linked_to(db, bob) == ["octocat"]
    assert linked_to(db, carol) == []


def test_a_provider_that_fails_while_linking_is_said_on_the_settings_page(open_site, hub, bob) -> None:
    with open_site(github=of_github(hub)) as visitor:
        visitor.site.sign_in("bob")
        answer = arrive(visitor, link_address(visitor), refuses=True)
        assert answer.status_code == 403
        assert "GitHub was not allowed to say who you are" in answer.text
        assert "<title>Settings" in answer.text


def test_a_sign_in_link_lets_its_person_link_a_provider_instead_of_a_password(open_site, hub, db, crowd) -> None:
    bob = crowd.add("bob", password=None)
    token = sign_in_link(db, "bob")
    with open_site(github=of_github(hub)) as visitor:
        assert arrive(visitor, f"/join/{token}/github").headers["location"] == "/"
        assert visitor.who() == "bob"
        assert linked_to(db, bob) == ["octocat"]
        assert "used already" in visitor.client.get(f"/join/{token}").text


def test_a_sign_in_link_does_not_open_for_the_identity_of_another(open_site, hub, db, bob, carol) -> None:
    db.write_sync(
        partial(store.add_identity, id="1", user_id=carol.id, provider="github", issuer=hub.url, subject="583231",
                login="octocat", email=None, now=NOW)
    )  # fmt: skip
    token = sign_in_link(db, "bob")
    with open_site(github=of_github(hub)) as visitor:
        assert arrive(visitor, f"/join/{token}/github").status_code == 409
        assert visitor.client.get(f"/join/{token}").status_code == 200
    assert linked_to(db, bob) == []


def test_an_invitation_is_not_used_up_by_somebody_who_has_an_account(open_site, hub, db) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        arrive(visitor)
        visitor.join("octo")
        visitor.client.cookies.clear()
        token = invite(db)
        arrive(visitor, f"/join/{token}/github")
        assert visitor.who() == "octo"
        assert visitor.client.get(f"/join/{token}").status_code == 200


def test_somebody_disabled_is_refused(open_site, hub, db, events) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        arrive(visitor)
        visitor.join("octo")
        db.write_sync(partial(people.disable_user, name="octo", caller=HERE, now=clock.now()))
        answer = arrive(visitor)
        assert answer.status_code == 403
        assert "This account is disabled." in answer.text
        assert visitor.who() is None
    assert events()[-1][::2] == ("sign_in_failed", {"reason": "disabled", "provider": "github"})


def test_what_belongs_to_somebody_goes_with_them(open_site, hub, db, alice) -> None:
    with open_site(github=of_github(hub), accounts=OPEN) as visitor:
        arrive(visitor)
        visitor.join("octo")
        db.write_sync(partial(people.delete_user, name="octo", caller=HERE, now=NOW))
        assert arrive(visitor).headers["location"] == "/join"


# -- unlinking


def link(db, person, identity=OCTOCAT) -> str:
    deed = partial(identities.link, user_id=person.id, identity=identity, config=Config(), caller=HERE, now=NOW)
    db.write_sync(deed)
    return db.read_sync(partial(store.identities_of, user_id=person.id))[-1].id


def unlink(db, person, id: str, *issuers: str) -> None:
    db.write_sync(partial(identities.unlink, user_id=person.id, id=id, issuers=issuers, caller=HERE, now=NOW))


def test_whoever_has_a_password_may_unlink_everything(db, bob, events) -> None:
    unlink(db, bob, link(db, bob), "https://github.com")
    assert linked_to(db, bob) == []
    assert events()[-1] == ("identity_unlinked", bob.id, {"provider": "github"})


def test_the_last_way_in_stays(db, crowd) -> None:
    bob = crowd.add("bob", password=None)
    first = link(db, bob)
    with pytest.raises(Conflict, match="your only way in"):
        unlink(db, bob, first, "https://github.com")
    link(db, bob, Identity("oidc", "https://accounts.example.org", "1", "bob"))
    with pytest.raises(Conflict, match="your only way in"):  # the box knows that provider no longer
        unlink(db, bob, first, "https://github.com")
    unlink(db, bob, first, "https://github.com", "https://accounts.example.org")
    assert linked_to(db, bob) == ["bob"]


def test_two_last_ways_in_are_not_unlinked_at_once(db, crowd) -> None:
    bob = crowd.add("bob", password=None)
    both = link(db, bob), link(db, bob, Identity("oidc", "https://accounts.example.org", "1", "bob"))
    ready, refused = threading.Barrier(2), []

    def enter(id: str) -> None:
        ready.wait()
        try:
            unlink(db, bob, id, "https://github.com", "https://accounts.example.org")
        except Conflict:
            refused.append(id)

    threads = [threading.Thread(target=enter, args=(id,)) for id in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == len(linked_to(db, bob)) == 1


def test_nobody_unlinks_what_is_anothers(db, bob, carol) -> None:
    with pytest.raises(NotFound):
        unlink(db, carol, link(db, bob), "https://github.com")
    assert linked_to(db, bob) == ["octocat"]


def test_a_refused_join_leaves_nothing_behind(db, bob) -> None:
    token = invite(db)
    deed = partial(identities.join, identity=OCTOCAT, token=token, display="", config=Config(), caller=HERE)
    with pytest.raises(Invalid):
        db.write_sync(partial(deed, name="bob", now=clock.now()))
    rows = db.read_sync(lambda conn: conn.execute("SELECT count(*) FROM identities").fetchone()[0])
    assert rows == 0
    assert db.write_sync(partial(deed, name="octo", now=clock.now())).person.name == "octo"


def test_an_identity_is_unique_in_the_database_itself(db, bob, carol) -> None:
    link(db, bob)
    row = partial(store.add_identity, provider="github", issuer="https://github.com", subject="583231", login="o")
    with pytest.raises(sqlite3.IntegrityError):
        db.write_sync(partial(row, id="2", user_id=carol.id, email=None, now=NOW))
