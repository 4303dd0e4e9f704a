"""The keys of the table of settings by name, each with the option and the variable that its name makes."""

from collections.abc import Mapping
from typing import Final, get_type_hints

from msgspec import Struct, structs

from cargo_static_index.settings.table import KeyRow, Settings

PREFIX: Final = "CARGO_STATIC_INDEX_"
FILE_NAME: Final = "registry.toml"
SCHEMA_NAME: Final = "registry-settings.schema.json"
"""The file's JSON Schema: in the package, and in the state directory for editors."""
RULES_OPTION: Final = "--rule"
RULES_VARIABLE: Final = f"{PREFIX}RULES"
CONFIG_OPTION: Final = "--config"
CONFIG_VARIABLE: Final = f"{PREFIX}CONFIG"


class Key(Struct, frozen=True, kw_only=True):
    """One key of registry.toml, and the option and the variable that its name makes."""

    section: str
    key: str
    row: KeyRow

    @property
    def name(self) -> str:
        """`drop.path`."""
        return f"{self.section}.{self.key}"

    @property
    def option(self) -> str:
        """`--SECTION-KEY`, where the section `registry` and the key `path` fall away."""
        section = "" if self.section == "registry" else self.section
        key = "" if self.key == "path" else self.key
        return "--" + "-".join(part for part in (section, key) if part)

    @property
    def off(self) -> str:
        """The option that sets a flag to false; empty for what is not a flag."""
        return f"--no-{self.option[2:]}" if self.row.kind.flag else ""

    @property
    def variable(self) -> str:
        """`CARGO_STATIC_INDEX_SECTION_KEY`."""
        return PREFIX + f"{self.section}_{self.key}".replace("-", "_").upper()


SECTIONS: Mapping[str, type[Struct]] = {
    name: section
    for name, section in get_type_hints(Settings).items()
    if name not in {"rules", "folder", "shared_state"}
}
"""The sections that have a fixed set of keys: all but `[rules]`."""


def _keys() -> dict[str, Key]:
    rows = [
        Key(section=section, key=field.encode_name.replace("_", "-"), row=field.default_factory)
        for section, fields in SECTIONS.items()
        for field in structs.fields(fields)
    ]
    return {key.name: key for key in rows}


KEYS: Mapping[str, Key] = _keys()
"""Every key by its name (`drop.path`), in the order of registry.toml; `[rules]` is a table of rule ids and levels."""
