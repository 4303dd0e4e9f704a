"""The W3C's validator of HTML, as npm has it."""

import subprocess
from pathlib import Path

from tests.tools import from_npm, need

VALIDATOR = "vnu-jar@26.9.27"


def complaints(*paths: Path) -> str:
    """Give what the validator finds wrong in pages and those below folders, a line each; nothing where all is well."""
    command: list[str | Path] = [need("java"), "-jar", jar(), "--errors-only", "--skip-non-html", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == (1 if done.stderr else 0), done.stderr
    return done.stderr


def jar() -> Path:
    """Give the validator, fetched once a checkout."""
    return from_npm(VALIDATOR) / "vnu-jar" / "build" / "dist" / "vnu.jar"
