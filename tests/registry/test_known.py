"""What the state comes to know of the index: from one change, from some files, from all of them."""

import pytest

from cargo_static_index.protocol.index_file import IndexFile, parse_index
from cargo_static_index.registry.known import crate_change, learn_files, learn_tombstones, load_published, removed_row
from cargo_static_index.registry.shared import IndexChange
from cargo_static_index.state import State
from cargo_static_index.store import Put
from cargo_static_index.tree.documents import Delta, Tombstones
from cargo_static_index.tree.layout import index_file, tombstones_file
from cargo_static_index.tree.read import StoredValue, index_paths, read_index, read_index_at, weight_of
from tests.registry.trees import buried, line, stone, tree_of

ODD = b'{"name":"foo","vers":"0.1.0","unfinished'


def changed(before: list[bytes], after: list[bytes], stones: Tombstones | None = None) -> IndexChange:
    """Give the change of foo's index file from these lines to those."""
    file = parse_index(b"\n".join(before))
    held: StoredValue[IndexFile] = StoredValue(path=index_file("foo"), value=file, stored=None)
    return IndexChange(held, parse_index(b"\n".join(after)), stones)


def releases(state: State, name: str = "foo") -> list[tuple[str, bool]]:
    return [(release.vers, release.yanked) for release in state.published.releases(name)]


def removed(state: State, name: str = "foo") -> list[str]:
    return [row.vers for row in state.published.removed(name)]


def test_a_change_tells_what_came_what_is_said_anew_and_what_went() -> None:
    stones = Tombstones(name="foo", removed=(stone("foo", "1.1.0"),))
    before = [line("foo", "1.0.0"), line("foo", "1.1.0"), line("foo", "1.2.0")]
    after = [line("foo", "1.0.0"), line("foo", "1.2.0", yanked=True), line("foo", "1.3.0")]
    change = crate_change(changed(before, after, stones))
    assert change is not None
    assert (change.key, change.name) == ("foo", "foo")
    assert [(release.vers, release.yanked) for release in change.releases] == [("1.2.0", True), ("1.3.0", False)]
    assert (change.gone, change.removed) == (("1.1.0",), (removed_row(stones.removed[0]),))


def test_a_release_that_comes_back_is_no_longer_removed() -> None:
    stones = Tombstones(name="foo", removed=(stone("foo", "1.0.0"), stone("foo", "1.1.0")))
    change = crate_change(changed([], [line("foo", "1.0.0")], stones))
    assert change is not None
    assert (change.brought_back, change.removed) == (("1.0.0",), ())


def test_where_no_line_can_be_read_nothing_can_be_said() -> None:
    assert crate_change(changed([], [ODD])) is None


def test_all_that_is_published_and_removed_is_learnt_in_place_of_what_was_known(state: State) -> None:
    store = tree_of({"foo": [line("foo", "1.0.0"), ODD, line("foo", "1.1.0", yanked=True)], "Bar": [line("Bar")]})
    store.apply(Put(path=path, content=content) for path, content in buried("foo", "0.9.0").items())
    learn_files(state, tree_of({"old": [line("old")]}), {index_file("old"): "old"})
    total = load_published(state, store)
    assert list(state.published.names()) == ["Bar", "foo"]
    assert (releases(state), removed(state)) == ([("1.0.0", False), ("1.1.0", True)], ["0.9.0"])
    assert (total.crates, total.releases, total.removed) == (2, 3, 1)
    files = sum((weight_of(read_index_at(store, path)) for path in index_paths(store)), Delta())
    assert total.digest == files.digest
    assert state.indexed.digest(index_file("foo")) == weight_of(read_index(store, "foo")).digest


def test_tombstones_are_learnt_as_they_are_in_force_and_forgotten_where_they_went(state: State) -> None:
    store = tree_of({"foo": [line("foo", "1.0.0")]})
    files = buried("foo", "0.8.0", "0.9.0", "1.0.0")
    store.apply(Put(path=path, content=content) for path, content in files.items())
    assert learn_tombstones(state, store, "foo").removed == 2
    assert removed(state) == ["0.8.0", "0.9.0"]  # that of what is held is not in force
    store.apply(Put(path=path, content=content) for path, content in buried("foo", "0.9.0").items())
    assert learn_tombstones(state, store, "foo").removed == 1
    assert removed(state) == ["0.9.0"]


def test_tombstones_that_cannot_be_read_count_for_nothing_and_change_nothing(state: State) -> None:
    store = tree_of({})
    store.apply(Put(path=path, content=content) for path, content in buried("foo", "0.9.0").items())
    learn_tombstones(state, store, "foo")
    store.apply([Put(path=tombstones_file("foo"), content=b"{")])
    assert learn_tombstones(state, store, "foo") == Delta()
    assert removed(state) == ["0.9.0"]


@pytest.mark.parametrize(
    ("before", "after", "new", "gone"),
    [
        ([], ["1.0.0"], ["1.0.0"], []),
        (["1.0.0"], ["1.0.0"], [], []),
        (["1.0.0"], ["1.0.0 yanked", "1.1.0"], ["1.0.0", "1.1.0"], []),
        (["1.0.0", "1.1.0"], ["1.1.0"], [], ["1.0.0"]),
        (["1.0.0"], [], [], ["1.0.0"]),
    ],
)
def test_of_a_file_that_others_changed_only_what_is_new_is_learnt(
    state: State, before: list[str], after: list[str], new: list[str], gone: list[str]
) -> None:
    for versions in (before, after):
        lines = [line("foo", vers.partition(" ")[0], yanked=" " in vers) for vers in versions]
        found = learn_files(state, tree_of({"foo": lines}), {index_file("foo"): "foo"})
        assert releases(state) == [(vers.partition(" ")[0], " " in vers) for vers in versions]
    assert [release.vers for change in found for release in change.releases] == new
    assert [vers for change in found for vers in change.gone] == gone


def test_a_crate_that_came_back_in_other_case_has_its_new_name(state: State) -> None:
    path = index_file("foo-bar")
    learn_files(state, tree_of({"foo-bar": [line("foo-bar")]}), {path: "foo-bar"})
    other = index_file("Foo_Bar")
    found = learn_files(state, tree_of({"Foo_Bar": [line("Foo_Bar")]}), {other: "Foo_Bar"})
    assert [(change.name, len(change.releases), change.gone) for change in found] == [
        ("foo-bar", 0, ("1.0.0",)),
        ("Foo_Bar", 1, ()),
    ]
    assert list(state.published.names()) == ["Foo_Bar"]
