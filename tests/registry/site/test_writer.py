"""Which pages a change writes anew, and what stays the same whatever happens on the way."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import open_registry
from cargo_static_index.registry.site.crates import MadePages
from cargo_static_index.registry.site.writer import CRATES_A_TASK
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.radix import MOST
from cargo_static_index.store import Change, Delete, Put, Stored
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.changes import ChangeRecord, begun_file, change_id, format_change
from tests.crates import CrateBuilder, crate
from tests.registry.site.registries import HERE, OPTIONS, some_crates, versions
from tests.world import DAY, World

P = ParamSpec("P")
T = TypeVar("T")


def test_the_same_set_gives_the_same_pages_in_any_number_of_passes(tmp_path: Path) -> None:
    crates = [*some_crates(), *versions(55)]
    at_once, one_by_one, undone = (World(tmp_path / name, OPTIONS) for name in ("a", "b", "c"))
    at_once.put(*crates)
    at_once.build()
    for each in reversed(crates):
        one_by_one.put(each)
        one_by_one.build()
    undone.put(*crates, crate("gone").dependency("acme-text", registry_index=HERE).package(keywords=["gone"]))
    undone.build()
    undone.yank("acme-text@1.1.0")
    undone.remove("gone")
    undone.yank("acme-text@1.1.0", yanked=False)
    undone.remove("acme-units@0.3.1")
    undone.add(*undone.drop.glob("acme-units-*.crate"), restore=True)
    assert one_by_one.files() == at_once.files()
    files, wanted = undone.files(), at_once.files()
    gone = ("removed.json", "index.html", "1.0.0/index.html")
    assert all(files.pop(f"crates/gone/{name}") for name in gone)
    assert json.loads(files.pop("tree.json"))["removed"] == 1
    assert json.loads(wanted.pop("tree.json"))["removed"] == 0
    assert files == wanted


def test_other_processes_make_the_same_pages(tmp_path: Path) -> None:
    crates = [*some_crates(), *versions(120), *(crate(f"x{number:03}") for number in range(40))]
    alone, together = (World(tmp_path / name, OPTIONS) for name in ("alone", "together"))
    for world in (alone, together):
        world.put(*crates)
    alone.build()
    with ProcessPoolExecutor(2) as executor, together.opened() as registry:
        registry.build(executor=executor)
    assert together.files() == alone.files()


class Noting:
    """An executor here and now, in which something is to be told of each crate whose pages are made."""

    def submit(self, call: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> Future[T]:
        done = Future[T]()
        result = call(*args, **named)
        if isinstance(result, list):
            result[:] = [
                replace(made, notes=(f"{made.name}: told",)) if isinstance(made, MadePages) else made for made in result
            ]
        done.set_result(result)
        return done


def test_what_other_processes_have_to_tell_of_crates_is_told(world: World) -> None:
    names = [f"x{number:03}" for number in range(CRATES_A_TASK + 1)]
    world.put(*map(crate, names))
    report = Report()
    with world.opened(report) as registry:
        registry.build(executor=Noting())
    assert sorted(report.notes) == [f"{name}: told" for name in names]


def test_without_the_state_directory_a_pass_writes_no_page(world: World) -> None:
    world.put(*some_crates())
    world.build()
    before = world.files()
    world.forget()
    report = world.build()
    assert [path for path in report.paths if path.endswith((".html", ".xml", ".js"))] == []
    assert world.files() == before


def test_what_is_lost_of_the_pages_comes_back_with_the_note_of_them(world: World) -> None:
    world.put(*some_crates())
    world.build()
    before = world.files()
    for path in ("crates/acme-git/index.html", "browse/names.json", "search/words.js", "pages.json"):
        (world.tree / path).unlink()
    (world.tree / "crates/acme-text/index.json").write_text("{}")
    (world.tree / "browse/month/2026-01.json").write_text("no part")
    world.build()
    assert world.files() == before


def test_what_was_lost_of_the_pages_is_found_with_a_new_state_directory(world: World) -> None:
    world.put(*some_crates())
    world.build()
    before = world.files()
    (world.tree / "crates/acme-git/index.html").unlink()
    world.forget()
    world.build()
    assert world.files() == before


def test_pages_of_another_tree_are_found_out(world: World) -> None:
    world.put(*some_crates())
    world.build()
    before = world.files()
    (world.tree / "crates/stray").mkdir()
    (world.tree / "crates/stray/index.html").write_text("not ours any more")
    (world.tree / "pages.json").unlink()
    world.build()
    assert world.files() == before


class Watched(MemoryStore):
    """A tree in memory, so that thousands of crates cost no disk, which notes what is read of it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def read(self, path: str) -> Stored | None:
        self.seen.add(path)
        return super().read(path)


