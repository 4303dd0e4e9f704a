"""The laws of the architecture, as properties of whole passes over small worlds."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index.registry.events import Report
from cargo_static_index.registry.tombstones import summed_tombstones
from cargo_static_index.store import Change, Put, Store, Stored
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.changes import BEGUN, CHANGES
from cargo_static_index.tree.documents import TreeRecord, parse_tree_record
from cargo_static_index.tree.layout import RECORD, archive_file
from cargo_static_index.tree.read import index_paths, read_index_at, weight_of
from tests.crates import CrateBuilder, crate
from tests.stores import Through
from tests.world import World

HERE = "sparse+https://crates.example.com/index/"


class Seed(Struct, frozen=True):
    """What a crate of a test is made from; equal seeds give equal bytes."""

    name: str
    vers: str
    needs: str = ""
    flavour: int = 0

    def builder(self) -> CrateBuilder:
        built = crate(self.name, self.vers).file("src/flavour.rs", b"//" * self.flavour)
        return built.dependency(self.needs, "*", registry_index=HERE) if self.needs else built


NAMES = ("aa", "bbb", "c-c", "Dddd")
VERSIONS = ("0.1.0", "1.0.0-rc.1", "1.0.0", "1.10.0", "1.9.0")

seeds = st.builds(
    Seed, st.sampled_from(NAMES), st.sampled_from(VERSIONS), st.sampled_from(("", *NAMES)), st.integers(0, 1)
)
friendly = st.lists(seeds, unique_by=lambda seed: (seed.name, seed.vers), min_size=1, max_size=7)
hostile = st.lists(
    st.builds(
        Seed,
        st.sampled_from(("aa", "AA", "c-c", "c_c")),
        st.sampled_from(("1.0.0", "1.0.0+b", "1.1.0")),
        st.just(""),
        st.integers(0, 2),
    ),
    min_size=2,
    max_size=7,
)

_numbers = count()


def written(folder: Path, made: Iterable[Seed]) -> list[Path]:
    """Write crates under names that say nothing."""
    paths = [folder / f"{next(_numbers)}.crate" for _ in made]
    for path, seed in zip(paths, made, strict=True):
        path.write_bytes(seed.builder().build())
    return paths


def in_a_world(law: Callable[[World, Path], None]) -> None:
    """Run a law in a fresh world with a tree in memory."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "files").mkdir()
        law(World(Path(folder), store=MemoryStore()), Path(folder) / "files")


def published(parts: Sequence[Sequence[Seed]], executor: Executor | None = None) -> dict[str, bytes]:
    """Give the tree that passes at one clock make, one pass for each part."""
    with TemporaryDirectory() as folder:
        world = World(Path(folder), store=MemoryStore())
        for part in parts:
            with world.opened() as registry:
                registry.add(written(Path(folder), part), executor=executor)
        return world.files()


@given(friendly, st.data())
@settings(max_examples=30)
def test_any_order_in_one_pass_or_many_gives_the_same_tree(made: list[Seed], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(made))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(made)), max_size=3)))
    parts = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(made)], strict=True)]
    assert published(parts) == published([made])


@given(friendly)
@settings(max_examples=10)
def test_any_number_of_workers_gives_the_same_tree(made: list[Seed]) -> None:
    with ThreadPoolExecutor(3) as executor:
        assert published([made], executor) == published([made])


def test_other_processes_give_the_same_tree() -> None:
    made = [Seed(name, vers) for name in NAMES for vers in VERSIONS]
    with ProcessPoolExecutor(2) as executor:
        assert published([made], executor) == published([made])


def winners(made: Sequence[Seed]) -> tuple[dict[str, bytes], set[tuple[str, str, str]]]:
    """Give the tree of one pass, and who lost in it."""
    with TemporaryDirectory() as folder:
        world, report = World(Path(folder), store=MemoryStore()), Report()
        with world.opened(report) as registry:
            registry.add(written(Path(folder), made))
        return world.files(), {(each.name, each.vers, each.cksum) for each in report.of("refused")}


@given(hostile, st.data())
@settings(max_examples=30)
def test_conflicts_in_one_pass_have_the_same_winners_in_any_order(made: list[Seed], data: st.DataObject) -> None:
    assert winners(made) == winners(data.draw(st.permutations(made)))


@given(friendly)
@settings(max_examples=15)
def test_without_its_state_a_build_changes_nothing(made: list[Seed]) -> None:
    def law(world: World, _: Path) -> None:
        written(world.drop, made)
        world.build()
        before = world.files()
        world.forget()
        assert world.build().paths == []
        assert world.files() == before

    in_a_world(law)


@given(friendly, st.data())
@settings(max_examples=15)
def test_what_was_removed_stays_removed_without_the_state(made: list[Seed], data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(made))

    def law(world: World, _: Path) -> None:
        written(world.drop, made)
        world.build()
        world.remove(f"{gone.name}@{gone.vers}")
        before = world.files()
        world.forget()
        report = world.build()
        assert [each.problems[-1].rule for each in report.of("refused")] == ["removed-release"]
        assert world.files() == before

    in_a_world(law)


