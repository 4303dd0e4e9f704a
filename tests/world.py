"""A registry as a user has it, and the passes over it: what the tests of whole passes share."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from cargo_static_index.diagnostics.problems import Finding
from cargo_static_index.protocol.index_file import IndexFile, parse_index
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import Registry, open_registry, specs_of, verify_registry
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.registry.withdraw import Spec
from cargo_static_index.settings import Settings, load_settings
from cargo_static_index.store import Store
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.tree.changes import PASSING
from tests.crates import CrateBuilder

BASE = "https://crates.example.com/"
DAY = 86_400
NONE: Mapping[str, object] = MappingProxyType({})
T0 = 1_767_225_600
"""2026-01-01T00:00:00Z"""


def lasting(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Give the files that make a tree, without what only says how it came to be."""
    passing = tuple(f"{folder}/" for folder in PASSING)
    return {path: content for path, content in files.items() if not path.startswith(passing)}


def contents(store: Store) -> dict[str, bytes]:
    """Give the files in a store that make its tree."""
    found = ((path, store.read(path)) for path in list(store.list()))
    return lasting({path: stored.content for path, stored in found if stored})


class World:
    """A folder with a drop directory, a tree and a state directory, and the passes over them."""

    def __init__(self, folder: Path, options: Mapping[str, object] = NONE, store: Store | None = None) -> None:
        self.folder = folder
        self.drop = folder / "drop"
        self.tree = folder / "public"
        self.state = folder / ".cargo-static-index"
        # Flushing is for power cuts: those who try these say so, and all others need not wait for the disk.
        usual = {"registry.base-url": BASE, "registry.name": "acme", "tree.flush": False}
        self.options: dict[str, object] = usual | dict(options)
        self.store = store
        self.now = T0
        self.drop.mkdir(parents=True, exist_ok=True)

    def settings(self, options: Mapping[str, object] = NONE) -> Settings:
        given = {key: value for key, value in (self.options | dict(options)).items() if value is not None}
        return load_settings(given, {}, self.folder).settings

    def put(self, *crates: CrateBuilder, folder: str = "") -> list[Path]:
        """Drop crates."""
        return [each.write(self.drop / folder) for each in crates]

    @contextmanager
    def opened(
        self,
        report: Report | None = None,
        *,
        dry: bool = False,
        move: bool = False,
        options: Mapping[str, object] = NONE,
    ) -> Iterator[Registry]:
        way = Options(now=self.now, dry=dry, move=move, clock=lambda: self.now)
        with open_registry(self.settings(options), report or Report(), way, store=self.store) as registry:
            yield registry

    @contextmanager
    def transaction(self, report: Report | None = None) -> Iterator[Transaction]:
        """Open the tree for a change, with all others kept out."""
        with self.opened(report) as registry:
            registry.take()
            yield registry.transaction

    def build(
        self,
        *,
        dry: bool = False,
        move: bool = False,
        all_or_nothing: bool = False,
        options: Mapping[str, object] = NONE,
    ) -> Report:
        report = Report()
        with self.opened(report, dry=dry, move=move, options=options) as registry:
            registry.build(all_or_nothing=all_or_nothing)
        return report

    def add(self, *paths: Path, restore: bool = False, dry: bool = False) -> Report:
        report = Report()
        with self.opened(report, dry=dry) as registry:
            registry.add(paths, restore=restore)
        return report

    def yank(self, *specs: str, yanked: bool = True) -> tuple[Spec, ...]:
        with self.opened() as registry:
            return registry.set_yanked(specs_of(specs), yanked=yanked)

    def remove(self, *specs: str, now: bool = False) -> tuple[Spec, ...]:
        with self.opened() as registry:
            return registry.remove(specs_of(specs), now=now)

    def index(self, path: str) -> IndexFile:
        return parse_index((self.tree / "index" / path).read_bytes())

    def lines(self, path: str) -> list[dict[str, object]]:
        return [json.loads(line.raw) for line in self.index(path).lines]

    def versions(self, path: str) -> list[str]:
        return [line.vers for line in self.index(path).lines]

    def files(self) -> dict[str, bytes]:
        """Give the whole tree, but for what is no part of the registry.

        That is the page of refused files, which tells of the drop directory, and index files of crates that are gone.
        """
        found = contents(self.store or LocalStore(self.tree))
        return {path: content for path, content in found.items() if path != "refused.html" and content}

    def read(self, path: str) -> bytes:
        return (self.tree / path).read_bytes()

    def record(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.read("tree.json"))
        return found

    def verified(self, *, quick: bool = False, deep: bool = False, fix: bool = False) -> list[Finding]:
        """Give what `verify` finds, or mends."""
        options = Options(now=self.now, clock=lambda: self.now)
        return list(
            verify_registry(self.settings(), Report(), options, quick=quick, deep=deep, fix=fix, store=self.store)
        )

    def forget(self) -> None:
        """Delete the state directory."""
        shutil.rmtree(self.state)
