"""Our verdict on manifests made key by key is cargo's own.

A sample; `scripts/test-long --only manifests` tries all.
"""

from pathlib import Path

import pytest

from tests.cargo.manifests import DISAGREEMENTS, Schema, cargo_schema, cases, figures, verdicts

pytestmark = pytest.mark.cargo


@pytest.fixture(scope="module")
def schema() -> Schema:
    return cargo_schema()[1]


def test_every_key_of_the_schema_is_tried(schema: Schema) -> None:
    tried = "\n".join(case.tries for case in cases(schema))
    missing = [
        key
        for type_ in (schema, *filter(lambda it: isinstance(it, dict), schema["$defs"].values()))
        for key in type_.get("properties", ())
        if f"'{key}': " not in tried
    ]
    assert missing == []


def test_our_verdict_is_cargo_s(schema: Schema, tmp_path: Path) -> None:
    found = figures(verdicts(list(cases(schema))[::149], tmp_path))
    assert found[DISAGREEMENTS] == []
    for kind in ("taken by both", "refused by both"):
        assert found[kind], kind
