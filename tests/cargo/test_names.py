"""Names: where cargo looks for a crate, and which spellings it takes."""

import pytest

from tests.cargo.client import Cargo
from tests.cargo.ours import Ours
from tests.crates import crate

pytestmark = pytest.mark.cargo

LONGEST = "l" * 64


@pytest.mark.case(1)
def test_names_of_1_2_3_4_and_64_letters_are_built(acme: Ours, cargo: Cargo) -> None:
    names = ["a", "ab", "abc", "abcd", LONGEST]
    acme.publish(*(crate(name) for name in names))
    project = cargo.project("".join(acme.needs(name) for name in names), code="use abcd as _;")
    project.run("build").ok()
    assert project.locked() == dict.fromkeys(names, "1.0.0")
    assert [acme.index_file(name).relative_to(acme.tree / "index").as_posix() for name in names] == [
        "1/a",
        "2/ab",
        "3/a/abc",
        "ab/cd/abcd",
        f"ll/ll/{LONGEST}",
    ]


@pytest.mark.case(3)
def test_a_name_in_mixed_case_is_built_by_its_own_spelling(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("MyCrate"))
    project = cargo.project(acme.needs("MyCrate"), code="use MyCrate as _;")
    project.run("build").ok()
    assert project.locked() == {"MyCrate": "1.0.0"}
    assert acme.index_file("MyCrate") == acme.tree / "index/my/cr/mycrate"


@pytest.mark.case(3)
def test_a_name_in_another_case_is_not_found_and_cargo_suggests_the_right_one(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("MyCrate"))
    cargo.project(acme.needs("mycrate")).run("generate-lockfile").failed("mycrate", "MyCrate")


@pytest.mark.case(3)
@pytest.mark.parametrize(
    ("held", "asked"), [("MyCrate", "mycrate"), ("my-crate", "my_crate"), ("my_crate", "My-Crate")]
)
def test_cargo_add_translates_a_name_to_the_spelling_that_is_held(
    acme: Ours, cargo: Cargo, held: str, asked: str
) -> None:
    acme.publish(crate(held))
    project = cargo.project()
    done = project.run("add", "--registry", "acme", asked).ok()
    assert f"translating `{asked}` to `{held}`" in done.stderr
    assert f'{held} = {{ version = "1.0.0", registry = "acme" }}' in project.manifest.read_text()


@pytest.mark.case(6)
@pytest.mark.case(90)
def test_cargo_asks_for_both_spellings_of_a_name_with_hyphen_and_underscore(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("other"))
    cargo.project(acme.needs("a-b_c")).run("generate-lockfile").failed("a-b_c")
    asked = {request.path: request.status for request in acme.requests()}
    assert asked == {
        "index/config.json": 200,
        "index/a-/b_/a-b_c": 404,
        "index/a_/b_/a_b_c": 404,
        "index/a-/b-/a-b-c": 404,
    }


@pytest.mark.case(6)
def test_a_crate_that_is_held_with_hyphens_is_suggested_for_underscores(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("a-b-c"))
    cargo.project(acme.needs("a_b_c")).run("generate-lockfile").failed("a_b_c", "a-b-c")
