"""Compiles the shipped templates into the wheel: compiling them takes longer than the pages of a small change.

And says where the project lives, for package indexes: in the repository whose workflow makes the release.
"""

import os
import re
import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface


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


class Addresses(MetadataHookInterface):
    """Hatch's hook: the project's URLs, and the README with links that lead somewhere from a package index too.

    GitHub's workflows name their repository (`GITHUB_SERVER_URL`, `GITHUB_REPOSITORY`); elsewhere there is none.
    """

    def update(self, metadata: dict[str, Any]) -> None:
        """Give what `dynamic` in pyproject.toml names."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository = os.environ.get("GITHUB_REPOSITORY")
        home = f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{repository}" if repository else None
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute(text, home) if home else text}
        metadata["urls"] = addresses(home) if home else {}


def addresses(home: str) -> dict[str, str]:
    """Give the project's URLs, by the labels that package indexes know."""
    return {
        "Homepage": home,
        "Documentation": f"{home}/tree/HEAD/docs",
        "Changelog": f"{home}/blob/HEAD/CHANGELOG.md",
        "Issues": f"{home}/issues",
        "Source": home,
    }


def absolute(text: str, home: str) -> str:
    """Give a README whose relative links lead into the repository, and whose images come from there."""
    text = re.sub(r"(!\[[^\]]*\]\()(?![a-z]+:|#)", rf"\1{home}/raw/HEAD/", text)
    return re.sub(r"(?<!!)(\[[^\]]*\]\()(?![a-z]+:|#)", rf"\1{home}/blob/HEAD/", text)
