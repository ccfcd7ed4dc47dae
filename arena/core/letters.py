"""What mail says: templates of ``templates/mail/``, each as plain text and as HTML.

A letter is ``<name>.txt``; its first line is the subject. Its HTML is ``<name>.html`` where there is one, else its own
paragraphs; an address that stands alone is a button, which says what ``action`` is set to in the text.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from arena.core.config import Config, Place
from arena.core.folders import folder

if TYPE_CHECKING:
    from jinja2 import Environment


class Letterhead(Struct, frozen=True):
    """Whom letters are from: what the box calls itself, where it is reached, and the zone of its times."""

    name: str
    address: str
    zone: str


class Letter(Struct, frozen=True):
    """A letter as it is sent."""

    subject: str
    text: str
    html: str


def letterhead(config: Config, place: Place) -> Letterhead:
    """Whom the letters of a box are from."""
    return Letterhead(config.arena.name, place.reached_at(config.server), config.arena.time_zone)


def letter(name: str, head: Letterhead, /, **about: Any) -> Letter:
    """Write a letter. ``about`` is what its template asks for, every word of it ready to be read."""
    written = _environment().get_template(f"mail/{name}.txt").make_module({"head": head, **about})
    subject, _, text = str(written).strip().partition("\n")
    html = _environment().select_template([f"mail/{name}.html", "mail/letter.html"])
    paragraphs = [" ".join(each.split("\n")) for each in text.strip().split("\n\n")]
    more = {"head": head, "subject": subject, "paragraphs": paragraphs, "action": getattr(written, "action", "")}
    return Letter(subject.strip(), text.strip() + "\n", html.render({**about, **more}))


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FileSystemLoader(folder("templates")),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