class Loose:
    """A registry of any size: every crate is in lists that all others are in too."""

    def __init__(self, folder: Path, number: int) -> None:
        self.store = Watched()
        self.world = World(folder, OPTIONS, self.store)
        for each in range(number):
            word = f"{each * 7919 % 100_003:05}"
            self.crate(f"acme-{word}", word, f"k{each % 50}").write(self.world.drop)
        self.world.build()
        self.world.now += 60
        self.read: set[str] = set()

    def crate(self, name: str, word: str, keyword: str) -> CrateBuilder:
        about = f"A crate for {word} and common words"
        builder = crate(name).package(description=about, keywords=["common", keyword])
        return builder.dependency("acme-00000", registry_index=HERE)

    def written_by(self, change: Callable[[World], object]) -> dict[str, int]:
        """Give the sizes of the files that a change writes, by path."""
        before = self.world.files()
        self.store.seen.clear()
        change(self.world)
        self.read = set(self.store.seen)
        after = self.world.files()
        return {path: len(content) for path, content in after.items() if before.get(path) != content}

    def archives_read(self) -> set[str]:
        """Give the crates whose archives or facts the last change read."""
        found = (re.fullmatch(r"crates/([^/]+)/[0-9a-f]{64}\.(?:crate|json)", path) for path in self.read)
        return {match[1] for match in found if match}


@pytest.mark.slow
def test_one_change_writes_as_many_files_and_bytes_at_any_size_and_reads_no_other_crates_archive_or_facts(
    tmp_path: Path,
) -> None:
    few, many = (Loose(tmp_path / str(number), number) for number in (60, 600))
    changes: tuple[Callable[[World], object], ...] = (
        publish_new,
        lambda world: world.yank("acme-new@1.0.0"),
        lambda world: world.remove("acme-new@1.0.0"),
    )
    for change in changes:
        for registry in (few, many):
            written = registry.written_by(change)
            assert len(written) <= 68
            assert max(written.values()) <= 40_000
            assert sum(written.values()) <= 350_000
            assert registry.archives_read() <= {"acme-new"}


def publish_new(world: World) -> None:
    about = "A crate for new and common words"
    builder = crate("acme-new").package(description=about, keywords=["common"])
    world.put(builder.dependency("acme-00000", registry_index=HERE))
    world.build()


def test_one_more_version_writes_as_many_pages_however_many_there_are(tmp_path: Path) -> None:
    few, many = (one_more_onto(number, tmp_path / str(number)) for number in (10, 30))
    assert len(few) == len(many)


def one_more_onto(versions: int, folder: Path) -> set[str]:
    """Give the files that one more version of a crate changes; each of its versions needs and says something else."""
    world = World(folder, OPTIONS, MemoryStore())
    for number in range(versions + 1):
        before = world.files()
        about = crate("acme", f"1.0.{number}").package(description=f"Version {number} of many")
        world.put(about.dependency(f"acme-{number}", registry_index=HERE))
        world.build()
        world.now += 31 * 24 * 3600
    return {path for path, content in world.files().items() if before.get(path) != content}


# --- how they look, and where they are


