"""What pages say, and where they lead."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crates import crate
from tests.registry.site.reading import dead_links, links_of, text_of
from tests.registry.site.registries import HERE, OPTIONS, cksum_of, facts_of, packed, some_crates, versions
from tests.world import DAY, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, OPTIONS)


def everything(world: World) -> dict[str, bytes]:
    return world.files() | {"refused.html": world.read("refused.html")}


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


def test_dependents_are_listed_with_what_they_ask_for_and_whether_the_newest_version_is_it(world: World) -> None:
    world.put(*some_crates())
    world.build()
    assert text_of(world.read("crates/acme-units/dependents.html")) == (
        "Crates › acme-units\n"
        "Who depends on acme-units\n"
        "1 crate in this registry. The newest version is 0.3.1.\n"
        "acme-text 1.1.0\n"
        "asks for ^0.3 takes 0.3.1\n"
        "The crate acme-text\n"
        "This list as JSON\n"
    )
    world.put(crate("acme-units", "0.4.0"))
    world.build()
    assert "asks for ^0.3 does not take 0.4.0" in text_of(world.read("crates/acme-units/dependents.html"))
    rows = json.loads(world.read("crates/acme-units/dependents.json"))["rows"]
    assert rows["acme-text"]["needs"] == [["^0.3", "normal", False, False]]


def test_a_crate_that_is_needed_and_not_held_has_a_page_that_gives_way(world: World) -> None:
    world.put(*some_crates())
    world.build()
    assert text_of(world.read("crates/absent/index.html")) == (
        "Crates\n"
        "absent not published here\n"
        "1 crate of this registry depends on it, and it is not published here. "
        "This page gives way to its own when it is.\n"
        "Needed by\n"
        "acme-text 1.1.0\n"
        "asks for ^2 for tests\n"
        "The crate acme-text\n"
    )
    before = world.files()
    world.put(crate("absent", "2.0.0"))
    world.build()
    assert "absent 2.0.0" in text_of(world.read("crates/absent/index.html"))
    assert "takes 2.0.0" in text_of(world.read("crates/absent/dependents.html"))
    changed = {path for path, content in world.files().items() if before.get(path) != content}
    assert not any(path.startswith("crates/acme-text") for path in changed)
    world.remove("absent")
    page = text_of(world.read("crates/absent/index.html"))
    assert "absent removed\n" in page
    assert page.endswith("Needed by\nacme-text 1.1.0\nasks for ^2 for tests\nThe crate acme-text\n")
    world.remove("acme-text")
    assert "Needed by" not in text_of(world.read("crates/absent/index.html"))


def test_a_page_that_stands_for_a_crate_goes_with_the_last_that_needs_it(world: World) -> None:
    world.put(crate("foo").dependency("absent", "2", registry_index=HERE), crate("foo", "1.1.0"))
    world.build()
    assert "crates/absent/index.html" in world.files()
    world.remove("foo@1.0.0")
    assert "crates/absent/index.html" not in world.files()


def test_every_link_of_every_page_leads_somewhere_and_is_relative(world: World) -> None:
    needy = crate("foo", "1.0.0-rc.1+build.7").dependency("foo_bar", registry_index=HERE)
    world.put(*some_crates(), needy, *versions(120))
    (world.drop / "broken.crate").write_bytes(b"no archive")
    world.build()
    assert list(dead_links(everything(world))) == []
    world.yank("foo@1.0.0-rc.1+build.7")
    world.remove("acme-units", "many@0.1.7")
    assert list(dead_links(everything(world))) == []


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


def test_the_index_says_what_its_address_is_for_and_a_lost_reader_is_led_back(world: World) -> None:
    world.build()
    about = world.read("index/index.html")
    assert text_of(about).startswith("This address is for cargo\nHere lies the index that cargo reads")
    assert "../index.html#use-local" in links_of(about)
    assert "There is no such page" in text_of(world.read("404.html"))


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


def test_lists_name_crates_by_name_keyword_category_and_month(world: World) -> None:
    world.put(*some_crates())
    world.build()
    item = "acme-git 0.3.02026-01-01\nThe crate acme-git\n"
    tabs, json_too = "Names Keywords Categories Licenses By month\n", "This list as JSON\n"
    assert item in text_of(world.read("browse/names.html"))
    assert text_of(world.read("browse/keyword/git.html")) == f"{tabs}Keyword “git”\n1 crate.\n{item}{json_too}"
    assert item in text_of(world.read("browse/category/command-line-utilities.html"))
    assert text_of(world.read("browse/keywords.html")) == f"{tabs}Keywords\n2 keywords.\ngit 1\nvcs 1\n{json_too}"
    month = text_of(world.read("browse/month/2026-01.html"))
    assert month.startswith(f"{tabs}January 2026\n4 releases published.\n")
    assert "acme-git 0.3.0 new crate2026-01-01\n" in month
    assert "acme-text 1.1.02026-01-01\n" in month
    assert "January 2026 4\n" in text_of(world.read("browse/months.html"))
    world.remove("acme-git")
    assert "No crate names keywords yet." in text_of(world.read("browse/keywords.html"))
    assert "browse/keyword/git.html" not in world.files()


def test_crates_are_listed_by_each_license_that_they_name(world: World) -> None:
    world.put(
        crate("both").package(license="MIT OR Apache-2.0"),
        crate("old").package(license="MIT/GPL-2.0+ WITH Classpath-exception-2.0"),
        crate("own").package(license=None, license_file="Cargo.toml"),
    )
    world.build()
    listed = text_of(world.read("browse/licenses.html"))
    assert "4 licenses.\nMIT 2\nApache-2.0 1\nClasspath-exception-2.0 1\nGPL-2.0+ 1\n" in listed
    assert "License MIT\n2 crates.\nboth 1.0.0" in text_of(world.read("browse/license/mit.html"))
    page = world.read("crates/both/index.html").decode()
    assert '<a href="https://spdx.org/licenses/MIT.html" rel="nofollow noopener noreferrer">MIT</a> OR <a' in page


def test_a_list_that_is_cut_names_all_by_a_script_while_they_are_few(world: World) -> None:
    world.put(*(crate(f"{letter}{number}") for letter in "ab" for number in range(80)))
    world.build()
    assert 'data-at="../crates/"' in world.read("browse/names.html").decode()
    assert "browse-" in world.read("browse/names.html").decode()
    assert {row["name"] for row in json.loads(world.read("browse/names/a.json"))["rows"].values()} == {
        f"a{number}" for number in range(80)
    }
    assert "browse-" not in world.read("browse/names/a.html").decode()


def test_keywords_that_most_crates_name_come_first(world: World) -> None:
    world.put(*some_crates(), crate("foo").package(keywords=["vcs", "abc"]))
    world.build()
    assert "3 keywords.\nvcs 2\nabc 1\ngit 1\n" in text_of(world.read("browse/keywords.html"))


def test_refused_files_are_shown_with_their_way_out_until_they_are_gone(world: World) -> None:
    crate("std").write(world.drop)
    world.build()
    assert text_of(world.read("refused.html")).startswith(
        "Refused files\n1 file cannot be published as it is.\n"
        "std-1.0.0.crate\nfirst seen 2026-01-01 00:00 UTC\nreserved-name The name is reserved: it belongs to Rust"
    )
    before = world.read("refused.html")
    world.now += 3600
    world.build()
    assert world.read("refused.html") == before
    world.now += 3 * DAY
    world.build()
    assert "first seen 2026-01-01 00:00 UTC, last 2026-01-04\n" in text_of(world.read("refused.html"))
    (world.drop / "std-1.0.0.crate").unlink()
    world.build()
    assert "Nothing is refused" in text_of(world.read("refused.html"))
    world.build(options={"pages.refused": False})
    assert not (world.tree / "refused.html").exists()
    assert "refused.html" not in links_of(world.read("index.html"))


def test_nothing_that_a_refused_file_holds_is_shown(world: World) -> None:
    (world.drop / "a.crate").write_bytes(b"root:$6$salt$hash:19000:0:99999:7:::\n")
    secret = crate("token-name", "1.2.3").package(edition="token-edition").dependency("token-dependency", "no token")
    secret.file("token-file\\:", "").write(world.drop, "b.crate")
    world.build()
    page = world.read("refused.html")
    assert b"edition-unknown" in page
    assert b"requirement-invalid" in page
    assert not [word for word in (b"root:", b"token", b"1.2.3") if word in page]


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [Path.unlink, empty], ids=["not there", "empty"])
def test_a_page_of_refused_files_that_is_lost_is_told_once_and_comes_back_as_it_was(
    world: World, damage: Callable[[Path], None]
) -> None:
    crate("std").write(world.drop)
    world.build()
    world.now += 3 * DAY
    world.build()
    before = everything(world)
    assert "last 2026-01-04" in text_of(before["refused.html"])
    damage(world.tree / "refused.html")
    world.now += DAY
    (found,) = world.verified()
    message = "This page of the registry is not there, or empty."
    assert (found.id, found.path, found.message) == ("page-missing", "refused.html", message)
    (mended,) = world.verified(fix=True)
    assert mended.fixed
    assert everything(world) == before
    assert world.verified() == []


def test_files_that_were_moved_away_are_shown_too(world: World) -> None:
    world.options["drop.refused"] = str(world.folder / "refused")
    crate("std").write(world.drop / "team")
    world.build()
    assert "team/std-1.0.0.crate\nfirst seen 2026-01-01 00:00 UTC" in text_of(world.read("refused.html"))
    (world.folder / "refused/team/std-1.0.0.crate").unlink()
    world.build()
    assert "Nothing is refused" in text_of(world.read("refused.html")), "whoever deletes the file is done with it"


def test_files_that_were_moved_away_are_read_again_only_where_something_changed(world: World) -> None:
    world.options["drop.refused"] = str(world.folder / "refused")
    crate("std").write(world.drop)
    world.build()
    document = world.folder / "refused/std-1.0.0.crate.json"
    document.write_text(document.read_text().replace("reserved-name", "file-empty"))
    world.build()
    assert "reserved-name" in text_of(world.read("refused.html"))
    crate("core").write(world.drop)
    world.build()
    page = text_of(world.read("refused.html"))
    assert page.index("reserved-name") < page.index("file-empty")


def test_a_page_of_refused_files_that_was_changed_is_made_anew(world: World) -> None:
    crate("std").write(world.drop)
    world.build()
    before = world.read("refused.html")
    (world.tree / "refused.html").write_bytes(before.replace(b"reserved", b"welcome"))
    world.build()
    assert world.read("refused.html") == before


def test_the_front_page_tells_new_crates_from_new_versions(world: World) -> None:
    world.put(crate("foo"))
    world.build()
    world.now += DAY
    world.put(crate("foo", "1.1.0"), crate("bar"))
    world.build()
    text = text_of(world.read("index.html"))
    assert text.startswith("Crates of Acme\nWhat we share.\nSearch\n2 crates 3 releases\nHow to use it\n")
    assert "New versions\nfoo 1.1.02026-01-02\nThe crate foo\n" in text
    assert "New crates\nbar 1.0.02026-01-02\nThe crate bar\nfoo 1.0.02026-01-01\nThe crate foo\n" in text


def test_of_versions_that_came_together_the_front_page_names_the_highest(world: World) -> None:
    world.put(crate("foo", "0.9.0"), crate("foo", "0.10.0"), crate("bar"))
    world.build()
    text = text_of(world.read("index.html"))
    assert "New crates\nbar 1.0.02026-01-01\nThe crate bar\nfoo 0.10.02026-01-01\nThe crate foo\n" in text
    assert "foo 0.9.0" not in text
    world.now += DAY
    world.put(crate("foo", "0.11.0"), crate("foo", "1.0.0-rc.1"))
    world.build()
    assert "New versions\nfoo 1.0.0-rc.12026-01-02\n" in text_of(world.read("index.html"))


def test_of_what_came_together_the_front_page_names_all_or_none(world: World) -> None:
    world.put(*(crate(f"x{number}") for number in range(9)))
    world.build()
    text = text_of(world.read("index.html"))
    assert "New crates" not in text
    assert "On 2026-01-01 more came at once than can be named here: see January 2026, or all crates.\n" in text
    world.now += DAY
    world.put(crate("bar"), *(crate(f"x{number}", "1.1.0") for number in range(5)))
    world.build()
    world.now += DAY
    world.put(*(crate(f"x{number}", "1.2.0") for number in range(5, 9)))
    world.build()
    text = text_of(world.read("index.html"))
    assert "New crates\nbar 1.0.02026-01-02\n" in text
    assert [f"x{number} 1.2.0" in text for number in range(5, 9)] == [True] * 4
    assert "1.1.0" not in text, "five more would be too many"
    assert "Before that, more came at once than can be named here" in text
    assert json.loads(world.read("index.json"))["together"] == "2026-01-01T00:00:00Z"


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


def test_many_versions_of_one_crate_leave_room_for_others_on_the_front_page(world: World) -> None:
    world.put(*(crate("big", f"1.0.{number}") for number in range(210)), crate("big", "9.0.0"), crate("other"))
    world.build()
    text = text_of(world.read("index.html"))
    assert "New crates\nbig 9.0.02026-01-01\nThe crate big\nother 1.0.02026-01-01\nThe crate other\n" in text


def test_an_empty_registry_has_pages_that_help(world: World) -> None:
    world.build()
    assert "Nothing is published yet." in text_of(world.read("index.html"))
    assert "Nothing is published yet." in text_of(world.read("browse/names.html"))
    assert list(dead_links(everything(world))) == []


def test_front_page_and_crate_page_stay_small(world: World) -> None:
    world.put(*some_crates(), *versions(60))
    world.build()
    files = world.files()
    later = ("assets/search", "assets/compare", "assets/source", "assets/browse")
    loaded = [path for path in files if path.startswith("assets/") and not path.startswith(later)]
    assets = sum(len(files[path]) for path in loaded)
    for page in ("index.html", "crates/many/index.html", "crates/acme-text/index.html"):
        assert len(files[page]) + assets < 56_000


def test_no_page_loads_from_another_host_or_says_how_it_looks_inside(world: World) -> None:
    world.put(*some_crates())
    world.build()
    for path, content in world.files().items():
        if path.endswith(".html"):
            assert path == "404.html" or b'src="http' not in content
            assert b"<style" not in content
            assert b" style=" not in content
            assert b"Content-Security-Policy" in content


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
