"""``arena admin users``: people, from the machine itself."""

# isort: skip_file
# `command` first: it chooses the SQLite library.
from arena.admin import command

import argparse
import sqlite3
import sys
from functools import partial

from arena.accounts import rules, store
from arena.accounts.actions import links, mailing, people
from arena.accounts.models import Person, Role
from arena.admin.command import Opened, Refused
from arena.audit.models import OPERATOR
from arena.core import clock
from arena.core.letters import letterhead


def main(argv: list[str]) -> int:
    """List, add, invite, disable, enable, promote, demote, delete or export people; list and withdraw links."""
    made, verbs = command.parser("users", "People of this box.")
    verb = partial(command.verb, verbs)
    verb("list", "list everybody", _list, "users list --json").add_argument(
        "--json", action="store_true", help="for programs"
    )
    add = verb("add", "create a person and print a one-time sign-in link", _add, "users add alice --admin")
    add.add_argument("--admin", action="store_true", help="make them an administrator")
    add.add_argument("--password-stdin", action="store_true", help="read their password from standard input")
    invite = verb("invite", "print a one-time link that lets somebody in", _invite, "users invite bob")
    invite.add_argument("name", nargs="?", metavar="NAME", help="their user name; without it they choose one")
    invite.add_argument("--mail", metavar="ADDRESS", help="mail the link there instead of printing it")
    disable = verb("disable", "end a person's web sessions and refuse their keys", _disable, "users disable bob")
    enable = verb("enable", "let a disabled person in again", _enable, "users enable bob")
    promote = verb("promote", "make a person an administrator", _promote, "users promote bob")
    demote = verb("demote", "make an administrator a member", _demote, "users demote bob")
    delete = verb("delete", "delete a person and everything that belongs to them", _delete, "users delete bob --yes")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    export = verb("export", "print what is kept of a person as JSON", _export, "users export alice > alice.json")
    listing = verb("links", "list one-time links that are still open", _links, "users links")
    listing.add_argument("--json", action="store_true", help="for programs")
    withdraw = verb("withdraw", "let a one-time link open nothing", _withdraw, "users withdraw 9f86d081884c")
    withdraw.add_argument("mark", metavar="MARK", help="as `links` shows it")
    for each in (add, disable, enable, promote, demote, delete, export):
        each.add_argument("name", metavar="NAME", help="user name")
    return command.run(made, argv)


def _list(box: Opened, arguments: argparse.Namespace) -> None:
    everybody = box.db.read_sync(store.users)
    if arguments.json:
        command.print_json([_for_programs(person) for person in everybody])
        return
    rows = [(p.name, p.role, _state(p), command.date(p.created_at), p.display) for p in everybody]
    command.print_rows(("NAME", "ROLE", "STATE", "JOINED (UTC)", "DISPLAY NAME"), rows)


def _add(box: Opened, arguments: argparse.Namespace) -> None:
    hashed = _password(arguments.name) if arguments.password_stdin else None
    now, days = clock.now(), box.config.accounts.link_days

    def write(conn: sqlite3.Connection) -> str:
        role: Role = "admin" if arguments.admin else "member"
        person = people.add_user(conn, name=arguments.name, role=role, password_hash=hashed, caller=OPERATOR, now=now)
        return links.sign_in_link(conn, name=person.name, days=days, caller=OPERATOR, now=now)

    print(box.link(box.db.write_sync(write)))


def _invite(box: Opened, arguments: argparse.Namespace) -> None:
    now, days = clock.now(), box.config.accounts.link_days
    if arguments.mail is not None:
        _invite_by_mail(box, arguments, now)
        return

    def write(conn: sqlite3.Connection) -> str:
        name = arguments.name
        if name is not None and store.user_by_name(conn, rules.name_of(name)):  # they are here: let them in again
            return links.sign_in_link(conn, name=name, days=days, caller=OPERATOR, now=now)
        return links.invite(conn, name=name, days=days, caller=OPERATOR, now=now)

    print(box.link(box.db.write_sync(write)))


