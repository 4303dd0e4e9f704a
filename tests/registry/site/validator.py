"""The W3C's validator of HTML, as npm has it."""

import subprocess
from pathlib import Path

from tests.tools import need

VALIDATOR = "vnu-jar@26.9.27"


def complaints(*paths: Path) -> str:
    """Give what the validator finds wrong in pages and those below folders, a line each; nothing where all is well."""
    command: list[str | Path] = [need("java"), "-jar", jar(), "--errors-only", "--skip-non-html", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == (1 if done.stderr else 0), done.stderr
    return done.stderr


def jar() -> Path:
    """Give the validator, fetched once a checkout."""
    folder = Path(__file__).parents[3] / "target" / "npm"
    found = folder / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
    if not found.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [need("npm"), "install", "--no-fund", "--no-audit", "--no-save", "--prefix", folder, VALIDATOR],
            check=True,
            capture_output=True,
            timeout=300,
        )
    return found
