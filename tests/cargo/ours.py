"""A registry of ours, made by the same door that commands use, in a folder that a web server serves."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cargo_static_index.protocol.names import index_path
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import Registry, open_registry, specs_of
from cargo_static_index.settings import parse_settings
from tests.crates import CrateBuilder
from tests.servers import Nginx, Request

NOW = 1_767_225_600
"""The clock of every change: 2026-01-01T00:00:00Z."""


class Ours:
    """A registry: `tree` is served at `url`, `path` below the server's; drop and state directory lie in `private`.

    `settings` are by key, with `_` for the dot: `registry_mode`, `dependencies_allowed`.
    """

    def __init__(self, name: str, web: Nginx, path: str, private: Path, settings: Mapping[str, object]) -> None:
        self.name = name
        self.web = web
        self.tree = web.root / path
        self.url = web.url + (f"{path}/" if path else "")
        self.drop = private / "drop"
        self.drop.mkdir(parents=True)
        self.report = Report()
        self._private = private
        self._settings = dict(settings)

    @property
    def index(self) -> str:
        """The index URL, as cargo is told it."""
        return f"sparse+{self.url}index/"

    def needs(self, name: str, req: str = "1", more: str = "") -> str:
        """Give the line of `[dependencies]` for a crate of this registry; `more` are further keys."""
        return f'{name} = {{ version = "{req}", registry = "{self.name}"{", " if more else ""}{more} }}\n'

    def publish(self, *crates: CrateBuilder | Path) -> Report:
        """Drop crates and build; all of them must be published, and warnings are let through."""
        for each in crates:
            if isinstance(each, CrateBuilder):
                each.write(self.drop)
            else:
                (self.drop / each.name).write_bytes(each.read_bytes())
        with self.opened() as registry:
            registry.build()
        assert not self.report.of("refused"), self.report.of("refused")
        return self.report

    def yank(self, *specs: str) -> None:
        """Yank releases, each `NAME@VERSION`."""
        with self.opened() as registry:
            registry.set_yanked(specs_of(specs), yanked=True)

    def unyank(self, *specs: str) -> None:
        """Take a yank back."""
        with self.opened() as registry:
            registry.set_yanked(specs_of(specs), yanked=False)

    def remove(self, *specs: str) -> None:
        """Remove releases, or crates."""
        with self.opened() as registry:
            registry.remove(specs_of(specs))

    def move(self, path: str) -> None:
        """Serve the tree at another path from now on, as `--move` does; at the old one is nothing any more."""
        self.tree.rename(self.web.root / path)
        self.tree, self.url = self.web.root / path, f"{self.web.url}{path}/"
        with self.opened(move=True) as registry:
            registry.build()

    def requests(self, url: str | None = None) -> list[Request]:
        """Give what clients asked for below the registry's URL, or an earlier one; paths are relative to it."""
        below = (url or self.url).removeprefix(self.web.url.removesuffix(self.web.prefix))
        asked = (each for each in self.web.requests() if each.path.startswith(below))
        return [replace(each, path=each.path.removeprefix(below)) for each in asked]

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Read the lines of a crate's index file."""
        return [json.loads(line) for line in self.index_file(name).read_text().splitlines()]

    def index_file(self, name: str) -> Path:
        """Give the path of a crate's index file."""
        return self.tree / "index" / index_path(name)

    @contextmanager
    def opened(self, *, move: bool = False) -> Iterator[Registry]:
        """Open the registry for a change; what happens is in `report`."""
        self.report = Report()
        options = {
            "registry.name": self.name,
            "registry.base-url": self.url,
            "drop.path": str(self.drop),
            "tree.path": str(self.tree),
            "state.path": str(self._private / "state"),
            "tree.flush": False,  # no power cut is tried here
        } | {key.replace("_", ".", 1).replace("_", "-"): value for key, value in self._settings.items()}
        settings = parse_settings(options, {}, self._private, None, "").settings
        with open_registry(settings, self.report, Options(now=NOW, move=move)) as registry:
            yield registry
