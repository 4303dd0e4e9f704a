"""The commands that show what is held: list, info, missing, search. They lock nothing."""

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

import click
import msgspec
from msgspec import Raw

from cargo_static_index.cli.command import command
from cargo_static_index.cli.documents import (
    DependencyDocument,
    DependentDocument,
    InfoDocument,
    MissingDocument,
    ReleaseDocument,
    SearchDocument,
)
from cargo_static_index.cli.formats import print_json
from cargo_static_index.cli.options import argument, json_lines
from cargo_static_index.cli.run import FOUND_WRONG, GOOD, Run, existing_tree
from cargo_static_index.cli.terminal import some_of
from cargo_static_index.diagnostics.errors import NotHeld
from cargo_static_index.protocol.config import base_url_of
from cargo_static_index.protocol.index_entry import Dependency, parse_entry
from cargo_static_index.protocol.index_file import IndexFile, Line, newest
from cargo_static_index.registry.agreement import DEFAULT_BASE_URL
from cargo_static_index.registry.dependents import dependents_of
from cargo_static_index.registry.similar import hint_for
from cargo_static_index.store import Store
from cargo_static_index.tree import layout
from cargo_static_index.tree.read import (
    index_paths_by_name,
    known_metadata,
    read_config,
    read_index,
    read_index_at,
    read_record,
    say_removed,
)

if TYPE_CHECKING:  # loaded when they are used: the other commands search for nothing, and open no state
    from cargo_static_index.site.search_rows import ShownCrate


@command(["tree.path"], examples=("list", "list foo", "list --json"))
@argument("names", nargs=-1, metavar="[NAME]...", says="Only these crates.")
@json_lines
def list_command(run: Run, *, names: Sequence[str], as_json: bool) -> int:
    """List what is held, a release a line, as `yank` and `remove` take them."""
    store = _readable_tree(run)
    every = (read_index_at(store, path).value for path in index_paths_by_name(store))
    for file in [_file(store, name) for name in names] if names else every:
        for line in file.releases:
            if as_json:
                print_json(_release_document(line))
            else:
                run.terminal.result(f"{line.name}@{line.vers}{'  (yanked)' if line.yanked else ''}")
    return GOOD


def _release_document(line: Line) -> ReleaseDocument:
    return ReleaseDocument(
        name=line.name, version=line.vers, checksum=line.cksum, yanked=line.yanked, pubtime=line.pubtime
    )


SHOWN = 5
"""Releases and versions that a line of `missing` names."""


@command(["tree.path"], examples=("missing", "missing --toml >> fetch/Cargo.toml", "missing --json"))
@click.option("--toml", is_flag=True, help="Print a table `[dependencies]`: a project that has it fetches them all.")
@json_lines
def missing_command(run: Run, *, toml: bool, as_json: bool) -> int:
    """List the dependencies that nothing held satisfies, with the releases that need them.

    Without them no client can resolve those releases from here. Optional dependencies, those for tests, and those on
    other registries are left out, and so are releases that are yanked. What was asked before is remembered in the state
    directory, so only what changed since is read.
    """
    from cargo_static_index.registry.missing import missing_in

    with missing_in(_readable_tree(run), run.settings.state.path) as dependencies:
        if toml and not as_json:
            run.terminal.result("[dependencies]")
        for number, need in enumerate(dependencies.all(), 1):
            if as_json:
                by = tuple(dependencies.needed_by(need))
                print_json(MissingDocument(name=need.name, requirement=need.req, held=need.held, needed_by=by))
            elif toml:
                package, req = msgspec.json.encode(need.name).decode(), msgspec.json.encode(need.req).decode()
                # Each has a name of its own, since a crate may be missing in several versions.
                run.terminal.result(f"missing-{number} = {{ package = {package}, version = {req} }}")
            else:
                held = f"; held: {some_of(need.held[: -SHOWN - 1 : -1], len(need.held))}" if need.held else ""
                by_whom = some_of(tuple(islice(dependencies.needed_by(need), SHOWN)), need.releases)
                run.terminal.result(f"{need.name} {need.req}  needed by {by_whom}{held}")
    return GOOD


@command(["tree.path"], examples=("info foo", "info foo@1.0.0", "info foo --json"))
@argument("spec", metavar="NAME[@VERSION]", says="The crate, or one release of it.")
@json_lines
def info_command(run: Run, *, spec: str, as_json: bool) -> int:
    """Show what is known of a crate: its newest release, or the one that is named; what it needs, and who needs it.

    The newest is the highest version that is neither yanked nor a pre-release, where there is one.
    """
    from cargo_static_index.registry.registry import specs_of

    (wanted,) = specs_of([spec])
    store = _readable_tree(run)
    file = _file(store, wanted.name)
    line = newest(file.releases) if not wanted.vers else file.find(wanted.vers)
    if line is None or not line.cksum:
        held = ", ".join(release.vers for release in file.releases)
        hint = say_removed(store, wanted.name, wanted.vers) or f"held: {held}"
        raise NotHeld(f"there is no release {spec} in this registry; {hint}")
    document = _info(store, file, line)
    if as_json:
        print_json(document)
    else:
        _show(run, document)
    return GOOD


