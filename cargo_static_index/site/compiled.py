"""The shipped templates, compiled when the wheel is built: what is written then, and whether it may be used now.

Compiling takes longer than making pages. What was compiled is Python code, so it lies with the program's own and is
never read from a place that the program writes to. Jinja alone is needed here.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jinja2

OPTIONS: Final[Mapping[str, Any]] = {
    "undefined": jinja2.StrictUndefined,
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
    "auto_reload": False,
}
"""The options of an environment that templates are written for, beside `autoescape`."""

FILTERS: Final = ("href", "breakable", "many", "xml", "file_rows", "ticks")
"""The filters that templates may use, beside Jinja's own."""

MADE_FROM: Final = "made-from.json"
"""The file beside them that says with which Jinja they were made, and from which texts."""

_QUICKER: Final = r"""

import re

_special, _escape = re.compile("[&<>\"']").search, escape


def escape(value):
    return value if (type(value) is str and not _special(value)) or type(value) is Markup else _escape(value)
"""
"""The end of a compiled template: what it escapes with from there on, as text that needs nothing is quicker told."""


def compile_folder(templates: Path, target: Path) -> None:
    """Compile the templates of a folder into another, a Python module each."""
    paths = [path for path in templates.iterdir() if path.suffix in {".html", ".xml"}]
    texts = {path.name: path.read_text(encoding="utf-8") for path in paths}
    environment = jinja2.Environment(autoescape=True, loader=jinja2.DictLoader(texts), **OPTIONS)
    environment.filters.update(dict.fromkeys(FILTERS, _not_yet))
    environment.compile_templates(str(target), zip=None, ignore_errors=False)
    for name in texts:
        with (target / jinja2.ModuleLoader.get_module_filename(name)).open("a", encoding="utf-8") as module:
            module.write(_QUICKER)
    (target / MADE_FROM).write_text(_made_from(texts), encoding="utf-8")


def _not_yet(*_: object) -> str:
    raise NotImplementedError  # so Jinja leaves what a filter makes of a constant for later


def are_made_from(compiled: Path, texts: Mapping[str, str]) -> bool:
    """Whether a folder holds just these templates, compiled by the very Jinja that is here."""
    try:
        return (compiled / MADE_FROM).read_text(encoding="utf-8") == _made_from(texts)
    except OSError:
        return False


def _made_from(texts: Mapping[str, str]) -> str:
    digest = hashlib.sha256(json.dumps([_QUICKER, *sorted(texts.items())]).encode())
    return json.dumps({"jinja2": jinja2.__version__, "templates": digest.hexdigest()})
