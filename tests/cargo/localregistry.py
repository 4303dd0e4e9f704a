"""A local registry: a folder from which cargo unpacks crates, without a server and many in one run (cargo's book:
"Source Replacement", local registries)."""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from cargo_static_index.protocol.names import index_path
from tests.cargo.client import Cargo, Outcome

SOURCE = "registry+https://github.com/rust-lang/crates.io-index"


class LocalRegistry:
    """Crates, all of version 1.0.0, that stand for crates.io, and a package that depends on all of them.

    `lines` are their lines in the index; a crate without one gets a line that says nothing but its name and checksum.
    `config` is more TOML for cargo's config.toml.
    """

    def __init__(
        self,
        folder: Path,
        crates: Mapping[str, bytes],
        lines: Mapping[str, bytes] | None = None,
        *,
        toolchain: str = "",
        config: str = "",
    ) -> None:
        self._toolchain = (toolchain,) if toolchain else ()
        self._crates = dict(crates)
        shelf = folder / "shelf"
        for name, content in crates.items():
            line = {"name": name, "vers": "1.0.0", "deps": [], "cksum": sha256(content).hexdigest(), "features": {}}
            path = shelf / "index" / index_path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((lines or {}).get(name) or json.dumps(line).encode())
            (shelf / f"{name}-1.0.0.crate").write_bytes(content)
        config = f'[source.crates-io]\nreplace-with = "shelf"\n[source.shelf]\nlocal-registry = "{shelf}"\n{config}'
        self.cargo = Cargo(folder / "cargo", crates_io=True, config=config)

    def metadata(self, names: Iterable[str] | None = None, *, project: str = "consumer") -> Outcome:
        """Let cargo unpack these crates, or all, and say what it reads of their manifests."""
        names = self._crates if names is None else names
        package = self.cargo.project("".join(f'{name} = "=1.0.0"\n' for name in names), name=project)
        return self.cargo.run(*self._toolchain, "metadata", "--format-version", "1", cwd=package.folder)

    def packages(self) -> dict[str, dict[str, Any]]:
        """Claim that cargo reads all crates, and give what it says of each."""
        stated = json.loads(self.metadata().ok().stdout)["packages"]
        return {each["name"]: each for each in stated if each["source"] == SOURCE}

    def unpacked(self, name: str) -> dict[str, bytes]:
        """Give the files that cargo unpacked of a crate, its own `.cargo-ok` left out."""
        (folder,) = (self.cargo.home / "registry" / "src").glob(f"*/{name}-1.0.0")
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        files.pop(".cargo-ok", None)
        return files
