"""The wheel that the box hands out is whole, the same each time, and light."""

import io
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256

from arena.home.actions import wheel


def test_every_file_is_listed_with_its_hash() -> None:
    name, content = wheel()
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert name == "arena_box-0.1.0-py3-none-any.whl"
    info = next(each for each in archive.namelist() if each.endswith("/RECORD"))
    listed = dict(line.split(",")[:2] for line in archive.read(info).decode().splitlines())
    assert set(listed) == set(archive.namelist())
    for path, digest in listed.items():
        if path != info:
            real = urlsafe_b64encode(sha256(archive.read(path)).digest()).rstrip(b"=").decode()
            assert digest == f"sha256={real}"


def test_it_is_the_same_each_time() -> None:
    first = wheel()
    wheel.cache_clear()
    assert wheel() == first


def test_it_runs_from_the_wheel_alone(tmp_path) -> None:
    name, content = wheel()
    file = tmp_path / name
    file.write_bytes(content)
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.insert(0, sys.argv[1]); import arena.cli as c; c.run(['--help'])",
            file,
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert "arena sync --dry-run" in run.stdout
