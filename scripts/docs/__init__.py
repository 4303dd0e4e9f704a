"""What is written anew in a checkout from the tables of the program: pages of docs/, JSON Schemas."""

import inspect
from typing import Any


def without_indents(definitions: dict[str, Any]) -> None:
    """Take the indents of docstrings out of the descriptions in a JSON Schema, as msgspec does from 0.23 on."""
    for definition in definitions.values():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
