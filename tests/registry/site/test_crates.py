"""The pages of single crates: what they say, and where they lead."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.registry.advisories import AdvisoryDatabase
from cargo_static_index.registry.site.crates import CratePages, PageMaker, count_dependents
from cargo_static_index.registry.site.output import Failures
from cargo_static_index.registry.site.theme import read_theme
from cargo_static_index.registry.upstream import UpstreamIndex
from cargo_static_index.site.crate_document import CrateDocument
from cargo_static_index.site.readme.markdown import render_readme
from cargo_static_index.site.templates import Templates
from cargo_static_index.site.theme import SiteInfo, Theme, assets_of
from cargo_static_index.store import Store, Stored
from cargo_static_index.store.memory import MemoryStore
from tests.crates import crate
from tests.registry.site.reading import dead_links, links_of, text_of
from tests.registry.site.registries import HERE, OPTIONS, cksum_of, everything, facts_of, packed, some_crates, versions
from tests.world import BASE, DAY, World


def test_a_crates_page_says_what_people_look_for(world: World) -> None:
    world.put(*some_crates())
    world.build()
    line = next(line.raw.decode() for line in world.index("ac/me/acme-text").lines if line.vers == "1.1.0")
    size, unpacked = packed(world, "acme-text", "1.1.0"), facts_of(world, "acme-text", "1.1.0")["unpacked_size"]
    assert text_of(world.read("crates/acme-text/index.html")) == (
        "Crates\n"
        "acme-text 1.1.0\n"
        "The crate acme-text\n"
        "Add it to your project\n"
        "cargo add acme-text --registry acme\n"
        "Copy\n"
        "Or write it into Cargo.toml\n"
        'acme-text = { version = "1.1.0", registry = "acme" }\n'
        "Copy\n"
        "MIT\n"
        "Readme About Versions 2 Dependencies 3 Features 2 Dependents\n"
        "Text\n"
        "Sets text. See units.\n"
        "Versions\n"
        "Version\nPublished\nSize\nRust\n"
        f"1.1.0\n2026-01-01\n{size}\n1.70\n"
        f"1.0.0\n2026-01-01\n{packed(world, 'acme-text', '1.0.0')}\n"
        "Compare with\nCompare\nWhat\nBefore\nNow\n"
        "Dependencies\n"
        "Whether they are held here is not known without a script that asks for it.\n"
        "To build and run\n"
        "acme-units ^0.3 features serde\n"
        "serde ^1 from crates.io optional\n"
        "For tests and examples\n"
        "absent ^2\n"
        "Features\n"
        "Feature\nTurns on\n"
        "default\nwide\n"
        "wide default\ndep:serde\n"
        "About\n"
        "Published\n2026-01-01\n"
        "Kind\nLibrary\n"
        "Rust version\n1.70 or later\n"
        "Edition\n2021\n"
        "License\nMIT\n"
        f"Size\n{size}, {unpacked} B unpacked\n"
        "Homepage\njavascript:alert(1)\n"
        "Authors\nAnnBo\n"
        "Download\n"
        "acme-text-1.1.0.crate\n"
        "SHA-256\n"
        f"{cksum_of(world, 'acme-text', '1.1.0')}\n"
        "Copy\n"
        "What cargo reads of it\n"
        f"{line}\n"
        "Copy\n"
        "This crate as JSON · Feed of this crate\n"
    )


def test_a_manifest_leads_nobody_to_a_script(world: World) -> None:
    world.put(*some_crates())
    world.build()
    assert not [link for link in links_of(world.read("crates/acme-text/index.html")) if link.startswith("javascript")]


def test_a_versions_page_says_what_changed_and_what_is_in_it(world: World) -> None:
    world.put(*some_crates())
    world.build()
    text = text_of(world.read("crates/acme-text/1.1.0/index.html"))
    before, after = packed(world, "acme-text", "1.0.0"), packed(world, "acme-text", "1.1.0")
    assert text[text.index("Changes since") : text.index("Dependencies\nWhether")] == (
        "Changes since 1.0.0\n"
        "What\nBefore\nNow\n"
        "Feature default\n—\nwide\n"
        "Feature wide\n—\ndep:serde\n"
        "Rust version\n—\n1.70\n"
        "Dependency acme-units\n—\n^0.3, with serde\n"
        "Dependency serde\n—\n^1, optional\n"
        "Development dependency absent\n—\n^2\n"
        f"Size\n{before}\n{after}\n"
        "Wider.\n"
    )
    assert "Files\nPath\nSize\nCHANGELOG.md\n46 B\nCargo.toml\n" in text
    assert "cargo add acme-text@1.1.0 --registry acme" in text


def test_a_program_is_to_be_installed(world: World) -> None:
    world.put(*some_crates())
    world.build()
    text = text_of(world.read("crates/acme-git/index.html"))
    assert "Install the program\ncargo install acme-git --registry acme\nCopy\n" in text
    assert "Kind\nLibrary and program agit\n" in text


def test_source_and_comparison_lead_to_the_forge(world: World) -> None:
    old, new = "a" * 40, "b" * 40
    forge = "https://github.com/acme/tools"
    for vers, commit in (("1.0.0", old), ("1.1.0", new)):
        world.put(crate("foo", vers).package(repository=forge).vcs(commit, path_in_vcs="crates/foo"))
    world.build()
    links = links_of(world.read("crates/foo/index.html"))
    assert f"{forge}/tree/{new}/crates/foo" in links
    assert f"{forge}/compare/{old}...{new}" in links


def test_what_only_an_older_version_needs_and_names_leads_nowhere_that_is_not_there(world: World) -> None:
    old = crate("foo", "1.0.0").package(keywords=["old"], categories=["gone"])
    world.put(old.dependency("past", "0.1", registry_index=HERE), crate("foo", "1.1.0").package(keywords=["new"]))
    world.build()
    assert list(dead_links(everything(world))) == []
    assert "foo 1.0.0 older version\nasks for ^0.1\n" in text_of(world.read("crates/past/index.html"))
    assert "#old gone" in text_of(world.read("crates/foo/1.0.0/index.html")).replace("\n", " ")
    assert "browse/keyword/old.html" not in world.files()
    (earlier,) = json.loads(world.read("crates/foo/index.json"))["earlier"]
    assert (earlier["vers"], earlier["dependency"]["crate"]) == ("1.0.0", "past")
    world.remove("foo@1.0.0")
    assert "crates/past/index.html" not in world.files()


def test_of_many_versions_the_newest_are_shown_and_the_rest_cut_by_their_numbers(world: World) -> None:
    world.put(*versions(260), crate("many", "1.0.0"))
    world.build()
    page = text_of(world.read("crates/many/index.html"))
    assert page.count("\n2026-01-01\n") == 50 + 1
    assert "All 261 versions" in page
    assert text_of(world.read("crates/many/versions/index.html")) == (
        "Crates › many\nVersions of many\n261 versions, by their numbers.\n"
        "1.x 1\n0.4.x 20\n0.3.x 60\n0.2.x 60\n0.1.x 60\n0.0.x 60\n"
    )
    before = world.files()
    world.put(crate("many", "0.2.60"))
    world.build()
    changed = {path for path, content in world.files().items() if before.get(path) != content}
    assert {path for path in changed if path.startswith("crates/many/") and path.endswith(".html")} == {
        "crates/many/index.html",
        "crates/many/0.2.60/index.html",
        "crates/many/0.3.0/index.html",  # whose changes are those since 0.2.60 now
        "crates/many/versions/index.html",
        "crates/many/versions/0.2.html",
    }


def test_a_crates_page_shows_the_newest_stable_version_or_else_the_next_best(world: World) -> None:
    world.put(*(crate("foo", vers) for vers in ("1.0.0", "1.1.0", "2.0.0-rc.1")))
    world.build()
    for yanked, newest in (("1.1.0", "1.0.0"), ("1.0.0", "2.0.0-rc.1"), ("2.0.0-rc.1", "1.1.0")):
        world.yank(f"foo@{yanked}")
        assert f"foo {newest}" in text_of(world.read("crates/foo/index.html"))
        assert json.loads(world.read("crates/foo/index.json"))["newest"] == newest
    world.yank("foo@2.0.0-rc.1", yanked=False)
    assert "cargo add foo@2.0.0-rc.1 --registry acme" in text_of(world.read("crates/foo/index.html"))


def test_who_a_crate_does_not_name_is_asked_at_the_registry(world: World) -> None:
    world.put(crate("foo"), crate("bar").package(authors=["Ann <ann@acme.example>"]))
    world.build(options={"pages.links": ["Ask us https://chat.example.com/"]})
    assert "Contact\nAsk us\n" in text_of(world.read("crates/foo/index.html"))
    assert "Contact" not in text_of(world.read("crates/bar/index.html"))
    assert "mailto:ann@acme.example" in links_of(world.read("crates/bar/index.html"))


def test_yanked_is_said_first(world: World) -> None:
    world.put(crate("foo", "1.0.0"), crate("foo", "1.1.0"))
    world.build()
    world.yank("foo@1.1.0")
    assert "foo 1.0.0\n" in text_of(world.read("crates/foo/index.html"))
    assert "cargo add" in text_of(world.read("crates/foo/index.html"))
    page = text_of(world.read("crates/foo/1.1.0/index.html"))
    assert page.startswith("This version is yanked.")
    assert "cargo add" not in page, "cargo would not take it"
    world.yank("foo@1.0.0")
    page = text_of(world.read("crates/foo/index.html"))
    assert page.startswith("Every version of this crate is yanked.")
    assert "cargo add" not in page


@pytest.mark.parametrize(
    ("path", "readme", "says"),
    [
        ("README.md", b"\xff\xfe", "The file README.md is not UTF-8, so it is not shown; it is in the archive."),
        ("README.md", b"", "The README is empty."),
        ("README.md", b"x" * 600_000, "The file README.md is larger than the registry shows; it is in the archive."),
        ("README.txt", b"a <b> *c*", "a <b> *c*"),
        ("docs/HELLO", b"a *c*", "a c"),
    ],
)
def test_a_readme_is_shown_or_says_why_it_is_not_and_stops_nothing(
    world: World, path: str, readme: bytes, says: str
) -> None:
    world.put(crate("foo").readme(readme, path), crate("bare"))
    world.build()
    assert f"\n{says}\n" in text_of(world.read("crates/foo/index.html"))
    assert f"\n{says}\n" in text_of(world.read("crates/foo/1.0.0/index.html"))
    assert "\nThis release has no README.\n" in text_of(world.read("crates/bare/index.html"))


def test_links_of_a_readme_that_cargo_copied_start_where_it_was(world: World) -> None:
    readme = "[guide](docs/guide.md) ![logo](assets/logo.png)"
    for name, said in (("outer", 'readme = "../../README.md"'), ("whole", "readme.workspace = true"), ("own", "")):
        member = crate(name).package(readme="README.md", repository="https://github.com/acme/mono").readme(readme)
        world.put(member.file("Cargo.toml.orig", f"[package]\n{said}").vcs("1" * 40, path_in_vcs=f"crates/{name}"))
    world.build()
    forge = f"https://github.com/acme/mono/{{}}/{'1' * 40}/".format
    for name in ("outer", "whole"):
        links = links_of(world.read(f"crates/{name}/index.html"))
        assert {forge("blob") + "docs/guide.md", forge("raw") + "assets/logo.png"} <= {*links}
    assert forge("blob") + "crates/own/docs/guide.md" in links_of(world.read("crates/own/index.html"))


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ('license-file = "../../LICENSE"', "LICENSE"),
        ("license-file.workspace = true", "LICENSE"),
        ('license-file = "LICENSE"', "crates/own/LICENSE"),
        ('license-file = "../../../LICENSE"', None),
    ],
)
def test_the_text_of_a_licence_is_read_where_cargo_copied_it_from(world: World, said: str, place: str | None) -> None:
    own = crate("own").package(license=None, license_file="LICENSE", repository="https://github.com/acme/mono")
    own.file("LICENSE").file("Cargo.toml.orig", f"[package]\n{said}").vcs("1" * 40, path_in_vcs="crates/own")
    world.put(own)
    world.build()
    links = [link for link in links_of(world.read("crates/own/index.html")) if link.endswith("LICENSE")]
    assert links == ([f"https://github.com/acme/mono/blob/{'1' * 40}/{place}"] if place else [])


def test_markdown_in_a_description_stays_text(world: World) -> None:
    world.put(crate("foo").package(description="A *fast* [parser](https://example.com) <b>`x`</b>"))
    world.build()
    page = world.read("crates/foo/index.html")
    assert "\nA *fast* [parser](https://example.com) <b>`x`</b>\n" in text_of(page)


def test_links_that_people_look_for_stand_above_the_readme_too(world: World) -> None:
    about = {"documentation": "https://docs.acme.example/foo", "repository": "https://git.acme.example/foo"}
    world.put(crate("foo").package(**about))
    world.build()
    assert "\nDocumentation\nRepository\nMIT\nReadme About" in text_of(world.read("crates/foo/index.html"))


def test_versions_that_become_too_many_for_one_page_get_all_pages_of_their_groups(world: World) -> None:
    world.put(*(crate("foo", f"{major}.{minor}.0") for major in range(5) for minor in range(10)))
    world.build()
    world.put(crate("foo", "5.0.0"))
    world.build()
    assert {path for path in world.files() if path.startswith("crates/foo/versions/")} == {
        f"crates/foo/versions/{page}.html" for page in ("index", *range(6))
    }
    world.remove("foo@5.0.0")
    assert not [path for path in world.files() if path.startswith("crates/foo/versions/")]
    assert world.verified() == []


def test_versions_of_one_group_are_shown_at_once(world: World) -> None:
    world.put(*versions(60))
    world.build()
    page = text_of(world.read("crates/many/versions/index.html"))
    assert page.startswith("Crates › many\nmany 0.x\nVersion\n")
    assert page.count("\n2026-01-01\n") == 60
    assert "crates/many/versions/0.html" not in world.files()
    world.put(crate("many", "1.0.0"))
    world.build()
    assert text_of(world.read("crates/many/versions/index.html")).endswith("1.x 1\n0.x 60\n")
    assert "crates/many/versions/0.html" in world.files()
    world.remove("many@1.0.0")
    assert "crates/many/versions/0.html" not in world.files()


def test_a_foreign_line_that_is_not_utf_8_stops_no_page(world: World) -> None:
    world.put(crate("foo"))
    world.build()
    path = world.tree / "index/3/f/foo"
    odd = b'{"name":"foo","vers":"2.0.0","deps":[],"cksum":"%s","features":{},"yanked":false,"q":"\xff"}\n' % (
        b"c" * 64
    )
    path.write_bytes(path.read_bytes() + odd)
    world.yank("foo@1.0.0")
    assert "2.0.0" in text_of(world.read("crates/foo/index.html"))
    assert odd in path.read_bytes()


def test_what_was_removed_has_a_page_that_says_when_and_what_to_do(world: World) -> None:
    world.put(*some_crates())
    world.build()
    world.now += DAY
    world.remove("acme-text@1.1.0", "acme-git")
    page = text_of(world.read("crates/acme-text/1.1.0/index.html"))
    assert page == (
        "Crates › acme-text\nacme-text 1.1.0 removed\n"
        "This release was removed from this registry on 2026-01-02; it had come on 2026-01-01.\n"
        "Cargo cannot fetch it any more, for projects that have it in their Cargo.lock neither: "
        "cargo update acme-text chooses another version. See the crate for those that are here.\n"
    )
    gone = text_of(world.read("crates/acme-git/index.html"))
    assert gone.startswith("Crates\nacme-git removed\nAll of this crate was removed from this registry.")
    assert gone.endswith("Removed\n0.3.0 on 2026-01-02\n")
    assert "no other version is here" in text_of(world.read("crates/acme-git/0.3.0/index.html"))
    assert list(dead_links(everything(world))) == []
    assert world.verified() == []
    before = world.files()
    for path in ("pages.json", "crates/acme-git/index.html", "crates/acme-git/0.3.0/index.html"):
        (world.tree / path).unlink()
    world.build()
    assert world.files() == before
    world.add(*world.drop.glob("acme-git-*.crate"), restore=True)
    assert "Kind\nLibrary" in text_of(world.read("crates/acme-git/0.3.0/index.html"))


# One crate by itself -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """The files of a registry of one crate, of which one release was removed, that has an owner."""
    world = World(tmp_path_factory.mktemp("made"), OPTIONS, MemoryStore())
    world.put(crate("foo"), crate("foo", "1.1.0"), crate("bar").dependency("foo", registry_index=HERE))
    world.build()
    world.remove("foo@1.1.0", now=True)
    with world.opened() as registry:
        registry.change_owners("foo", add=["alice"])
    return world.files()


@pytest.fixture(scope="module")
def theme(tmp_path_factory: pytest.TempPathFactory) -> Theme:
    return read_theme(World(tmp_path_factory.mktemp("theme"), OPTIONS).settings())


def site_of(theme: Theme, *, mirror: bool = False) -> SiteInfo:
    return SiteInfo(title="", registry="acme", base_url=BASE, index_url=HERE, assets=assets_of(theme)[0], mirror=mirror)


def pages_of(store: Store, theme: Theme, *, whole: bool = False, upstream: UpstreamIndex | None = None) -> CratePages:
    site = site_of(theme, mirror=upstream is not None)
    return CratePages(
        *(store, Templates(theme, site), site, "foo", render_readme, Failures()),
        advisories=AdvisoryDatabase(),
        upstream=upstream,
        whole=whole,
    )


def document_of(pages: CratePages) -> CrateDocument:
    assert pages.document is not None
    return pages.document


def test_owners_and_removals_that_cannot_be_read_stay_as_the_pages_knew_them(
    made: Mapping[str, bytes], theme: Theme
) -> None:
    sound = document_of(pages_of(MemoryStore(made), theme))
    assert (sound.owners, [stone.vers for stone in sound.removed]) == (("alice",), ["1.1.0"])
    damaged = {**made, "crates/foo/owners.json": b"{", "crates/foo/removed.json": b"{"}
    assert document_of(pages_of(MemoryStore(damaged), theme)) == sound
    del damaged["crates/foo/index.json"]
    unknown = document_of(pages_of(MemoryStore(damaged), theme))
    assert (unknown.owners, unknown.removed) == ((), ())


def test_a_document_that_knows_a_release_by_another_checksum_knows_it_not(
    made: Mapping[str, bytes], theme: Theme
) -> None:
    cksum = crate("foo").cksum()
    path = "crates/foo/index.json"
    assert made[path].count(cksum.encode()) == 1
    other = {
        **made,
        path: made[path].replace(cksum.encode(), b"0" * 64).replace(b'"edition":"2021"', b'"edition":"2018"'),
    }
    pages = pages_of(MemoryStore(other), theme)
    assert document_of(pages) == document_of(pages_of(MemoryStore(made), theme))
    assert "crates/foo/1.0.0/index.html" in {change.path for change in pages.changes()}


def test_where_the_index_of_crates_io_cannot_be_read_times_are_of_here(
    made: Mapping[str, bytes], theme: Theme, tmp_path: Path
) -> None:
    (tmp_path / "3/f").mkdir(parents=True)
    (tmp_path / "3/f/foo").symlink_to("foo")
    pages = pages_of(MemoryStore(made), theme, upstream=UpstreamIndex(tmp_path))
    assert [summary.pubtime_from for summary in document_of(pages).versions] == ["here"]
    (tmp_path / "3/f/foo").unlink()
    (tmp_path / "3/f/foo").write_bytes(made["index/3/f/foo"])
    pages = pages_of(MemoryStore(made), theme, upstream=UpstreamIndex(tmp_path))
    assert [summary.pubtime_from for summary in document_of(pages).versions] == ["crates.io"]


def maker(store: Store, theme: Theme, *, writes: bool) -> PageMaker:
    return PageMaker(
        open_tree=lambda: store,
        theme=theme,
        site=site_of(theme),
        key="",
        whole=True,
        advisories=AdvisoryDatabase(),
        upstream=None,
        writes=writes,
    )


def test_another_machine_writes_the_pages_and_gives_back_the_document_that_says_so(
    made: Mapping[str, bytes], theme: Theme
) -> None:
    of_foo = {path for path in made if path.startswith("crates/foo/")}
    pages = {path for path in of_foo if path.endswith(("index.html", "feed.xml", "row.js", "index.json"))}
    store = MemoryStore({path: content for path, content in made.items() if path not in pages})
    (here,) = maker(store, theme, writes=False).make(["foo"], {})
    assert {change.path for change in here.changes or ()} == pages
    assert pages.isdisjoint(store.files)
    (there,) = maker(store, theme, writes=True).make(["foo"], {})
    assert [change.path for change in there.changes or ()] == ["crates/foo/index.json"]
    assert pages - set(store.files) == {"crates/foo/index.json"}
    assert there.listed_rows == here.listed_rows


class Odd(MemoryStore):
    """A store in which one file has a name that it does not take."""

    def read(self, path: str) -> Stored | None:
        if path == "index/3/b/bar":
            raise InvalidInput("this is no path")
        return super().read(path)


def test_a_crate_whose_pages_cannot_be_made_keeps_no_other_from_its_own(
    made: Mapping[str, bytes], theme: Theme
) -> None:
    bar, foo = maker(Odd(made), theme, writes=False).make(["bar", "foo"], {})
    assert (bar.changes, bar.failures) == ((), {"crates/bar/index.html": "this is no path"})
    assert foo.changes is not None
    assert foo.failures == {}


def test_dependents_are_counted_from_the_lines_before_there_is_any_page(made: Mapping[str, bytes]) -> None:
    assert count_dependents(lambda: MemoryStore(made), ["foo", "bar", "absent"]) == {"foo": 1}
