"""How the pages look: what the settings say of it, the templates, and the assets with a hash in their names."""

import calendar
import html
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from traceback import extract_tb
from typing import Any

import jinja2
import jinja2.bccache
import msgspec
from markupsafe import escape
from msgspec import Struct

from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.readme.highlight import code_colours, pygments_css
from cargo_static_index.site.readme.markdown import content_security_policy

ASSETS = ("theme.js", "site.js", "search.js", "icon.svg")
"""What pages name, beside site.css, which is put together from several sources."""


_SPECIAL = re.compile("[&<>'\"]")
_TICKS = re.compile(r"`([^`]+)`")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

SINGULAR = {"keywords": "keyword", "categories": "category", "months": "month"}


class Look(Struct, frozen=True, kw_only=True):
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
    images: bool = True
    refused: bool = True
    assets: dict[str, str] = {}

    @property
    def policy(self) -> str:
        """The Content-Security-Policy of every page."""
        return content_security_policy(images=self.images)

    def set_page(self, kind: str, name: str) -> str:
        """Give the path of the list of one keyword, category or month; `kind` is the plural."""
        return addresses.node_path(f"{SINGULAR[kind]}/{name}", "") + ".html"

    def set_label(self, kind: str, name: str) -> str:
        """Give what people call one keyword, category or month."""
        return month_name(name) if kind == "months" else name


class Sources(Struct, frozen=True, kw_only=True):
    """The files that pages are made from: templates and assets by name, the user's before ours, his style and logo."""

    files: dict[str, bytes]
    stylesheet: bytes = b""
    logo: bytes = b""
    logo_name: str = ""
    accent: tuple[str, str] = ("", "")
    """The accent colour on light and on dark ground, `#rrggbb`."""


def assets_of(sources: Sources) -> tuple[dict[str, str], dict[str, bytes]]:
    """Give the assets: their paths by name, and their content by path. A change of content changes the path."""
    contents = {name: sources.files[f"assets/{name}"] for name in ASSETS}
    ours = pygments_css() + _schemes(code_colours("light"), code_colours("dark")) + _accents(*sources.accent)
    contents["site.css"] = sources.files["assets/site.css"] + ours.encode() + sources.stylesheet
    if sources.logo:
        contents["logo"] = sources.logo
    paths = {name: _asset_path(sources.logo_name if name == "logo" else name, contents[name]) for name in contents}
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


class _Compiled(jinja2.FileSystemBytecodeCache):
    """Compiled templates in a folder, so that not every pass compiles them; where that fails, this one does."""

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


class Templates:
    """Renders pages. A template that fails raises SettingsError: ours do not, so it is one of the user's.

    `compiled` is a folder of the state directory that keeps templates compiled: that takes longer than a page.
    """

    def __init__(self, sources: Sources, look: Look, compiled: str | None = None) -> None:
        texts = {name: content.decode() for name, content in sources.files.items() if not name.startswith("assets/")}
        self._environment = _Environment(
            loader=_Texts(texts),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
            bytecode_cache=_Compiled(compiled) if compiled else None,
        )
        self._environment.globals["site"] = look
        self._environment.globals["piece"] = self.piece
        self._pieces: dict[tuple[object, ...], str] = {}
        self._environment.filters["href"] = addresses.href
        self._environment.filters["breakable"] = breakable
        self._environment.filters["many"] = many
        self._environment.filters["xml"] = xml_text
        self._environment.filters["file_rows"] = file_rows
        self._environment.filters["ticks"] = ticks

    def check(self) -> None:
        """Compile every template, or raise SettingsError with the one that cannot be."""
        for name in self._environment.list_templates():
            try:
                self._environment.get_template(name)
            except jinja2.TemplateError as error:
                where = _where(error, name)
                raise SettingsError(f"pages.templates: the template {where} cannot be used: {error}") from error

    def piece(self, template: str, root: str, **context: bool) -> str:
        """Render what pages at the same depth share, once."""
        key = (template, root, *context.items())
        if key not in self._pieces:
            self._pieces[key] = _Html(self._environment.get_template(template).render(context, root=root))
        return self._pieces[key]

    def render(self, template: str, path: str, context: Mapping[str, object]) -> bytes:
        """Render the page that is to lie at `path`; templates know it, and the way to the root, as `root`."""
        try:
            page = self._environment.get_template(template)
            return page.render(context, path=path, root=addresses.up(path)).encode()
        except jinja2.TemplateError as error:
            where = _where(error, template)
            raise SettingsError(f"the template {where} cannot be used for {path!r}: {error}") from error


