"""Publishing ready archives to a registry over cargo's own protocol: what is there is left, the rest goes up in order.

Cargo's book: "Registry Web API", section "Publish"; cargo: src/ops/registry/cargo_publish.rs, crates/crates-io/lib.rs.
"""

import json
import struct
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from cargo_static_index._json import UNREADABLE
from cargo_static_index.client.config import CRATES_IO_NAME, CargoConfig, RemoteRegistry, config_variable
from cargo_static_index.client.http import TRY_AGAIN, Answer, CutOff, get, pauses, send
from cargo_static_index.crate.check import check_crate
from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.crate.policy import Policy
from cargo_static_index.diagnostics.errors import SettingsError, StoreError
from cargo_static_index.protocol.config import RegistryConfig, parse_config
from cargo_static_index.protocol.index_file import parse_index
from cargo_static_index.protocol.manifest.dependencies import ManifestDependency
from cargo_static_index.protocol.names import index_path
from cargo_static_index.protocol.registries import CRATES_IO, comes_from_crates_io
from cargo_static_index.protocol.semver import without_build

PushStatus = Literal["published", "unchanged", "refused", "conflict", "skipped"]
"""What became of an archive: `conflict` is held with other bytes, `skipped` waits for one that did not come to be."""

SEEN_EVERY = 1.0
"""Seconds between two looks for a line that was just published, as cargo looks."""


class Upload(Struct, frozen=True, kw_only=True):
    """An archive to be published, and what it says."""

    path: Path
    metadata: CrateMetadata

    @property
    def name(self) -> str:
        """The crate's name."""
        return self.metadata.manifest.name

    @property
    def vers(self) -> str:
        """The version."""
        return self.metadata.manifest.version


class Pushed(Struct, frozen=True, kw_only=True):
    """What became of one archive: `says` is a sentence where it was not published, `warnings` are the registry's."""

    name: str
    vers: str
    status: PushStatus
    says: str = ""
    warnings: tuple[str, ...] = ()


def read_uploads(paths: Iterable[Path]) -> list[Upload]:
    """Read archives, dependencies before what depends on them; SettingsError for a file that no registry could take."""
    return in_order([_read(path) for path in paths])


def _read(path: Path) -> Upload:
    try:
        with path.open("rb") as file:
            checked = check_crate(file, Policy(), path.name)
    except OSError as error:
        raise SettingsError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    if checked.metadata is None or checked.refused:
        raise SettingsError(f"{path}: {checked.problems[0].message} (`check {path}` says all that is wrong)")
    return Upload(path=path, metadata=checked.metadata)


def in_order(uploads: Sequence[Upload]) -> list[Upload]:
    """Put archives in an order in which each comes after what it depends on; those in a circle stay as they came."""
    waiting, done = list(uploads), list[Upload]()
    while waiting:
        names = {upload.name for upload in waiting}
        ready = [upload for upload in waiting if not names & (_needs(upload) - {upload.name})] or waiting[:1]
        done += ready
        waiting = [upload for upload in waiting if upload not in ready]
    return done


def _needs(upload: Upload) -> set[str]:
    dependencies = upload.metadata.manifest.dependencies
    return {dep.package or dep.name for dep in dependencies if dep.kind != "dev"}


