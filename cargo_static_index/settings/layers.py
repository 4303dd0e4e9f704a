"""The three places where settings are given, as one mapping each: registry.toml, the environment, options.

Pure: what stands there is handed in. Values are not judged here, only whether there is such a key.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath

import rtoml
from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.diagnostics.rules import RULES
from cargo_static_index.settings.keys import (
    CONFIG_OPTION,
    CONFIG_VARIABLE,
    KEYS,
    PREFIX,
    RULES_OPTION,
    RULES_VARIABLE,
    SECTIONS,
)


class Given(Struct, frozen=True, kw_only=True):
    """One value as given: `place` names it in errors, `source` in `--show-settings`, paths start from `base`."""

    value: object
    place: str
    source: str
    base: Path


class Layer(Struct, frozen=True, kw_only=True):
    """What one place gives: values by key name (`drop.path`, `rules.vcs-dirty`), and sentences on all else."""

    given: dict[str, Given]
    problems: list[str]
    warnings: list[str]


def empty_layer() -> Layer:
    """Give the layer of a place where nothing is given."""
    return Layer(given={}, problems=[], warnings=[])


def nearest(word: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    """Give ": did you mean `x`?" for the known word that looks most like this one, or nothing."""
    found = _most_alike(word, known)
    return f": did you mean `{found}`?" if found else ""


def _most_alike(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Give the known word that looks most like this one, or an empty text."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(known), n=1, cutoff=cutoff)), "")


def file_layer(file: Path, source: str) -> Layer:
    """Read the text of registry.toml, which stands at `file`, or raise SettingsError where it is not TOML."""
    try:
        tables = rtoml.loads(source)
    except (rtoml.TomlParsingError, RecursionError) as error:
        raise SettingsError(f"{file}: this is not TOML: {error}") from error
    layer = empty_layer()
    for section, table in tables.items():
        at = _place(file, source, section)
        if section not in SECTIONS and section != "rules":
            layer.problems.append(f"{at}: {_unknown_section(section, table)}")
        elif not isinstance(table, dict):
            layer.problems.append(f"{at}: `{section}` must be a table: write `[{section}]` and its keys below")
        else:
            for key, value in table.items():
                at = _place(file, source, section, key)
                name = f"{section}.{key}"
                if name in KEYS or section == "rules":
                    place = f"{at}: [{section}] {key}"
                    layer.given[name] = Given(value=value, place=place, source=file.name, base=file.parent)
                else:
                    layer.problems.append(f"{at}: {_unknown_key(section, key)}")
    return layer


def _unknown_section(section: str, table: object) -> str:
    if isinstance(table, dict):
        known = tuple(f"[{name}]" for name in (*SECTIONS, "rules"))
        return f"there is no section `[{section}]`{nearest(f'[{section}]', known) or _all(known)}"
    return f"`{section}` stands outside a section{_where_else(section)}"


def _unknown_key(section: str, key: str) -> str:
    siblings = tuple(setting.key for setting in KEYS.values() if setting.section == section)
    return f"[{section}] has no key `{key}`{nearest(key, siblings) or _where_else(key) or _all(siblings)}"


def _all(known: tuple[str, ...]) -> str:
    return f"; there are {', '.join(known)}"


def _where_else(key: str) -> str:
    found = _most_alike(key, dict.fromkeys(setting.key for setting in KEYS.values()), 0.8)
    homes = [f"`[{setting.section}] {setting.key}`" for setting in KEYS.values() if setting.key == found]
    return f": did you mean {' or '.join(homes)}?" if homes else ""


def _place(file: PurePath, source: str, section: str, key: str = "") -> str:
    line = line_of(source, section, key)
    return f"{file}:{line}" if line else str(file)


_HEADER = pattern(r"\s*\[\[?\s*([^\[\]]+?)\s*\]")
_ASSIGNMENT = pattern(r"\s*([A-Za-z0-9_.\"' -]+?)\s*=")


def line_of(source: str, section: str, key: str = "") -> int | None:
    """Give the line on which a section or its key is first named, as far as the usual ways of writing TOML go."""
    wanted = f"{section}.{key}" if key else section
    for number, name in _names(source):
        if name == wanted or (not key and name.startswith(f"{section}.")):
            return number
    return line_of(source, section) if key else None


def _names(source: str) -> Iterator[tuple[int, str]]:
    table = ""
    for number, line in enumerate(source.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _bare(header[1])
            yield number, table
        elif assignment := _ASSIGNMENT.match(line):
            yield number, f"{table}.{_bare(assignment[1])}" if table else _bare(assignment[1])


def _bare(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))


def environment_layer(environment: Mapping[str, str], directory: Path) -> Layer:
    """Read our variables; one that is empty counts as not there, as CI systems leave them."""
    layer = empty_layer()
    ours = {name: text for name, text in environment.items() if name.startswith(PREFIX) and text}
    variables = {key.variable: key for key in KEYS.values()} if ours else {}
    for variable, text in sorted(ours.items()):
        if variable in variables:
            value = variables[variable].row.kind.from_text(text)
            name = variables[variable].name
            layer.given[name] = Given(value=value, place=variable, source=variable, base=directory)
        elif variable == RULES_VARIABLE:
            _add_rules(layer, text.split(","), variable, directory)
        elif variable != CONFIG_VARIABLE:
            layer.warnings.append(_unknown_variable(variable, (*variables, RULES_VARIABLE, CONFIG_VARIABLE)))
    return layer


def _unknown_variable(variable: str, known: tuple[str, ...]) -> str:
    # Without the prefix, which makes any two of our variables look alike.
    found = _most_alike(variable[len(PREFIX) :], [name[len(PREFIX) :] for name in known])
    meant = f": did you mean `{PREFIX}{found}`?" if found else ""
    return f"{variable} is no variable of this program{meant}"


def options_layer(options: Mapping[str, object], directory: Path) -> Layer:
    """Read options by key name, and `rules` as a list of ID=LEVEL; None and an empty list count as not given.

    Values may be texts or what TOML would give.
    """
    layer = empty_layer()
    for name, value in options.items():
        if value is None or value in ((), []):
            continue
        if name == "rules":
            _add_rules(layer, _items(value), RULES_OPTION, directory)
        elif name in KEYS:
            key = KEYS[name]
            option = key.off if value is False else key.option
            layer.given[name] = Given(value=_plain(value, name), place=option, source=option, base=directory)
        else:
            layer.problems.append(f"there is no setting `{name}`{nearest(name, KEYS)}")
    return layer


def _items(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else str(value).split(",")


def _plain(value: object, name: str) -> object:
    if isinstance(value, str):
        return KEYS[name].row.kind.from_text(value)
    if isinstance(value, PurePath):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _add_rules(layer: Layer, items: list[str], source: str, directory: Path) -> None:
    for item in filter(None, map(str.strip, items)):
        rule, equals, level = item.partition("=")
        if equals:
            given = Given(value=level.strip(), place=f"{source}: {rule.strip()}", source=source, base=directory)
            layer.given[f"rules.{rule.strip()}"] = given
        else:
            layer.problems.append(f"{source}: {item!r} must be ID=LEVEL, for example `vcs-dirty=refuse`")


def unknown_rule(rule: str) -> str:
    """Say that there is no such rule, and which one may have been meant."""
    if rule in RULES:
        return f"`{rule}` is what `verify` finds in a tree; `[rules]` sets the levels of rules for crates"
    known = tuple(other.id for other in RULES.values() if not other.of_tree)
    return f"there is no rule `{rule}`{nearest(rule, known) or '; `explain` lists all'}"


def config_from(environment: Mapping[str, str], directory: Path, config: Path | None) -> tuple[Path, str] | None:
    """Give the settings file that an option or else a variable names, and which of the two, or None."""
    if config is not None:
        return directory / config, CONFIG_OPTION
    named = environment.get(CONFIG_VARIABLE)
    return (directory / named, CONFIG_VARIABLE) if named else None
