"""Which release stands for a crate, and what its archive says."""

import pytest

from cargo_static_index.protocol.index_file import parse_index
from cargo_static_index.registry.newest import known_metadata, newest
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.layout import metadata_file
from tests.registry.trees import cksum_of, line


@pytest.mark.parametrize(
    ("versions", "found"),
    [
        (["1.2.0", "1.10.0", "1.9.0"], "1.10.0"),
        (["1.0.0", "2.0.0-beta.1"], "1.0.0"),
        (["1.0.0-alpha", "1.0.0-beta"], "1.0.0-beta"),
        (["1.0.0", "2.0.0 yanked"], "1.0.0"),
        (["1.0.0-alpha", "1.0.0 yanked"], "1.0.0-alpha"),
        (["1.0.0 yanked", "1.1.0 yanked"], "1.1.0"),
        ([], None),
    ],
)
def test_the_highest_stands_for_a_crate_rather_neither_yanked_nor_a_pre_release(
    versions: list[str], found: str | None
) -> None:
    lines = (line("foo", vers.partition(" ")[0], yanked=" " in vers) for vers in versions)
    release = newest(parse_index(b"\n".join(lines)).releases)
    assert (release and release.vers) == found


@pytest.mark.parametrize("damage", [None, b"", b'{"schema": 1'])
def test_metadata_that_is_lost_or_damaged_is_none(damage: bytes | None) -> None:
    store = MemoryStore({metadata_file("foo", cksum_of("foo", "1.0.0")): damage} if damage is not None else {})
    (release,) = parse_index(line("foo")).releases
    assert known_metadata(store, release) is None