class Pusher:
    """Publishes to one registry. `seconds` is how long a registry that is not able just now is waited for."""

    def __init__(
        self, registry: RemoteRegistry, config: CargoConfig, *, seconds: float = 600, seen_within: float = 60
    ) -> None:
        self._registry = registry
        self._cargo = config
        self._seconds = seconds
        self._seen_within = seen_within
        self._config, self._auth = self._read_config()

    def push(self, uploads: Sequence[Upload], *, dry: bool, tell: Callable[[Pushed], None]) -> list[Pushed]:
        """Publish archives one after the other, and tell of each; one that fails stops only what depends on it."""
        failed: set[str] = set()
        done: list[Pushed] = []
        for upload in uploads:
            missing = sorted(_needs(upload) & failed)
            if missing:
                says = f"it depends on {', '.join(missing)}, which did not come to be published"
                pushed = _pushed(upload, "skipped", says)
            else:
                pushed = self._push_one(upload, dry=dry)
            if pushed.status not in {"published", "unchanged"}:
                failed.add(upload.name)
            done.append(pushed)
            tell(pushed)
        return done

    def _push_one(self, upload: Upload, *, dry: bool) -> Pushed:
        held = self._published(upload)
        if held is not None:
            return held
        if dry:
            return _pushed(upload, "published")
        answer = self._upload(upload)
        if isinstance(answer, Pushed):
            return answer
        says, warnings = _said(answer)
        if says is not None:
            # Somebody else may have been quicker with the same bytes, or an answer was lost after it had been done.
            return self._published(upload) or _pushed(upload, "refused", says)
        # Whatever depends on it needs its line in the index; as with cargo, it is not waited for for ever.
        end = time.monotonic() + self._seen_within
        while self._published(upload) is None and time.monotonic() < end:
            time.sleep(SEEN_EVERY)
        return Pushed(name=upload.name, vers=upload.vers, status="published", warnings=warnings)

    def _upload(self, upload: Upload) -> Answer | Pushed:
        """Send an archive until an answer comes that is one; before each further try the index is asked."""
        body, cksum = body_of(upload, self._registry.index), upload.metadata.cksum
        about = {"operation": "publish", "name": upload.name, "vers": upload.vers, "cksum": cksum}
        token = self._cargo.token(self._registry, about)
        if not token:
            raise SettingsError(_no_token(self._registry))
        headers = {"Accept": "application/json", "Authorization": token, "Content-Type": "application/octet-stream"}
        url = f"{(self._config.api or '').rstrip('/')}/api/v1/crates/new"
        last, tried = "", False
        for wait in pauses(self._seconds):
            answer: Answer | None = None
            try:
                if tried and (held := self._published(upload)) is not None:
                    return _pushed(upload, "published") if held.status == "unchanged" else held
                answer = send("PUT", url, headers, body, network=self._cargo.network)
                if answer.status not in TRY_AGAIN:
                    return answer
                last = f"it answers {answer.status}"
            except (CutOff, StoreError) as error:
                last = str(error)
            tried = True
            if not wait(answer):
                break
        raise StoreError(f"{url} cannot take {upload.name} {upload.vers}: {last}; run this again, it goes on from here")

    def _published(self, upload: Upload) -> Pushed | None:
        """Say what the registry holds of a version; None where nothing."""
        wanted = without_build(upload.vers)
        for line in parse_index(self._index_file(upload.name)).releases:
            if line.name == upload.name and without_build(line.vers) == wanted:
                if line.cksum == upload.metadata.cksum and line.vers == upload.vers:
                    return _pushed(upload, "unchanged")
                says = f"it is there as {line.vers} with SHA-256 {line.cksum}; these bytes have {upload.metadata.cksum}"
                return _pushed(upload, "conflict", f"{says}. Raise the version.")
        return None

    def _index_file(self, name: str) -> bytes:
        headers = {"Cache-Control": "no-cache", **self._auth}
        answer = get(f"{self._registry.url}{index_path(name)}", headers, network=self._cargo.network)
        if answer.status in {404, 410, 451}:
            return b""
        if answer.status != 200:
            raise StoreError(f"the index answers {answer.status} for {name}; `cargo-static-index doctor` says more")
        return answer.content

    def _read_config(self) -> tuple[RegistryConfig, Mapping[str, str]]:
        """Read config.json, with a token where the registry asks for one; and what to ask the index with."""
        url = f"{self._registry.url}config.json"
        answer, auth = get(url, {}, network=self._cargo.network), dict[str, str]()
        if answer.status == 401:
            token = self._cargo.token(self._registry, {"operation": "read"})
            if not token:
                raise SettingsError(_no_token(self._registry))
            auth = {"Authorization": token}
            answer = get(url, auth, network=self._cargo.network)
        if answer.status != 200:
            raise StoreError(f"{url} answers {answer.status}; is that the index of a registry?")
        config = parse_config(answer.content)
        if config.api is None:
            raise SettingsError(
                f"the registry {self._registry.index} has no web API (`api` in config.json) to publish to"
            )
        return config, auth


def body_of(upload: Upload, index: str) -> bytes:
    """Give the body of a publish request: two lengths of 32 bits, metadata as JSON, the archive."""
    head = msgspec.json.encode(upload_metadata(upload.metadata, index))
    archive = upload.path.read_bytes()
    return struct.pack("<I", len(head)) + head + struct.pack("<I", len(archive)) + archive


