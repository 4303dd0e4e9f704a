"""Whatever one file of a tree suffers: who does what `verify` says has the tree that was, or is told what is lost."""

from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import StoreError
from tests.crates import crate
from tests.registry.verify.damages import (
    DAMAGES,
    Damage,
    Registry,
    another,
    cut,
    damage,
    emptied,
    make_registry,
    try_damages,
)

TOMBSTONES = "crates/bar/removed.json"
"""Nothing else in the tree knows what stands in it."""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("registry") / "here")


@pytest.mark.parametrize("how", DAMAGES, ids=lambda how: how.__name__)
def test_what_verify_says_mends_every_damage_of_one_file(registry: Registry, tmp_path: Path, how: Damage) -> None:
    wrong = {}
    for path in registry.files():
        if path != TOMBSTONES and (content := how(registry, path)) != registry.sound[path]:
            wrong[path] = try_damages(registry, tmp_path / "copy", {path: content})
    assert len(wrong) > 5
    assert {path: says for path, says in wrong.items() if says} == {}


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize("how", [emptied, cut, another], ids=lambda how: how.__name__)
def test_tombstones_that_cannot_be_read_are_told_and_stop_no_other_crate(
    registry: Registry, tmp_path: Path, how: Damage, known: bool
) -> None:
    world = registry.copy(tmp_path / "copy")
    if not known:
        world.forget()
    damage(world, TOMBSTONES, how(registry, TOMBSTONES))
    world.put(crate("bar", "0.4.0"), crate("foo", "3.0.0"))
    with pytest.raises(StoreError, match=r"bar/removed.json: .* bring it back from a backup"):
        world.build()
    assert world.versions("3/b/bar") == ["0.2.0", "0.3.0"]
    assert world.versions("3/f/foo")[-1] == "3.0.0"