def test_a_base_url_that_changes_rewrites_what_holds_it_and_no_more(world: World) -> None:
    world.put(*some_crates())
    world.build()
    before = world.files()
    world.build(move=True, options={"registry.base-url": "https://new.example.com/rust/"})
    changed = {path for path, content in world.files().items() if before.get(path) != content}
    # The front page shows people what to write into cargo's settings: text to copy, and no link.
    assert {path for path in changed if not path.startswith("sitemap") and not path.endswith("feed.xml")} == {
        "404.html",
        "opensearch.xml",
        "index/config.json",
        "index.html",
        "tree.json",
        "pages.json",
    }
    old, new = (
        re.sub(rb"https://[a-z.]+/(?:rust/)?index/|<!-- [0-9a-f]{32} -->", b"", each)  # its digest follows the address
        for each in (before["index.html"], world.read("index.html"))
    )
    assert old == new


def test_a_look_that_changes_remakes_all_pages_and_says_so_unless_they_are_to_be_kept(world: World) -> None:
    world.put(*some_crates())
    world.build()
    before = world.files()
    new: dict[str, object] = {"registry.title": "Other crates"}
    report = Report()
    with open_registry(world.settings(new), report, Options(now=world.now, keep_pages=True)) as registry:
        registry.build()
    assert report.notes == ["How pages look has changed; they are kept until a build without --keep-pages."]
    assert world.files() == before
    report = world.build(options=new)
    assert report.notes == ["How pages look has changed, so all of them are made anew."]
    assert b"Other crates" in world.read("crates/acme-git/0.3.0/index.html")
    world.build()
    assert world.files() == before


def test_a_page_of_refused_files_that_is_kept_in_its_old_look_keeps_its_styles(world: World) -> None:
    world.put(*some_crates())
    world.build()
    new: dict[str, object] = {"pages.accent": "#8a3ffc"}
    with world.opened(options=new) as registry:
        registry.remake_pages()
    asked = re.findall(r'"(assets/[^"]+)"', world.read("refused.html").decode())
    assert [path for path in asked if not (world.tree / path).exists()] == []
    world.build(options=new)
    after = world.files()
    for each in (world.tree, world.state):
        shutil.rmtree(each)
    world.build(options=new)
    assert world.files() == after, "nothing of the old look is left"


def test_all_pages_are_remade_on_request_and_are_the_same(world: World) -> None:
    world.put(*some_crates())
    world.build()
    before = world.files()
    report = Report()
    with world.opened(report) as registry:
        registry.remake_pages()
    assert world.files() == before
    assert report.notes == []


class Failing(MemoryStore):
    """A store that gives up after so many batches, as a process does that is killed; None is never."""

    left: int | None = None

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        if self.left == 0:
            raise StoreError("the disk is gone")
        self.left = None if self.left is None else self.left - 1
        return super().apply(changes)


OTHER_LOOK: dict[str, object] = {"pages.accent": "#7a1f5c", "registry.title": "Other crates"}


def many_crates() -> list[CrateBuilder]:
    """Give crates whose pages take more batches than the tests below let through."""
    return [*some_crates(), *versions(60), *(crate(f"x{number:03}") for number in range(300))]


