"""The real cargo, with a home of its own and nothing of the user's settings."""

import os
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

from tests.tools import need

_KEPT_OUT = (
    "CARGO_",
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "RUSTC_WRAPPER",
    "http_proxy",
    "HTTP_PROXY",
    "all_proxy",
    "ALL_PROXY",
)


class Outcome(Struct, frozen=True, kw_only=True):
    """How one run of cargo ended."""

    command: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    def ok(self) -> Self:
        """Claim that cargo succeeded; what it printed is shown where it did not."""
        assert self.code == 0, self.show()
        return self

    def failed(self, *sentences: str) -> Self:
        """Claim that cargo failed and that each of these texts is in what it printed."""
        assert self.code != 0, self.show()
        for sentence in sentences:
            assert sentence in self.stderr, f"not printed: {sentence!r}\n{self.show()}"
        return self

    def show(self) -> str:
        """Give the whole run as text."""
        return f"cargo {' '.join(self.command)} ended with {self.code}\n{self.stdout}\n{self.stderr}"


class Project(Struct, frozen=True, kw_only=True):
    """A package on disk, and the cargo that works on it."""

    cargo: "Cargo"
    folder: Path

    @property
    def manifest(self) -> Path:
        """The path of its Cargo.toml."""
        return self.folder / "Cargo.toml"

    def run(self, *arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Outcome:
        """Run cargo in the package's folder."""
        return self.cargo.run(*arguments, cwd=self.folder, env=env, stdin=stdin)

    def lock(self) -> dict[str, Any]:
        """Read Cargo.lock."""
        return tomllib.loads((self.folder / "Cargo.lock").read_text())

    def locked(self) -> dict[str, str]:
        """Give the version locked for each name, the package itself left out; of several versions the last."""
        return {each["name"]: each["version"] for each in self.lock()["package"] if "source" in each}

    def sources(self) -> dict[str, str]:
        """Give the source locked for each name, as cargo writes it."""
        return {each["name"]: each["source"] for each in self.lock()["package"] if "source" in each}


class Cargo:
    """Cargo with the folder `home` to itself: its CARGO_HOME, its build folder, its projects.

    `registries` maps the names that manifests use to base URLs; each index is below its base URL at `index/`.
    crates.io is replaced by an empty folder, so that nothing asks it by accident, unless `crates_io` is True.
    `config` is more TOML for config.toml.
    """

    def __init__(
        self,
        home: Path,
        registries: Mapping[str, str] | None = None,
        *,
        crates_io: bool = False,
        config: str = "",
    ) -> None:
        self.folder = home
        self.home = home / "cargo-home"
        self.target = home / "target"
        self._program = need("cargo")
        self.home.mkdir(parents=True, exist_ok=True)
        self.configure(registries or {}, crates_io=crates_io, config=config)

    def configure(self, registries: Mapping[str, str], *, crates_io: bool = False, config: str = "") -> None:
        """Write config.toml anew, for instance when a registry has moved."""
        parts = [f'[registries.{name}]\nindex = "sparse+{base}index/"\n' for name, base in registries.items()]
        if not crates_io:
            nowhere = self.home / "nowhere"
            nowhere.mkdir(exist_ok=True)
            parts.append(f'[source.crates-io]\nreplace-with = "nowhere"\n[source.nowhere]\ndirectory = "{nowhere}"\n')
        (self.home / "config.toml").write_text("\n".join([*parts, config]))

    def project(
        self, dependencies: str = "", *, name: str = "consumer", code: str = "", package: str = "", tables: str = ""
    ) -> Project:
        """Write a small library package.

        `dependencies` are lines of `[dependencies]`, `package` of `[package]`, `tables` whole tables behind them;
        `code` is its src/lib.rs. Written again under the same name, Cargo.lock stays.
        """
        folder = self.folder / name
        (folder / "src").mkdir(parents=True, exist_ok=True)
        (folder / "src" / "lib.rs").write_text(code)
        head = f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n{package}\n'
        (folder / "Cargo.toml").write_text(f"{head}\n[workspace]\n\n[dependencies]\n{dependencies}\n\n{tables}\n")
        return Project(cargo=self, folder=folder)

    def run(
        self, *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: str = ""
    ) -> Outcome:
        """Run cargo with these arguments; it is ended after five minutes."""
        done = subprocess.run(
            [self._program, *arguments],
            cwd=cwd or self.folder,
            env=self.environment() | dict(env or {}),
            capture_output=True,
            text=True,
            check=False,
            input=stdin,
            timeout=300,
        )
        return Outcome(command=arguments, code=done.returncode, stdout=done.stdout, stderr=done.stderr)

    def environment(self) -> dict[str, str]:
        """Give the variables that cargo runs with."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(_KEPT_OUT)}
        return kept | {
            "CARGO_HOME": str(self.home),
            "CARGO_TARGET_DIR": str(self.target),
            "CARGO_TERM_COLOR": "never",
            "CARGO_NET_RETRY": "0",
            "CARGO_INCREMENTAL": "0",
            "CARGO_PROFILE_DEV_DEBUG": "0",
            # A proxy of the user's would be asked for the loopback interface too.
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }
