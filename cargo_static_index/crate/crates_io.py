"""What crates.io asks of a manifest that cargo does not: policies, since a registry of one's own may ask for less.

The rules are those of crates.io's src/controllers/krate/publish.rs and src/models/keyword.rs; the categories are those
of August 2026 (src/boot/categories.toml).
"""

from collections.abc import Iterator, Mapping

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.diagnostics.problems import Problem, problem
from cargo_static_index.diagnostics.rule import Level
from cargo_static_index.diagnostics.rules import RULES
from cargo_static_index.protocol.manifest.manifest import Manifest
from cargo_static_index.protocol.spdx import parse_license
from cargo_static_index.protocol.urls import parse_url

MOST = 5
"""Keywords, and categories."""
KEYWORD_BYTES = 20
DESCRIPTION_BYTES = 1000
_CATEGORIES = """
    accessibility aerospace aerospace::drones aerospace::protocols aerospace::simulation aerospace::space-protocols
    aerospace::unmanned-aerial-vehicles algorithms api-bindings artificial-intelligence asynchronous authentication
    automotive caching command-line-interface command-line-utilities compilers compression computer-vision
    concurrency config cryptography cryptography::cryptocurrencies data-structures database database-implementations
    date-and-time development-tools development-tools::build-utils development-tools::cargo-plugins
    development-tools::debugging development-tools::ffi development-tools::procedural-macro-helpers
    development-tools::profiling development-tools::testing email embedded emulators encoding external-ffi-bindings
    filesystem finance game-development game-engines games graphics gui hardware-support internationalization
    localization mathematics memory-management multimedia multimedia::audio multimedia::encoding multimedia::images
    multimedia::video network-programming no-std no-std::no-alloc os os::android-apis os::freebsd-apis
    os::linux-apis os::macos-apis os::unix-apis os::windows-apis parser-implementations parsing rendering
    rendering::data-formats rendering::engine rendering::graphics-api rust-patterns science science::bioinformatics
    science::bioinformatics::genomics science::bioinformatics::proteomics science::bioinformatics::sequence-analysis
    science::computational-biology science::computational-biology::structural-modeling
    science::computational-biology::systems-biology science::computational-chemistry
    science::computational-chemistry::cheminformatics science::computational-chemistry::electronic-structure
    science::computational-chemistry::molecular-simulation science::geo science::materials science::neuroscience
    science::quantum-computing science::robotics security simulation template-engine text-editors text-processing
    value-formatting virtualization visualization wasm web-programming web-programming::http-client
    web-programming::http-server web-programming::websocket
"""
CATEGORIES = frozenset(_CATEGORIES.split())
_KEYWORD = pattern("[A-Za-z0-9][A-Za-z0-9_+-]*")
USUAL_ADDRESS = pattern(r"https?://(?:[a-z0-9][a-z0-9-]*\.)+[a-z]{2,}(?:/[A-Za-z0-9/._~#?=&+-]*)?")
"""Of the addresses that `parse_url` takes nearly all, told from the others at once."""


def check_as_crates_io(manifest: Manifest, levels: Mapping[str, Level]) -> Iterator[Problem]:
    """Find what crates.io would refuse, by the rules that are not off."""
    for found in _refused_there(manifest):
        if levels.get(found.rule, RULES[found.rule].level) != "allow":
            yield found


def _refused_there(manifest: Manifest) -> Iterator[Problem]:
    if manifest.description:
        yield from _check_description(manifest.description)
    if manifest.license:
        yield from _check_license(manifest.license)
    for key in ("homepage", "documentation", "repository"):
        text = getattr(manifest, key)
        if text and not USUAL_ADDRESS.fullmatch(text):
            yield from _check_address(key, text)
    if manifest.keywords:
        yield from _check_keywords(manifest.keywords)
    if manifest.categories:
        yield from _check_categories(manifest.categories)


def _check_description(description: str) -> Iterator[Problem]:
    size = len(description.encode())
    if size > DESCRIPTION_BYTES:
        message = f"`package.description` has {size} bytes; crates.io takes {DESCRIPTION_BYTES}."
        yield problem("description-too-long", message, place="Cargo.toml.package.description")


def _check_license(expression: str) -> Iterator[Problem]:
    try:
        parse_license(expression)
    except InvalidInput as error:
        message = f"`package.license` is {quote(expression)}, which SPDX does not know: {error}."
        yield problem("license-invalid", message, place="Cargo.toml.package.license")


def _check_address(key: str, text: str) -> Iterator[Problem]:
    try:
        if parse_url(text).scheme in ("http", "https"):
            return
    except InvalidInput:
        pass
    message = f"`package.{key}` is {quote(text)}, which is no address of the web."
    yield problem("url-invalid", message, place=f"Cargo.toml.package.{key}")


def _check_keywords(keywords: tuple[str, ...]) -> Iterator[Problem]:
    place = "Cargo.toml.package.keywords"
    if len(keywords) > MOST:
        message = f"There are {len(keywords)} keywords; crates.io takes {MOST}, and pages list the first {MOST}."
        yield problem("keyword-invalid", message, place=place)
    for keyword in keywords:
        if len(keyword.encode()) > KEYWORD_BYTES:
            message = f"The keyword {quote(keyword)} has more than {KEYWORD_BYTES} characters."
            yield problem("keyword-invalid", message, place=place)
        elif not _KEYWORD.fullmatch(keyword):
            message = f"The keyword {quote(keyword)} has other characters than ASCII letters, digits, '_', '-' and '+'."
            yield problem("keyword-invalid", message, place=place)


def _check_categories(categories: tuple[str, ...]) -> Iterator[Problem]:
    if len(categories) > MOST:
        message = f"There are {len(categories)} categories; crates.io takes {MOST}."
        yield problem("too-many-categories", message, place="Cargo.toml.package.categories")
    for category in categories:
        if category not in CATEGORIES:
            message = f"crates.io has no category {quote(category)}."
            yield problem("category-unknown", message, place="Cargo.toml.package.categories")
