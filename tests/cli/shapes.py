"""The formats of code hosts, as far as we write them, as JSON Schemas of our own words.

SARIF: OASIS, "Static Analysis Results Interchange Format Version 2.1.0", by section. GitLab: "Code Quality", section
"Code Quality report format". GitHub: "Workflow commands for GitHub Actions".
"""

from typing import Any, Final

Schema = dict[str, Any]


def _object(required: str, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "required": required.split(),
        "additionalProperties": False,
        "properties": properties,
    }


TEXT: Final[Schema] = {"type": "string", "minLength": 1}

_MESSAGE: Final = _object("text", text=TEXT)
"""3.11 message object, and 3.12 multiformatMessageString object: both have a text."""

_ARTIFACT: Final = _object(
    "uri", uri={"type": "string", "format": "uri-reference", "pattern": r"^[!#$&-;=?-\[\]_a-z~%A-Z0-9]+$"}
)
"""3.4 artifactLocation object: a URI or a relative reference (RFC 3986)."""

_LOCATION: Final = _object("physicalLocation", physicalLocation=_object("artifactLocation", artifactLocation=_ARTIFACT))
"""3.28 location object, 3.29 physicalLocation object."""

_RULE: Final = _object("id", id=TEXT, shortDescription=_MESSAGE, help=_MESSAGE)
"""3.49 reportingDescriptor object."""

_DRIVER: Final = _object(
    "name version rules", name=TEXT, version=TEXT, rules={"type": "array", "uniqueItems": True, "items": _RULE}
)
"""3.19 toolComponent object."""

_RESULT: Final = _object(
    "ruleId ruleIndex level message locations",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level={"enum": ["none", "note", "warning", "error"]},
    message=_MESSAGE,
    locations={"type": "array", "minItems": 1, "items": _LOCATION},
)
"""3.27 result object."""

_RUN: Final = _object(
    "tool results", tool=_object("driver", driver=_DRIVER), results={"type": "array", "items": _RESULT}
)
"""3.14 run object, 3.18 tool object."""

_LOG: Final[dict[str, Schema]] = {
    "$schema": {"type": "string", "format": "uri"},
    "version": {"const": "2.1.0"},
    "runs": {"type": "array", "minItems": 1, "items": _RUN},
}

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"

SARIF: Final[Schema] = {"$schema": _DRAFT, **_object("$schema version runs", **_LOG)}
"""3.13 sarifLog object."""

GITLAB: Final[Schema] = {
    "$schema": _DRAFT,
    "type": "array",
    "items": _object(
        "description check_name fingerprint location severity",
        description=TEXT,
        check_name=TEXT,
        fingerprint=TEXT,
        severity={"enum": ["info", "minor", "major", "critical", "blocker"]},
        location=_object(
            "path lines",
            path={"type": "string", "minLength": 1, "pattern": r"^(?!\./)"},
            lines=_object("begin", begin={"type": "integer", "minimum": 1}),
        ),
    ),
}

GITHUB: Final = r"::(error|warning) file=[^,:\r\n]+,title=[a-z-]+::[^\r\n]+"
"""One line: a command, its properties, its data, each with its own characters escaped."""
