"""The pages docs/settings.md and docs/rules.md, made from the tables.

`python -m scripts.docs.settings_page` writes them and the shipped JSON Schema anew in a checkout.
"""

import re
from pathlib import Path
from typing import Final

from cargo_static_index.diagnostics.rules import GROUPS, TREE, explain
from cargo_static_index.settings.keys import (
    CONFIG_VARIABLE,
    FILE_NAME,
    KEYS,
    RULES_OPTION,
    RULES_VARIABLE,
    SCHEMA_NAME,
    SECTIONS,
    Key,
)
from cargo_static_index.settings.template import RULES_SAYS, schema_text, section_says, toml_value

REWRITE: Final = "python -m scripts.docs.settings_page"
"""The command that writes the files of `documents` anew."""


def settings_page() -> str:
    """Give docs/settings.md."""
    parts = [_SETTINGS_HEAD]
    for section, fields in SECTIONS.items():
        keys = "\n".join(_key_entry(key) for key in KEYS.values() if key.section == section)
        parts.append(f"## `[{section}]`\n\n{section_says(fields)}\n\n{keys}")
        if section == "state":
            parts.append(_RULES_ENTRY)
    return "\n".join(parts)


def _key_entry(key: Key) -> str:
    row = key.row
    option = f"`{key.option}`, `{key.off}`" if key.off else f"`{key.option} {row.kind.metavar}`"
    many = ", more than once" if row.kind.many else ""
    commas = ", with commas between" if row.kind.many else ""
    also = f" ({', '.join(f'`{name}`' for name in row.also)})" if row.also else ""
    default = "none" if row.default is None else f"`{toml_value(row.default)}`"
    example = "" if row.example is None else f"\n- Example: `{key.key} = {toml_value(row.example)}`"
    return (
        f"### `[{key.section}] {key.key}`\n\n{_one_sentence_a_line(row.says)}\n\n"
        f"- Type: {_literal(row.kind.expects)}\n- Default: {default}{example}\n"
        f"- Option: {option}{also}{many}\n- Variable: `{key.variable}`{commas}\n"
    )


def _literal(expects: str) -> str:
    return re.sub(r'("[^"]+")', r"`\1`", expects)


def _one_sentence_a_line(text: str) -> str:
    return re.sub(r"(?<=[.:;]) (?=[A-Z])", "\n", text)


_SETTINGS_HEAD = f"""\
# Settings

`{FILE_NAME}` is searched in the working directory and upwards.
`--config PATH` or `{CONFIG_VARIABLE}` names another file.
Without any, the defaults hold.
A file that was only found counts if it belongs to the caller, to root, or to the user who called sudo,
and if neither it nor its folder can be written by others: what it names is run and published as the caller.
For any other the command ends with exit code 2 and says how to name it.
`cargo-static-index init` writes one with every key in it, and `--show-settings` prints every value
and where it comes from.

**One rule gives each key its option and its variable.**
`[tree] file-mode` is `--tree-file-mode` and `CARGO_STATIC_INDEX_TREE_FILE_MODE`.
In options the section `registry` and the key `path` fall away:
`[registry] base-url` is `--base-url`, `[drop] path` is `--drop`.

**An option goes before a variable, a variable before the file, the file before the default.**
A list is replaced whole, `[rules]` rule by rule.
An empty variable counts as not set.

Relative paths start from the file's folder where the file gives them,
and from the working directory in options and variables.
Defaults start from the file's folder, or from the working directory where there is no file.

An unknown key is an error that names the nearest known one;
an unknown variable that starts with `CARGO_STATIC_INDEX_` is a warning.
All that is wrong is reported at once.

The first line of the file that `init` writes, `#:schema ./.cargo-static-index/{SCHEMA_NAME}`, tells editors
that use Taplo (Even Better TOML and others) where the JSON Schema is.
The path starts from the file; `init` and every `build` put the schema there.
If `[state] path` is another folder, change the line.
"""

_RULES_ENTRY = f"""\
## `[rules]`

{RULES_SAYS}
[rules.md](rules.md) lists them all.

### `[rules] ID`

The level of one rule; the id of one of your own stands in quotes.

- Type: `"refuse"` keeps a crate out, `"warn"` reports it, `"allow"` says nothing
- Default: the rule's own
- Example: `vcs-dirty = "refuse"`
- Option: `{RULES_OPTION} ID=LEVEL`, more than once
- Variable: `{RULES_VARIABLE}`, as `ID=LEVEL` with commas between
"""

_RULES_HEAD = """\
# Rules

Every reason to refuse a crate, or to warn about it.
All problems of a crate are reported together, and one bad crate never stops the others.

A rule that is **policy** can be set to another level, in `registry.toml` or with `--rule ID=LEVEL`:

```toml
[rules]
vcs-dirty = "refuse"
wildcard-requirement = "warn"
```

The others **protect clients**: what they refuse would make cargo fail, or make it see something other than was checked.
They cannot be turned off.
A registry may have rules of its own: [library.md](library.md#a-rule-of-ones-own) shows one.

`cargo-static-index explain ID` prints one of the parts below; the last ones are of what `verify` finds in a tree.
"""

_TREE_HEAD = """\
Errors end it with exit code 1, unless `--fix` mended them; warnings do not.
"""


def rules_page() -> str:
    """Give docs/rules.md."""
    heads = {TREE: f"{_TREE_HEAD}\n"}
    groups = (
        f"## {title}\n\n{heads.get(title, '')}" + "\n".join(map(explain, rules)) for title, rules in GROUPS.items()
    )
    return "\n".join([_RULES_HEAD, *groups])


def documents() -> dict[str, str]:
    """Give every file that is made from the tables, by its path in the repository."""
    return {
        f"cargo_static_index/{SCHEMA_NAME}": schema_text(),
        "docs/settings.md": settings_page(),
        "docs/rules.md": rules_page(),
    }


if __name__ == "__main__":
    for name, content in documents().items():
        Path(name).write_text(content, encoding="utf-8")
