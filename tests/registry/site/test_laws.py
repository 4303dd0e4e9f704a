"""Which pages a change writes anew, and what stays the same whatever happens on the way."""

import json
import re
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import SettingsError, StoreError
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import open_registry
from cargo_static_index.site import paths as addresses
from cargo_static_index.store import Change, Stored
from cargo_static_index.store.memory import MemoryStore
from tests.crates import CrateBuilder, crate
from tests.registry.site.reading import links_of, text_of
from tests.registry.site.registries import HERE, OPTIONS, some_crates, versions
from tests.world import BASE, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, OPTIONS)


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


def test_verify_misses_every_page_that_is_lost_and_brings_it_back(world: World) -> None:
    world.put(*some_crates(), *versions(55))
    world.build()
    before = world.files()
    others = re.compile(r"index/.*|tree.json|pages.json|refused.html|crates/[^/]+/[0-9a-f]{64}.(crate|json)")
    pages = [path for path in before if path == addresses.ABOUT_INDEX or not others.fullmatch(path)]
    assert len(pages) > 100
    for path in pages:
        (world.tree / path).unlink()
        found = world.verified(quick=True)
        assert {each.fix for each in found} == {"make-pages"}, path
        assert {each.id for each in found} <= {"page-missing", "page-wrong"}, path
        (world.tree / path).write_bytes(before[path])
    for path in pages[::3]:
        (world.tree / path).unlink()
    assert all(each.fixed for each in world.verified(fix=True))
    assert world.files() == before


def test_a_style_that_is_damaged_is_found_and_written_anew(world: World) -> None:
    world.put(*some_crates())
    world.build()
    before = world.files()
    path = next(path for path in before if path.startswith("assets/site-"))
    (world.tree / path).write_bytes(b"?" + before[path][1:])
    (found,) = world.verified()
    assert (found.id, found.path) == ("page-wrong", path)
    assert all(each.fixed for each in world.verified(fix=True))
    assert world.files() == before


OF_CRATE = "crates/acme-text/index.json"
DAMAGES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "cut": (OF_CRATE, lambda content: content[:-20]),
    "another newest": (OF_CRATE, lambda content: content.replace(b'"newest":"1.1.0"', b'"newest":"9.9.9"')),
    "no version": (OF_CRATE, lambda content: content.replace(b'"vers":"1.0.0"', b'"vers":"1.0"')),
    "a version out of the tree": (OF_CRATE, lambda content: content.replace(b'"1.0.0"', b'"../../../x"')),
    "another name": (OF_CRATE, lambda content: content.replace(b'"name":"acme-text"', b'"name":"../../x"', 1)),
    "a need out of the tree": (OF_CRATE, lambda content: content.replace(b'"acme-units"', b'"../../b"')),
    "a version less": (OF_CRATE, lambda content: content.replace(b'"1.0.0"', b'"1.0.1"')),
    "not yanked": (OF_CRATE, lambda content: content.replace(b'"yanked":false', b'"yanked":true', 1)),
    "list cut": ("browse/names.json", lambda content: content[:-20]),
    "list of another": ("browse/names.json", lambda content: content.replace(b'"names"', b'"dependents/../../x"')),
    "lower part cut": ("browse/names/x.json", lambda content: content[:-20]),
    "fewer in a lower part": ("browse/names/x.json", lambda content: content.replace(b'"total":160', b'"total":159')),
    "row lost": ("browse/keyword/git.json", lambda content: re.sub(rb'"rows":{.*}}', b'"rows":{}', content)),
    "search cut": ("search/names.js", lambda content: content[:-20]),
    "words cut": ("search/words.js", lambda content: content[:-20]),
}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A registry whose list of names has parts."""
    world = World(tmp_path_factory.mktemp("large"), OPTIONS)
    world.put(*some_crates(), *(crate(f"x{number:03}") for number in range(160)))
    world.build()
    return world


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A registry whose lists have none."""
    world = World(tmp_path_factory.mktemp("small"), OPTIONS)
    world.put(*some_crates())
    world.build()
    return world


@pytest.fixture
def damaged(large: World, tmp_path: Path) -> World:
    """A copy of the large one, to be damaged."""
    return copy_of(large, tmp_path / "copy")


def copy_of(world: World, folder: Path) -> World:
    shutil.copytree(world.folder, folder)
    return World(folder, OPTIONS)


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_of_the_pages_is_found_and_made_anew(
    small: World, large: World, tmp_path: Path, damage: str
) -> None:
    path, change = DAMAGES[damage]
    damaged = copy_of(large if path.startswith("browse/names") else small, tmp_path / "copy")
    before = damaged.files()
    content = change(before[path])
    assert content != before[path]
    (damaged.tree / path).write_bytes(content)
    found = damaged.verified(quick=True)
    assert {each.fix for each in found} == {"make-pages"}
    assert damaged.verified(fix=True)
    assert damaged.files() == before
    (damaged.tree / path).write_bytes(content)
    damaged.forget()
    damaged.build()
    assert damaged.files() == before


NEW = crate("xnew").package(keywords=["new"])


