"""One line of an index file (cargo's book: "Registry Index", section "JSON schema").

Lines that we write have the keys, the order and the bytes of crates.io (crates/crates_io_index/src/data.rs),
with `registry` between `kind` and `package`.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from cargo_static_index._json import UNREADABLE
from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidIndexLine, InvalidInput
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.protocol.semver import parse_requirement, parse_rust_version, parse_version
from cargo_static_index.protocol.urls import parse_url

DependencyKind = Literal["normal", "build", "dev"]


class _Meaning:
    """What a dependency means, however much of it was read."""

    __slots__ = ()
    name: str
    optional: bool
    kind: str | None
    package: str | None

    @property
    def crate(self) -> str:
        """The name of the crate itself, whatever it is called here."""
        return self.package or self.name

    @property
    def is_required(self) -> bool:
        """Whether nobody can do without it who resolves the release: it is neither optional nor for tests."""
        return self.kind != "dev" and not self.optional


class Dependency(_Meaning, Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One dependency of a line (cargo's book: "Registry Index", section "JSON schema").

    `name` is the alias where `package` is given. `req` is a SemVer requirement, `target` a triple or `cfg(…)`,
    `registry` an index URL, None for the line's own.
    """

    name: str
    req: str
    features: tuple[str, ...]
    optional: bool
    default_features: bool
    target: str | None
    kind: DependencyKind
    registry: str | None = None
    package: str | None = None


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of an index file, with the keys that crates.io writes, in its order.

    `vers` is SemVer, `cksum` the archive's SHA-256 in 64 lower-case hex digits, `rust_version` one to three
    numbers with dots between, `pubtime` UTC as `YYYY-MM-DDTHH:MM:SSZ`; `v` is 2 where there are `features2`
    (cargo's book: "Registry Index", section "JSON schema").
    """

    name: str
    vers: str
    deps: tuple[Dependency, ...]
    cksum: str
    features: dict[str, tuple[str, ...]]
    features2: dict[str, tuple[str, ...]] | None = None
    yanked: bool
    links: str | None = None
    rust_version: str | None = None
    pubtime: str | None = None
    v: int | None = None


_KIND_ORDER: dict[DependencyKind, int] = {"normal": 0, "build": 1, "dev": 2}

_PUBTIME = pattern(
    r"[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-9]))T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)Z"
)
_FEBRUARY_29 = "-02-29T"


class _FoundDependency(Struct, frozen=True):
    """A dependency with the keys, types and defaults of cargo's `RegistryDependency` (cargo-util-schemas: index.rs)."""

    name: str
    req: str
    features: tuple[str, ...] = ()
    optional: bool = False
    default_features: bool = True
    target: str | None = None
    kind: str | None = None
    registry: str | None = None
    package: str | None = None
    public: bool | None = None
    artifact: tuple[str, ...] | None = None
    bindep_target: str | None = None
    lib: bool = False


class _FoundEntry(Struct, frozen=True):
    """A line with the keys, types and defaults of cargo's `IndexPackage` (cargo-util-schemas: index.rs)."""

    name: str
    vers: str
    deps: tuple[_FoundDependency, ...]
    cksum: str
    features: dict[str, tuple[str, ...]] = field(default_factory=dict)
    features2: dict[str, tuple[str, ...]] | None = None
    yanked: bool | None = None
    links: str | None = None
    rust_version: str | None = None
    pubtime: str | None = None
    v: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)] | None = None


class Needed(_Meaning, Struct, frozen=True, gc=False):
    """Which crate a dependency of a line means, in which versions, and who can do without it."""

    name: str
    req: str
    optional: bool = False
    kind: str | None = None
    registry: str | None = None
    package: str | None = None


class _Needing(Struct, frozen=True):
    deps: tuple[Needed, ...]


ENTRY_KEYS = _FoundEntry.__struct_fields__
_DEPENDENCY_KEYS = _FoundDependency.__struct_fields__

_encode = msgspec.json.Encoder().encode
_decode_entry = msgspec.json.Decoder(_FoundEntry).decode
_decode_needing = msgspec.json.Decoder(_Needing).decode


def format_entry(entry: Entry) -> bytes:
    """Give the line without its newline, in crates.io's bytes.

    Dependencies and features stand as they are in the entry: `sort_dependencies` and `features.split_features`
    give the order that crates.io writes.
    """
    return _encode(entry)


