"""Crates that are dropped into a bucket, and what becomes of the objects."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from cargo_static_index.crate.candidate import Candidate, DropFile, Outcome
from cargo_static_index.diagnostics.errors import InvalidInput, StoreError
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.registry.bucket_drop import BucketDrop
from cargo_static_index.state import State
from cargo_static_index.store.objects.client import Client
from tests.buckets import Buckets, moto
from tests.cli.program import Ended, run
from tests.cli.watching import watching
from tests.crates import CrateBuilder, crate
from tests.faults import Asked, Fault, proxied


@pytest.fixture(scope="module")
def buckets() -> Iterator[Buckets]:
    with moto() as server:
        yield server


class Dropped:
    """A drop prefix in a bucket, and a registry in a folder that reads it."""

    def __init__(self, folder: Path, buckets: Buckets, more: str = "") -> None:
        self.bucket = buckets.make()
        self.folder = folder
        self.environment: Mapping[str, str] = buckets.environment
        self._client = Client(self.bucket.whole, buckets.environment)
        folder.mkdir(exist_ok=True)
        drop = f'[drop]\npath = "{self.bucket}"\n{more.replace("BUCKET", str(self.bucket.whole))}'
        (folder / "registry.toml").write_text(
            f'[registry]\nbase-url = "https://crates.example.com/"\npages = false\n{drop}'
        )

    def put(self, *crates: CrateBuilder, folder: str = "") -> None:
        for each in crates:
            path = each.write(self.folder / "made")
            self.put_bytes(f"{folder}{path.name}", path.read_bytes())

    def put_bytes(self, path: str, content: bytes) -> None:
        self._client.put(self.bucket.key(path), content, {"Content-Type": "application/gzip"})

    def delete(self, path: str) -> None:
        self._client.delete(self.bucket.key(path))

    def objects(self) -> list[str]:
        return [each.path for each in self._client.list()]

    def content(self, key: str) -> bytes:
        found = self._client.get(key)
        assert found is not None
        return found.content

    def run(self, *arguments: str) -> Ended:
        return run(*arguments, cwd=self.folder, env=self.environment)

    def published(self) -> list[str]:
        return self.run("list").ok().split()


@pytest.fixture
def dropped(tmp_path: Path, buckets: Buckets) -> Dropped:
    return Dropped(tmp_path / "host", buckets)


def test_what_lies_below_the_prefix_is_published_at_any_depth(dropped: Dropped) -> None:
    dropped.put(crate("foo", "1.0.0"), crate("sp", "1.0.0+b"))
    dropped.put(crate("bar", "0.1.0"), folder="team a/ü%20?/")
    dropped.put(crate("hidden", "1.0.0"), folder=".trash/")
    dropped.put_bytes("notes.txt", b"no crate")
    assert "3 published" in dropped.run("build").ok()
    assert dropped.published() == ["bar@0.1.0", "foo@1.0.0", "sp@1.0.0+b"]
    assert "some/crates/foo-1.0.0.crate" in dropped.objects(), "what is published stays where it is"


def test_what_did_not_change_is_not_fetched_again(tmp_path: Path, buckets: Buckets) -> None:
    with proxied(buckets.endpoint) as proxy:
        dropped = Dropped(tmp_path / "host", buckets.behind(proxy.url))
        dropped.put(crate("foo", "1.0.0"), crate("bar", "1.0.0"))
        dropped.run("build").ok()
        proxy.forget()
        dropped.run("build").ok()
        assert [each.kind for each in proxy.asked] == ["LIST"]
        dropped.put(crate("foo", "1.1.0"))
        proxy.forget()
        assert "1 published" in dropped.run("build").ok()
        assert proxy.kinds() == {"LIST": 1, "GET": 1}


def test_a_refused_object_stays_and_is_mentioned_until_it_is_mended(dropped: Dropped) -> None:
    dropped.put(crate("foo", "1.0.0"))
    dropped.put_bytes("sub/bad-1.0.0.crate", b"no archive")
    first = dropped.run("build")
    first.failed(1)
    assert f"{dropped.bucket}/sub/bad-1.0.0.crate" in first.out
    dropped.run("build").ok()
    status = dropped.run("status", "--json").document()
    assert [each["path"] for each in status["refused"]] == [f"{dropped.bucket}/sub/bad-1.0.0.crate"]
    dropped.put(crate("bad", "1.0.0"), folder="sub/")
    dropped.put(crate("new", "1.0.0"))
    assert len(dropped.run("status", "--json").document()["waiting"]) == 2
    assert "2 published" in dropped.run("build").ok()


def test_an_object_that_leaves_stays_published_and_is_forgotten(dropped: Dropped) -> None:
    dropped.put(crate("foo", "1.0.0"))
    dropped.put_bytes("bad-1.0.0.crate", b"no archive")
    dropped.run("build").failed(1)
    dropped.delete("bad-1.0.0.crate")
    dropped.delete("foo-1.0.0.crate")
    dropped.run("build", "--strict").ok()
    assert dropped.published() == ["foo@1.0.0"]


def test_published_objects_are_deleted_and_refused_ones_moved_beside_their_problems(
    tmp_path: Path, buckets: Buckets
) -> None:
    more = 'refused = "BUCKET/refused"\nafter-publish = "delete"\n'
    dropped = Dropped(tmp_path / "host", buckets, more)
    dropped.put(crate("foo", "1.0.0"))
    for content in (b"no archive", b"nor this"):
        dropped.put_bytes("sub/bad-1.0.0.crate", content)
        dropped.run("build").failed(1)
    assert dropped.objects() == [
        "refused/sub/bad-1.0.0.2.crate",
        "refused/sub/bad-1.0.0.2.crate.json",
        "refused/sub/bad-1.0.0.crate",
        "refused/sub/bad-1.0.0.crate.json",
    ]
    assert dropped.content("refused/sub/bad-1.0.0.2.crate") == b"nor this"
    document = json.loads(dropped.content("refused/sub/bad-1.0.0.crate.json"))
    assert document["source"] == f"{dropped.bucket}/sub/bad-1.0.0.crate"
    assert document["problems"][0]["rule"] == "file-not-gzip"
    dropped.run("build", "--strict").ok()
    dropped.run("build", "--pages").ok()
    assert "2 files cannot be published" in (dropped.folder / "public/refused.html").read_text()


def test_published_objects_are_moved_even_to_below_the_drop_prefix_which_is_not_read(
    tmp_path: Path, buckets: Buckets
) -> None:
    dropped = Dropped(tmp_path / "host", buckets, 'after-publish = "BUCKET/done"\n')
    dropped.put(crate("foo", "1.0.0"), folder="sub/")
    dropped.run("build").ok()
    assert dropped.objects() == ["done/sub/foo-1.0.0.crate"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--drop-refused", "refused"), "must lie where files can be moved to"),
        (("--drop-refused", "s3://another/refused"), "must lie where files can be moved to"),
        (("--drop-refused", "BUCKET/some/crates/refused"), "would be read again"),
        (("--tree", "BUCKET/some"), "would be served to everyone"),
        (("--tree", "BUCKET/some/crates/tree"), "would be taken for dropped crates"),
        (("--drop", "drop", "--drop-after-publish", "BUCKET/done"), "must lie where files can be moved to"),
    ],
)
def test_places_that_cannot_go_together_are_refused(dropped: Dropped, options: tuple[str, ...], said: str) -> None:
    given = (each.replace("BUCKET", str(dropped.bucket.whole)) for each in options)
    dropped.run("build", *given).failed(2, said)


def test_what_no_answer_comes_to_is_asked_for_again(tmp_path: Path, buckets: Buckets) -> None:
    with proxied(buckets.endpoint) as proxy:
        dropped = Dropped(tmp_path / "host", buckets)
        dropped.put(*(crate(f"crate-{number}") for number in range(5)))
        dropped.environment = buckets.behind(proxy.url).environment
        asked_before: set[str] = set()

        def first_of_each(asked: Asked, _number: int) -> Fault:
            again = asked.path in asked_before
            asked_before.add(asked.path)
            return "pass" if again else "lose-answer"

        proxy.fault = first_of_each
        assert "5 published" in dropped.run("build").ok()


def test_a_bucket_that_is_not_there_is_named(dropped: Dropped) -> None:
    for command in ("build", "check-settings"):
        said = dropped.run(command, "--drop", "s3://not-there/drop").failed(3, "s3://not-there")
        assert "no such bucket" in said


def test_a_key_that_is_no_path_is_named_and_stops_nothing(dropped: Dropped) -> None:
    odd = ["a//foo-1.0.0.crate", "c/ta\tb-1.0.0.crate"]
    for key in (*odd, "d//notes.txt"):
        _put_odd(dropped, key)
    dropped.put(crate("foo", "1.0.0+b"), crate("sp", "1.0.0"), folder="a/ü +&/")
    dropped.put(crate("bar", "0.1.0"), folder="z/")
    first = dropped.run("build")
    first.failed(1)
    assert "3 published, 2 refused" in first.out
    assert all(escape(f"{dropped.bucket}/{key}") in first.out for key in odd)
    assert "cannot be asked for by its key: a part of it is empty" in first.out
    assert dropped.published() == ["bar@0.1.0", "foo@1.0.0+b", "sp@1.0.0"]
    assert "2 still refused" in dropped.run("build").ok()
    assert len(dropped.run("status", "--json").document()["refused"]) == 2


def _put_odd(dropped: Dropped, key: str, kept_as: str = "STANDARD") -> None:
    url = f"{dropped.environment['AWS_ENDPOINT_URL']}/{dropped.bucket.name}/some/crates/{urllib.parse.quote(key)}"
    asked = urllib.request.Request(url, b"x", {"x-amz-storage-class": kept_as}, method="PUT")
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.status == 200


def test_lost_archives_are_restored_from_the_drop_prefix(dropped: Dropped) -> None:
    dropped.put(crate("foo", "1.0.0"))
    dropped.run("build").ok()
    (archive,) = (dropped.folder / "public/crates/foo").glob("*.crate")
    content = archive.read_bytes()
    archive.unlink()
    dropped.run("verify", "--fix").ok()
    assert archive.read_bytes() == content


def test_a_watcher_looks_at_the_prefix_again_and_again(dropped: Dropped) -> None:
    dropped.put(crate("foo", "1.0.0"))
    with watching("--watch-poll-interval", "100ms", cwd=dropped.folder, env=dropped.environment) as watcher:
        watcher.until("Published foo 1.0.0")
        dropped.put(crate("foo", "1.1.0"), folder="later/")
        watcher.until("Published foo 1.1.0")
        dropped.put_bytes("bad-1.0.0.crate", b"no archive")
        watcher.until("Refused")
        assert watcher.stop() == 0
    assert dropped.published() == ["foo@1.0.0", "foo@1.1.0"]


# Asked itself


@pytest.fixture
def objects(dropped: Dropped) -> BucketDrop:
    dropped.put(crate("foo"), folder="team/")
    dropped.put_bytes("notes.txt", b"no crate")
    dropped.put_bytes(".hidden/a.crate", b"hidden")
    return BucketDrop(dropped.bucket, dropped.environment)


def scanned(objects: BucketDrop, state: State) -> DropFile:
    """Give the one file that a scan finds."""
    [found] = objects.scan(state)
    assert isinstance(found, DropFile)
    return found


FOO_PATH = "team/foo-1.0.0.crate"


def test_files_are_known_by_their_paths(objects: BucketDrop) -> None:
    assert list(objects.paths()) == [FOO_PATH]
    assert (objects.holds(FOO_PATH), objects.holds("bar.crate")) == (True, False)
    assert (objects.content(FOO_PATH), objects.content("bar.crate")) == (crate("foo").build(), None)


@pytest.mark.parametrize("limit", [1, 1000, 1_000_000])
def test_a_file_is_fetched_up_to_a_limit(objects: BucketDrop, state: State, tmp_path: Path, limit: int) -> None:
    assert objects.fetch(scanned(objects, state), tmp_path / "here", limit)
    assert (tmp_path / "here").read_bytes() == crate("foo").build()[:limit]


def test_what_took_the_place_of_a_file_is_neither_fetched_nor_moved_nor_deleted(
    dropped: Dropped, objects: BucketDrop, state: State, tmp_path: Path
) -> None:
    file = scanned(objects, state)
    away = replace(dropped.bucket, prefix="away")
    dropped.put_bytes(FOO_PATH, b"another")
    assert not objects.fetch(file, tmp_path / "here", 1000)
    assert not objects.move(file, away)
    assert not objects.delete(file)
    assert objects.content(FOO_PATH) == b"another"
    dropped.delete(FOO_PATH)
    assert not objects.fetch(file, tmp_path / "here", 1000)
    assert not objects.move(file, away)
    assert not objects.delete(file)
    assert not any(key.startswith("away") for key in dropped.objects())


@pytest.mark.parametrize("what", ["move", "delete"])
def test_a_file_that_is_replaced_while_it_is_put_away_stays(
    dropped: Dropped, buckets: Buckets, state: State, objects: BucketDrop, what: str
) -> None:
    file = scanned(objects, state)

    def replaced_before(asked: Asked, _number: int) -> Fault:
        if asked.method == "DELETE":
            dropped.put_bytes(FOO_PATH, b"another")
        return "pass"

    with proxied(buckets.endpoint) as proxy:
        proxy.fault = replaced_before
        late = BucketDrop(dropped.bucket, buckets.behind(proxy.url).environment)
        done = late.delete(file) if what == "delete" else late.move(file, replace(dropped.bucket, prefix="away"))
    assert not done
    assert objects.content(FOO_PATH) == b"another"


def test_a_file_that_goes_while_it_is_moved_is_not_there(
    dropped: Dropped, buckets: Buckets, state: State, objects: BucketDrop
) -> None:
    file = scanned(objects, state)

    def gone_before(asked: Asked, _number: int) -> Fault:
        if asked.method == "PUT" and "away" in asked.path:
            dropped.delete(FOO_PATH)
        return "pass"

    with proxied(buckets.endpoint) as proxy:
        proxy.fault = gone_before
        late = BucketDrop(dropped.bucket, buckets.behind(proxy.url).environment)
        assert not late.move(file, replace(dropped.bucket, prefix="away"))
    assert [key for key in dropped.objects() if key.endswith(".crate") and "hidden" not in key] == []


def test_a_disk_that_cannot_be_written_is_named(objects: BucketDrop, state: State, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nowhere/here: cannot write: No such file or directory"):
        objects.fetch(scanned(objects, state), tmp_path / "nowhere/here", 1000)


def test_what_the_store_does_not_give_out_is_that_files_own_fault(
    dropped: Dropped, state: State, tmp_path: Path
) -> None:
    _put_odd(dropped, "cold-1.0.0.crate", "GLACIER")
    objects = BucketDrop(dropped.bucket, dropped.environment)
    file = scanned(objects, state)
    with pytest.raises(InvalidInput, match=r"cold-1\.0\.0\.crate"):
        objects.fetch(file, tmp_path / "here", 1000)
    dropped.put(crate("foo"))
    done = dropped.run("build")
    assert (done.code, "1 published, 1 refused" in done.out) == (1, True), done


def test_files_of_a_folder_that_was_read_before_are_forgotten(objects: BucketDrop, state: State) -> None:
    before = DropFile(source="a", target=b"old/a.crate", folder=b"old", file=b"a.crate", seen=b"x" * 16)
    state.drop_files.record([Outcome(candidate=Candidate(file=before), status="published")], "", 1)
    for forget in (False, True):
        list(objects.scan(state, forget=forget))
        assert (state.drop_files.get(b"old", b"a.crate") is None) is forget
