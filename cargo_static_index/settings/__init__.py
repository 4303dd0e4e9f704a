"""Settings: registry.toml, environment and options, by one table of keys.

`sections` is the table, `keys` finds its rows by name, `values` are the ways to write a value, `layers` the three
places, `load` puts them together, `documents` and `pages` write what is made from the table.
"""

from cargo_static_index.settings.keys import KEYS, Key
from cargo_static_index.settings.load import Loaded, find_settings_file, load_settings, parse_settings
from cargo_static_index.settings.sections import Settings, limits_of

__all__ = ["KEYS", "Key", "Loaded", "Settings", "find_settings_file", "limits_of", "load_settings", "parse_settings"]
