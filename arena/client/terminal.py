"""Words for people: one sentence on failure, colours and bars only where somebody looks at a terminal."""

import os
import sqlite3
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from errno import EDQUOT, ENOSPC

from arena.client.home import Refused


def parser(command: str, does: str, *examples: str) -> ArgumentParser:
    """Start a command's own arguments, with examples in its help."""
    return ArgumentParser(
        prog=f"arena {command}",
        description=does,
        epilog="\n  ".join(["example:", *examples]),
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def guarded(work: Callable[[], int]) -> int:
    """Run a command's work; what it refuses becomes one sentence and exit code 1."""
    try:
        return work()
    except Refused as refusal:
        return complain(str(refusal))
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
            return complain("the disk is full, nothing is lost; free some space and run this again.")
        return complain(f"the ledger cannot be used ({error}); run this again, or move the file away to count anew.")
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno in {ENOSPC, EDQUOT}:
            return complain("the disk is full, nothing is lost; free some space and run this again.")
        place = f" {error.filename}" if error.filename else ""
        return complain(f"the system refused{place}: {error.strerror or error}; see to it and run this again.")


def complain(sentence: str) -> int:
    """Say one sentence on standard error and give the exit code of a refusal."""
    print(f"arena: {sentence}", file=sys.stderr)
    return 1


def wrong_usage(sentence: str) -> int:
    """Say one sentence on standard error and give the exit code of wrong usage."""
    print(f"arena: {sentence}", file=sys.stderr)
    return 2


def has_person() -> bool:
    """Say whether somebody is there who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def agrees(question: str) -> bool:
    """Ask a question; whatever is not a yes is a no."""
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def coloured() -> bool:
    """Say whether colours and bars are welcome."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def bold(text: str) -> str:
    """Embolden where colours are welcome."""
    return f"\x1b[1m{text}\x1b[0m" if coloured() else text


def bar(share: float, width: int = 24) -> str:
    """Draw a share of one as a bar, or nothing where nobody looks."""
    full = round(max(0.0, min(share, 1.0)) * width)
    return f"\x1b[36m{'█' * full}\x1b[2m{'░' * (width - full)}\x1b[0m" if coloured() else ""


def human(number: int) -> str:
    """Write a count in groups of three digits."""
    return f"{number:,}"


def clean(text: str) -> str:
    """Keep a stranger's words from moving the cursor or filling the screen."""
    return "".join(sign for sign in text if sign.isprintable())[:300]
