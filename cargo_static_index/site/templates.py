"""Renders templates, the user's own before ours."""

from collections.abc import Iterable, Mapping, MutableMapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.compiled import FILTERS, OPTIONS, are_made_from
from cargo_static_index.site.seal import sealed
from cargo_static_index.site.theme import SiteInfo, Theme

_TICKS = pattern(r"`([^`]+)`")
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
_NOT_XML = pattern("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Templates:
    """Renders pages. A template that fails raises SettingsError: ours do not, so it is one of the user's.

    Where some are the user's, everything renders in Jinja's sandbox, with nothing but the names that
    site-template/README.md lists: a folder of templates is not always of one's own making.
    """

    def __init__(self, theme: Theme, site: SiteInfo) -> None:
        self._theme = theme
        if theme.own:
            self._environment: jinja2.Environment = ImmutableSandboxedEnvironment(
                autoescape=True, loader=_Texts(theme.texts), **OPTIONS
            )
            self._environment.globals.clear()
        else:
            texts = theme.texts
            compiled = (CompiledLoader(folder) for folder in map(Path, theme.compiled) if are_made_from(folder, texts))
            loader = jinja2.ChoiceLoader([*compiled, _Texts(texts)])
            self._environment = _Environment(autoescape=True, loader=loader, **OPTIONS)
        self._environment.globals["site"] = site
        self._environment.globals["piece"] = self.piece
        self._pieces: dict[tuple[object, ...], str] = {}
        functions = (addresses.href, breakable, many, xml_text, file_rows, ticks)
        self._environment.filters.update(zip(FILTERS, functions, strict=True))

    def check(self) -> None:
        """Compile the user's templates, or raise SettingsError with the one that cannot be."""
        for name in self._theme.own:
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

    def render(self, template: str, path: str, context: Mapping[str, object], source: bytes = b"") -> bytes:
        """Render the page that is to lie at `path`; templates know it, and the way to the root, as `root`.

        `source` is what `site.seal` is to know of the context.
        SettingsError names a template of the user's that fails.
        """
        try:
            page = self._environment.get_template(template)
            return sealed(path, page.render(context, path=path, root=addresses.up(path)).encode(), source)
        except jinja2.TemplateError as error:
            where = _where(error, template)
            raise SettingsError(f"the template {where} cannot be used for {path!r}: {error}") from error


class _Environment(jinja2.Environment):
    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Give a template's globals, of which each page takes a copy: of the `ChainMap` that Jinja gives, slowly."""
        return {**self.globals, **(d or {})}


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


class CompiledLoader(jinja2.BaseLoader):
    """Gives Jinja templates out of the folder that `compiled.compile_folder` filled.

    Jinja's own `ModuleLoader` puts a weak reference among the interpreter's modules, which fails whoever looks
    through these while the loader goes.
    """

    def __init__(self, compiled: Path) -> None:
        self._compiled = compiled

    def load(
        self,
        environment: jinja2.Environment,
        name: str,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 - part of the interface
    ) -> jinja2.Template:
        """Give a template, or raise jinja2.TemplateNotFound."""
        file = jinja2.ModuleLoader.get_module_filename(name)
        try:
            code = SourceFileLoader(file, str(self._compiled / file)).get_code(file)
        except OSError as error:
            raise jinja2.TemplateNotFound(name) from error
        assert code is not None
        return environment.template_class.from_code(environment, code, {} if globals is None else globals)


def _where(error: jinja2.TemplateError, template: str) -> str:
    """Give the template and the line where an error arose, which may be one that `template` includes."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{(error.name or template)!r}, line {error.lineno},"
    from traceback import extract_tb

    frames = extract_tb(error.__traceback__)
    lines = [
        f"{frame.filename!r}, line {frame.lineno}," for frame in frames if frame.filename.endswith((".html", ".xml"))
    ]
    return lines[-1] if lines else repr(template)


_Html = Markup
"""Text that is HTML already, since the functions here see to that."""


def breakable(name: str) -> str:
    """Let a long name break behind its dashes, underscores, slashes and colons."""
    if name.isalnum():
        return name
    text = str(escape(name))
    for mark in "-_/":
        if mark in text:
            text = text.replace(mark, f"{mark}<wbr>")
    return _Html(text.replace("::", "::<wbr>"))


def ticks(text: str) -> str:
    """Set what stands between backticks as code."""
    return _Html(_TICKS.sub(r"<code>\1</code>", str(escape(text))))


def file_rows(files: Iterable[tuple[str, str, str]]) -> str:
    """Give rows of a table for paths, sizes and pages; there are so many that a template would take its time."""
    return _Html(
        "".join(
            f'<tr><th scope="row">{_file_link(path, page)}</th><td>{size}</td></tr>\n' for path, size, page in files
        )
    )


def _file_link(path: str, page: str) -> str:
    code = f"<code>{path.translate(_ESCAPED)}</code>"
    return f'<a href="{page}">{code}</a>' if page else code


def xml_text(text: str) -> str:
    """Give text without the characters that XML cannot hold; escaping is the templates' business."""
    return text if text.isprintable() else _NOT_XML.sub("", text)  # to compile that takes longer than a page


def many(number: int, one: str, more: str = "") -> str:
    """Give a number with its noun: `1 crate`, `2,000 crates`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"
