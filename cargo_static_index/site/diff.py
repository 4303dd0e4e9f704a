"""What changed between two releases of a crate, in words."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.protocol.index_entry import Dependency, Entry
from cargo_static_index.site.crate_document import features_of


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that changed: what it is about, and how it was and is; empty where it was not or is no more."""

    about: str
    before: str = ""
    after: str = ""


def differences(
    before: tuple[Entry, CrateMetadata | None], after: tuple[Entry, CrateMetadata | None]
) -> tuple[Difference, ...]:
    """Give what changed: what who uses it feels comes first, what is for tests and the size come last."""
    old, new = before[0], after[0]
    found = list(_features(features_of(old), features_of(new)))
    if old.rust_version != new.rust_version:
        found.append(Difference(about="Rust version", before=old.rust_version or "", after=new.rust_version or ""))
    for is_dev in (False, True):
        found += _dependencies(
            *([dep for dep in deps if (dep.kind == "dev") is is_dev] for deps in (old.deps, new.deps))
        )
    if before[1] and after[1] and before[1].packed_size != after[1].packed_size:
        sizes = human_size(before[1].packed_size), human_size(after[1].packed_size)
        found.append(Difference(about="Size", before=sizes[0], after=sizes[1]))
    return tuple(found)


def human_size(size: int) -> str:
    """Give bytes for people: `812 B`, `12.3 kB`, `1.2 MB`."""
    if size < 1000:
        return f"{size} B"
    number, unit = size / 1000, "kB"
    for larger in ("MB", "GB"):
        if number >= 999.95:
            number, unit = round(number) / 1000, larger
    return f"{number:.1f} {unit}" if number < 100 else f"{number:.0f} {unit}"


def _dependencies(old: Iterable[Dependency], new: Iterable[Dependency]) -> Iterator[Difference]:
    before, after = _by_place(old), _by_place(new)
    for place in sorted({**before, **after}):
        if before.get(place) != after.get(place):
            kind, name, target = place
            word = {"normal": "Dependency", "build": "Build dependency", "dev": "Development dependency"}[kind]
            about = f"{word} {name}" + (f" on {target}" if target else "")
            yield Difference(about=about, before=before.get(place, ""), after=after.get(place, ""))


def _by_place(dependencies: Iterable[Dependency]) -> dict[tuple[str, str, str], str]:
    return {
        (dependency.kind, dependency.name, dependency.target or ""): _says(dependency) for dependency in dependencies
    }


def _says(dependency: Dependency) -> str:
    words = [dependency.req]
    if dependency.optional:
        words.append("optional")
    if not dependency.default_features:
        words.append("without default features")
    if dependency.features:
        words.append("with " + ", ".join(dependency.features))
    return ", ".join(words)


def _features(old: dict[str, tuple[str, ...]], new: dict[str, tuple[str, ...]]) -> Iterator[Difference]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before != after:
            yield Difference(about=f"Feature {name}", before=_listed(before), after=_listed(after))


def _listed(values: tuple[str, ...] | None) -> str:
    return "" if values is None else ", ".join(values) or "nothing else"
