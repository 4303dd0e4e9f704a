"""JSON Schemas of the documents that pages have beside them for programs.

`python -m scripts.docs.site_schemas` writes them anew in a checkout.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from cargo_static_index._json import write_json
from cargo_static_index.site.crate_document import CrateDocument
from cargo_static_index.site.front import FrontDocument
from cargo_static_index.site.rows import CrateRow, DependentRow, ReleaseRow, SetRow
from scripts.docs import level

REWRITE: Final = "python -m scripts.docs.site_schemas"
"""The command that writes the files of `schemas` anew."""

FOLDER: Final = Path(__file__).parents[2] / "cargo_static_index" / "schemas"


PART: Final = (
    "A part of a list, cut by what keys begin with. Either `rows` are here, by key, or `parts` says how many rows each "
    "part has whose keys begin with its name; the file of such a part lies in the folder called as the list's first "
    "file, and is called as the part, with every character but a-z, 0-9 and - written as _HEX_. `about` is what else "
    "rows depend on: of dependents, the crate's `newest` version."
)


def schemas() -> Mapping[str, bytes]:
    """Give the files of schemas, by name."""
    found = {
        "page-crate": _schema(CrateDocument, "crates/NAME/index.json"),
        "page-front": _schema(FrontDocument, "index.json"),
        "page-list": _part_schema(),
    }
    return {f"{name}.schema.json": write_json(content) for name, content in found.items()}


def _schema(document: type[Struct], title: str) -> dict[str, Any]:
    schema = msgspec.json.schema(document)
    level(schema["$defs"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}


def _part_schema() -> dict[str, Any]:
    rows = (CrateRow, ReleaseRow, DependentRow, SetRow)
    found, components = msgspec.json.schema_components(rows, ref_template="#/$defs/{name}")
    level(components)
    fields = {
        "schema": {"const": 1},
        "list": {"type": "string"},
        "prefix": {"type": "string"},
        "total": {"type": "integer", "minimum": 0},
        "common": {"type": "string"},
        "parts": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}},
        "rows": {"type": "object", "additionalProperties": {"anyOf": list(found)}},
        "about": {"type": "object", "additionalProperties": {"type": "string"}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "browse/….json, crates/NAME/dependents….json",
        "description": PART,
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "$defs": components,
    }


if __name__ == "__main__":
    for name, content in schemas().items():
        (FOLDER / name).write_bytes(content)
