"""What counts as the name of a team, and how it stands in an address."""

import unicodedata

from arena.teams.models import Asked

NAME_LENGTH = 50
STATES = {"enabled": "Enabled", "disabled": "Disabled"}
ROLES = {"member": "Member", "admin": "Administrator"}


def slug_of(name: str) -> str:
    """Write a cleaned name as it stands in addresses: letters and digits of any script without case, "-" between."""
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold())
    kept = (c if c.isalnum() or unicodedata.category(c) in ("Mn", "Mc") else "-" for c in plain)
    return "-".join(part for part in "".join(kept).split("-") if part)


def name_problem(name: str) -> str | None:
    """Say what is wrong with the cleaned name of a team."""
    if len(name) > NAME_LENGTH:
        return f"A team's name has at most {NAME_LENGTH} characters; this one has {len(name)}."
    if not slug_of(name):
        return "A team's name needs a letter or a digit."
    return None


def understood(asked: Asked) -> Asked:
    """Keep what of a question has a meaning."""
    return Asked(
        " ".join(asked.words.split())[:NAME_LENGTH],
        asked.state if asked.state in STATES else "",
        asked.role if asked.role in ROLES else "",
        asked.team,
    )


def pattern(words: str) -> str:
    """What finds words inside a text (`LIKE ... ESCAPE '!'`); empty for no words."""
    plain = "".join(f"!{c}" if c in "!%_" else c for c in words.lower())
    return f"%{plain}%" if plain else ""
