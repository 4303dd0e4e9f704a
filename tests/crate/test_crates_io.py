"""What crates.io asks of a manifest, as policies of a registry of one's own."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_static_index.crate.check import check_crate
from cargo_static_index.crate.crates_io import USUAL_ADDRESS
from cargo_static_index.crate.policy import Policy
from cargo_static_index.diagnostics.rule import Level
from cargo_static_index.protocol.registries import Home
from cargo_static_index.protocol.urls import parse_url
from tests.crates import Scalar, crate

ASKED: dict[str, Level] = dict.fromkeys(("description-too-long", "license-invalid", "category-unknown"), "refuse")


def told(policy: Policy, **fields: Scalar) -> list[tuple[str, str]]:
    content = crate().package(**fields).build()
    return [(each.rule, each.message) for each in check_crate(io.BytesIO(content), policy).problems]


@pytest.mark.parametrize(
    ("fields", "rule", "message"),
    [
        ({"description": "é" * 501}, "description-too-long",
         "`package.description` has 1002 bytes; crates.io takes 1000."),
        ({"license": "Proprietary"}, "license-invalid",
         "`package.license` is 'Proprietary', which SPDX does not know: 'Proprietary' is no licence of SPDX's list."),
        ({"license": "MIT ISC"}, "license-invalid",
         "`package.license` is 'MIT ISC', which SPDX does not know: 'ISC' stands where 'AND' or 'OR' should be."),
        ({"homepage": "acme.example"}, "url-invalid",
         "`package.homepage` is 'acme.example', which is no address of the web."),
        ({"repository": "ssh://git@g.example/x"}, "url-invalid",
         "`package.repository` is 'ssh://git@g.example/x', which is no address of the web."),
        ({"keywords": ["a", "b", "c", "d", "e", "f"]}, "keyword-invalid",
         "There are 6 keywords; crates.io takes 5, and pages list the first 5."),
        ({"keywords": ["x" * 21]}, "keyword-invalid", f"The keyword '{'x' * 21}' has more than 20 characters."),
        ({"keywords": ["two words"]}, "keyword-invalid",
         "The keyword 'two words' has other characters than ASCII letters, digits, '_', '-' and '+'."),
        ({"categories": ["algorithms"] * 6}, "too-many-categories", "There are 6 categories; crates.io takes 5."),
        ({"categories": ["acme"]}, "category-unknown", "crates.io has no category 'acme'."),
    ],
)  # fmt: skip
def test_what_crates_io_would_refuse_is_told_if_it_is_asked_for(
    fields: dict[str, Scalar], rule: str, message: str
) -> None:
    assert told(Policy(levels=ASKED), **fields) == [(rule, message)]


def test_what_crates_io_takes_is_not_told() -> None:
    fields: dict[str, Scalar] = {
        "description": "x" * 1000,
        "license": "MIT/Apache-2.0 OR (GPL-2.0+ WITH Classpath-exception-2.0 AND LicenseRef-x)",
        "homepage": "http://acme.example",
        "keywords": ["c++", "1a", "x" * 20],
        "categories": ["algorithms", "science::robotics"],
    }
    assert told(Policy(levels=ASKED), **fields) == []


def test_a_mirror_is_not_asked_for_any_of_it() -> None:
    mirror = Policy(home=Home(mode="mirror"))
    assert told(mirror, keywords=["two words"], homepage="x", categories=["acme"], license="Proprietary") == []


@given(st.from_regex(re.compile(USUAL_ADDRESS.pattern), fullmatch=True))
def test_an_address_that_is_told_at_once_is_read_as_one_of_the_web(address: str) -> None:
    assert parse_url(address).scheme in {"http", "https"}
