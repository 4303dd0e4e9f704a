"""What is made from the table of settings for users: registry.toml, its JSON Schema, `--show-settings`."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Final

from msgspec import Struct, to_builtins

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.escape import escape, in_toml
from cargo_static_index.diagnostics.rule import LEVELS, OWN_ID, Rule
from cargo_static_index.diagnostics.rules import RULES
from cargo_static_index.settings.keys import FILE_NAME, KEYS, SCHEMA_NAME, SECTIONS, Key
from cargo_static_index.settings.load import Loaded
from cargo_static_index.settings.table import Settings
from cargo_static_index.store.local.system import put_file

RULES_SAYS: Final = "The levels of rules that are policy."


def toml_value(value: object) -> str:
    """Write a value of the settings as TOML; octal modes are the caller's, and None has no TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Struct):
        return toml_value(to_builtins(value))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml_key(key)} = {toml_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return escape(json.dumps(str(value), ensure_ascii=False), write=in_toml)


def _toml_key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else toml_value(key)


_BARE_KEY = pattern("[A-Za-z0-9_-]+")


def show_settings(loaded: Loaded) -> str:
    """Write every setting and where it comes from, as TOML that gives the same settings when it is read."""
    lines = [f"# {loaded.file}" if loaded.file else f"# no {FILE_NAME}"]
    for name, value in _values(loaded.settings):
        source = loaded.sources[name]
        lines.append(f"# {name} is not set" if value is None else f"{name} = {toml_value(value)}  # {_from(source)}")
    return "".join(f"{escape(line)}\n" for line in lines)


def _from(source: str) -> str:
    return source if source == "default" else f"from {source}"


def _values(settings: Settings) -> Iterator[tuple[str, object]]:
    for name, key in KEYS.items():
        value = getattr(getattr(settings, key.section), key.key.replace("-", "_"))
        is_mode = key.row.kind.metavar == "MODE" and value is not None
        yield name, f"{value:04o}" if is_mode else value
    for rule in (*(known for known in RULES if known in settings.rules), *sorted(set(settings.rules) - set(RULES))):
        yield f"rules.{rule}", settings.rules[rule]


def registry_toml(given: Mapping[str, object]) -> str:
    """Write the registry.toml of `init`: every key below a sentence, and what is not set here commented out.

    `given` has values as TOML has them, by the names of keys (`drop.path`) and of rules (`rules.vcs-dirty`).
    """
    state = given.get("state.path", KEYS["state.path"].row.default)
    place = state if str(state).startswith("/") else f"./{state}"
    parts = [f"#:schema {place}/{SCHEMA_NAME}\n{_comment(_INTRODUCTION)}"]
    for section, fields in SECTIONS.items():
        keys = [_template_line(key, given.get(key.name)) for key in KEYS.values() if key.section == section]
        parts.append(f"# {section_says(fields)}\n[{section}]\n" + "".join(keys).rstrip("\n") + "\n")
        if section == "state":
            lines = "".join(_rule_line(rule, given.get(f"rules.{rule.id}")) for rule in RULES.values() if rule.policy)
            own = (name.removeprefix("rules.") for name in given if name.startswith("rules.") and "/" in name)
            lines += "".join(f"{toml_value(rule)} = {toml_value(given[f'rules.{rule}'])}\n" for rule in own)
            says = f'{RULES_SAYS} "refuse" keeps a crate out, "warn" reports it, "allow" says nothing.'
            parts.append(f"{_comment(says)}[rules]\n{lines}")
    return "\n".join(parts)


_INTRODUCTION = (
    "Settings of cargo-static-index. What is commented out shows the default, or an example where there is none. "
    "Relative paths start from this file's folder. Options and environment variables go before this file."
)


def _template_line(key: Key, given: object) -> str:
    written = f"{key.key} = {toml_value(key.row.default if key.row.example is None else key.row.example)}"
    line = f"# {written}" if given is None else f"{key.key} = {toml_value(given)}"
    return f"{_comment(key.row.says)}{line}\n\n"


def _rule_line(rule: Rule, given: object) -> str:
    return f"# {rule.id} = {toml_value(rule.level)}\n" if given is None else f"{rule.id} = {toml_value(given)}\n"


def _comment(text: str) -> str:
    return textwrap.fill(text, 100, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False) + "\n"


def section_says(section: type) -> str:
    """Give the sentence that stands above a section."""
    return (section.__doc__ or "").split("\n")[0]


def json_schema() -> dict[str, object]:
    """Give the JSON Schema (draft 7, which editors of TOML read) of registry.toml."""
    sections = {name: _section_schema(name, section_says(section)) for name, section in SECTIONS.items()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"{FILE_NAME} of cargo-static-index",
        "type": "object",
        "additionalProperties": False,
        "properties": {**sections, "rules": _rules_schema()},
    }


def _section_schema(section: str, says: str) -> dict[str, object]:
    keys = {key.key: _key_schema(key) for key in KEYS.values() if key.section == section}
    return {"type": "object", "description": says, "additionalProperties": False, "properties": keys}


def _key_schema(key: Key) -> dict[str, object]:
    default = {} if key.row.default is None else {"default": key.row.default}
    examples = {} if key.row.example is None else {"examples": [key.row.example]}
    return {"description": key.row.says, **key.row.kind.schema, **default, **examples}


def _rules_schema() -> dict[str, object]:
    rules = {
        rule.id: {
            "description": rule.says if rule.policy else f"{rule.says} This protects clients and cannot be turned off.",
            "enum": list(LEVELS) if rule.policy else ["refuse"],
            "default": rule.level,
        }
        for rule in RULES.values()
        if not rule.of_tree
    }
    own = {f"^{OWN_ID}$": {"description": "A rule of `[registry] own-rules`.", "enum": list(LEVELS)}}
    return {
        "type": "object",
        "description": RULES_SAYS,
        "additionalProperties": False,
        "properties": rules,
        "patternProperties": own,
    }


def schema_text() -> str:
    """Give the schema as the file that is shipped."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def shipped_schema() -> str:
    """Read the schema file that is installed with the package."""
    return files("cargo_static_index").joinpath(SCHEMA_NAME).read_text(encoding="utf-8")


def place_schema(folder: int) -> None:
    """Write the schema into the open state directory, where the first line of registry.toml lets editors find it.

    Raises OSError where it cannot be written.
    """
    put_file(folder, SCHEMA_NAME, shipped_schema().encode())
