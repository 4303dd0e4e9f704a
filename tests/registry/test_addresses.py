"""Archives at the addresses of their versions, too."""

from collections.abc import Mapping
from itertools import count
from pathlib import Path

import pytest

from cargo_static_index.protocol.index_file import parse_index
from cargo_static_index.registry.addresses import AT_ONCE, address_puts
from cargo_static_index.store import Store
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.layout import archive_file, version_address
from tests.crates import CrateBuilder, crate
from tests.registry.trees import cksum_of, line
from tests.stores import Died, Interrupted
from tests.world import World

FOO, NEWER = crate("foo"), crate("foo", "1.1.0+b")
OLD, NEW = version_address("foo", "1.0.0"), version_address("foo", "1.1.0+b")


def world(folder: Path, store: Store | None = None, *, asked: bool | None = True, pages: bool = False) -> World:
    return World(folder, {"registry.pages": pages, "tree.version-addresses": asked}, store)


def addresses(world: World) -> Mapping[str, bytes]:
    return {path: content for path, content in world.files().items() if path.endswith("/download")}


def of(*crates: CrateBuilder) -> Mapping[str, bytes]:
    return {version_address(each.name, each.version): each.build() for each in crates}


def found(world: World) -> list[tuple[str, str]]:
    return [(finding.id, finding.path) for finding in world.verified()]


def test_an_archive_is_published_at_the_address_of_its_version_by_a_second_name(tmp_path: Path) -> None:
    registry = world(tmp_path, pages=True)
    registry.put(FOO, NEWER)
    registry.build()
    assert addresses(registry) == of(FOO, NEWER)
    assert (registry.tree / OLD).samefile(registry.tree / archive_file("foo", FOO.cksum()))
    assert registry.record()["version_addresses"] is True
    assert found(registry) == []
    before = registry.files()
    registry.build()
    assert registry.files() == before


def test_it_goes_with_the_release_and_comes_back_with_it(tmp_path: Path) -> None:
    registry = world(tmp_path, pages=True)
    registry.put(FOO, NEWER)
    registry.build()
    registry.remove("foo@1.0.0")
    assert addresses(registry) == of(NEWER)
    assert found(registry) == []
    registry.add(FOO.write(registry.drop), restore=True)
    assert addresses(registry) == of(FOO, NEWER)


@pytest.mark.parametrize("shared", [False, True], ids=["a folder", "a bucket"])
def test_it_can_be_switched_on_and_off_later_and_stays_as_it_is_where_nothing_is_said(
    tmp_path: Path, shared: bool
) -> None:
    registry = world(tmp_path, MemoryStore(shared=shared), asked=None)
    registry.add(FOO.write(tmp_path))
    assert addresses(registry) == {}
    registry.options["tree.version-addresses"] = True
    assert found(registry) == [("address-missing", OLD)]
    registry.build()
    assert addresses(registry) == of(FOO)
    del registry.options["tree.version-addresses"]
    registry.add(NEWER.write(tmp_path))
    assert addresses(registry) == of(FOO, NEWER)
    registry.options["tree.version-addresses"] = False
    assert found(registry) == [("address-unnamed", OLD), ("address-unnamed", NEW)]
    assert registry.verified(fix=True) == []
    assert addresses(registry) == {}
    assert found(registry) == []


def test_a_dry_run_says_what_a_switch_would_do_and_does_nothing(tmp_path: Path) -> None:
    registry = world(tmp_path, asked=None)
    registry.put(FOO)
    registry.build()
    before = registry.files()
    report = registry.build(dry=True, options={"tree.version-addresses": True})
    assert report.notes == ["The archives of 1 releases would come to the addresses of their versions, too."]
    assert registry.files() == before


