"""Ways to damage a tree, and how a person would mend it who does what each finding says, and nothing else."""

import argparse
import json
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from cargo_static_index.diagnostics.errors import SettingsError, StoreError
from cargo_static_index.diagnostics.problems import Finding
from cargo_static_index.site.compressed import is_copy, original_of
from tests.advisories import advise
from tests.crates import CrateBuilder, crate
from tests.world import BASE, DAY, World

HERE = f"sparse+{BASE}index/"

Damage = Callable[["Registry", str], bytes | None]
"""Gives the bytes that a file has once it was damaged in one way, None where it is lost."""


class Registry(Struct):
    """A sound tree with a yank and a removal in it, and the one that it was a change before."""

    world: World
    sound: Mapping[str, bytes]
    earlier: Mapping[str, bytes]

    def records(self) -> list[str]:
        """Give the paths of what is not made anew from something else: all but pages, lists and assets."""
        ours = re.compile(
            r"index/(?!index\.)|crates/[^/]+/([0-9a-f]{64}\.(crate|json)|index\.json|removed\.json|owners.*\.json)$"
            r"|tree\.json|kept/"
        )
        return [path for path in self.sound if ours.match(path)]

    def of_each_kind(self, number: int) -> list[str]:
        """Give the paths of some files of each kind that are in the tree."""
        kinds: dict[str, list[str]] = {}
        for path in self.sound:
            kinds.setdefault(kind_of(path), []).append(path)
        return [
            path
            for kind in sorted(kinds)
            for path in random.Random(kind).sample(kinds[kind], len(kinds[kind]))[:number]
        ]

    def copy(self, folder: Path) -> World:
        """Give a copy, to be damaged."""
        world = World(shutil.copytree(self.world.folder, folder), self.world.options)
        world.now = self.world.now
        return world


def make_registry(folder: Path) -> Registry:
    """Make a tree of two crates and four releases: one yanked, one removed, and one that depends on the other crate."""
    world = World(folder, {"tree.flush": False})
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        world.put(crate("foo", version))
        world.build()
        world.now += DAY
    world.yank("foo@1.1.0")
    world.put(crate("bar", "0.2.0").dependency("foo", registry_index=f"sparse+{BASE}index/"), crate("bar", "0.1.0"))
    world.build()
    world.remove("bar@0.1.0")
    with world.opened() as registry:
        registry.change_owners("bar", add=["alice"])
        registry.change_owners("foo", add=["bob"])
    earlier = world.files()
    world.now += DAY
    world.put(crate("foo", "2.0.0"), crate("bar", "0.3.0"))
    world.build()
    world.yank("bar@0.2.0")
    return Registry(world=world, sound=world.files(), earlier=earlier)


def make_full_registry(folder: Path) -> Registry:
    """Make a tree with files of all kinds: crates that need each other, removed, kept, owned and advised against.

    Pages show files and images of archives, have compressed copies, and a list is long enough to be cut.
    """
    settings = {"pages.precompress": True, "pages.source": "docs", "tree.version-addresses": True}
    world = World(folder, {**settings, "tree.keep-removed": "100d", "advisories.path": folder / "advisories"})
    advise(folder / "advisories", "foo", patched='">= 9"')
    needs_gone = _full("foo", "1.0.0").dependency("gone", registry_index=HERE)
    world.put(needs_gone, _full("foo", "1.1.0"))
    world.build()
    world.now += DAY
    world.yank("foo@1.1.0")
    bar = _full("bar", "0.2.0").dependency("foo", registry_index=HERE)
    world.put(bar, _full("bar", "0.1.0"), _full("gone", "1.0.0"), _full("gone", "1.1.0"), crate("left"))
    world.put(*(_full(name, "1.0.0") for name in ("wide", "wider", "widest")))
    world.build()
    world.remove("bar@0.1.0", "gone", "left")
    with world.opened() as registry:
        registry.change_owners("bar", add=["alice"])
        registry.change_owners("foo", add=["bob"], trusted_only=True)
    earlier = world.files()
    world.now += DAY
    world.put(_full("foo", "2.0.0"), _full("bar", "0.3.0").dependency("foo", "2", registry_index=HERE))
    world.build()
    world.yank("bar@0.2.0")
    world.remove("wide")
    with world.opened() as registry:
        registry.change_owners("foo", add=["team:pay"])
    world.build()
    return Registry(world=world, sound=world.files(), earlier=earlier)


def _full(name: str, version: str) -> CrateBuilder:
    """Begin a crate with something for each kind of page, found by many words."""
    words = " ".join(f"{first}{second}{name}" for first in "bcdfghjklm" for second in "aeou")
    built = crate(name, version).package(description=words, keywords=["parse", f"key-{name}"], categories=["parsing"])
    return built.readme("# Read\n\n![An image](x.png)\n").file("x.png", b"\x89PNG\r\n\x1a\n" + bytes(60))


def kind_of(path: str) -> str:
    """Give what kind of file lies at a path: without names, versions, digests and times."""
    path = re.sub(r"[0-9a-f]{12,}", "*", path)
    path = re.sub(r"^crates/[^/]+/([0-9][^/]*/)?", lambda found: f"crates/*/{'*/' if found[1] else ''}", path)
    path = re.sub(r"^index/(?!config\.json|index\.html).*", "index/*", path)
    return re.sub(r"^(kept|browse/[^/]+|search/[^/]+)/[^.]*", r"\1/*", path)


def lost(registry: Registry, path: str) -> None:
    """The file is not there."""
    del registry, path


def emptied(registry: Registry, path: str) -> bytes:
    """The file has no bytes."""
    del registry, path
    return b""