class _Texts(jinja2.BaseLoader):
    """Templates by name, which tracebacks then show as the file's (`DictLoader` shows none)."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def get_source(
        self,
        environment: jinja2.Environment,  # noqa: ARG002 - part of the interface
        template: str,
    ) -> tuple[str, str, None]:
        """Give a template's text and name."""
        if template not in self._texts:
            raise jinja2.TemplateNotFound(template)
        return self._texts[template], template, None

    def list_templates(self) -> list[str]:
        """Give all names."""
        return sorted(self._texts)


def _where(error: jinja2.TemplateError, template: str) -> str:
    """Give the template and the line where an error arose, which may be one that `template` includes."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{(error.name or template)!r}, line {error.lineno},"
    frames = extract_tb(error.__traceback__)
    lines = [f"{each.filename!r}, line {each.lineno}," for each in frames if each.filename.endswith((".html", ".xml"))]
    return lines[-1] if lines else repr(template)


def _escaped(value: object) -> str:
    """Do what Jinja's own does, but leave text alone that needs nothing: nearly all does, and that is quicker told."""
    if type(value) is str and not _SPECIAL.search(value):
        return value
    return escape(value)


class _Template(jinja2.Template):
    """A template that escapes in half the time; compiled ones find the function among their globals."""

    @classmethod
    def from_code(cls, *arguments: Any, **more: Any) -> jinja2.Template:
        """Make a template of its compiled code."""
        made = super().from_code(*arguments, **more)
        if "escape" in made.root_render_func.__globals__:
            made.root_render_func.__globals__["escape"] = _escaped
        return made


class _Environment(jinja2.Environment):
    template_class = _Template


class _Html(str):
    """Text that is HTML already."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def breakable(name: str) -> str:
    """Let a long name break behind its dashes, underscores, slashes and colons."""
    text = str(escape(name))
    for mark in "-_/":
        if mark in text:
            text = text.replace(mark, f"{mark}<wbr>")
    return _Html(text.replace("::", "::<wbr>"))


def ticks(text: str) -> str:
    """Set what stands between backticks as code."""
    return _Html(_TICKS.sub(r"<code>\1</code>", str(escape(text))))


def file_rows(files: Iterable[tuple[str, str]]) -> str:
    """Give rows of a table for paths and sizes; there are so many that a template would take its time."""
    return _Html(
        "".join(
            f'<tr><th scope="row"><code>{html.escape(path)}</code></th><td>{size}</td></tr>\n' for path, size in files
        )
    )


def month_name(month: str) -> str:
    """Give `May 2024` for `2024-05`."""
    year, _, number = month.partition("-")
    return f"{calendar.month_name[int(number)]} {year}"


def xml_text(text: str) -> str:
    """Give text without the characters that XML cannot hold; escaping is the templates' business."""
    return _NOT_XML.sub("", text)


def many(number: int, one: str, more: str = "") -> str:
    """Give a number with its noun: `1 crate`, `2,000 crates`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def fingerprint_of(sources: Sources, look: Look, renderer: str) -> str:
    """Give what all pages depend on beside the registry's content: templates, settings, and what renders.

    The names are written here and stay: a class or a field that is called otherwise remakes nobody's pages.
    """
    named = {
        "renderer": renderer,
        "files": {name: sha256(content).hexdigest() for name, content in sources.files.items()},
        "stylesheet": sha256(sources.stylesheet).hexdigest(),
        "logo": sha256(sources.logo).hexdigest(),
        "logo-name": sources.logo_name,
        "accent": sources.accent,
        "title": look.title,
        "registry": look.registry,
        "description": look.description,
        "base-url": look.base_url,
        "index-url": look.index_url,
        "mirror": look.mirror,
        "private": look.private,
        "api": look.api,
        "documentation": look.documentation,
        "links": look.links,
        "footer": look.footer,
        "images": look.images,
        "refused": look.refused,
    }
    return sha256(msgspec.json.encode(named, order="deterministic")).hexdigest()
