import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import need

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.cargo
def test_the_recorded_session_is_what_happens() -> None:
    need("cargo")
    script = REPOSITORY / "scripts/record-session"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    again = "write it anew: .venv/bin/python scripts/record-session > docs/session.md"
    assert done.stdout == (REPOSITORY / "docs/session.md").read_text(encoding="utf-8"), again