def cut(registry: Registry, path: str) -> bytes:
    """The last third is not there."""
    content = registry.sound[path]
    return content[: len(content) * 2 // 3]


def flipped(registry: Registry, path: str) -> bytes:
    """One bit in the middle is another."""
    content = bytearray(registry.sound[path])
    content[len(content) // 2] ^= 1
    return bytes(content)


def flipped_at(registry: Registry, path: str, bit: int) -> bytes:
    """One bit is another, which one chance says."""
    content = bytearray(registry.sound[path])
    content[bit // 8 % len(content)] ^= 1 << bit % 8
    return bytes(content)


def older(registry: Registry, path: str) -> bytes | None:
    """The file is what it was a change before, or not there as it was not then."""
    return registry.earlier.get(path)


def another(registry: Registry, path: str) -> bytes:
    """The file is that of another crate, or another release."""
    same = (other for other in registry.sound if other != path and kind_of(other) == kind_of(path))
    return registry.sound.get(next(same, ""), b"{}\n")


DAMAGES: tuple[Damage, ...] = (lost, emptied, cut, flipped, older, another)


def damage(world: World, path: str, content: bytes | None) -> None:
    """Put a damaged file in the place of a sound one."""
    place = world.tree / path
    if content is None:
        place.unlink()
        return
    place.write_bytes(content)


def mend(world: World) -> list[Finding]:
    """Do what the findings of `verify` say until it finds nothing more, and give what it finds in the end.

    Archives are at hand in the drop directory.
    """
    for _ in range(5):
        found = world.verified()
        if not found:
            return []
        for way_out in dict.fromkeys(finding.way_out for finding in found):
            _follow(world, way_out)
    return world.verified()


def _follow(world: World, way_out: str) -> None:
    command = next(iter(_commands(way_out)), "")
    if command.startswith("verify --fix"):
        world.verified(fix=True)
    elif command.startswith("build"):
        world.build(move="--move" in way_out)
    elif command.startswith("add"):
        world.add(*sorted(world.drop.glob("*.crate")))
    elif command.startswith("reindex"):
        with world.opened() as registry:
            list(registry.reindex())
    elif command.startswith("rebuild"):
        with world.opened() as registry:
            registry.rebuild()
            if "--pages" in command:
                registry.remake_pages()


def _commands(way_out: str) -> Iterator[str]:
    for found in re.findall(r"`(?:cargo-static-index )?([a-z]+[^`]*)`", way_out):
        if found.split()[0] in {"verify", "build", "add", "reindex", "rebuild"}:
            yield found


def try_damages(registry: Registry, folder: Path, changes: Mapping[str, bytes | None], *, known: bool = True) -> str:
    """Damage a copy of a tree, mend it, and say what is not as it was; "" where all is.

    A compressed copy is as it was where its page comes out of it. Unless it is `known`, the state was lost before.
    """
    shutil.rmtree(folder, ignore_errors=True)
    world = registry.copy(folder)
    if not known:
        world.forget()
    for path, content in changes.items():
        damage(world, path, content)
    try:
        left = mend(world)
        world.build()
    except (SettingsError, StoreError) as error:
        return f"said: {error}"
    if left:
        return f"still found: {[(finding.id, finding.path) for finding in left]}"
    now, sound = world.files(), registry.sound
    differing = [path for path in sorted(now.keys() | sound.keys()) if now.get(path) != sound.get(path)]
    differing = [path for path in differing if not _is_copy_of_the_same(path, now, sound)]
    return f"differs: {differing}" if differing else ""


def _is_copy_of_the_same(path: str, now: Mapping[str, bytes], sound: Mapping[str, bytes]) -> bool:
    """Whether a compressed copy still unpacks to its page: some of its bits change nothing of that."""
    original = original_of(path)
    return original is not None and path in now and path in sound and is_copy(path, now[path], sound[original])


def _flip(chance: random.Random) -> Damage:
    bit = chance.randrange(1 << 20)

    def flipped_by_chance(registry: Registry, path: str) -> bytes:
        return flipped_at(registry, path, bit)

    return flipped_by_chance


def _main() -> None:
    """Try every damage of every file, then pairs of them and flipped bits by chance; print what was found as JSON."""
    parser = argparse.ArgumentParser(description=_main.__doc__)
    parser.add_argument("--each", type=int, default=3, help="files of each kind")
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--flips", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        registry = make_full_registry(Path(base) / "here")
        files = registry.of_each_kind(chosen.each)
        single = [(path, how) for how in DAMAGES for path in files if how(registry, path) != registry.sound[path]]
        chance = random.Random(chosen.seed)
        flips = [(chance.choice(files), _flip(chance)) for _ in range(chosen.flips)]
        pairs = [chance.sample([*single, *flips], 2) for _ in range(chosen.pairs)]
        tried = [*([one] for one in (*single, *flips)), *(pair for pair in pairs if pair[0][0] != pair[1][0])]
        ends = Counter[str]()
        others: list[str] = []
        for damages in tried:
            changes = {path: how(registry, path) for path, how in damages}
            ended = try_damages(registry, Path(base) / "copy", changes)
            ends["as it was" if not ended else "said" if ended.startswith(("said", "still found")) else "other"] += 1
            if ended and not ended.startswith(("said", "still found")):
                named = " and ".join(f"{path[:24]} {how.__name__}" for path, how in damages)
                others.append(f"{named}: {ended[:160]}")
        figures = {
            "files of the tree": len(registry.sound),
            "kinds of them": len({kind_of(path) for path in registry.sound}),
            "damages tried": len(tried),
            "of one file": len(single) + len(flips),
            "of these a bit that chance chose": len(flips),
            "the tree is as it was": ends["as it was"],
            "what is lost is said": ends["said"],
            "otherwise": sorted(others)[:40],
            "otherwise, in all": len(others),
        }
        print(json.dumps(figures))


if __name__ == "__main__":
    _main()
