"""A tree that writers on several hosts share: each knows of the others what lies in it, and no disk need last."""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cargo_static_index.protocol.index_file import IndexFile
from cargo_static_index.registry.shared import Names, landed_files
from cargo_static_index.registry.tombstones import summed_tombstones
from cargo_static_index.site.paths import RECENT
from cargo_static_index.store import Delete, Put, Store
from cargo_static_index.store.ahead import ReadAhead
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.changes import BEGUN, CHANGES, NAMES, identity_of, name_file, parse_change
from cargo_static_index.tree.documents import parse_tree_record
from cargo_static_index.tree.layout import RECORD, archive_file, metadata_file
from cargo_static_index.tree.read import index_paths, read_index_at, weight_of
from tests.crates import CrateBuilder, crate
from tests.stores import Counted, Died, Interrupted, die
from tests.world import BASE, T0, World

NO_PAGES = {"registry.pages": False}

STEP = int(os.environ.get("EVERY", "12"))
"""Of the many moments of a pass with pages, every so manyth is tried; every one where EVERY=1."""


def host(folder: Path, store: Store) -> World:
    """Give a host that has never seen the tree."""
    return World(folder, NO_PAGES, store)


def kept(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Give the files that make the tree, without what only says how it came to be."""
    passing = (f"{NAMES}/", f"{BEGUN}/", f"{CHANGES}/", RECENT, "refused.html")
    return {path: content for path, content in files.items() if not path.startswith(passing)}


def sound(store: Store) -> None:
    """Check that tree.json sums up the index, and that no line lacks its archive."""
    total = summed_tombstones(store)
    for path in index_paths(store):
        index = read_index_at(store, path)
        total += weight_of(index)
        for line in index.value.releases:
            assert store.size(archive_file(line.name, line.cksum)) is not None, line
            assert store.size(metadata_file(line.name, line.cksum)) is not None, line
    stored = store.read(RECORD)
    assert stored is not None
    record = parse_tree_record(stored.content)
    assert record == record.counting(total)


def index_of(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Give the index files of a tree."""
    return {path: content for path, content in files.items() if path.startswith("index/")}


def either(before: Mapping[str, bytes], after: Mapping[str, bytes], path: str) -> set[bytes | None]:
    """Give what a file was, and what it was to be."""
    return {before.get(path), after.get(path)}


def lines(store: Store) -> dict[str, list[str]]:
    """Give the versions in each index file."""
    return {path: [line.vers for line in read_index_at(store, path).value.lines] for path in index_paths(store)}


def add(world: World, *crates: CrateBuilder, restore: bool = False) -> dict[str, str]:
    """Publish crates from this host, and say what became of each."""
    report = world.add(*(each.write(world.folder) for each in crates), restore=restore)
    return {f"{each.candidate.name} {each.candidate.vers}": each.status for each in report.outcomes}


# --- what each writer must know lies in the tree


def test_a_host_that_knows_nothing_changes_what_another_published(tmp_path: Path) -> None:
    tree = MemoryStore(shared=True)
    add(host(tmp_path / "one", tree), crate("foo", "1.0.0"), crate("foo", "1.1.0"))
    other = host(tmp_path / "two", tree.seen_elsewhere())
    assert set(add(other, crate("foo", "1.2.0"), crate("bar")).values()) == {"published"}
    third = host(tmp_path / "three", tree.seen_elsewhere())
    third.yank("foo@1.1.0")
    third.remove("foo@1.0.0")
    assert lines(tree) == {"index/3/b/bar": ["1.0.0"], "index/3/f/foo": ["1.1.0", "1.2.0"]}
    sound(tree)
    assert {each.id for each in host(tmp_path / "four", tree.seen_elsewhere()).verified()} == set()


def test_names_that_cargo_could_not_tell_apart_are_refused_whoever_published_the_first(tmp_path: Path) -> None:
    tree = MemoryStore(shared=True)
    add(host(tmp_path / "one", tree), crate("foo-bar"))
    world = host(tmp_path / "two", tree.seen_elsewhere())
    report = world.add(crate("foo_bar").write(tmp_path), crate("Foo-Bar", "2.0.0").write(tmp_path))
    assert {(each.status, *(problem.rule for problem in each.problems)) for each in report.outcomes} == {
        ("refused", "name-collision")
    }


def test_a_name_is_free_again_once_its_crate_is_gone_and_its_claim_is_old(tmp_path: Path) -> None:
    tree = MemoryStore(shared=True)
    world = host(tmp_path / "one", tree)
    add(world, crate("foo-bar"))
    world.remove("foo-bar")
    assert tree.files["index/fo/o-/foo-bar"] == b"", "cargo reads it as a crate without versions"
    assert add(world, crate("foo_bar")) == {"foo_bar 1.0.0": "refused"}
    world.now += 2 * 3600
    assert add(world, crate("foo_bar")) == {"foo_bar 1.0.0": "published"}
    assert add(world, crate("foo-bar", "2.0.0")) == {"foo-bar 2.0.0": "refused"}
    sound(tree)


def test_a_dependency_on_crates_io_for_a_name_of_this_registry_is_found_without_a_state(tmp_path: Path) -> None:
    tree = MemoryStore(shared=True)
    add(host(tmp_path / "one", tree), crate("foo"))
    needy = crate("needy").dependency("foo")
    world = host(tmp_path / "two", tree.seen_elsewhere())
    report = world.add(needy.write(tmp_path))
    assert [problem.rule for each in report.outcomes for problem in each.problems] == ["dependency-likely-ours"]


def test_what_is_removed_stays_removed_for_a_host_that_never_saw_it(tmp_path: Path) -> None:
    tree = MemoryStore(shared=True)
    one = host(tmp_path / "one", tree)
    add(one, crate("foo"))
    one.remove("foo")
    other = host(tmp_path / "two", tree.seen_elsewhere())
    assert add(other, crate("foo")) == {"foo 1.0.0": "refused"}
    assert add(other, crate("foo"), restore=True) == {"foo 1.0.0": "published"}
    sound(tree)


def test_a_tree_that_was_copied_from_a_folder_is_named_by_rebuild(tmp_path: Path) -> None:
    folder = World(tmp_path / "folder", NO_PAGES, MemoryStore())
    folder.put(crate("foo-bar"), crate("baz"))
    folder.build()
    tree = MemoryStore(folder.files(), shared=True)
    world = host(tmp_path / "host", tree)
    with world.opened() as registry:
        registry.rebuild()
    assert {path for path in tree.files if path.startswith(NAMES)} == {"names/baz.json", "names/foo-bar.json"}
    assert add(world, crate("foo_bar")) == {"foo_bar 1.0.0": "refused"}
    assert kept(tree.files) == folder.files()


def test_archives_in_a_bucket_are_held_against_their_sizes_and_read_only_on_request(tmp_path: Path) -> None:
    tree = MemoryStore(shared=True)
    world = host(tmp_path, tree)
    add(world, crate("foo"), crate("bar"))
    paths = {name: archive_file(name, crate(name).cksum()) for name in ("foo", "bar")}
    tree.apply([Put(path=paths["foo"], content=tree.files[paths["foo"]][:-1] + b"x")])
    assert world.verified() == []
    assert [(each.id, each.path) for each in world.verified(deep=True)] == [("archive-damaged", paths["foo"])]
    tree.apply([Put(path=paths["bar"], content=b"short")])
    assert [(each.id, each.path) for each in world.verified()] == [("archive-damaged", paths["bar"])]


# --- writers at the same time


CRATES = (crate("aa", "1.0.0"), crate("aa", "1.1.0"), crate("bb", "0.1.0"))

Step = Callable[[World], object]

STEPS: Mapping[str, tuple[Step, Step]] = {
    "add": (lambda _: None, lambda world: add(world, crate("aa", "1.2.0"), crate("cc", "1.0.0"))),
    "yank": (lambda _: None, lambda world: world.yank("aa@1.0.0")),
    "remove a version": (lambda _: None, lambda world: world.remove("aa@1.0.0")),
    "remove a crate": (lambda _: None, lambda world: world.remove("aa")),
    "restore": (lambda world: world.remove("bb"), lambda world: add(world, CRATES[2], restore=True)),
}


def prepared(folder: Path, before: Step) -> MemoryStore:
    tree = MemoryStore(shared=True)
    world = host(folder, tree)
    add(world, *CRATES)
    before(world)
    return tree


def undisturbed(name: str, folder: Path) -> dict[str, bytes]:
    before, step = STEPS[name]
    tree = prepared(folder / "undisturbed", before)
    step(host(folder / "undisturbed too", tree.seen_elsewhere()))
    return kept(tree.files)


def adding(came: list[dict[str, str]], world: World, *crates: CrateBuilder) -> Callable[[], None]:
    """Give what publishes crates and notes what became of them."""
    return lambda: came.append(add(world, *crates))


def deaths(name: str, folder: Path) -> Iterator[tuple[int, MemoryStore]]:
    """Give the tree as each death leaves it: before the first change of a step, before the second, and so on."""
    before, step = STEPS[name]
    for number in range(100):
        tree = prepared(folder / f"before {number}", before)
        try:
            step(host(folder / f"dies at {number}", Interrupted(tree.seen_elsewhere(), number, die)))
        except Died:
            yield number, tree
        else:
            assert number > 3
            return
    pytest.fail("the process never lived")


@pytest.mark.parametrize("name", STEPS)
def test_whoever_dies_at_any_change_the_same_from_empty_disks_finishes_it(name: str, tmp_path: Path) -> None:
    wanted = undisturbed(name, tmp_path)
    for number, tree in deaths(name, tmp_path):
        again = host(tmp_path / f"again {number}", tree.seen_elsewhere())
        STEPS[name][1](again)
        sound_but_for_removals(tree)
        later = host(tmp_path / f"later {number}", tree.seen_elsewhere())
        later.now = T0 + 600
        later.build()
        assert kept(tree.files) == wanted, number
        assert not [path for path in tree.files if path.startswith(BEGUN)], number
        sound(tree)


def sound_but_for_removals(tree: MemoryStore) -> None:
    """Check that nothing is wrong that a client would meet."""
    for path in index_paths(tree):
        for line in read_index_at(tree, path).value.releases:
            assert archive_file(line.name, line.cksum) in tree.files, line


@pytest.mark.parametrize("name", STEPS)
def test_whoever_dies_at_any_change_the_next_build_of_anybody_counts_it(name: str, tmp_path: Path) -> None:
    before, after = kept(prepared(tmp_path / "before", STEPS[name][0]).files), undisturbed(name, tmp_path)
    for number, tree in deaths(name, tmp_path):
        later = host(tmp_path / f"later {number}", tree.seen_elsewhere())
        later.now = T0 + 600
        later.build()
        sound(tree)
        assert all(content in either(before, after, path) for path, content in index_of(tree.files).items())
        assert not [path for path in tree.files if path.startswith(BEGUN)], number


@pytest.mark.parametrize("name", STEPS)
def test_another_hosts_change_at_any_moment_loses_no_line_and_counts_all(name: str, tmp_path: Path) -> None:
    before, step = STEPS[name]
    for number in range(100):
        tree = prepared(tmp_path / f"before {number}", before)
        other = host(tmp_path / f"other {number}", tree.seen_elsewhere())
        came: list[dict[str, str]] = []
        one = Interrupted(
            tree.seen_elsewhere(), number, adding(came, other, crate("aa", "1.5.0"), crate("dd", "1.0.0"))
        )
        step(host(tmp_path / f"one {number}", one))
        sound(tree)
        assert lines(tree)["index/2/dd"] == (["1.0.0"] if came else []) if "index/2/dd" in tree.files else not came
        if not came:
            assert number > 3
            return
        assert "1.5.0" in lines(tree)["index/2/aa"]
        if name == "add":
            assert {"1.2.0", "1.5.0"} <= set(lines(tree)["index/2/aa"])
    pytest.fail("the step never ended")


def test_the_same_release_from_two_hosts_at_any_moment_is_one_line_and_counted_once(tmp_path: Path) -> None:
    for number in range(100):
        tree = prepared(tmp_path / f"before {number}", lambda _: None)
        other = host(tmp_path / f"other {number}", tree.seen_elsewhere())
        came: list[dict[str, str]] = []
        one = Interrupted(
            tree.seen_elsewhere(), number, adding(came, other, crate("aa", "1.2.0"), crate("cc", "1.0.0"))
        )
        add(host(tmp_path / f"one {number}", one), crate("aa", "1.2.0"), crate("cc", "1.0.0"))
        sound(tree)
        assert lines(tree)["index/2/aa"] == ["1.0.0", "1.1.0", "1.2.0"]
        if not came:
            assert number > 3
            return
    pytest.fail("the step never ended")


def test_of_two_spellings_at_any_moment_one_is_published(tmp_path: Path) -> None:
    for number in range(100):
        tree = MemoryStore(shared=True)
        other = host(tmp_path / f"other {number}", tree.seen_elsewhere())
        came: list[dict[str, str]] = []
        one = Interrupted(tree.seen_elsewhere(), number, adding(came, other, crate("foo_bar")))
        became = add(host(tmp_path / f"one {number}", one), crate("foo-bar"))
        sound(tree)
        published = [path for path, versions in lines(tree).items() if versions]
        assert len(published) == 1, (number, published, became, came)
        if not came:
            return
    pytest.fail("the step never ended")


def test_two_hosts_that_begin_one_tree_at_any_moment_lose_no_line(tmp_path: Path) -> None:
    for number in range(100):
        tree = MemoryStore(shared=True)
        other = host(tmp_path / f"other {number}", tree.seen_elsewhere())
        came: list[dict[str, str]] = []
        one = Interrupted(tree.seen_elsewhere(), number, adding(came, other, crate("aa", "1.1.0"), crate("bb")))
        add(host(tmp_path / f"one {number}", one), crate("aa"), crate("cc"))
        sound(tree)
        assert set(lines(tree)["index/2/aa"]) == {"1.0.0", *(["1.1.0"] if came else [])}
        if not came:
            assert number > 3
            return
    pytest.fail("the step never ended")


def test_a_new_tree_is_written_without_asking_for_what_cannot_be_there(tmp_path: Path) -> None:
    few, many = Counted(), Counted()
    for store, number in ((few, 3), (many, 30)):
        add(host(tmp_path / str(number), store), *(crate(f"crate-{each}") for each in range(number)))
    reads = [[kind for kind, _ in store.asked if kind not in {"PUT", "DELETE"}] for store in (few, many)]
    assert len(reads[0]) == len(reads[1])


def test_ids_of_changes_do_not_grow_without_end(tmp_path: Path) -> None:
    tree = MemoryStore(shared=True)
    world = host(tmp_path, tree)
    for number in range(42):
        add(world, crate("foo", f"1.{number}.0"))
    stored = tree.read(RECORD)
    assert stored is not None
    assert len(" ".join(stored.changes)) < 1024
    assert len(stored.changes) > 30
    sound(tree)
    assert IndexFile() != read_index_at(tree, "index/3/f/foo").value


def test_records_of_changes_are_pruned_by_who_looks(tmp_path: Path) -> None:
    tree = MemoryStore(shared=True)
    world = host(tmp_path, tree)
    add(world, crate("foo"))
    world.now += 8 * 86_400
    add(world, crate("bar"))
    assert len(list(tree.list(CHANGES))) == 2
    world.build()
    assert len(list(tree.list(CHANGES))) == 1


def test_the_pages_of_a_host_that_knows_nothing_tell_of_what_others_published(tmp_path: Path) -> None:
    alone = World(tmp_path / "alone", store=MemoryStore(shared=True))
    tree = MemoryStore(shared=True)
    for number, each in enumerate((crate("foo"), crate("bar"), crate("baz"))):
        add(alone, each)
        add(World(tmp_path / str(number), store=tree.seen_elsewhere()), each)
    assert isinstance(alone.store, MemoryStore)
    assert kept(tree.files) == kept(alone.store.files)


# --- what a change costs with pages


def crates_of(number: int) -> Iterator[CrateBuilder]:
    for each in range(number):
        yield crate(f"crate-{each}").package(keywords=[f"keyword-{each % 3}"])


@pytest.mark.parametrize("new", [crate("crate-1", "1.1.0"), crate("new")], ids=["version", "crate"])
def test_with_pages_one_more_costs_two_requests_a_file_that_changes_and_no_listing(
    tmp_path: Path, new: CrateBuilder
) -> None:
    outside_lists = []
    for number in (10, 400):
        tree = MemoryStore(shared=True)
        add(World(tmp_path / f"first {number}", {}, tree), *crates_of(number))
        counted = Counted(tree.files)
        before = dict(counted.files)
        later = World(tmp_path / f"later {number}", {}, counted)
        later.now += 60
        assert set(add(later, new.package(keywords=["keyword-1"])).values()) == {"published"}
        assert {kind for kind, _ in counted.asked} == {"GET", "PUT", "DELETE"}
        begun = {path for _, path in counted.asked if path.startswith(f"{BEGUN}/")}
        changed = {path for path, content in counted.files.items() if before.get(path) != content} | begun
        assert len(counted.asked) <= 2 * len(changed), counted.asked
        outside_lists.append(len([path for path in changed if not path.startswith(("browse/", "search/", "sitemap"))]))
    assert outside_lists[0] == outside_lists[1]


def test_the_first_pages_are_written_without_asking_for_lists_that_cannot_be_there(tmp_path: Path) -> None:
    asked = []
    for number in (3, 30):
        tree = Counted()
        crates = (each.package(keywords=[f"word-{each.name}"]) for each in crates_of(number))
        add(World(tmp_path / str(number), {}, tree), *crates)
        reads = {path for kind, path in tree.asked if kind == "GET"}
        asked.append(len([path for path in reads if path.startswith(("browse/", "search/", "sitemap"))]))
    assert asked[0] == asked[1]


def test_two_hosts_that_make_the_first_pages_at_any_moment_make_those_of_both(tmp_path: Path) -> None:
    for number in numbers(0, STEP):
        tree = MemoryStore(shared=True)
        came: list[dict[str, str]] = []
        other = World(tmp_path / f"other {number}", {}, tree.seen_elsewhere())
        happens = adding(came, other, crate("bb").package(keywords=["one", "two"]))
        one = World(tmp_path / f"one {number}", {}, Interrupted(tree.seen_elsewhere(), number, happens))
        add(one, crate("aa").package(keywords=["one"]), crate("cc").dependency("bb", "1", registry_index=INDEX))
        later = World(tmp_path / f"later {number}", {}, tree.seen_elsewhere())
        later.now += 600
        later.build()
        assert list(later.verified()) == [], number
        if not came:
            assert number > 8
            return
    pytest.fail("the step never ended")


def test_pages_of_two_hosts_are_those_of_one(tmp_path: Path) -> None:
    crates = [
        crate("one").package(keywords=["a"]),
        crate("two").dependency("one", registry_index=f"sparse+{BASE}index/"),
    ]
    tree = MemoryStore(shared=True)
    alone = World(tmp_path / "alone", {}, MemoryStore())
    for number, each in enumerate([*crates, crate("one", "1.1.0"), crate("one", "1.1.0-rc.1")]):
        for world in (alone, World(tmp_path / f"host-{number}", {}, tree)):
            world.now = T0 + number * 60
            add(world, each)
    for world in (alone, World(tmp_path / "another", {}, tree)):
        world.now = T0 + 600
        world.yank("one@1.1.0")
        world.remove("one@1.0.0")
    assert kept({path: content for path, content in tree.files.items() if content}) == alone.files()
    assert not list(tree.list(BEGUN))


INDEX = f"sparse+{BASE}index/"

PAGED: Mapping[str, Step] = {
    "add": lambda world: add(
        world, crate("aa", "2.0.0").package(keywords=["new"]), crate("cc").dependency("aa", "1", registry_index=INDEX)
    ),
    "yank": lambda world: world.yank("aa@1.0.0"),
    "remove a version": lambda world: world.remove("aa@1.0.0"),
    "remove a crate": lambda world: world.remove("bb"),
}


@cache
def paged() -> Mapping[str, bytes]:
    """Give the files of a tree with pages, as hosts find it."""
    tree = MemoryStore(shared=True)
    with TemporaryDirectory() as folder:
        world = World(Path(folder), {}, tree)
        add(world, *(each.package(keywords=["old"]) for each in CRATES))
    return dict(tree.files)


def changed_by(folder: Path, name: str) -> Mapping[str, bytes]:
    tree = MemoryStore(paged(), shared=True)
    world = World(folder, {}, tree)
    world.now += 60
    PAGED[name](world)
    return kept(tree.files)


def numbers(first: int, step: int) -> Iterator[int]:
    return iter(range(first, 200, step))


@pytest.mark.parametrize("name", PAGED)
@pytest.mark.parametrize("again", [True, False], ids=["the same again", "a build"])
def test_with_pages_whoever_dies_at_any_change_is_made_good_from_empty_disks(
    name: str, again: bool, tmp_path: Path
) -> None:
    wanted = changed_by(tmp_path / "undisturbed", name)
    for number in numbers(0, STEP):
        tree = MemoryStore(paged(), shared=True)
        one = World(tmp_path / f"dies at {number}", {}, Interrupted(tree.seen_elsewhere(), number, die))
        one.now += 60
        try:
            PAGED[name](one)
        except Died:
            pass
        else:
            assert number > 8
            return
        if again:
            same = World(tmp_path / f"again {number}", {}, tree.seen_elsewhere())
            same.now += 60
            PAGED[name](same)
        later = World(tmp_path / f"later {number}", {}, tree.seen_elsewhere())
        later.now += 600
        later.build()
        assert not [path for path in tree.files if path.startswith(BEGUN)], number
        if again:
            assert kept(tree.files) == wanted, number
        # An archive that no line names yet is told of, and kept for whoever goes on.
        assert {finding.id for finding in later.verified()} <= ({"file-unnamed"} if not again else set()), number
    pytest.fail("the process never lived")


@pytest.mark.parametrize("name", PAGED)
def test_with_pages_another_hosts_change_at_any_moment_is_shown(name: str, tmp_path: Path) -> None:
    for number in numbers(0, STEP):
        tree = MemoryStore(paged(), shared=True)
        came: list[dict[str, str]] = []
        other = World(tmp_path / f"other {number}", {}, tree.seen_elsewhere())
        other.now += 30
        happens = adding(came, other, crate("aa", "1.5.0").package(keywords=["else"]), crate("dd"))
        one = World(tmp_path / f"one {number}", {}, Interrupted(tree.seen_elsewhere(), number, happens))
        one.now += 60
        PAGED[name](one)
        assert list(one.verified()) == [], number
        front = tree.files["index.json"]
        feed = tree.files["feed.xml"]
        with one.opened() as registry:
            registry.remake_pages()
        assert (tree.files["index.json"], tree.files["feed.xml"]) == (front, feed), number
        if not came:
            assert number > 8
            return
    pytest.fail("the step never ended")


def test_a_claim_that_cannot_be_read_is_none_and_is_claimed_anew() -> None:
    store = MemoryStore({name_file("foo"): b"{"}, shared=True)
    names = Names(ReadAhead(store), lambda: T0)
    assert names.names_of(["foo"], {}) == {}
    assert names.claim({"foo": "Foo"}) == set()
    assert names.names_of(["foo"], {}) == {"foo": "Foo"}


def test_what_other_tools_copied_without_the_ids_of_changes_is_known_by_its_content(tmp_path: Path) -> None:
    store = MemoryStore(shared=True)
    world = host(tmp_path, store)
    add(world, crate("foo"), crate("bar"))
    [path] = store.list(CHANGES)
    identity, record = identity_of(path), parse_change(store.files[path])
    copy = MemoryStore(store.files, shared=True)
    assert [file.name for file in landed_files(copy, identity, record)] == ["bar", "foo"]
    index = record.files[0].path
    copy.apply([Put(path=index, content=copy.files[index] + b"\n"), Delete(path=record.files[1].path)])
    assert landed_files(copy, identity, record) == []