def test_verify_finds_what_is_missing_or_wrong_there_and_mends_it(tmp_path: Path) -> None:
    registry = world(tmp_path)
    registry.put(FOO, NEWER)
    registry.build()
    good = registry.files()
    (registry.tree / OLD).unlink()
    (registry.tree / NEW).unlink()
    (registry.tree / NEW).write_bytes(bytes(len(NEWER.build())))
    stray = registry.tree / version_address("foo", "9.9.9")
    stray.parent.mkdir()
    stray.write_bytes(b"nobody's")
    wanted = [("address-missing", OLD), ("address-wrong", NEW)]
    unnamed = ("address-unnamed", version_address("foo", "9.9.9"))
    assert found(registry) == [*wanted, unnamed]
    assert [finding.id for finding in registry.verified(quick=True)] == ["address-missing", "address-unnamed"]
    assert [finding.fixed for finding in registry.verified(fix=True)] == [True, True, True]
    assert registry.files() == good


def test_an_archive_that_is_lost_comes_back_from_the_address_of_its_version(tmp_path: Path) -> None:
    registry = world(tmp_path)
    registry.add(FOO.write(tmp_path))
    good = registry.files()
    (registry.tree / archive_file("foo", FOO.cksum())).unlink()
    assert [(finding.id, finding.fixed) for finding in registry.verified(fix=True)] == [("archive-missing", True)]
    assert registry.files() == good


def test_a_damaged_archive_comes_back_at_both_addresses_from_the_drop_directory(tmp_path: Path) -> None:
    registry = world(tmp_path)
    registry.put(FOO)
    registry.build()
    good = registry.files()
    (registry.tree / OLD).write_bytes(b"damaged: both names are of one file")
    assert [(finding.id, finding.fixed) for finding in registry.verified(fix=True)] == [
        ("archive-damaged", True),
        ("address-wrong", True),
    ]
    assert registry.files() == good


def test_it_stays_as_long_as_the_archive_of_a_removed_release_is_kept(tmp_path: Path) -> None:
    registry = world(tmp_path)
    registry.options["tree.keep-removed"] = "1h"
    registry.add(FOO.write(tmp_path))
    registry.remove("foo@1.0.0")
    registry.forget()
    registry.build()
    assert addresses(registry) == of(FOO)
    assert found(registry) == []
    registry.now += 3601
    registry.build()
    assert addresses(registry) == {}


@pytest.mark.parametrize("shared", [False, True], ids=["a folder", "a bucket"])
def test_whatever_broke_off_is_made_good_by_the_next_pass(tmp_path: Path, shared: bool) -> None:
    archive = FOO.write(tmp_path)
    for number in count():
        memory = MemoryStore(shared=shared)
        registry = world(tmp_path / str(number), Interrupted(memory, number))
        try:
            registry.add(archive)
            registry.remove("foo@1.0.0")
        except Died:
            registry.store = memory
            registry.now += 3600
            registry.add(archive, restore=True)
            registry.build()
            lines = parse_index(registry.files().get("index/3/f/foo", b"")).releases
            assert addresses(registry) == (of(FOO) if lines else {}), number
            assert found(registry) == [], number
        else:
            break
    assert number > 10
    assert addresses(registry) == {}


def test_a_target_of_sync_has_them_if_its_own_settings_say_so(tmp_path: Path) -> None:
    source, target = world(tmp_path / "source", asked=None), world(tmp_path / "target")
    source.add(FOO.write(tmp_path))
    with target.opened() as opened:
        opened.sync(MemoryStore(source.files()))
    assert addresses(target) == of(FOO)


def test_archives_come_to_their_addresses_some_at_a_time_and_what_is_not_there_has_none() -> None:
    versions = [f"1.{minor}.0" for minor in range(AT_ONCE + 1)]
    store = MemoryStore({archive_file("foo", cksum_of("foo", vers)): vers.encode() for vers in versions})
    lines = parse_index(b"\n".join(line("foo", vers) for vers in ["0.1.0", *versions])).releases
    batches = list(address_puts(store, lines))
    assert [len(batch) for batch in batches] == [AT_ONCE, 1]
    puts = [put for batch in batches for put in batch]
    assert [(put.path, put.content) for put in puts] == [
        (version_address("foo", vers), vers.encode()) for vers in versions
    ]
