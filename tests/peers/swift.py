"""OpenStack Swift, which speaks S3 and looks at every signature: four servers over a folder of their own.

The folder must be on a disk that keeps extended attributes.
"""

import getpass
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3

PROGRAMS = Path(sys.executable).parent
KEY_ID, SECRET = "box:backup", "sesame-open-up"
KINDS = ("account", "container", "object")
SETTINGS = """
[DEFAULT]
swift_dir = {folder}
devices = {folder}/disks
mount_check = false
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
log_address = {folder}/nowhere
[pipeline:main]
pipeline = {pipeline}
"""
MAKE_RINGS = """
import sys
from swift.common.ring import RingBuilder
for each in sys.argv[1:]:
    path, port = each.rsplit(":", 1)
    ring = RingBuilder(2, 1, 0)
    ring.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "one", "weight": 1.0})
    ring.rebalance()
    ring.get_ring().save(path + ".ring.gz")
"""
"""Everything is kept once, on the one disk."""
FILTERS = ("catch_errors", "gatekeeper", "listing_formats", "s3api", "tempauth", "slo")


class Swift:
    """Serves S3 at ``url`` to whoever has `KEY_ID` and `SECRET`."""

    def __init__(self, folder: Path) -> None:
        (folder / "disks" / "one").mkdir(parents=True)
        hashes = "swift_hash_path_suffix = after\nswift_hash_path_prefix = before\n"
        (folder / "swift.conf").write_text(f"[swift-hash]\n{hashes}")
        ports = dict(zip((*KINDS, "proxy"), _free_ports(len(KINDS) + 1), strict=True))
        rings = [f"{folder / kind}:{ports[kind]}" for kind in KINDS]
        subprocess.run([sys.executable, "-c", MAKE_RINGS, *rings], check=True)
        self.url = f"http://127.0.0.1:{ports['proxy']}"
        self._servers = [_serve(folder, kind, port) for kind, port in ports.items()]
        for kind, port in ports.items():
            _wait_for(port, folder / f"{kind}.log")

    def client(self) -> Any:
        """Somebody who may do everything."""
        access = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.url, **access)

    def close(self) -> None:
        """Serve no more."""
        for server in self._servers:
            server.terminate()
        for server in self._servers:
            server.wait(10)


def _free_ports(number: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()


def _serve(folder: Path, kind: str, port: int) -> subprocess.Popen[bytes]:
    program = f"{kind}-server"
    pipeline = " ".join((*FILTERS, program)) if kind == "proxy" else program
    text = SETTINGS.format(folder=folder, port=port, user=getpass.getuser(), pipeline=pipeline)
    text += f"[app:{program}]\nuse = egg:swift#{kind}\n"
    if kind == "proxy":
        text += "account_autocreate = true\n"
        for name in FILTERS:
            text += f"[filter:{name}]\nuse = egg:swift#{name}\n"
            if name == "tempauth":
                text += f"user_{KEY_ID.replace(':', '_')} = {SECRET} .admin\n"
    settings = folder / f"{program}.conf"
    settings.write_text(text)
    with (folder / f"{kind}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, PROGRAMS / f"swift-{program}", settings], stdout=log, stderr=subprocess.STDOUT
        )


def _wait_for(port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())