@pytest.fixture(scope="module")
def with_new(large: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the large registry is with one more crate, made from nothing."""
    fresh = World(tmp_path_factory.mktemp("fresh"), OPTIONS)
    shutil.copytree(large.drop, fresh.drop, dirs_exist_ok=True)
    fresh.put(NEW)
    fresh.build()
    return fresh.files()


@pytest.mark.parametrize("path", ["browse/names.json", "browse/names/x.json", "search/names.js", "sets/keywords"])
@pytest.mark.parametrize("content", [None, b"cut"])
def test_a_list_that_is_lost_loses_no_crate_by_the_next_build(
    damaged: World, with_new: dict[str, bytes], path: str, content: bytes | None
) -> None:
    path = "browse/keywords.json" if path.startswith("sets/") else path
    damaged.put(NEW)
    (damaged.tree / path).unlink() if content is None else (damaged.tree / path).write_bytes(content)
    damaged.build()
    assert damaged.files() == with_new


def test_a_copied_folder_of_a_crate_takes_nothing_from_the_lists(damaged: World) -> None:
    before = damaged.files()
    shutil.copytree(damaged.tree / "crates/acme-git", damaged.tree / "crates/acme-old")
    with damaged.opened() as registry:
        registry.remake_pages()
    after = damaged.files()
    assert {path: after[path] for path in before} == before


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


def test_two_writers_lose_none_of_each_others_rows(tmp_path: Path) -> None:
    tree = MemoryStore()
    one, other = (World(tmp_path / name, OPTIONS, tree) for name in ("one", "other"))
    foo, bar = (crate(name).package(keywords=["shared"]) for name in ("foo", "bar"))
    one.put(foo)
    other.put(bar)
    one.build()
    other.build()
    one.build()
    alone = World(tmp_path / "alone", OPTIONS, MemoryStore())
    alone.put(foo, bar)
    alone.build()
    assert one.files() == alone.files()


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


def test_only_what_must_hold_an_absolute_address_of_this_registry_does(world: World) -> None:
    world.put(*some_crates(), *versions(60))
    world.build()
    holding = {
        path
        for path, content in world.files().items()
        if BASE.encode() in content and path.endswith((".html", ".json", ".js", ".css", ".xml"))
    }
    facts = {path for path in holding if re.fullmatch(r"crates/[^/]+/[0-9a-f]{64}\.json", path)}  # of their manifests
    feeds = {path for path in holding if path.endswith("feed.xml")}
    sitemaps = {path for path in holding if path.startswith("sitemap")}
    assert holding - facts - feeds - sitemaps == {"404.html", "index.html", "index/config.json", "opensearch.xml"}
    assert BASE not in " ".join(links_of(world.read("index.html")))


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


def test_a_template_of_the_users_takes_the_place_of_one_block(world: World) -> None:
    mine = world.folder / "templates"
    mine.mkdir()
    (mine / "crate.html").write_text(
        '{% extends "shipped/crate.html" %}{% block warnings %}<p>Ask us first.</p>{% endblock %}'
    )
    world.put(crate("foo"))
    world.build(options={"pages.templates": str(mine)})
    assert text_of(world.read("crates/foo/index.html")).startswith("Ask us first.\nCrates\nfoo 1.0.0\n")


def test_settings_give_logo_colours_stylesheet_links_and_footer(world: World) -> None:
    (world.folder / "mark.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (world.folder / "own.css").write_text(".own { color: red }")
    world.put(crate("foo"))
    world.build(
        options={
            "pages.logo": str(world.folder / "mark.svg"),
            "pages.stylesheet": str(world.folder / "own.css"),
            "pages.accent": "#7a1f5c",
            "pages.links": ["Ask us https://chat.example.com/"],
            "pages.footer": "Run by <us>.",
            "pages.documentation": "https://docs.example.com/{crate}/{version}/",
        }
    )
    files = world.files()
    (logo,) = (path for path in files if path.startswith("assets/mark-"))
    (style,) = (content for path, content in files.items() if path.startswith("assets/site-") and path.endswith(".css"))
    page = world.read("crates/foo/index.html")
    assert f'src="../../{logo}"'.encode() in page
    assert b"--accent:#7a1f5c" in style
    assert style.endswith(b".own { color: red }")
    assert b'<a href="https://chat.example.com/">Ask us</a>' in page
    assert b"Run by &lt;us&gt;." in page
    assert b'href="https://docs.example.com/foo/1.0.0/"' in page


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("crate.html", "{% broken", "the template 'crate.html', line 1, cannot be used"),
        ("crate.html", "\n{{ nothing.here }}", "the template 'crate.html', line 2, cannot be used for 'crates/foo/"),
        ("footer.html", "{{ site.title.x.y }}", "the template 'footer.html', line 1, cannot be used for "),
    ],
)
def test_a_template_that_fails_is_named(world: World, name: str, text: str, says: str) -> None:
    mine = world.folder / "templates"
    mine.mkdir()
    (mine / name).write_text(text)
    world.put(crate("foo"))
    with pytest.raises(SettingsError, match=says):
        world.build(options={"pages.templates": str(mine)})
    world.build()
    assert "foo 1.0.0" in text_of(world.read("crates/foo/index.html"))