@pytest.fixture(scope="module")
def made_at_once(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Their tree, made in its other look from the start."""
    world = World(tmp_path_factory.mktemp("whole"), OPTIONS | OTHER_LOOK, MemoryStore())
    world.put(*many_crates())
    world.build()
    return world.files()


@pytest.mark.parametrize("batches", [1, 5, 13])
def test_remaking_all_pages_goes_on_where_it_broke_off(
    tmp_path: Path, made_at_once: dict[str, bytes], batches: int
) -> None:
    store = Failing()
    world = World(tmp_path / "broken", OPTIONS, store)
    world.put(*many_crates())
    world.build()
    store.left = batches
    with pytest.raises(StoreError):
        world.build(options=OTHER_LOOK)
    store.left = None
    pages = {path for path in store.files if path.endswith(".html")}
    named = {asset for path in pages for asset in re.findall(rb"assets/[a-z.0-9-]+", store.files[path])}
    assert named <= {path.encode() for path in store.files}
    world.build(options=OTHER_LOOK)
    assert world.files() == made_at_once


def test_pages_that_are_kept_keep_their_assets_beside_those_of_new_pages(world: World) -> None:
    world.put(crate("foo"))
    world.build()
    (old,) = world.tree.glob("assets/site-*.css")
    world.put(crate("bar"))
    way = Options(now=world.now, keep_pages=True)
    with open_registry(world.settings({"pages.accent": "#7a1f5c"}), Report(), way) as registry:
        registry.build()
    styles = {path.name.encode() for path in world.tree.glob("assets/site-*.css")}
    assert len(styles) == 2
    assert old.name.encode() in world.read("crates/foo/index.html")
    (new,) = styles - {old.name.encode()}
    assert new in world.read("crates/bar/index.html")


def test_old_assets_go_when_no_page_names_them_any_more(world: World) -> None:
    world.put(crate("foo"))
    world.build()
    (old,) = world.tree.glob("assets/site-*.css")
    world.build(options={"pages.accent": "#7a1f5c"})
    assert not old.exists()
    assert len(list(world.tree.glob("assets/site-*.css"))) == 1


def test_pages_that_were_not_wanted_are_all_made_once_they_are(tmp_path: Path) -> None:
    late, always = World(tmp_path / "late", OPTIONS), World(tmp_path / "always", OPTIONS)
    for world in (late, always):
        world.put(*some_crates())
    late.build(options={"registry.pages": False})
    assert not any(path.endswith(".html") for path in late.files())
    late.build()
    always.build()
    assert late.files() == always.files()


class Written(Report):
    """Keeps how often each path was written."""

    def __init__(self) -> None:
        super().__init__()
        self.times = Counter[str]()

    def changed(self, path: str) -> None:
        self.times[path] += 1


def dropped(tmp_path: Path, options: dict[str, object]) -> World:
    world = World(tmp_path, OPTIONS | options)
    world.put(crate("foo"), crate("alone"), crate("old").dependency("foo", "1", registry_index=HERE))
    world.put(crate("old", "2.0.0"))
    world.put(*(crate(f"app{number}").dependency("foo", "1", registry_index=HERE) for number in range(4)))
    return world


def dependents(world: World, name: str) -> object:
    return json.loads(world.read(f"crates/{name}/index.json")).get("dependents")


def test_a_first_build_writes_what_a_crate_is_found_by_once(tmp_path: Path) -> None:
    world, written = dropped(tmp_path, {}), Written()
    with world.opened(written) as registry:
        registry.build()
    assert {name: dependents(world, name) for name in ("foo", "alone", "app0")} == {
        "foo": 4,
        "alone": None,
        "app0": None,
    }
    often = {path: times for path, times in written.times.items() if times > 1 and path.startswith("crates/")}
    assert often == {}


def test_who_has_no_page_after_all_is_not_counted(tmp_path: Path) -> None:
    world = dropped(tmp_path, {"registry.pages": False})
    world.build()
    for name in ("app2", "app3"):  # a line that cargo calls invalid, but that names what it needs
        line = next((world.tree / "index").rglob(name))
        line.write_bytes(line.read_bytes().replace(b'"optional":false', b'"optional":"no"'))
    world.build(options={"registry.pages": True})
    assert dependents(world, "foo") == 2
    world.options["registry.pages"] = True
    assert not [each for each in world.verified() if "crates/foo" in each.place]


# Beside others -----------------------------------------------------------------------------------------------


class Forestalled(MemoryStore):
    """A tree of which somebody else replaces one file, each time just before it is written for the first time."""

    forestalled = ""
    times = 0

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        changes = tuple(changes)
        if self.forestalled in {change.path for change in changes}:
            self.times += 1
            if self.times % 2:
                super().apply([Put(path=self.forestalled, content=self.files[self.forestalled] + b"\n")])
        return super().apply(changes)


def built_twice(folder: Path, crates: int, forestalled: str = "") -> dict[str, bytes]:
    tree = Forestalled(shared=True)
    world = World(folder, OPTIONS, tree)
    world.put(crate("foo").package(keywords=["git"]), *(crate(f"a{number:03}") for number in range(crates - 1)))
    world.build()
    world.now += DAY
    world.put(crate("zoo").package(keywords=["git"]))
    tree.forestalled = forestalled
    world.build()
    assert bool(tree.times) is bool(forestalled)
    return world.files()


@pytest.mark.parametrize(
    ("path", "crates"),
    [
        ("pages.json", 1),
        ("recent.json", 1),
        ("browse/keyword/git.json", 1),
        ("sitemap.xml", MOST),  # with one more the list of names gets parts
    ],
)
def test_what_somebody_else_replaced_a_moment_ago_is_made_once_more(tmp_path: Path, path: str, crates: int) -> None:
    undisturbed = built_twice(tmp_path / "undisturbed", crates)
    assert built_twice(tmp_path / "forestalled", crates, path) == undisturbed


def test_what_copies_there_are_is_said_though_somebody_else_says_something_meanwhile(tmp_path: Path) -> None:
    trees: list[dict[str, bytes]] = []
    for path in ("", "pages.json"):
        tree = Forestalled()
        world = World(tmp_path / f"copies {path}", OPTIONS, tree)
        world.put(crate("foo"))
        world.build()
        world.put(crate("bar"))
        tree.forestalled = path
        world.build(options={"pages.precompress": True})
        assert tree.times == (6 if path else 0), "for the digest, for some copies, and for all of them"
        trees.append(world.files())
    assert trees[0] == trees[1]


def test_pages_of_a_shared_tree_that_show_another_one_are_all_made_anew(tmp_path: Path) -> None:
    tree = MemoryStore(shared=True)
    world = World(tmp_path, OPTIONS, tree)
    world.put(*some_crates())
    world.build()
    before = world.files()
    state = json.loads(tree.files["pages.json"])
    tree.apply([Put(path="pages.json", content=json.dumps(state | {"digest": "0" * 64}).encode())])
    tree.apply([Delete(path="crates/acme-git/index.html")])
    assert world.build().notes == ["The pages do not show what the index holds, so all of them are made anew."]
    assert world.files() == before
    assert world.build().notes == []


class Losing(MemoryStore):
    """A tree that loses pages.json as often as it is written."""

    loses = True

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        changes = tuple(changes)
        lost = super().apply(changes)
        if self.loses and addresses.STATE in {change.path for change in changes}:
            super().apply([Delete(path=addresses.STATE)])
        return lost


def test_copies_beside_pages_of_which_nothing_is_known_any_more_come_with_the_next(tmp_path: Path) -> None:
    tree = Losing()
    losing, whole = (
        World(tmp_path / name, OPTIONS | {"pages.precompress": True}, store)
        for name, store in (("losing", tree), ("whole", MemoryStore()))
    )
    for world in (losing, whole):
        world.put(crate("foo"))
        world.build()
    assert addresses.STATE not in tree.files
    tree.loses = False
    losing.build()
    assert losing.files() == whole.files()


def test_old_assets_stay_as_long_as_another_host_may_be_about_to_name_them(tmp_path: Path) -> None:
    tree = MemoryStore(shared=True)
    world = World(tmp_path, OPTIONS, tree)
    world.put(crate("foo"))
    world.build()
    before = {path for path in tree.files if path.startswith("assets/site-") and path.endswith(".css")}
    intent = ChangeRecord(begun="2026-01-01T00:00:00Z", files=())
    path = begun_file(change_id(datetime.fromtimestamp(world.now, UTC), "a" * 32))
    tree.apply([Put(path=path, content=format_change(intent))])
    world.build(options=OTHER_LOOK)
    assert before < tree.files.keys()
    tree.apply([Delete(path=path)])
    with world.opened(options=OTHER_LOOK) as registry:
        registry.remake_pages()
    assert before.isdisjoint(tree.files)
