"""What pages show of the registry itself, and the theme: templates, styles and scripts, the user's before ours."""

from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.protocol.spdx import license_name
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.readme.images import FETCHED, Images, width_css
from cargo_static_index.site.source import Shown

ASSETS = tuple(("theme.js site.js crate.js compare.js browse.js search.js source.js source.css icon.svg").split())
"""What pages name, beside site.css, which is put together from several theme."""

_COMMENT = pattern(rb"(?m)^/\*[^*]*\*/\n")
"""A line that is for whoever changes the style, not for each visitor."""

_MONTHS = tuple(("January February March April May June July August September October November December").split())

SINGULAR = {"keywords": "keyword", "categories": "category", "licenses": "license", "months": "month"}


def content_security_policy(*, images: bool = True) -> str:
    """Give the policy of our pages: what is ours and, where READMEs may show them, images over https.

    It would stop what `sanitize` stops, if that failed.
    """
    shown = "'self' https:" if images else "'self'"
    return (
        f"default-src 'none'; img-src {shown}; style-src 'self'; script-src 'self'; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'"
    )


CSP: Final = content_security_policy()
"""The policy where READMEs may show images."""


class SiteInfo(Struct, frozen=True, kw_only=True):
    """What every page may show of the registry itself. `assets` are paths by the name that templates call them."""

    title: str
    registry: str
    """The registry's name in cargo's configuration."""
    description: str = ""
    base_url: str
    index_url: str
    """The index URL for cargo, `sparse+` and the last slash included."""
    mirror: bool = False
    private: bool = False
    """Whether cargo must send a token."""
    api: str = ""
    documentation: str = ""
    """Where documentation is when a manifest names none: an address with `{crate}` and `{version}`."""
    links: tuple[tuple[str, str], ...] = ()
    footer: str = ""
    images: Images = "all"
    refused: bool = True
    advisories: bool = False
    """Whether security advisories are told of."""
    source: Shown = "none"
    """Which files of a release have pages; `source_bytes` is how much of them at most, 0 where none have."""
    source_bytes: int = 0
    assets: dict[str, str] = {}

    @property
    def policy(self) -> str:
        """The Content-Security-Policy of every page."""
        return content_security_policy(images=self.images in FETCHED)

    def set_page(self, kind: str, name: str) -> str:
        """Give the path of the list of one keyword, category, license or month; `kind` is the plural."""
        return addresses.node_path(f"{SINGULAR[kind]}/{name}", "") + ".html"

    def set_label(self, kind: str, name: str) -> str:
        """Give what people call one keyword, category, license or month."""
        if kind == "licenses":
            return license_name(name)
        return month_name(name) if kind == "months" else name


class Theme(Struct, frozen=True, kw_only=True):
    """The files that pages are made from: templates and assets by name, the user's before ours, his style and logo."""

    files: dict[str, bytes]
    own: tuple[str, ...] = ()
    """The names of the templates that are the user's."""
    compiled: tuple[str, ...] = ()
    """Folders of which one may hold them compiled, where all of them are ours."""
    stylesheet: bytes = b""
    logo: bytes = b""
    logo_name: str = ""
    accent: tuple[str, str] = ("", "")
    """The accent colour on light and on dark ground, `#rrggbb`."""

    @property
    def texts(self) -> dict[str, str]:
        """The templates by name."""
        return {name: content.decode() for name, content in self.files.items() if not name.startswith("assets/")}


def assets_of(theme: Theme) -> tuple[dict[str, str], dict[str, bytes]]:
    """Give the assets: their paths by name, and their content by path. A change of content changes the path."""
    from cargo_static_index.site.readme.highlight import code_colours, pygments_css

    contents = {name: theme.files[f"assets/{name}"] for name in ASSETS}
    ours = (
        pygments_css() + width_css() + _schemes(code_colours("light"), code_colours("dark")) + _accents(*theme.accent)
    )
    contents["site.css"] = _COMMENT.sub(b"", theme.files["assets/site.css"]) + ours.encode() + theme.stylesheet
    if theme.logo:
        contents["logo"] = theme.logo
    paths = {name: _asset_path(theme.logo_name if name == "logo" else name, contents[name]) for name in contents}
    return paths, {paths[name]: content for name, content in contents.items()}


def _accents(light: str, dark: str) -> str:
    return _schemes(f"--accent:{light};" if light else "", f"--accent:{dark};" if dark else "")


def _schemes(light: str, dark: str) -> str:
    """Give rules for declarations of the two schemes: the system's choice, unless the switch says otherwise.

    What is printed is light.
    """
    return (
        f":root{{{light}}}\n"
        f'@media screen and (prefers-color-scheme:dark){{:root:not([data-theme="light"]){{{dark}}}}}\n'
        f'@media screen{{:root[data-theme="dark"]{{{dark}}}}}\n'
    )


def _asset_path(name: str, content: bytes) -> str:
    stem, _, ending = name.rpartition(".")
    return f"assets/{stem}-{sha256(content).hexdigest()[:12]}.{ending}"


def fingerprint_of(theme: Theme, site: SiteInfo, renderer: str) -> str:
    """Give what all pages depend on beside the registry's content: templates, settings, and what renders.

    The names are written here and stay: a class or a field that is called otherwise remakes nobody's pages.
    """
    named = {
        "renderer": renderer,
        "files": {name: sha256(content).hexdigest() for name, content in theme.files.items()},
        "stylesheet": sha256(theme.stylesheet).hexdigest(),
        "logo": sha256(theme.logo).hexdigest(),
        "logo-name": theme.logo_name,
        "accent": theme.accent,
        "title": site.title,
        "registry": site.registry,
        "description": site.description,
        "base-url": site.base_url,
        "index-url": site.index_url,
        "mirror": site.mirror,
        "private": site.private,
        "api": site.api,
        "documentation": site.documentation,
        "links": site.links,
        "footer": site.footer,
        "images": {"all": True, "none": False}.get(site.images, site.images),
        "refused": site.refused,
        **({"advisories": True} if site.advisories else {}),
        **({"source": [site.source, site.source_bytes]} if site.source != "none" or site.source_bytes else {}),
    }
    return sha256(msgspec.json.encode(named, order="deterministic")).hexdigest()


def month_name(month: str) -> str:
    """Give `May 2024` for `2024-05`."""
    year, _, number = month.partition("-")
    return f"{_MONTHS[int(number) - 1]} {year}"
