"""Settings: registry.toml, environment and options, by one table of keys.

`sections` is the table, `keys` finds its rows by name, `values` are the ways to write a value, `layers` the three
places, `load` puts them together, `documents` and `pages` write what is made from the table.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from cargo_static_index.settings.keys import KEYS, Key
from cargo_static_index.settings.table import Settings, limits_of

if TYPE_CHECKING:
    from cargo_static_index.settings.load import Loaded, find_settings_file, load_settings, parse_settings

__all__ = ["KEYS", "Key", "Loaded", "Settings", "find_settings_file", "limits_of", "load_settings", "parse_settings"]


def __getattr__(name: str) -> object:
    """Load the readers of settings when they are first asked for: the help of a command needs the table alone."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module("cargo_static_index.settings.load"), name)
    return found
