"""A file that arrived, as one pass knows it."""

from hypothesis import given
from hypothesis import strategies as st

from cargo_static_index.crate.candidate import Need
from cargo_static_index.crate.incoming import needs_of
from cargo_static_index.protocol.index_entry import Dependency
from cargo_static_index.protocol.registries import CRATES_IO

NAMES = st.lists(st.sampled_from(["a", "b_c", "b-c", "D", "e"]), max_size=5)


def dependency(name: str, registry: str | None) -> Dependency:
    return Dependency(
        name=name, req="*", features=(), optional=False, default_features=True, target=None, kind="normal",
        registry=registry,
    )  # fmt: skip


@given(NAMES, NAMES)
def test_what_a_crate_needs_stands_in_one_order_whatever_its_manifest_says(here: list[str], there: list[str]) -> None:
    dependencies = [dependency(name, None) for name in here] + [dependency(name, CRATES_IO) for name in there]
    needs = needs_of(dependencies)
    assert needs == needs_of(dependencies[::-1])
    assert list(needs) == sorted(needs, key=lambda need: (need.key, need.here))
    assert {need.key for need in needs if need.here} == {name.lower().replace("_", "-") for name in here}
    assert Need(key="a", here=False, place="Cargo.toml.dependencies.a") in needs or "a" not in there
