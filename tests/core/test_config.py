"""The data folder: made for its owner alone, and the address that links are made with."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from arena.core.config import Config, Place, Server, place


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """What most systems have; a box that makes its folder may narrow it."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_data_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    made = place(tmp_path / "deep" / "data")
    assert made.data.is_absolute()
    assert mode(made.data) == 0o700


def test_a_folder_that_is_there_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "kept").write_text("x")
    assert place(tmp_path / "data").data == (tmp_path / "data").resolve()
    assert (tmp_path / "data" / "kept").read_text() == "x"


def test_what_is_written_after_the_folder_was_made_is_its_owners_alone(tmp_path: Path) -> None:
    made = place(tmp_path)
    made.database.touch()
    assert mode(made.database) & 0o077 == 0


@pytest.mark.parametrize(
    ("url", "noted", "address"),
    [
        ("https://arena.example.org/", "http://10.0.0.1:8000\n", "https://arena.example.org"),
        ("", "http://10.0.0.1:8000\n", "http://10.0.0.1:8000"),
        ("", None, "http://127.0.0.1:8000"),
    ],
)
def test_links_are_made_with_the_configured_address_else_with_where_it_serves(
    tmp_path: Path, url: str, noted: str | None, address: str
) -> None:
    if noted is not None:
        Place(tmp_path).address.write_text(noted)
    assert Place(tmp_path).reached_at(Server(url=url)) == address


def test_the_configuration_cannot_be_changed_by_accident() -> None:
    with pytest.raises(AttributeError):
        Config().server.port = 1  # type: ignore[misc]