def sort_dependencies(dependencies: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """Put dependencies in crates.io's order: some old cargos misread `optional` of one that stands in several kinds."""
    return tuple(sorted(dependencies, key=_dependency_key))


def _dependency_key(it: Dependency) -> tuple[object, ...]:
    # crates.io has no `registry` to sort by; without it dependencies that differ in nothing else could swap.
    target, package, registry = it.target or "", it.package or "", it.registry or ""
    flags = (it.optional, it.default_features)
    return (it.name, _KIND_ORDER[it.kind], it.req, *flags, target, package, it.features, registry)


def parse_entry(line: bytes) -> Entry:
    """Read one line as cargo reads it, or raise InvalidIndexLine where cargo skips it or calls it invalid.

    What cargo leaves out gets cargo's default, unknown keys and those of artifact dependencies are dropped.
    Targets, and what features refer to, are not looked at (`targets`, `features.check_features`).
    """
    try:
        found = _decode_entry(line)
        twice = _key_given_twice_anywhere(line)
        broken = not line.isascii() and has_broken_key(line)
    except UNREADABLE as error:
        raise InvalidIndexLine(f"not an index line that cargo reads: {error}; line: {quote(line)}") from error
    if twice:
        raise InvalidIndexLine(f"the key {twice!r} is given twice; remove one; line: {quote(line)}")
    if broken:
        raise InvalidIndexLine(f"a key is not UTF-8; correct it; line: {quote(line)}")
    try:
        return _entry(found)
    except InvalidInput as error:
        raise InvalidIndexLine(f"{found.name} {found.vers}: {error}") from error


def parse_needed(line: bytes) -> tuple[Needed, ...]:
    """Read only which crates a line depends on, at a tenth of what the whole line costs; none of an odd line."""
    try:
        return _decode_needing(line).deps
    except UNREADABLE:
        return ()


def _entry(found: _FoundEntry) -> Entry:
    parse_version(found.vers)
    if found.rust_version is not None:
        parse_rust_version(found.rust_version)
    if found.pubtime is not None:
        parse_pubtime(found.pubtime)
    return Entry(
        name=found.name,
        vers=found.vers,
        deps=tuple(map(_dependency, found.deps)),
        cksum=found.cksum,
        features=found.features,
        features2=found.features2,
        yanked=found.yanked or False,
        links=found.links,
        rust_version=found.rust_version,
        pubtime=found.pubtime,
        v=found.v,
    )


def _dependency(found: _FoundDependency) -> Dependency:
    parse_requirement(found.req)
    # cargo: every kind that it does not know, misspelled ones too, is a normal dependency.
    kind: DependencyKind = "dev" if found.kind == "dev" else "build" if found.kind == "build" else "normal"
    if not found.name or found.package == "":
        raise InvalidIndexLine("a dependency's name is empty, on which cargo panics; name it")
    if found.public and kind != "normal":
        raise InvalidIndexLine(
            f"the {kind} dependency {found.name!r} is public, on which cargo panics; remove 'public'"
        )
    if found.registry is not None:
        parse_url(found.registry)
    return Dependency(
        name=found.name,
        req=found.req,
        features=found.features,
        optional=found.optional,
        default_features=found.default_features,
        target=found.target,
        kind=kind,
        registry=found.registry,
        package=found.package,
    )


def parse_pubtime(text: str) -> str:
    """Give the time of publication, or raise InvalidIndexLine (cargo-util-schemas: index.rs, `parse_pubtime`)."""
    if not _PUBTIME.fullmatch(text) or (_FEBRUARY_29 in text and not _is_leap_year(int(text[:4]))):
        raise InvalidIndexLine(f"{text!r} is not a time of publication; write it in UTC like '2026-05-15T08:30:00Z'")
    return text


def _is_leap_year(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def key_given_twice(line: bytes, known: tuple[str, ...]) -> str:
    """Name the first of these keys that an object, known to be one, has twice; empty where there is none."""
    return _repeated(_pairs(line), known)


def has_broken_key(line: bytes, *, deep: bool = True) -> bool:
    """Whether a key of a line, known to be an object, is no UTF-8, or, if `deep`, one of a dependency.

    Cargo refuses that even where it ignores the key, but not in what it ignores.
    """
    try:
        line.decode()
    except UnicodeDecodeError:
        top = _pairs(line)
        deps = dict(top).get("deps")
        below = deps if deep and isinstance(deps, list) else []
        objects = (found for found in (top, *below) if isinstance(found, list))
        pairs = (pair for found in objects for pair in found if isinstance(pair, tuple))
        return any("\N{REPLACEMENT CHARACTER}" in key for key, _ in pairs)
    return False


def _key_given_twice_anywhere(line: bytes) -> str:
    """Name a key that stands twice where cargo refuses that: in the line or a dependency, but not among features."""
    top = _pairs(line)
    twice = _repeated(top, ENTRY_KEYS)
    for dependency in dict(top)["deps"]:
        twice = twice or _repeated(dependency, _DEPENDENCY_KEYS)
    return twice


def _pairs(line: bytes) -> list[tuple[str, Any]]:
    """Give the members of an object, those given twice too."""
    import json  # which msgspec does without; few lines are looked at so closely

    return list(json.loads(line.decode(errors="replace"), object_pairs_hook=list))


def _repeated(pairs: list[tuple[str, Any]], known: tuple[str, ...]) -> str:
    keys = [key for key, _ in pairs]
    return next((key for key in known if keys.count(key) > 1), "")
