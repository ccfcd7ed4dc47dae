"""The lock files hold what the project asks for, each file of a release by its digest, and no address."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
FILES = {"server.txt": ("server", "s3"), "test.txt": ("server", "s3", "test"), "one-file.txt": ("one-file",)}


@pytest.mark.parametrize("file", FILES)
def test_a_lock_file_holds_every_package_of_its_extras_by_digest(file: str) -> None:
    text = (ROOT / "requirements" / file).read_text()
    pinned = re.findall(r"^([a-z0-9-]+)==[^ ]+ .*?(?=^[a-z]|\Z)", text, re.M | re.S)
    asked = {re.split(r"[ \[>=;]", each)[0].lower() for extra in FILES[file] for each in EXTRAS[extra]}
    assert asked <= set(pinned), f"compile requirements/{file} with --extra {' --extra '.join(FILES[file])}"
    for block in re.split(r"^(?=[a-z])", text, flags=re.M):
        assert not block or "--hash=sha256:" in block, block
    assert "://" not in text
