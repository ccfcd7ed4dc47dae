"""P1 and P2: what counting a tree of Claude Code transcripts costs, beside ccusage and tokscale.

    python tests/bench/parse.py                 (makes a tree of 1 GiB once, in ~/.cache/arena-bench)
    python tests/bench/parse.py --size 100M
    python tests/bench/parse.py --tree ~/.claude --no-append

`arena` counts tokens, tool calls and lines and writes its ledger; the others count tokens and price them, and read
everything again each time. A run of each in turn; medians.
"""

import argparse
import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measure
from make_transcripts import make_session
from measure import Cost, arena, heading, median, must, run, table

APPENDED = 2**20
DEEDS = {"lines_added": "lines_added", "lines_deleted": "lines_deleted", "turns": "prompts"}
"""What else a record holds, and its name in ``truth.json``."""
RATIO_HEADS = ("", "wall", "CPU", "peak", "target")


def main() -> None:
    """Measure, compare, check against the truth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="1G", help="size of the tree to make (default 1G)")
    parser.add_argument("--tree", type=Path, help="use this folder (that holds `projects`) instead")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--no-append", action="store_true", help="do not let sessions of the tree grow (and shrink again)"
    )
    options = parser.parse_args()
    tree = options.tree or _made(options.size)
    with measure.scratch() as scratch:
        data = scratch / "box"
        data.mkdir()
        (key,) = measure.make_people(data, 1, 1)
        with measure.box_over(data) as box:
            env = {
                "CLAUDE_CONFIG_DIR": str(tree.resolve()),
                "HOME": str(scratch),
                "XDG_CACHE_HOME": str(scratch / ".cache"),
                "XDG_CONFIG_HOME": str(scratch / ".config"),
                "TZ": "UTC",
                "ARENA_SERVER": f"http://127.0.0.1:{box.port}",
                "ARENA_API_KEY": key,
            }
            (scratch / ".claude").symlink_to(tree.resolve())  # tokscale looks nowhere else
            try:
                runs = _rounds(options, tree, scratch, env)
            finally:
                _take_back(tree)
        _tell(runs)
        last = {name: json.loads(costs[-1].out) for name, costs in runs.items() if name in ("ccusage", "tokscale")}
        _check(tree, json.loads(again_as_json(_with_home(env, scratch / "cold")).out), last)


def _rounds(options: argparse.Namespace, tree: Path, scratch: Path, env: dict[str, str]) -> dict[str, list[Cost]]:
    ccusage, tokscale = measure.native_ccusage(), measure.tokscale()
    measure.keep_prices(scratch)
    synced = _with_home(env, scratch / "synced")

    def cold() -> Cost:
        shutil.rmtree(scratch / "cold", ignore_errors=True)
        return must(run(arena("sync", "--dry-run"), env=_with_home(env, scratch / "cold")), "arena sync --dry-run")

    def sync() -> Cost:
        return must(run(arena("sync"), env=synced), "arena sync")

    def appended() -> Cost:
        _append(tree)
        cost = sync()
        _take_back(tree)
        return cost

    work: dict[str, Callable[[], Cost]] = {"arena, cold": cold, "arena, nothing new": sync}
    if not options.no_append:
        work["arena, 1 MiB more"] = appended
    work["cat"] = lambda: run(["sh", "-c", f"find '{tree}/' -name '*.jsonl' -exec cat {{}} + > /dev/null"])
    if ccusage:
        work["ccusage"] = lambda: must(run([ccusage, "claude", "daily", "--json", "--offline"], env=env), "ccusage")
    if tokscale and _answers(tokscale, env):
        work["tokscale"] = lambda: must(run([*tokscale, "models", "--json", "--claude"], env=env), "tokscale")
    files = sum(1 for _ in tree.glob("projects/**/*.jsonl"))
    heading(f"P1, P2: {files} transcripts, {_bytes(tree) / 2**20:,.0f} MiB, {options.rounds} rounds in turn")
    first = sync()
    print(
        f"first sync, everything sent to a box on this machine: {first.wall:.1f} s, {first.cpu:.1f} s CPU", flush=True
    )
    runs: dict[str, list[Cost]] = {name: [] for name in work}
    for _ in range(options.rounds):
        for name, do in work.items():
            runs[name].append(do())
        sync()  # the transcripts are as they were, and the ledger knows it
    return runs


def _with_home(env: dict[str, str], home: Path) -> dict[str, str]:
    return {**env, "ARENA_HOME": str(home)}


def again_as_json(env: dict[str, str]) -> Cost:
    """The requests that a sync would send, and their totals."""
    return must(run(arena("sync", "--dry-run", "--json"), env=env), "arena sync --dry-run --json")


def _made(size: str) -> Path:
    """A tree of this size, made once."""
    tree = measure.TOOLS / f"transcripts-{size}"
    if not (tree / "truth.json").exists():
        shutil.rmtree(tree, ignore_errors=True)
        # In another process: ours must stay small, because no peak is measured below it.
        must(run([sys.executable, measure.HERE / "make_transcripts.py", "--out", tree, "--size", size]), "the tree")
    return tree


def _bytes(tree: Path) -> int:
    return sum(path.stat().st_size for path in tree.glob("projects/**/*.jsonl"))


def _append(tree: Path) -> None:
    """Let three sessions go on: a mebibyte in all, never the same twice."""
    source = tree / "appended"
    for number, path in enumerate(sorted(tree.glob("projects/*/*.jsonl"))[:3]):
        kept = source / f"{number}.size"
        more = source / f"{number}.jsonl"
        make_session(more, APPENDED // 3, seed=time.time_ns())
        kept.write_text(f"{path.stat().st_size} {path}")
        with path.open("ab") as file:
            file.write(more.read_bytes())
        more.unlink()


def _take_back(tree: Path) -> None:
    """Make the tree as it was before `_append`."""
    for kept in (tree / "appended").glob("*.size"):
        size, _, path = kept.read_text().partition(" ")
        with Path(path).open("r+b") as file:
            file.truncate(int(size))
    shutil.rmtree(tree / "appended", ignore_errors=True)


def _answers(tokscale: list[Path], env: dict[str, str]) -> bool:
    """Whether tokscale works here: it asks the network for prices."""
    tried = run(["timeout", "60", *tokscale, "models", "--json", "--claude"], env=env)
    try:
        return tried.code == 0 and bool(json.loads(tried.out).get("entries"))
    except ValueError:
        return False
    finally:
        if tried.code:
            print(f"not compared: tokscale ends with {tried.code} here (it wants the network for prices)", flush=True)


def _tell(runs: dict[str, list[Cost]]) -> None:
    rows = [
        [
            name,
            f"{median(costs, lambda c: c.wall):.2f}",
            f"{median(costs, lambda c: c.cpu):.2f}",
            f"{median(costs, lambda c: c.peak):.0f}",
        ]
        for name, costs in runs.items()
    ]
    table(("", "wall s", "CPU s", "peak MiB"), rows)
    print()
    wanted = (
        ("arena, cold", "ccusage", "CPU <= 0.65, <= 80 MiB"),
        ("arena, cold", "tokscale", "CPU <= 0.45"),
        ("arena, nothing new", "ccusage", "CPU <= 0.03, <= 30 MiB"),
        ("arena, 1 MiB more", "ccusage", "CPU <= 0.04"),
    )
    table(
        RATIO_HEADS,
        [_ratios(runs, mine, theirs, target) for mine, theirs, target in wanted if mine in runs and theirs in runs],
    )


def _ratios(runs: dict[str, list[Cost]], mine: str, theirs: str, target: str) -> list[str]:
    pairs = list(zip(runs[mine], runs[theirs], strict=True))
    return [
        f"{mine} / {theirs}",
        f"{median(pairs, lambda p: p[0].wall / p[1].wall):.3f}",
        f"{median(pairs, lambda p: p[0].cpu / p[1].cpu):.3f}",
        f"{median(pairs, lambda p: p[0].peak / p[1].peak):.2f}",
        target,
    ]


def _check(tree: Path, told: dict[str, Any], others: dict[str, Any]) -> None:
    """Compare what each found with what the tree holds, if that is known."""
    if not (tree / "truth.json").exists():
        print("\nNo truth.json here: totals are not checked.")
        return
    truth = json.loads((tree / "truth.json").read_text())
    want = truth["totals"]
    written = want["cache_write_5m"] + want["cache_write_1h"]
    wanted = [want["input"], want["output"], written, want["cache_read"]]
    mine = told["totals"]
    rows = [
        ["truth", *map(str, wanted)],
        _found(
            "arena",
            wanted,
            [mine["input"], mine["output"], mine["cache_write_5m"] + mine["cache_write_1h"], mine["cache_read"]],
        ),
    ]
    names = ("inputTokens", "outputTokens", "cacheCreationTokens", "cacheReadTokens")
    if "ccusage" in others:
        rows.append(_found("ccusage", wanted, [others["ccusage"]["totals"][name] for name in names]))
    if "tokscale" in others:
        entries = others["tokscale"]["entries"]
        names = ("input", "output", "cacheWrite", "cacheRead")
        rows.append(_found("tokscale", wanted, [sum(entry[name] for entry in entries) for name in names]))
    print()
    table(("tokens", "input", "output", "cache writes", "cache reads"), rows)
    most: dict[str, Counter[str]] = {}
    for sent in told["requests"]:
        for record in (record for session in sent["sessions"] for record in session["records"]):
            most.setdefault(record["key"], Counter())
            most[record["key"]] |= Counter({name: record.get(name, 0) for name in DEEDS})
    for name, key in DEEDS.items():
        found = sum(record[name] for record in most.values())
        print(f"{name}: arena {found}, truth {truth[key]}{'' if found == truth[key] else '  <-- DIFFERS'}")


def _found(name: str, wanted: list[int], found: list[int]) -> list[str]:
    return [name, *("equal" if is_ == want else f"{is_ / want:.3f} x" for want, is_ in zip(wanted, found, strict=True))]


if __name__ == "__main__":
    main()
