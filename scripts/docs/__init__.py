"""What is written anew in a checkout from the tables of the program: pages of docs/, JSON Schemas."""

import inspect
from typing import Any


def level(definitions: dict[str, Any]) -> None:
    """Take out of a JSON Schema's definitions in what msgspec's versions differ.

    Those before 0.23 leave indents of docstrings in descriptions, and those from it on say how keys are called.
    """
    for definition in definitions.values():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
        for value in definition.get("properties", {}).values():
            value.pop("propertyNames", None)