def _invite_by_mail(box: Opened, arguments: argparse.Namespace, now: int) -> None:
    if not box.config.mail.is_on:
        raise Refused("this box sends no mail; name a mail server in [mail] of arena.toml.")
    deed = partial(mailing.invite_by_mail, to=arguments.mail, name=arguments.name, caller=OPERATOR, now=now)
    head = letterhead(box.config, box.place)
    address = box.db.write_sync(partial(deed, days=box.config.accounts.link_days, head=head))
    print(f"An invitation to {address} waits; `arena serve` sends it within a minute.")


def _disable(box: Opened, arguments: argparse.Namespace) -> None:
    deed = partial(people.disable_user, name=arguments.name, caller=OPERATOR, now=clock.now())
    print(f"{box.db.write_sync(deed).name} is disabled: web sessions have ended, keys are refused.")


def _enable(box: Opened, arguments: argparse.Namespace) -> None:
    deed = partial(people.enable_user, name=arguments.name, caller=OPERATOR, now=clock.now())
    print(f"{box.db.write_sync(deed).name} is enabled: password and keys work again.")


def _promote(box: Opened, arguments: argparse.Namespace) -> None:
    deed = partial(people.promote_user, name=arguments.name, caller=OPERATOR, now=clock.now())
    print(f"{box.db.write_sync(deed).name} is an administrator.")


def _demote(box: Opened, arguments: argparse.Namespace) -> None:
    deed = partial(people.demote_user, name=arguments.name, caller=OPERATOR, now=clock.now())
    print(f"{box.db.write_sync(deed).name} is a member.")


def _delete(box: Opened, arguments: argparse.Namespace) -> None:
    person = box.db.read_sync(partial(people.someone, name=arguments.name))
    if not arguments.yes:
        _ask(person)
    box.db.write_sync(partial(people.delete_user, name=person.name, caller=OPERATOR, now=clock.now()))
    print(f"{person.name} is deleted.")


def _export(box: Opened, arguments: argparse.Namespace) -> None:
    deed = partial(people.hand_out, name=arguments.name, caller=OPERATOR, now=clock.now())
    command.print_json(box.db.write_sync(deed))


def _links(box: Opened, arguments: argparse.Namespace) -> None:
    found = box.db.read_sync(partial(store.open_links, now=clock.now()))
    if arguments.json:
        fields = ("mark", "kind", "name", "role", "created_at", "expires_at")
        command.print_json([{field: getattr(each, field) for field in fields} for each in found])
        return
    rows = [
        (x.mark, x.kind, x.role, command.date(x.created_at), command.date(x.expires_at), x.name or "-") for x in found
    ]
    command.print_rows(("MARK", "KIND", "ROLE", "CREATED (UTC)", "UNTIL (UTC)", "NAME"), rows)


def _withdraw(box: Opened, arguments: argparse.Namespace) -> None:
    deed = partial(links.withdraw_link, mark=arguments.mark, caller=OPERATOR, now=clock.now())
    if not box.db.write_sync(deed):
        raise Refused(f"there is no open link {arguments.mark}; `arena admin users links` lists them.")
    print("The link opens nothing any more.")


def _ask(person: Person) -> None:
    if not sys.stdin.isatty():
        raise Refused(f"deleting {person.name} cannot be undone; say --yes to do it without being asked.")
    print(f"Delete {person.name} and everything that belongs to them? This cannot be undone.", file=sys.stderr)
    print("Type the user name to go on: ", end="", file=sys.stderr, flush=True)
    if rules.name_of(sys.stdin.readline()) != person.name:
        raise Refused("nothing was deleted.")


def _password(name: str) -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    problem = rules.password_problem(password, rules.name_of(name))
    if problem:
        raise Refused(problem)
    return rules.hash_password(password)


def _state(person: Person) -> str:
    return "disabled" if person.is_disabled else "enabled"


def _for_programs(person: Person) -> dict[str, object]:
    return {
        "id": person.id,
        "username": person.name,
        "display_name": person.display,
        "role": person.role,
        "privacy_mode": person.private,
        "disabled_at": person.disabled_at,
        "created_at": person.created_at,
    }
