"""What other machines do for a build, done here: they read and stage files, and write pages."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from cargo_static_index.crate.candidate import Candidate, DropFile
from cargo_static_index.crate.policy import Policy
from cargo_static_index.registry.read import Reader
from cargo_static_index.registry.remote import RemoteReader, carry_out
from cargo_static_index.state import State
from cargo_static_index.store import Put, Staged
from cargo_static_index.tree.layout import RECORD, archive_file, metadata_file
from tests.crates import CrateBuilder, crate
from tests.stores import Reading


class Kept:
    """Keeps what is staged."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.told: dict[str, tuple[str, tuple[str, ...]]] = {}

    def put(self, name: str, file: Path, *, path: str, tags: tuple[str, ...]) -> None:
        self.files[name], self.told[name] = file.read_bytes(), (path, tags)

    def staged(self, name: str) -> Staged:
        return Staged(name)

    def clear(self) -> None:
        self.files.clear()


def read(state: State, folder: Path, uploads: Kept, *crates: CrateBuilder, first: int = 0) -> Mapping[str, Candidate]:
    """Read files as another machine does, and give what the builder takes of it."""
    paths = (os.fsencode(built.write(folder)) for built in crates)
    files = [DropFile(source=os.fsdecode(path), target=path) for path in paths]
    reader = RemoteReader(reader=Reader(policy=Policy(), stage="", pubtime=None), uploads=uploads)
    state.candidates.add_packed(reader.read_all(files, first))
    return {candidate.name: candidate for candidate in candidates(state)}


def candidates(state: State) -> Iterator[Candidate]:
    keys = list(state.candidates.keys())
    groups = state.candidates.between(keys[0], keys[-1]).values() if keys else ()
    return (candidate for group in groups for candidate in group)


def test_what_is_read_is_staged_under_a_name_that_tells_the_content(state: State, tmp_path: Path) -> None:
    foo, uploads = crate("foo"), Kept()
    candidate = read(state, tmp_path, uploads, crate("bar"), foo, first=7)["foo"]
    assert candidate.staged == f"8-{foo.cksum()}"
    assert uploads.files[candidate.staged] == foo.build()
    assert uploads.told[candidate.staged] == (archive_file("foo", foo.cksum()), ("release:foo@1.0.0",))
    metadata = f"{candidate.staged}.json"
    assert uploads.told[metadata] == (metadata_file("foo", foo.cksum()), ("release:foo@1.0.0",))
    assert b'"foo"' in uploads.files[metadata]


def test_what_a_rule_refused_is_not_staged(state: State, tmp_path: Path) -> None:
    uploads = Kept()
    found = read(state, tmp_path, uploads, crate("std"), crate("foo").without("Cargo.toml"))
    assert found["std"].refused
    assert uploads.files == {}


def test_changes_are_carried_out_in_a_tree_that_was_asked_first_and_those_forestalled_are_given_back() -> None:
    store = Reading()
    first = Put(path="a", content=b"1", expect="absent")
    assert carry_out(lambda: store, [first]) == ()
    again = Put(path="a", content=b"2", expect="absent")
    assert carry_out(lambda: store, [again, Put(path="b", content=b"3")]) == (again,)
    assert store.files == {"a": b"1", "b": b"3"}
    assert store.reads == [RECORD, RECORD]
