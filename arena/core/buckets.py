"""Object storage that speaks S3: a file is in it whole or not at all.

`boto3` does the speaking; only whoever asks something of a bucket loads it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import md5, sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from msgspec import Struct

from arena.core.config import BUCKET, S3

PART = 16 << 20
"""Bytes that are sent at once, and so what a copy takes of memory. 10,000 parts are 156 GiB; beyond, boto3 sends larger
ones."""
TRIES = 3
PATIENCE = {"connect_timeout": 10, "read_timeout": 60}
"""Seconds."""
ABSENT = {"NoSuchBucket": "there is no bucket of this name", "NoSuchKey": "it is not there", "404": "it is not there"}
KEY_REFUSED = frozenset(
    ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403", "ExpiredToken", "InvalidToken")
)
UNKNOWN_TO_IT = frozenset(("NotImplemented", "MethodNotAllowed", "501", "405"))


MISSING = (
    "a bucket needs the library boto3; install arena with its `s3` extra: pip install '.[server,s3]' in a checkout."
)


class BucketError(Exception):
    """The bucket did not do what it was asked; one sentence with its address and why."""


class Thing(Struct, frozen=True):
    """What lies in a bucket: its name without the bucket's prefix, and its size in bytes."""

    name: str
    size: int


def is_address(text: str) -> bool:
    """Say whether a text is meant to name a bucket, rightly or not."""
    return text.startswith("s3:")


def taken_apart(address: str) -> tuple[str, str]:
    """The bucket and the prefix of ``s3://bucket/prefix``; the prefix ends with a slash or is empty.

    Raises `BucketError` for what is no such address.
    """
    found = BUCKET.fullmatch(address)
    if found is None:
        raise BucketError(f"{address!r} is no bucket; write it as s3://bucket/prefix.")
    return found[1], f"{found[2][1:]}/" if found[2] else ""


def is_usable() -> bool:
    """Say whether the library that speaks to buckets is installed."""
    return find_spec("boto3") is not None


