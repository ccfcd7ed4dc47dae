"""The page on doors is current."""

from tests.house import write_doors


def test_the_page_on_doors_is_current() -> None:
    assert write_doors.FILE.read_text() == write_doors.page(), "python -m tests.house.write_doors writes it anew"
