"""The drop directory, asked for files by their names."""

import os
from pathlib import Path

import pytest

from cargo_static_index.crate.candidate import DropFile
from cargo_static_index.registry.drop import Drop, possible_releases
from cargo_static_index.registry.scan import settled_by_stamps
from cargo_static_index.state import State
from tests.registry.test_scan import paths, put


@pytest.mark.parametrize(
    ("file", "releases"),
    [
        ("foo-1.0.0.crate", [("foo", "1.0.0")]),
        ("foo-bar_2-1.0.0.crate", [("foo-bar_2", "1.0.0")]),
        ("a-1-2.0.0-3.crate", [("a", "1-2.0.0-3"), ("a-1", "2.0.0-3")]),
        ("foo-1.0.0-rc.1+build-5.crate", [("foo", "1.0.0-rc.1+build-5")]),
        ("foo.crate", []),
        ("-1.0.0.crate", []),
        ("a.b-1.0.0.crate", []),
    ],
)
def test_a_file_name_tells_which_releases_it_may_be(file: str, releases: list[tuple[str, str]]) -> None:
    assert list(possible_releases(file)) == releases


def test_names_of_files_come_from_every_folder_whatever_became_of_them(drop: Path) -> None:
    for path in ("a.crate", "team/b.crate", "team/deep/c.crate", "team/readme.md"):
        put(drop / path)
    assert sorted(Drop(path=drop).file_names()) == ["a.crate", "b.crate", "c.crate"]


def test_a_file_is_read_by_its_path_and_nothing_else_is(drop: Path, tmp_path: Path) -> None:
    put(drop / "team/a.crate", b"inside")
    put(tmp_path / "secret.crate", b"outside")
    (drop / "link.crate").symlink_to(tmp_path / "secret.crate")
    (drop / "away").symlink_to(tmp_path)
    held = Drop(path=drop)
    assert (held.content("team/a.crate"), held.holds("team/a.crate")) == (b"inside", True)
    assert (held.content("team/b.crate"), held.holds("team/b.crate")) == (None, False)
    assert [held.content(path) for path in ("link.crate", "away/secret.crate", "team")] == [None] * 3
    assert Drop(path=tmp_path / "nowhere").content("a.crate") is None


def test_a_path_is_shown_as_the_user_wrote_it_and_escaped(drop: Path) -> None:
    name = b"caf\xe9\x1b.crate"
    file = DropFile(source="", target=b"team/" + name, folder=b"team", file=name)
    assert Drop(path=drop).source_of(file) == f"{drop}/team/caf\\xe9\\x1b.crate"


def test_the_folders_that_files_are_moved_to_are_not_scanned(drop: Path, state: State) -> None:
    for path in ("a.crate", "refused/b.crate", "published/c.crate"):
        put(drop / path)
    moving = Drop(path=drop, refused=drop / "refused", after_publish=drop / "published")
    assert paths(list(moving.scan(state, settled_by_stamps(0)))) == ["a.crate"]
    assert len(list(Drop(path=drop).scan(state, settled_by_stamps(0)))) == 3


def test_published_files_leave_it_where_they_are_moved_or_deleted() -> None:
    place = Path(os.devnull)
    assert not Drop(path=place).takes_away
    assert Drop(path=place, after_publish="delete").takes_away
    assert Drop(path=place, after_publish=place).takes_away
