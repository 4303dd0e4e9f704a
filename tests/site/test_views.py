"""What the page of a release says to copy, and what kind of crate it is."""

from io import BytesIO

import pytest

from cargo_static_index.crate.check import read_crate
from cargo_static_index.crate.limits import Limits
from cargo_static_index.protocol.manifest.manifest import entry_of
from cargo_static_index.protocol.registries import Home
from cargo_static_index.site.crate_document import document_of, summary_of
from cargo_static_index.site.prose import Prose
from cargo_static_index.site.theme import SiteInfo
from cargo_static_index.site.views import StoredRelease, kind_of, release_view
from tests.crates import CrateBuilder, crate
from tests.world import BASE

INDEX = f"sparse+{BASE}index/"


def release_of(built: CrateBuilder) -> StoredRelease:
    metadata = read_crate(BytesIO(built.build()), Limits())[1]
    assert metadata is not None
    entry = entry_of(metadata.manifest, cksum=metadata.cksum, home=Home(urls=(INDEX,)), pubtime=None)
    return StoredRelease(line="", entry=entry, metadata=metadata)


def copied(built: CrateBuilder, *, own: bool = False, mirror: bool = False) -> list[str]:
    """Give what there is to copy on a page."""
    release = release_of(built)
    site = SiteInfo(title="", registry="acme", base_url=BASE, index_url=INDEX, mirror=mirror)
    document = document_of(release.entry, release.metadata, (summary_of(release.entry, release.metadata),), ())
    return [copy.text for copy in release_view(release, None, document, site, Prose(), Prose(), own=own).copies]


def program(name: str = "tool", *, library: bool = False, binary: str = "tool") -> CrateBuilder:
    built = crate(name).file("src/main.rs", "fn main() {}").toml(f'[[bin]]\nname = "{binary}"\npath = "src/main.rs"\n')
    return built if library else built.without("src/lib.rs")


ADD = ["cargo add tool --registry acme", 'tool = { version = "1.0.0", registry = "acme" }']


@pytest.mark.parametrize(
    ("built", "copies"),
    [
        (crate("tool"), ADD),
        (program(), ["cargo install tool --registry acme"]),
        (program(library=True), [*ADD, "cargo install tool --registry acme"]),
        (program(library=True, binary="cargo-helps"), [*ADD, "cargo install tool --registry acme"]),
        (program(library=True, binary="for-its-tests"), ADD),
    ],
)
def test_a_library_is_to_be_added_and_a_program_to_be_installed(built: CrateBuilder, copies: list[str]) -> None:
    assert copied(built) == copies


def test_an_exact_version_is_named_where_cargo_would_take_another() -> None:
    assert copied(crate("tool", "2.0.0-rc.1+x"))[0] == "cargo add tool@2.0.0-rc.1 --registry acme"
    assert copied(program(), own=True) == ["cargo install tool --version 1.0.0 --registry acme"]


def test_a_mirror_is_asked_as_crates_io_is() -> None:
    assert copied(crate("tool"), mirror=True) == ["cargo add tool", 'tool = "1.0.0"']


@pytest.mark.parametrize(
    ("built", "kind"),
    [
        (crate(), "Library"),
        (crate().toml("[lib]\nproc-macro = true"), "Procedural macro"),
        (program(), "Program tool"),
        (program(library=True), "Library and program tool"),
    ],
)
def test_a_crate_is_called_what_it_is(built: CrateBuilder, kind: str) -> None:
    assert kind_of(release_of(built).metadata) == kind
    assert kind_of(None) == ""
