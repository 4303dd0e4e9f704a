"""The files and settings that pages are made from, read from the package, the user's folders and registry.toml."""

import os
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from cargo_static_index._pattern import pattern
from cargo_static_index._version import __version__
from cargo_static_index.diagnostics.errors import InvalidInput, SettingsError, StoreError
from cargo_static_index.protocol.config import index_url
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.settings import Settings
from cargo_static_index.settings.layers import nearest
from cargo_static_index.site.theme import SiteInfo, Theme
from cargo_static_index.store.local.store import LocalStore

DOCS_RS = "https://docs.rs/{crate}/{version}"
"""Where documentation of crates.io's crates is, when a manifest names none."""

_RENDERERS = ("comrak", "nh3", "Pygments", "Jinja2")
_LINK = pattern(r"(.+?)\s+((?:https?://|mailto:)\S+)")


def read_theme(settings: Settings) -> Theme:
    """Read templates and assets, the user's own before ours; SettingsError where one cannot be read."""
    pages = settings.pages
    files, own = dict(_shipped()), dict[str, bytes]()
    if pages.templates:
        own = _read_folder(settings, pages.templates)
        # Under this name a template of the user's extends the one whose place it takes.
        files = {**files, **{f"shipped/{name}": content for name, content in files.items()}, **own}
    return Theme(
        files=files,
        own=tuple(name for name in own if not name.startswith("assets/")),
        compiled=() if own else _COMPILED,
        stylesheet=_read(settings, pages.stylesheet, "pages.stylesheet") if pages.stylesheet else b"",
        logo=_read(settings, pages.logo, "pages.logo") if pages.logo else b"",
        logo_name=pages.logo.name if pages.logo else "",
        accent=(pages.accent or "", pages.accent_dark or ""),
    )


def unused_files(theme: Theme) -> Iterator[str]:
    """Say of each of the user's own files which takes no place of ours, and is named by none, that it does nothing."""
    ours = dict(_shipped())
    own = {name: text for name, text in theme.files.items() if not name.startswith("shipped/") and name not in ours}
    for name in own:
        if not any(name.encode() in text for other, text in theme.files.items() if other != name):
            hint = nearest(name, tuple(ours)) or "; site-template/README.md lists the names"
            yield f"pages.templates: {name!r} takes the place of no template or asset, and none names it{hint}"


def site_info_of(transaction: Transaction, settings: Settings) -> SiteInfo:
    """Give what every page may show of the registry itself."""
    registry, pages = settings.registry, settings.pages
    return SiteInfo(
        title=registry.title or registry.name or "Cargo registry",
        registry=registry.name or "NAME",
        description=registry.description or "",
        base_url=transaction.base_url,
        index_url=index_url(transaction.base_url),
        mirror=transaction.home.mode == "mirror",
        private=registry.auth_required,
        api=settings.publish.url or "",
        documentation=pages.documentation or (DOCS_RS if transaction.home.mode == "mirror" else ""),
        links=tuple(_link(text) for text in pages.links),
        footer=pages.footer or "",
        images=pages.images,
        refused=pages.refused,
        advisories=settings.advisories.path is not None,
        source=pages.source,
        source_bytes=pages.source_bytes if pages.source != "none" else 0,
    )


@cache
def renderer(names: tuple[str, ...] = _RENDERERS) -> str:
    """Name what renders, with versions: other versions may give other bytes."""
    return " ".join([f"cargo-static-index {__version__}", *map(_version, names)])


def _version(name: str) -> str:
    """Give a renderer with the version that the folder of its metadata is named for.

    As pip names it: https://packaging.python.org/en/latest/specifications/recording-installed-packages/. A tenth of
    what starting takes would go to `importlib.metadata`, which reads more and loads the email package to read it.
    """
    found = find_spec(name.lower())
    for folder in found.submodule_search_locations or () if found else ():
        start = f"{name.lower()}-"
        for beside in _names_in(Path(folder).parent):
            if beside.endswith(".dist-info") and beside.lower().startswith(start):
                return f"{name} {beside[len(start) : -len('.dist-info')]}"
    return name


@cache
def _names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _link(text: str) -> tuple[str, str]:
    found = _LINK.fullmatch(text)
    assert found is not None, "the settings' kind has seen to it"
    return found[1], found[2]


_PACKAGE = Path(__file__).parents[2]
_COMPILED = (str(_PACKAGE / "templates"), str(_PACKAGE.parent / "build" / "templates"))
"""Where the shipped templates lie compiled: in an installed program, and in a checkout."""


@cache
def _shipped() -> tuple[tuple[str, bytes], ...]:
    # Inside the wheel the templates lie in the package, in a checkout beside it.
    folder = _PACKAGE / "site-template"
    folder = folder if folder.is_dir() else _PACKAGE.parent / "site-template"
    return tuple((name, (folder / name).read_bytes()) for name in _names(folder))


def _names(folder: Path) -> list[str]:
    start = len(f"{folder}/")
    names = (f"{place}/{name}"[start:] for place, _, files in os.walk(folder) for name in files)
    # Hidden are what editors and git leave beside templates.
    shown = (name for name in names if name.rpartition("/")[2] != "README.md" and "/." not in f"/{name}")
    return sorted(shown, key=lambda name: name.split("/"))


# What is the user's -----------------------------------------------------------------------------------------


def _read_folder(settings: Settings, folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        raise SettingsError(f"pages.templates: {str(folder)!r} is no folder; name one that holds templates")
    return {name: _read(settings, folder / name, "pages.templates") for name in _names(folder)}


def _read(settings: Settings, path: Path, key: str) -> bytes:
    """Read a file that is published, below the folder of the settings that name it, and through no link."""
    # The attack: a link in a shared folder, to a file that only the caller may read, and that pages would then show.
    base = settings.folder
    if base is None or not path.is_relative_to(base):  # an option named it, by whatever way
        base, path = Path(os.path.realpath(path.parent)), Path(os.path.realpath(path.parent)) / path.name
    try:
        stored = LocalStore(Path(os.path.realpath(base))).read(path.relative_to(base).as_posix())
    except InvalidInput as error:
        raise SettingsError(
            f"{key}: {str(path)!r} is a link, or lies behind one, and is not followed; put the file itself there"
        ) from error
    except StoreError as error:
        raise SettingsError(f"{key}: {error}") from error
    if stored is None:
        raise SettingsError(f"{key}: {str(path)!r} cannot be read: there is no such file")
    return stored.content