def upload_metadata(metadata: CrateMetadata, index: str) -> dict[str, object]:
    """Give the JSON that cargo sends before an archive (`NewCrate`); `index` is the URL of the registry it goes to."""
    manifest = metadata.manifest
    return {
        "name": manifest.name,
        "vers": manifest.version,
        "deps": [_dependency(dependency, index) for dependency in manifest.dependencies],
        "features": manifest.features,
        "authors": manifest.authors,
        "description": manifest.description,
        "documentation": manifest.documentation,
        "homepage": manifest.homepage,
        "readme": metadata.readme.text if metadata.readme else None,
        "readme_file": manifest.readme,
        "keywords": manifest.keywords,
        "categories": manifest.categories,
        "license": manifest.license,
        "license_file": manifest.license_file,
        "repository": manifest.repository,
        "badges": {},
        "links": manifest.links,
        "rust_version": manifest.rust_version,
    }


def _dependency(dependency: ManifestDependency, index: str) -> dict[str, object]:
    registry = dependency.registry_index
    elsewhere = CRATES_IO if comes_from_crates_io(registry) else registry
    here = registry == index or (elsewhere == CRATES_IO and comes_from_crates_io(index))
    return {
        "optional": dependency.optional,
        "default_features": dependency.default_features,
        "name": dependency.package or dependency.name,
        "features": dependency.features,
        "version_req": dependency.req,
        "target": dependency.target,
        "kind": dependency.kind,
        **({} if here else {"registry": elsewhere}),
        **({"explicit_name_in_toml": dependency.name} if dependency.package else {}),
    }


class _Detail(Struct):
    detail: str


class _Warnings(Struct):
    invalid_categories: tuple[str, ...] | None = None
    invalid_badges: tuple[str, ...] | None = None
    other: tuple[str, ...] | None = None


class _Reply(Struct):
    errors: tuple[_Detail, ...] | None = None
    warnings: _Warnings | None = None


def _said(answer: Answer) -> tuple[str | None, tuple[str, ...]]:
    """Read an answer as cargo does: what was refused, None where nothing was, and warnings."""
    try:
        reply = msgspec.json.decode(answer.content or b"{}", type=_Reply)
    except UNREADABLE:
        reply = _Reply()
    if reply.errors is not None:
        return "; ".join(error.detail for error in reply.errors) or f"it answers {answer.status}", ()
    if not 200 <= answer.status < 300:
        return f"it answers {answer.status}", ()
    warnings = reply.warnings or _Warnings()
    return None, tuple(_warnings(warnings))


def _warnings(warnings: _Warnings) -> Iterator[str]:
    for kind, names in (("category", warnings.invalid_categories), ("badge", warnings.invalid_badges)):
        yield from (f"the {kind} {name!r} is not one that the registry knows" for name in names or ())
    yield from warnings.other or ()


def _pushed(upload: Upload, status: PushStatus, says: str = "") -> Pushed:
    return Pushed(name=upload.name, vers=upload.vers, status=status, says=says)


def _no_token(registry: RemoteRegistry) -> str:
    name = registry.name or "NAME"
    variable = (
        config_variable("registry", "token") if name == CRATES_IO_NAME else config_variable("registries", name, "token")
    )
    return f"there is no token for {registry.index}; run `cargo login --registry {name}`, or set {variable}"


def package_workspace(folder: Path, registry: str | None, more: tuple[str, ...] = ()) -> list[Path]:
    """Have cargo package a workspace, and give the archives of the members that `registry` may hold.

    `more` are options of `cargo package`. SettingsError where cargo fails: it has said why.
    """
    members = json.loads(_cargo(folder, "metadata", "--no-deps", "--format-version", "1", quiet=True))
    packages = members["packages"]  # `publish` says where each may go (cargo's book: "The publish field")
    wanted = [package for package in packages if package["publish"] is None or registry in package["publish"]]
    if not wanted:
        raise SettingsError("no member of this workspace may be published there: `package.publish` says so in each")
    chosen = [word for package in wanted for word in ("--package", package["name"])]
    _cargo(folder, "package", *chosen, *more)
    target = Path(members["target_directory"]) / "package"
    return [target / f"{package['name']}-{package['version']}.crate" for package in wanted]


def _cargo(folder: Path, *arguments: str, quiet: bool = False) -> str:
    out = subprocess.PIPE if quiet else None
    try:
        done = subprocess.run(["cargo", *arguments], cwd=folder, stdout=out, text=True, check=False)
    except FileNotFoundError as error:
        raise SettingsError("cargo is not installed: https://rustup.rs") from error
    if done.returncode != 0:
        raise SettingsError(f"`cargo {arguments[0]}` failed; mend what it says above, then run this again")
    return done.stdout or ""