def _info(store: Store, file: IndexFile, line: Line) -> InfoDocument:
    metadata = known_metadata(store, line)
    manifest = metadata.manifest if metadata else None
    entry = parse_entry(line.raw)
    base_url = base_url_of(read_config(store)) or DEFAULT_BASE_URL
    return InfoDocument(
        name=line.name,
        version=line.vers,
        checksum=line.cksum,
        yanked=line.yanked,
        pubtime=line.pubtime,
        download=base_url + layout.archive_file(line.name, line.cksum),
        line=Raw(line.raw),
        description=manifest.description if manifest else None,
        license=(manifest.license or manifest.license_file) if manifest else None,
        repository=manifest.repository if manifest else None,
        homepage=manifest.homepage if manifest else None,
        documentation=manifest.documentation if manifest else None,
        rust_version=manifest.rust_version if manifest else None,
        keywords=manifest.keywords if manifest else (),
        packed_size=metadata.packed_size if metadata else None,
        unpacked_size=metadata.unpacked_size if metadata else None,
        versions=tuple(release.vers for release in file.releases),
        dependencies=tuple(map(_needed_dependency, entry.deps)),
        features={**entry.features, **(entry.features2 or {})},
        dependents=tuple(
            DependentDocument(
                name=dependent.name, version=dependent.version, requirement=dependent.requirement, kind=dependent.kind
            )
            for dependent in dependents_of(store, [line.name])
        ),
    )


def _needed_dependency(dependency: Dependency) -> DependencyDocument:
    return DependencyDocument(
        name=dependency.crate,
        requirement=dependency.req,
        kind=dependency.kind or "normal",
        optional=dependency.optional,
        target=dependency.target,
        registry=dependency.registry,
    )


def _show(run: Run, info: InfoDocument) -> None:
    rows = {
        "version": f"{info.version}{' (yanked)' if info.yanked else ''}",
        "published": info.pubtime,
        "license": info.license,
        "rust-version": info.rust_version,
        "keywords": " ".join(f"#{keyword}" for keyword in info.keywords),
        "documentation": info.documentation,
        "homepage": info.homepage,
        "repository": info.repository,
        "size": None if info.packed_size is None else f"{info.packed_size:,} bytes, {info.unpacked_size:,} unpacked",
        "checksum": info.checksum,
        "download": info.download,
        "versions": ", ".join(info.versions),
        "dependencies": ", ".join(map(_needed, info.dependencies)),
        "features": ", ".join(f"{name} = [{', '.join(values)}]" for name, values in info.features.items()),
        "dependents": ", ".join(
            f"{dependent.name} {dependent.version} ({dependent.requirement})" for dependent in info.dependents
        ),
    }
    run.terminal.result(info.name)
    if info.description:
        run.terminal.result(" ".join(info.description.split()))
    for label, value in rows.items():
        if value:
            run.terminal.result(f"{label}: {value}")


def _needed(dependency: DependencyDocument) -> str:
    about = [
        *([dependency.kind] if dependency.kind != "normal" else []),
        *(["optional"] if dependency.optional else []),
        *([f"for {dependency.target}"] if dependency.target else []),
        *([f"from {dependency.registry}"] if dependency.registry else []),
    ]
    return f"{dependency.name} {dependency.requirement}" + (f" ({', '.join(about)})" if about else "")


@command(["tree.path"], examples=("search parser", "search --limit 3 async runtime", "search --json http"))
@argument("query", nargs=-1, required=True, metavar="QUERY...", says="Words, a name, or a path such as serde::de.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Print no more crates.")
@json_lines
def search_command(run: Run, *, query: Sequence[str], limit: int, as_json: bool) -> int:
    """Find crates by name, keywords, categories, description, and the beginning of the README; else the exit code is 1.

    The likeliest comes first: the crate of that name, then those in which most words are found, best in the name, and
    on which most others depend. `-` and `_` are the same, and so are a word's English forms.
    """
    from cargo_static_index.registry.search import MOST_ROWS, search_of
    from cargo_static_index.site.search import near, ranked

    words = " ".join(query)
    with search_of(_readable_tree(run), run.settings.state.path) as search:
        found = ranked(words, search, MOST_ROWS)
        crates = list(filter(None, (search.about(crate.name) for crate in found[:limit])))
        meant = [] if found else [repr(name.name) for name in near(words, search)]
    for crate in crates:
        if as_json:
            print_json(_search_document(crate))
        else:
            yanked = "  (yanked)" if crate.yanked else ""
            run.terminal.result(f"{crate.name} {crate.vers}{yanked}{_brief(crate.description)}")
    if not found:
        run.terminal.say(f"nothing is found; did you mean {' or '.join(meant)}?" if meant else "nothing is found")
    return GOOD if found else FOUND_WRONG


def _search_document(crate: "ShownCrate") -> SearchDocument:
    return SearchDocument(
        name=crate.name,
        version=crate.vers,
        description=crate.description or None,
        updated=crate.updated or None,
        kind=crate.kind,
        yanked=crate.yanked,
        keywords=crate.keywords,
        dependents=crate.dependents,
    )


def _brief(description: str | None) -> str:
    text = " ".join((description or "").split())
    return f"  # {text if len(text) <= 100 else text[:99] + '…'}" if text else ""


def _readable_tree(run: Run) -> Store:
    """Give the store of the tree, or raise SettingsError where there is none, InvalidDocument where it is too new."""
    store = existing_tree(run)
    read_record(store)
    return store


def _file(store: Store, name: str) -> IndexFile:
    """Give the index file of a crate, or raise NotHeld with the name that may have been meant."""
    file = read_index(store, name).value
    if any(line.name == name for line in file.releases):
        return file
    raise NotHeld(f"there is no crate {name!r} in this registry; {hint_for(store, name)}")
