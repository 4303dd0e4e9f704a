"""The pages of a tree: which to write, when, and from what."""

from typing import Final

MAKING: Final = (
    "cargo_static_index.registry.site.crates",
    "cargo_static_index.registry.site.rendering",
    "cargo_static_index.site.readme.rustlexer",
    "comrak",
    "nh3",
)
"""The modules that most pages of crates are made with."""
