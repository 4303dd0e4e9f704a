"""Every numbered edge case of the protocol that is ours to answer has a test that carries its number."""

import re
from pathlib import Path

TESTS = Path(__file__).parent


def test_every_case_up_to_the_registrys_lifecycle_has_a_test() -> None:
    sources = (path.read_text() for path in TESTS.rglob("test_*.py"))
    carried = {int(number) for source in sources for number in re.findall(r"\bcase\((\d+)\)", source)}
    assert set(range(1, 89)) <= carried
