"""That docs/security.md names tests that exist, for each boundary that it promises something of."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BOUNDARIES = re.split(r"^### ", (ROOT / "docs/security.md").read_text(), flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=[each.partition("\n")[0] for each in BOUNDARIES])
def test_each_boundary_names_tests_that_are_there(boundary: str) -> None:
    title = boundary.partition("\n")[0]
    named = re.findall(r"`(tests/[^`]*)`", boundary.partition("\n## ")[0])
    assert named or title == "The web"
    for path in named:
        files = [ROOT / path] if path.endswith(".py") else list((ROOT / path).glob("test_*.py"))
        assert files
        assert all("\ndef test_" in file.read_text() or "\n    def test_" in file.read_text() for file in files), path
