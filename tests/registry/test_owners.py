"""Who owns a crate, twice in the tree: each of the two files brings the other back, whatever breaks off."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.registry.owners import change_owners, forget_owners, found_owners, write_copy
from cargo_static_index.store import Put
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.layout import owners_copy, owners_file
from cargo_static_index.tree.owners import format_owners, read_owners, read_owners_copy
from tests.crates import crate
from tests.stores import Died, Interrupted
from tests.world import World

BOTH = [owners_file("foo"), owners_copy("foo")]


def owned(folder: Path) -> World:
    """A registry without pages, so that nothing but the two files knows who owns the crate."""
    world = World(folder, {"registry.pages": False})
    world.put(crate("foo"))
    world.build()
    with world.opened() as registry:
        registry.change_owners("foo", add=["alice"])
        registry.change_owners("foo", add=["team:pay"], trusted_only=True)
    return world


DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "lost": lambda _: None,
    "emptied": lambda _: b"",
    "another's": lambda content: content.replace(b"alice", b"alicf"),
    "open to all ways": lambda content: content.replace(b'"trusted_only": true', b'"trusted_only": false'),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("path", BOTH)
def test_either_file_is_put_back_by_the_other(tmp_path: Path, path: str, damage: str) -> None:
    world = owned(tmp_path)
    before, content = world.files(), DAMAGES[damage](world.read(path))
    if content is None:
        (world.tree / path).unlink()
    else:
        (world.tree / path).write_bytes(content)
    assert [(found.id, found.path) for found in world.verified()] == [("owners-wrong", path)]
    world.verified(fix=True)
    assert world.verified() == []
    assert world.files() == before


@pytest.mark.parametrize("path", BOTH)
def test_an_older_file_is_told_by_its_count_of_changes(tmp_path: Path, path: str) -> None:
    world = owned(tmp_path)
    older = world.read(path)
    with world.opened() as registry:
        registry.change_owners("foo", remove=["alice"])
    before = world.files()
    (world.tree / path).write_bytes(older)
    assert [(found.id, found.path) for found in world.verified(fix=True)] == [("owners-wrong", path)]
    assert world.files() == before


def test_who_publishes_first_does_not_get_a_crate_whose_owners_were_lost(tmp_path: Path) -> None:
    world = owned(tmp_path)
    (world.tree / owners_file("foo")).unlink()
    with world.opened() as registry:
        assert not found_owners(registry.transaction, "foo", ("mallory",))
        held = registry.owners("foo")
    assert held is not None
    assert held.owners == ("alice", "team:pay")


def change(world: World) -> None:
    with world.opened() as registry:
        registry.change_owners("foo", add=["bob"])


def found(world: World) -> None:
    with world.opened() as registry:
        registry.take()
        found_owners(registry.transaction, "new", ("alice",))


def forget(world: World) -> None:
    found(world)
    with world.opened() as registry:
        registry.take()
        forget_owners(registry.transaction, "new", ("alice",))


@pytest.mark.parametrize("shared", [False, True], ids=["folder", "bucket"])
@pytest.mark.parametrize("what", [change, found, forget])
def test_wherever_a_change_breaks_off_the_next_pass_ends_it(
    tmp_path: Path, what: Callable[[World], None], shared: bool
) -> None:
    for number in range(40):
        store = MemoryStore(shared=shared)
        world = World(tmp_path / str(number), {"registry.pages": False}, store)
        world.put(crate("foo"))
        world.build()
        world.store = Interrupted(store, number)
        try:
            what(world)
        except Died:
            world.store = store
            world.build()
            assert world.verified() == [], number
        else:
            assert number > 1
            return
    pytest.fail("it never came to its end")


def test_only_an_owner_is_removed_and_never_the_last(light: World, tree: MemoryStore) -> None:
    with light.transaction() as transaction:
        change_owners(transaction, "foo", add=["alice", "bob"])
        before = dict(tree.files)
        for remove, said in (
            (["carol"], "carol is no owner of foo; it has alice, bob"),
            (["alice", "bob"], "bob is the last owner of foo; add another one first"),
        ):
            with pytest.raises(InvalidInput) as caught:
                change_owners(transaction, "foo", remove=remove)
            assert str(caught.value) == said
        with pytest.raises(InvalidInput, match="alice is no owner of bar; it has none"):
            change_owners(transaction, "bar", remove=["alice"])
        assert change_owners(transaction, "foo", add=["alice"]).owners == ("alice", "bob")
        assert dict(tree.files) == before, "what changes nothing is not written"
        assert change_owners(transaction, "foo", add=["carol"], remove=["alice"]).owners == ("bob", "carol")


def test_who_was_forestalled_changes_the_owners_that_are_there_then(tmp_path: Path, tree: MemoryStore) -> None:
    between = Interrupted(tree, -1)
    world = World(tmp_path, {"registry.pages": False}, between)
    with world.transaction() as transaction:
        first = change_owners(transaction, "foo", add=["alice"])
        other = replace(first, owners=("alice", "bob"), changes=2).summed_up()
        between.happens = lambda: tree.apply([Put(path=owners_file("foo"), content=format_owners(other))])
        between.left = 0
        assert change_owners(transaction, "foo", add=["carol"]).owners == ("alice", "bob", "carol")
    assert read_owners(tree, "foo").value == read_owners_copy(tree, "foo").value


def test_a_copy_that_says_what_came_later_stays(light: World, tree: MemoryStore) -> None:
    with light.transaction() as transaction:
        first = change_owners(transaction, "foo", add=["alice"])
        later = change_owners(transaction, "foo", add=["bob"])
        write_copy(transaction, first)
    assert read_owners_copy(tree, "foo").value == later


def test_first_owners_are_those_of_who_was_quicker(light: World, tree: MemoryStore) -> None:
    with light.transaction() as transaction:
        assert found_owners(transaction, "foo", ("alice",))
        assert not found_owners(transaction, "foo", ("bob",))
        forget_owners(transaction, "foo", ("bob",))
        held = read_owners(tree, "foo").value
        assert held is not None
        assert held.owners == ("alice",)
        forget_owners(transaction, "foo", ("alice",))
    assert (tree.read(owners_file("foo")), tree.read(owners_copy("foo"))) == (None, None)


def test_first_owners_that_were_written_in_between_are_not_overwritten(tmp_path: Path, tree: MemoryStore) -> None:
    between = Interrupted(tree, -1)
    world = World(tmp_path, {"registry.pages": False}, between)
    with world.transaction() as transaction:
        between.happens = lambda: tree.apply([Put(path=owners_file("foo"), content=b"another's")])
        between.left = 0
        assert not found_owners(transaction, "foo", ("alice",))
    assert tree.files[owners_file("foo")] == b"another's"
