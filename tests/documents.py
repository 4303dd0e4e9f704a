"""Holding the JSON documents that commands print against their schemas, by two validators that are not ours."""

import importlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

# It has no types of its own, and the checker asks for them where it is imported by name.
jsonschema: Any = importlib.import_module("jsonschema")

SCHEMAS: Final = Path(__file__).parents[1] / "cargo_static_index/schemas"

PRINTED_BY: Final = {
    "build": "build",
    "add": "build",
    "check": "build",
    "list": "release",
    "missing": "missing",
    "advisories": "advisory",
    "info": "info",
    "search": "crate",
    "verify": "verify",
    "status": "status",
    "token": "token",
    "audit": "audit",
    "reindex": "reindex",
    "promote": "build",
    "push": "push",
    "doctor": "doctor",
}
"""Which documents each command prints with `--json`."""


@cache
def _validators(name: str) -> tuple[Any, jsonschema_rs.Validator]:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema), jsonschema_rs.validator_for(schema)


def hold_to_schema(name: str, document: object) -> None:
    """Raise ValidationError, of either validator, where a document is not what its schema says."""
    for validator in _validators(name):
        validator.validate(document)


def hold_output(arguments: Sequence[object], out: str) -> None:
    """Hold what a command printed, a document a line, against its schema, if it was asked for JSON."""
    if not {"--json", "json"} & {str(each) for each in arguments}:
        return
    names = [PRINTED_BY[str(each)] for each in arguments if str(each) in PRINTED_BY]
    for line in out.splitlines() if names else ():
        hold_to_schema(names[0], json.loads(line))
