"""Compiles the shipped templates into the wheel: compiling them takes longer than the pages of a small change."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledTemplates(BuildHookInterface):
    """Hatch's hook; an editable install finds them below `build/`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile them."""
        root = Path(self.root)
        target = root / "build" / "templates"
        compiled = runpy.run_path(str(root / "cargo_static_index/site/compiled.py"))
        compiled["compile_folder"](root / "site-template", target)
        if version != "editable":
            build_data["force_include"][str(target)] = "cargo_static_index/templates"
