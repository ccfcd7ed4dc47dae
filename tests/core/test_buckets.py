"""A bucket holds a file whole or not at all, whatever the network does. The other side is a real server."""

import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from arena.core.buckets import PART, Bucket, BucketError, Thing
from arena.core.config import S3, Secret
from tests.peers.relay import Relay
from tests.peers.swift import KEY_ID, SECRET, Swift

LATER = 4_000_000_000_000
_numbers = count(1)


def access(url: str, secret: str = SECRET) -> S3:
    return S3(endpoint=url, key_id=KEY_ID, secret_key=Secret(secret))


@pytest.fixture
def relay(swift: Swift) -> Iterator[Relay]:
    made = Relay(swift.url)
    yield made
    made.close()


@pytest.fixture
def bucket(swift: Swift, relay: Relay) -> Bucket:
    """A bucket of the test's own, and a place in it, reached through a relay."""
    name = f"tests-{next(_numbers)}"
    swift.client().create_bucket(Bucket=name)
    return Bucket(f"s3://{name}/some/where", access(relay.url))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    file = tmp_path / "small"
    file.write_bytes(b"a few words")
    return file


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that is sent in parts, the last of them short."""
    file = tmp_path_factory.mktemp("large") / "large"
    with file.open("wb") as opened:
        for number in range(2 * PART // 1024 + 100):
            opened.write(number.to_bytes(4) * 256)
    return file


@pytest.fixture
def not_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two tries no time passes."""
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.mark.parametrize("which", ["small", "large"])
def test_what_is_put_is_listed_fetched_and_taken_away(
    bucket: Bucket, which: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    file = request.getfixturevalue(which)
    bucket.put(file, "it")
    assert bucket.things() == [Thing("it", file.stat().st_size)]
    bucket.fetch("it", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == file.read_bytes()
    bucket.remove("it")
    bucket.remove("it")
    assert bucket.things() == []


def test_what_lies_deeper_or_elsewhere_is_not_listed(bucket: Bucket, swift: Swift, small: Path) -> None:
    bucket.put(small, "mine")
    Bucket(f"{bucket}/deeper", access(swift.url)).put(small, "deep")
    Bucket(f"{bucket}-other", access(swift.url)).put(small, "other")
    assert [each.name for each in bucket.things()] == ["mine"]
    assert [each.name for each in Bucket(f"{bucket}/", access(swift.url)).things()] == ["mine"], "a slash is nothing"


def test_a_busy_server_and_a_cut_line_are_asked_again(
    bucket: Bucket, relay: Relay, large: Path, not_waiting: None
) -> None:
    relay.answers = [(503, "SlowDown"), (500, "InternalError")]
    bucket.put(large, "it")
    relay.answers = []
    assert [each.size for each in bucket.things()] == [large.stat().st_size]


def test_a_line_that_is_cut_within_a_part_costs_that_part_alone(
    bucket: Bucket, relay: Relay, large: Path, not_waiting: None
) -> None:
    relay.cuts = 2
    bucket.put(large, "it")
    assert [each.size for each in bucket.things()] == [large.stat().st_size]


def test_an_upload_that_fails_leaves_nothing(
    bucket: Bucket, relay: Relay, swift: Swift, large: Path, not_waiting: None
) -> None:
    relay.cuts = 1000
    with pytest.raises(BucketError, match=r"s3://tests-\d+/some/where/it: .*"):
        bucket.put(large, "it")
    relay.cuts = 0
    assert bucket.things() == []


@pytest.mark.parametrize("answer", [(503, "SlowDown"), (500, "InternalError")])
def test_a_server_that_stays_busy_is_named_with_its_answer(
    bucket: Bucket, relay: Relay, small: Path, answer: tuple[int, str], not_waiting: None
) -> None:
    relay.answers = [answer] * 3
    with pytest.raises(BucketError, match=rf"/it: the server answered {answer[1]}\.$"):
        bucket.put(small, "it")
    assert bucket.things() == []


def test_a_slow_server_is_waited_for(bucket: Bucket, relay: Relay, small: Path) -> None:
    relay.pause = 0.5
    bucket.put(small, "it")
    assert len(bucket.things()) == 1


def test_a_server_that_says_nothing_is_given_up(bucket: Bucket, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arena.core.buckets.PATIENCE", {"connect_timeout": 1, "read_timeout": 0.05})
    monkeypatch.setattr("arena.core.buckets.TRIES", 1)
    relay.pause = 5
    with pytest.raises(BucketError, match=r"[Tt]imeout"):
        bucket.things()


def test_a_server_that_is_not_there_is_said_to_be(bucket: Bucket, relay: Relay, not_waiting: None) -> None:
    relay.close()
    with pytest.raises(BucketError, match=r"^s3://tests-\d+/some/where: Could not connect to the endpoint URL"):
        bucket.things()


def test_a_wrong_secret_is_refused_and_not_repeated(swift: Swift, bucket: Bucket, small: Path) -> None:
    wrong = Bucket(str(bucket), access(swift.url, "let-me-in-please"))
    with pytest.raises(BucketError, match=r"the key was refused \(SignatureDoesNotMatch\); look at") as refused:
        wrong.put(small, "it")
    assert "let-me-in-please" not in str(refused.value)
    assert KEY_ID not in str(refused.value)


def test_a_bucket_that_is_not_there_is_named(swift: Swift, small: Path) -> None:
    missing = Bucket("s3://missing/prefix", access(swift.url))
    for ask in (missing.things, lambda: missing.put(small, "it"), lambda: missing.remove_halves(LATER, bool)):
        with pytest.raises(BucketError, match=r"^s3://missing/prefix(/it)?: there is no bucket of this name\.$"):
            ask()


def test_what_is_not_there_cannot_be_fetched(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(BucketError, match=r"/gone: it is not there\.$"):
        bucket.fetch("gone", tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []


def test_what_arrives_otherwise_than_it_was_sent_is_taken_away_again(
    bucket: Bucket, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the server had kept something else: the marks that are expected are those of another file."""
    monkeypatch.setattr("arena.core.buckets._marks", lambda _: (11, "0" * 32, b"another"))
    with pytest.raises(BucketError, match=r"what arrived is not what was sent"):
        bucket.put(small, "it")
    assert bucket.things() == []


def test_where_a_server_tags_in_its_own_way_the_file_is_read_back(
    bucket: Bucket, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from arena.core import buckets

    size, _, digest = buckets._marks(small)
    monkeypatch.setattr("arena.core.buckets._marks", lambda _: (size, "its own tag", digest))
    bucket.put(small, "it")
    assert len(bucket.things()) == 1


def test_what_a_killed_upload_left_is_no_thing_and_goes_once_it_is_old(swift: Swift, bucket: Bucket) -> None:
    client, name = swift.client(), str(bucket).split("/")[2]
    for each in ("ours", "theirs"):
        begun = client.create_multipart_upload(Bucket=name, Key=f"some/where/{each}")
        part = {"Bucket": name, "Key": begun["Key"], "UploadId": begun["UploadId"], "PartNumber": 1}
        client.upload_part(**part, Body=b"half" * 2**20)
    assert bucket.things() == []
    assert bucket.remove_halves(int(time.time() * 1000) - 60_000, lambda name: name == "ours") == 0
    assert bucket.remove_halves(LATER, lambda name: name == "ours") == 1
    left = client.list_multipart_uploads(Bucket=name)["Uploads"]
    assert [each["Key"] for each in left] == ["some/where/theirs"]


def test_a_server_that_knows_no_halves_has_none_taken_away(bucket: Bucket, relay: Relay) -> None:
    relay.answers = [(501, "NotImplemented")]
    assert bucket.remove_halves(LATER, bool) == 0


@pytest.mark.parametrize(
    "address", ["s3://", "s3:/box", "s3://A/b", "s3://box//b", "s3://box/a b", "s3://b", "s3://-box"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(BucketError, match=r"is no bucket; write it as s3://bucket/prefix"):
        Bucket(address, S3())


def test_without_its_library_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['boto3'] = None\n"
        "from arena.core.buckets import Bucket, BucketError; from arena.core.config import S3\n"
        "try: Bucket('s3://box', S3()).things()\n"
        "except BucketError as problem: print(problem)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.startswith("a bucket needs the library boto3; install arena with its `s3` extra")
    assert said.count("\n") == 1


def test_a_large_file_takes_no_more_memory_than_its_parts(bucket: Bucket, relay: Relay, tmp_path: Path) -> None:
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from arena.core.buckets import Bucket; from arena.core.config import S3, Secret\n"
        "address, url, key, secret, folder = sys.argv[1:]; folder = Path(folder)\n"
        "there = Bucket(address, S3(endpoint=url, key_id=key, secret_key=Secret(secret)))\n"
        "for size in (1, 96):\n"
        "    with (folder / 'it').open('wb') as file: file.truncate(size << 20)\n"
        "    there.put(folder / 'it', 'it'); there.fetch('it', folder / 'back')\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)\n"
    )
    argv = [sys.executable, "-c", program, str(bucket), relay.url, KEY_ID, SECRET, tmp_path]
    small, large = map(int, subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split())
    assert large - small < 4 * PART >> 20