def recount(store: Store) -> TreeRecord:
    """Count the whole index anew."""
    total = sum((weight_of(read_index_at(store, path)) for path in index_paths(store)), summed_tombstones(store))
    return TreeRecord().counting(total)


@given(st.lists(st.tuples(st.sampled_from(["add", "yank", "unyank", "remove", "restore"]), seeds), max_size=10))
@settings(max_examples=25)
def test_the_digest_is_always_what_a_full_recount_gives(steps: list[tuple[str, Seed]]) -> None:
    def law(world: World, files: Path) -> None:
        held: set[tuple[str, str]] = set()
        for step, seed in steps:
            one = (seed.name, seed.vers)
            if step in {"add", "restore"}:
                report = world.add(*written(files, [seed]), restore=step == "restore")
                held |= {one} if report.counts["published"] else set()
            elif one in held:
                spec = f"{seed.name}@{seed.vers}"
                world.remove(spec) if step == "remove" else world.yank(spec, yanked=step == "yank")
                held -= {one} if step == "remove" else set()
            assert world.store is not None
            stored = world.store.read(RECORD)
            if stored:
                assert parse_tree_record(stored.content) == recount(world.store)

    in_a_world(law)


class Seen(Through):
    """The files of a store, as something else sees them."""

    locks = True
    shared = False

    @property
    def lock(self) -> None:
        return None


class FromAfar(Seen):
    """Another host's view of the same bucket, with a lock and a folder to stage files in of its own."""

    @contextmanager
    def session(self) -> Iterator[Path]:
        with TemporaryDirectory() as folder:
            yield Path(folder)

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        return self.below.apply(map(uploaded, changes))


def uploaded(change: Change) -> Change:
    """Give a change whose content needs no file of this host."""
    if isinstance(change, Put) and isinstance(change.content, str):
        return replace(change, content=Path(change.content).read_bytes())
    return change


class Meddled(Seen):
    """A store in which another writer's passes come between what a first one reads and what it writes."""

    def __init__(self, below: MemoryStore, other: Callable[[], None]) -> None:
        super().__init__(below)
        self.other: Callable[[], None] | None = other

    def session(self) -> AbstractContextManager[Path]:
        return self.below.session()

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        changes = tuple(changes)
        if self.other and any(change.path.startswith("index/") and change.path.count("/") > 1 for change in changes):
            other, self.other = self.other, None
            other()
        return self.below.apply(changes)


@given(friendly, friendly)
@settings(max_examples=20)
def test_two_writers_that_do_not_know_of_each_other_lose_no_line(mine: list[Seed], theirs: list[Seed]) -> None:
    with TemporaryDirectory() as folder:
        tree = MemoryStore()
        for name in ("mine", "theirs"):
            (Path(folder) / name).mkdir()
        far = World(Path(folder) / "theirs", store=FromAfar(tree))
        near = World(Path(folder) / "mine", store=Meddled(tree, lambda: meddle(far, theirs)))
        near.add(*written(Path(folder) / "mine", mine))
        held = {
            (line.name, line.vers) for path in index_paths(tree) for line in read_index_at(tree, path).file.releases
        }
        assert held == {(seed.name, seed.vers) for seed in (*mine, *theirs)}
        stored = tree.read(RECORD)
        assert stored is not None
        assert parse_tree_record(stored.content) == recount(tree)
        for name, cksum in named(tree):
            assert tree.size(archive_file(name, cksum)) is not None


def named(tree: Store) -> Iterator[tuple[str, str]]:
    """Give name and checksum of every line."""
    for path in index_paths(tree):
        yield from ((line.name, line.cksum) for line in read_index_at(tree, path).file.releases)


def meddle(world: World, made: Sequence[Seed]) -> None:
    """Publish as the other writer."""
    world.add(*written(world.folder, made))


class Noted(MemoryStore):
    """A store that notes how many bytes are read of each file and written to it."""

    def __init__(self) -> None:
        self.noted: dict[tuple[str, str], int] = {}
        super().__init__()

    def read(self, path: str) -> Stored | None:
        found = super().read(path)
        self.noted["read", path] = len(found.content) if found else 0
        return found

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        changes = tuple(changes)
        lost = super().apply(changes)
        self.noted |= {("written", each.path): len(self.files.get(each.path, b"")) for each in changes}
        return lost


def one_more_onto(versions: int, folder: Path) -> dict[tuple[str, str], int]:
    """Give the bytes that one more version of a crate reads and writes, but for numbers: of tree.json and changes."""
    store = Noted()
    world = World(folder, {"registry.pages": False}, store=store)
    world.put(*(crate("foo", f"1.{number}.0") for number in range(versions)))
    world.build()
    store.noted.clear()
    world.add(crate("foo", "2.0.0").write(folder))
    numbers = ("tree.json", f"{BEGUN}/", f"{CHANGES}/")
    return {key: size for key, size in store.noted.items() if not key[1].startswith(numbers)}


def test_one_more_version_onto_many_costs_the_bytes_of_its_index_file_and_nothing_else(tmp_path: Path) -> None:
    few, many = (one_more_onto(versions, tmp_path / str(versions)) for versions in (1, 60))
    assert few.keys() == many.keys()
    assert {key for key in few if few[key] != many[key]} == {("read", "index/3/f/foo"), ("written", "index/3/f/foo")}
