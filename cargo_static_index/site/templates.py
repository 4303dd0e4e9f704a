"""Renders templates, the user's own before ours."""

import html
from collections.abc import Iterable, Mapping
from contextlib import suppress
from traceback import extract_tb

import jinja2
import jinja2.bccache
from markupsafe import escape

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.theme import SiteInfo, Theme

_TICKS = pattern(r"`([^`]+)`")
_NOT_XML = pattern("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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

    def __init__(self, theme: Theme, site: SiteInfo, compiled: str | None = None) -> None:
        texts = {name: content.decode() for name, content in theme.files.items() if not name.startswith("assets/")}
        self._environment = jinja2.Environment(
            loader=_Texts(texts),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
            bytecode_cache=_Compiled(compiled) if compiled else None,
        )
        self._environment.globals["site"] = site
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
    lines = [
        f"{frame.filename!r}, line {frame.lineno}," for frame in frames if frame.filename.endswith((".html", ".xml"))
    ]
    return lines[-1] if lines else repr(template)


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


def xml_text(text: str) -> str:
    """Give text without the characters that XML cannot hold; escaping is the templates' business."""
    return _NOT_XML.sub("", text)


def many(number: int, one: str, more: str = "") -> str:
    """Give a number with its noun: `1 crate`, `2,000 crates`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"
