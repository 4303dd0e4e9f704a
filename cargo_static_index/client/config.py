"""Which registry is meant, and the token for it, as cargo finds them.

Cargo's book: "Configuration" (files and variables), "Registry Authentication" and "Credential Provider Protocol".
"""

import json
import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from cargo_static_index.client.http import Network
from cargo_static_index.diagnostics.errors import SettingsError

CRATES_IO_NAME = "crates-io"
"""What cargo calls crates.io in its configuration."""
CRATES_IO_INDEX = "sparse+https://index.crates.io/"


class RemoteRegistry(Struct, frozen=True, kw_only=True):
    """A registry that cargo's configuration names. `index` is the index URL with `sparse+`, as it is written there.

    `name` is None where a URL was given that no registry of the configuration has.
    """

    name: str | None
    index: str

    @property
    def url(self) -> str:
        """The index URL to ask: it ends in a slash."""
        return self.index.removeprefix("sparse+")


class CargoConfig:
    """Cargo's configuration as it holds in a folder: files from there upwards, then `$CARGO_HOME`, then variables."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.home = Path(environment.get("CARGO_HOME") or Path(environment.get("HOME", "/")) / ".cargo")
        folders = (*(parent / ".cargo" for parent in (folder, *folder.parents)), self.home)
        self._files = [_read(place / name) for place in folders for name in ("config.toml", "config")]

    def registry(self, name: str | None, index: str | None) -> RemoteRegistry:
        """Give the registry of a name or an index URL, else the default one; SettingsError where there is none."""
        if index is not None:
            return RemoteRegistry(name=self._name_of(index), index=_sparse(index))
        name = name or self.get("registry", "default")
        if name is None:
            raise SettingsError("no registry is named: give --registry NAME or --index URL")
        found = CRATES_IO_INDEX if name == CRATES_IO_NAME else self.get("registries", name, "index")
        if found is None:
            raise SettingsError(
                f"cargo's configuration has no registry {name!r}; write `[registries.{name}]` with `index` into "
                f".cargo/config.toml, or set {config_variable('registries', name, 'index')}"
            )
        return RemoteRegistry(name=name, index=_sparse(found))

    @property
    def network(self) -> Network:
        """How requests go out: `http.proxy`, `http.cainfo`, `http.timeout` and `http.user-agent` (cargo's book)."""
        usual = Network()
        return Network(
            proxy=self.get("http", "proxy"),
            cainfo=self.get("http", "cainfo"),
            seconds=float(self.get("http", "timeout") or usual.seconds),
            user_agent=self.get("http", "user-agent") or usual.user_agent,
        )

    def token(self, registry: RemoteRegistry, request: Mapping[str, object]) -> str | None:
        """Give the token for a request, from the last credential provider that has one; None where none has.

        `request` is what cargo tells providers: `operation` and, for changes, `name`, `vers` and `cksum`.
        """
        for provider in self._providers(registry.name):
            token = self._ask(provider, registry, request)
            if token:
                return token
        return None

    def get(self, *keys: str) -> Any:
        """Give the value of a key: a variable's, else that of the file nearest to the folder; None where none is."""
        if (text := self._environment.get(config_variable(*keys))) is not None:
            return text
        return next((found for file in self._files if (found := _at(file, keys)) is not None), None)

    def _name_of(self, index: str) -> str | None:
        """Give the name that variables or files have for an index, as cargo looks for whose token it is."""
        if index == CRATES_IO_INDEX:
            return CRATES_IO_NAME
        variables = (re.fullmatch(r"CARGO_REGISTRIES_(\w+)_INDEX", variable) for variable in self._environment)
        names = {found[1].lower() for found in variables if found}
        names |= {name for file in self._files for name in _at(file, ["registries"]) or {}}
        return next((name for name in sorted(names) if self.get("registries", name, "index") == index), None)

    def _providers(self, name: str | None) -> Iterator[Sequence[str]]:
        """Give the credential providers, the first to be asked first."""
        keys = ("registry",) if name == CRATES_IO_NAME else ("registries", name or "")
        own = self.get(*keys, "credential-provider") if name else None
        everybody = self.get("registry", "global-credential-providers") or ["cargo:token"]
        for provider in [own] if own else reversed(everybody):
            words = provider if isinstance(provider, list) else shlex.split(provider)
            alias = self.get("credential-alias", words[0])
            yield (alias if isinstance(alias, list) else shlex.split(alias)) if alias else words

    def _ask(self, provider: Sequence[str], registry: RemoteRegistry, request: Mapping[str, object]) -> str | None:
        kind, *arguments = provider
        if kind == "cargo:token":
            return self._stored_token(registry.name)
        if kind == "cargo:token-from-stdout":
            about = {"CARGO_REGISTRY_INDEX_URL": registry.index, "CARGO_REGISTRY_NAME_OPT": registry.name or ""}
            said = _run(arguments, {**self._environment, **about}, "")
            lines = said.splitlines()
            if len(lines) != 1:
                raise SettingsError(f"the credential provider {arguments[0]!r} must print the token as its one line")
            return lines[0]
        if kind.startswith("cargo:"):
            raise SettingsError(
                f"the credential provider {kind!r} is built into cargo, and cannot be asked from outside; "
                f"set {config_variable('registries', registry.name or 'NAME', 'token')} for this run"
            )
        return _token_of_plugin(provider, registry, request)

    def _stored_token(self, name: str | None) -> str | None:
        if name is None:  # the token of crates.io is for nobody else
            return None
        keys = ("registry", "token") if name == CRATES_IO_NAME else ("registries", name, "token")
        if (token := self._environment.get(config_variable(*keys))) is not None:
            return token
        for file in ("credentials.toml", "credentials"):
            if (found := _at(_read(self.home / file), keys)) is not None:
                return str(found)
        return None


def _token_of_plugin(command: Sequence[str], registry: RemoteRegistry, request: Mapping[str, object]) -> str | None:
    """Ask a credential provider by cargo's protocol, version 1 (cargo: credential/cargo-credential/src/lib.rs)."""
    about = {"index-url": registry.index, **({"name": registry.name} if registry.name else {})}
    asked = {"v": 1, "registry": about, "kind": "get", "args": list(command[1:]), **request}
    said = _run([command[0], "--cargo-plugin"], os.environ, json.dumps(asked) + "\n").splitlines()
    try:
        answer = json.loads(said[1])
        if "Ok" in answer:
            return str(answer["Ok"]["token"])
        kind, message = answer["Err"]["kind"], answer["Err"].get("message", "")
    except (IndexError, KeyError, ValueError, TypeError) as error:
        raise SettingsError(f"the credential provider {command[0]!r} does not speak cargo's protocol") from error
    if kind not in {"not-found", "url-not-supported"}:
        raise SettingsError(f"the credential provider {command[0]!r} says: {message or kind}")
    return None


def _run(command: Sequence[str], environment: Mapping[str, str], said: str) -> str:
    try:
        done = subprocess.run(command, env=environment, input=said, stdout=subprocess.PIPE, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SettingsError(f"the credential provider {command[0]!r} failed: {error}") from error
    return done.stdout


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error


def _at(table: Mapping[str, Any], keys: Sequence[str]) -> Any:
    found: Any = table
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def config_variable(*keys: str) -> str:
    """Give the name of cargo's variable for a key."""
    return "_".join(["CARGO", *keys]).upper().replace("-", "_")


def _sparse(index: str) -> str:
    if not index.startswith("sparse+"):
        raise SettingsError(f"the index {index!r} is no sparse one; its URL begins with `sparse+`")
    if not index.endswith("/"):
        raise SettingsError(f"the index URL {index!r} must end in a slash, as cargo wants it")
    return index
