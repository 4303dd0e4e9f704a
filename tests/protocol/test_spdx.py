"""Licence expressions: what crates.io takes, and what is said of the others."""

import pytest

from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.protocol.spdx import parse_license


@pytest.mark.parametrize(
    "text", ["MIT", "MIT/Apache-2.0", "(MIT OR Apache-2.0) AND GPL-2.0+", "GPL-2.0 WITH Bison-exception-2.2"]
)
def test_an_expression_is_given_back_as_it_is_written(text: str) -> None:
    assert parse_license(text) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("MIT WITH Apache-2.0", "'Apache-2.0' stands where an exception should be"),
        ("(MIT AND Apache-2.0 MIT", "'MIT' stands where ')' should be"),
        ("MIT OR Mine", "'Mine' is no licence of SPDX's list"),
        ("MIT OR OR MIT", "'OR' stands where a licence should be"),
    ],
)
def test_what_is_none_is_told_with_what_should_be_there(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says.replace("(", r"\(").replace(")", r"\)")):
        parse_license(text)