class Bucket:
    """The part of a bucket under a prefix. Everything raises `BucketError` when the other side does not do its part."""

    def __init__(self, address: str, access: S3) -> None:
        """Take ``s3://bucket/prefix`` and how to get there. Asks nothing yet."""
        self._name, self._prefix = taken_apart(address)
        self._access = access
        self._client: Any = None

    def __str__(self) -> str:
        """Show its address."""
        return f"s3://{self._name}/{self._prefix}".rstrip("/")

    def things(self) -> list[Thing]:
        """What lies directly under the prefix. What was sent by half does not lie there."""
        with self._asking() as client:
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self._name, Prefix=self._prefix, Delimiter="/"
            )
            return [
                Thing(each["Key"].removeprefix(self._prefix), each["Size"])
                for page in pages
                for each in page.get("Contents", ())
            ]

    def put(self, file: Path, name: str) -> None:
        """Send a file, in parts if it is large, and make sure that what arrived is what was sent."""
        size, tag, digest = _marks(file)
        with self._asking(name) as client:
            client.upload_file(str(file), self._name, self._prefix + name, Config=_in_parts())
            arrived = client.head_object(Bucket=self._name, Key=self._prefix + name)
            is_whole = arrived["ContentLength"] == size and (
                arrived["ETag"].strip('"') == tag or self._digest(client, name) == digest
            )
            if not is_whole:
                client.delete_object(Bucket=self._name, Key=self._prefix + name)
        if not is_whole:
            raise BucketError(f"{self}/{name}: what arrived is not what was sent, so it was taken away again.")

    def fetch(self, name: str, file: Path) -> None:
        """Write what lies there under a name into a new file."""
        with self._asking(name) as client:
            client.download_file(self._name, self._prefix + name, str(file), Config=_in_parts())

    def remove(self, name: str) -> None:
        """Take away what lies there under a name, if anything does."""
        with self._asking(name) as client:
            client.delete_object(Bucket=self._name, Key=self._prefix + name)

    def remove_halves(self, before: int, is_ours: Callable[[str], bool]) -> int:
        """Take away the parts of what was begun before a time (epoch milliseconds) and never ended; say of how many.

        A server that cannot tell of such parts has none taken away.
        """
        gone = 0
        with self._asking(passing=UNKNOWN_TO_IT) as client:
            begun = datetime.fromtimestamp(before / 1000, UTC)
            pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=self._name, Prefix=self._prefix)
            for each in [each for page in pages for each in page.get("Uploads", ())]:
                if each["Initiated"] < begun and is_ours(each["Key"].removeprefix(self._prefix)):
                    client.abort_multipart_upload(Bucket=self._name, Key=each["Key"], UploadId=each["UploadId"])
                    gone += 1
        return gone

    def _digest(self, client: Any, name: str) -> bytes:
        """Read it back. The tag says nothing where a server encrypts with a key of its own, or cuts otherwise."""
        found = sha256()
        for block in client.get_object(Bucket=self._name, Key=self._prefix + name)["Body"].iter_chunks(1 << 20):
            found.update(block)
        return found.digest()

    @contextmanager
    def _asking(self, name: str = "", passing: frozenset[str] = frozenset()) -> Iterator[Any]:
        """Hand out the client; what goes wrong meanwhile becomes one sentence."""
        client = self._client = self._client or _client(self._access)
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield client
        except ClientError as problem:
            code = str(problem.response.get("Error", {}).get("Code", ""))
            if code not in passing:
                raise BucketError(f"{self._at(name)}: {_why(code)}.") from problem
        except Boto3Error as problem:  # says itself what it was only in words
            cause = problem.__context__
            code = str(cause.response.get("Error", {}).get("Code", "")) if isinstance(cause, ClientError) else ""
            raise BucketError(f"{self._at(name)}: {_why(code) if code else problem}.") from problem
        except BotoCoreError as problem:
            raise BucketError(f"{self._at(name)}: {str(problem).rstrip('.')}.") from problem

    def _at(self, name: str) -> str:
        return f"{self}/{name}" if name else str(self)


def _client(access: S3) -> Any:
    try:
        import boto3
        from botocore.config import Config
    except ImportError as problem:
        raise BucketError(MISSING) from problem
    secret = access.secret_key
    return boto3.client(
        "s3",
        endpoint_url=access.endpoint or None,
        region_name=access.region,
        aws_access_key_id=access.key_id or None,
        aws_secret_access_key=secret.value if secret else None,
        config=Config(
            signature_version="s3v4",
            # The signature covers what is sent, and every server checks it. Newer checksums not all of them know.
            s3={"addressing_style": "path" if access.path_style else "virtual", "payload_signing_enabled": True},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"mode": "standard", "total_max_attempts": TRIES},
            **PATIENCE,
        ),
    )


def _in_parts() -> Any:
    """One part after the other, so that memory has an end."""
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, use_threads=False)


def _marks(file: Path) -> tuple[int, str, bytes]:
    """The size, the tag that S3 gives a file sent in such parts, and the SHA-256."""
    size, parts, whole = 0, [], sha256()
    with file.open("rb") as opened:
        while block := opened.read(PART):
            size += len(block)
            whole.update(block)
            parts.append(md5(block, usedforsecurity=False))
    if size < PART:
        return size, parts[0].hexdigest() if parts else "", whole.digest()
    together = md5(b"".join(part.digest() for part in parts), usedforsecurity=False)
    return size, f"{together.hexdigest()}-{len(parts)}", whole.digest()


def _why(code: str) -> str:
    if code in ABSENT:
        return ABSENT[code]
    if code in KEY_REFUSED:
        return f"the key was refused ({code}); look at [backups.s3] key_id, its secret, and what it may do there"
    return f"the server answered {code}"
