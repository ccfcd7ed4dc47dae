"""``arena submit``: sends a project's README to be judged, shows how that goes, and says what came of it."""

import os
import sys
import time
from argparse import Namespace
from typing import Any

from arena.client import credentials, settings, terminal
from arena.client.home import Refused, keyed_hash

LOOK = 1.0
"""Seconds between two questions how it goes."""
PATIENCE = 900.0
LONGEST = 50_000
NAMES = 2_000
READMES = ("readme.md", "readme.rst", "readme.txt", "readme")
NOT_OURS = frozenset(("node_modules", "__pycache__", "venv", "target", "build", "dist"))


def main(argv: list[str]) -> int:
    """Have a project judged."""
    parser = terminal.parser(
        "submit",
        "Have the box's language model judge a project by its README. Nothing else is sent unless you say so.",
        "arena submit",
        "arena submit ~/code/tally --with-files --validate",
    )
    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="default: the current folder")
    parser.add_argument("--name", help="what the project is called; default: its folder")
    parser.add_argument("--with-files", action="store_true", help="also send the names of its files")
    parser.add_argument(
        "--validate", action="store_true", help='run the README\'s own block ```bash title="test" here, after asking'
    )
    parser.add_argument("--yes", action="store_true", help="run that block without asking")
    parser.add_argument("--dry-run", action="store_true", help="print what would be sent, and send nothing")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    asked = parser.parse_args(argv)
    return terminal.guarded(lambda: _submit(asked))


def _submit(asked: Namespace) -> int:
    import msgspec

    from arena.client.api import Api
    from arena.client.exclusions import matches
    from arena.wire import Submitted

    who = credentials.current() if asked.dry_run else credentials.required()
    folder = os.path.realpath(os.path.expanduser(asked.path))
    if not os.path.isdir(folder):
        raise Refused(f"{folder} is not a folder; name the folder of a project.")
    if matches(folder, settings.current().excluded):
        raise Refused(f"{folder} is excluded, so nothing of it is sent; `arena include` takes that back.")
    readme = _readme(folder)
    score, summary = _validated(folder, readme, asked) if asked.validate else (0, "")
    sent = Submitted(
        projectName=(asked.name or os.path.basename(folder) or "project")[:255],
        description=readme,
        projectPathHash=keyed_hash(f"project {folder}"),
        fileStructure=_files(folder) if asked.with_files else {},
        localScore=score,
        localEvaluationSummary=summary,
    )
    if asked.dry_run or who is None:
        print(msgspec.json.format(msgspec.json.encode(sent), indent=2).decode())
        return 0
    with Api(who) as api:
        found = api.submit(sent)
        told = ""
        until = time.monotonic() + PATIENCE
        while found.state in ("queued", "running") and time.monotonic() < until:
            words = "waits for its turn" if found.state == "queued" else "is being judged"
            if words != told and not asked.json:
                print(f"{terminal.clean(sent.projectName)} {words}.", file=sys.stderr, flush=True)
            told = words
            time.sleep(LOOK)
            found = api.evaluation(found.id)
    if asked.json:
        print(msgspec.json.encode(found).decode())
    else:
        _print(msgspec.to_builtins(found))
    return 0 if found.state == "done" else 1


def _print(found: dict[str, Any]) -> None:
    if found["state"] == "failed":
        terminal.complain(f"{terminal.clean(found['reason'] or '')} It did not count; submit it again.")
        return
    if found["state"] != "done":
        terminal.complain("it is not judged yet; run this again later, the same README is not judged twice.")
        return
    passed = "passed" if found["passed"] else "did not pass (5 pass)"
    print(f"{terminal.bold(terminal.clean(found['projectName']))} {passed}: {found['finalScore']} of 10.")
    print(f"  functionality {found['functionalityScore']} of 5, practicality {found['practicalityScore']} of 5")
    given = found["readings"]
    for half, name in enumerate(("functionality", "practicality")):
        if len({each[half] for each in given}) > 1:
            both = " and ".join(str(each[half]) for each in given)
            print(f"  the two readings gave {both} for {name}; the lower one counts")
    if found["localScore"]:
        print(f"  its own validation gave {found['localScore']} of 5; that is shown and does not count")
    print(f"  {terminal.clean(found['feedback'] or '')}")


def _readme(folder: str) -> str:
    names = {name.lower(): name for name in sorted(os.listdir(folder), reverse=True)}
    for wanted in READMES:
        if wanted in names:
            path = os.path.join(folder, names[wanted])
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read(LONGEST + 1).strip()
            if len(text) < 10:
                raise Refused(f"{path} says too little to be judged; it needs 10 characters at least.")
            if len(text) > LONGEST:
                raise Refused(f"{path} is longer than {LONGEST:,} characters; shorten it.")
            return text
    raise Refused(f"there is no README in {folder}; write one, it is what is judged.")


def _files(folder: str) -> dict[str, list[str]]:
    """The names of a project's files by folder, as `git` knows them, else without what tools leave behind."""
    found: dict[str, list[str]] = {}
    for number, path in enumerate(_tracked(folder) or _walked(folder)):
        if number == NAMES // 2:
            break
        where, name = os.path.split(path)
        found.setdefault(where.replace(os.sep, "/") or ".", []).append(name)
    return found


def _tracked(folder: str) -> list[str]:
    import subprocess

    try:
        done = subprocess.run(["git", "ls-files", "-z"], cwd=folder, capture_output=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return []
    names = done.stdout.decode(errors="replace").split("\0") if done.returncode == 0 else []
    return [name for name in names if name]


def _walked(folder: str) -> list[str]:
    found: list[str] = []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in NOT_OURS)
        place = os.path.relpath(where, folder)
        found += [os.path.normpath(os.path.join(place, name)) for name in sorted(names) if not name.startswith(".")]
        if len(found) > NAMES:
            break
    return found


def _validated(folder: str, readme: str, asked: Namespace) -> tuple[int, str]:
    """Run the README's own test block, once its person has seen it; the score it gives, and a line about it."""
    from arena.client.validation import block, is_plain, run

    lines = block(readme)
    if not lines:
        raise Refused('the README has no block ```bash title="test"; add one, or leave out --validate.')
    print("The README asks to run this here:", file=sys.stderr)
    for line in lines:
        print(f"  {terminal.clean(line)}", file=sys.stderr)
    plain = all(is_plain(line) for line in lines)
    how = "without a shell" if plain else "by bash, because it needs a shell"
    if not asked.yes:
        if not sys.stdin.isatty():
            raise Refused("nobody is here to say yes to that; look at the block and say --yes.")
        print(f"Run it {how}, in {folder}? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Refused("nothing was run, and nothing was sent.")
    passed, summary = run(lines, folder, plain=plain)
    print(f"{summary}.", file=sys.stderr)
    return (5 if passed else 0), summary
