"""The page of refused files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cargo_static_index.registry.site.refused import RefusedFiles
from tests.crates import crate
from tests.registry.site.reading import links_of, text_of
from tests.registry.site.registries import everything
from tests.world import DAY, World


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


def test_what_lies_beside_files_that_were_moved_away_and_is_not_ours_is_passed_over(world: World) -> None:
    world.options["drop.refused"] = str(world.folder / "refused")
    crate("std").write(world.drop)
    world.build()
    for name, content in (("cut", b"{"), ("empty", b""), ("alone", b"{}")):
        (world.folder / f"refused/{name}.crate.json").write_bytes(content)
    for name in ("cut", "empty"):
        (world.folder / f"refused/{name}.crate").touch()
    world.build()
    assert text_of(world.read("refused.html")).startswith(
        "Refused files\n1 file cannot be published as it is.\nstd-1.0.0.crate\n"
    )


def test_a_file_that_was_published_after_all_is_shown_no_more(world: World) -> None:
    world.options["drop.refused"] = str(world.folder / "refused")
    world.put(crate("foo"))
    world.build()
    world.remove("foo")
    world.build()
    assert "foo-1.0.0.crate" in text_of(world.read("refused.html"))
    world.add(world.folder / "refused/foo-1.0.0.crate", restore=True)
    world.build()
    assert "Nothing is refused" in text_of(world.read("refused.html"))


def test_of_more_than_are_shown_the_rest_are_counted(world: World) -> None:
    world.options["drop.refused"] = str(world.folder / "refused")
    for name in ("std", "core"):
        crate(name).write(world.drop)
    world.build()
    crate("alloc").write(world.drop)
    world.build(options={"drop.refused": None})
    with world.opened() as registry:
        registry.take()
        files = RefusedFiles(registry.transaction, world.folder / "refused", world.now)
        shown = [files.first(number) for number in (0, 1, 2, 9)]
    assert [([Path(file.path).name for file in found], more) for found, more in shown] == [
        ([], 3),
        (["alloc-1.0.0.crate"], 2),
        (["alloc-1.0.0.crate", "core-1.0.0.crate"], 1),
        (["alloc-1.0.0.crate", "core-1.0.0.crate", "std-1.0.0.crate"], 0),
    ]
