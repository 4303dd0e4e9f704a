import pytest

from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.protocol.package_spec import PackageSpec, parse_package_spec

READ = [
    ("regex", "regex", None),
    ("regex@1.4", "regex", "1.4"),
    ("regex:1.4.3", "regex", "1.4.3"),
    ("https://github.com/rust-lang/crates.io-index#regex", "regex", None),
    ("https://github.com/rust-lang/crates.io-index#regex@1.4.3", "regex", "1.4.3"),
    ("https://example.com/foo#1.2", "foo", "1.2"),
    ("https://example.com/foo", "foo", None),
    ("git+ssh://git@github.com/rust-lang/regex.git?branch=dev#regex@1.4.3", "regex", "1.4.3"),
    ("path+file:///path/to/my/project/foo#1.1.8", "foo", "1.1.8"),
]
"""Cargo's book: "Package ID Specifications", section "Example specifications"."""

REFUSED = [
    ("foo@one", "'one' is not a version like '1.32'"),
    ("https://example.com/foo#1.x.2", "'1.x.2' is not a version like '1.32'"),
    ("hg+https://example.com/foo", "'hg+https://example.com/foo' is of the kind 'hg', which cargo does not know"),
    ("path+https://a.example/b", "'path+https://a.example/b' is a path, whose URL must be one of a file"),
    ("https://a.example/b?c", "'https://a.example/b?c' has a query, which cargo refuses"),
    ("a b", "'a b' names no package: 'a b' is not a package's name"),
]


@pytest.mark.parametrize(("text", "name", "version"), READ)
def test_a_specification_names_a_package_and_perhaps_a_version(text: str, name: str, version: str | None) -> None:
    assert parse_package_spec(text) == PackageSpec(name=name, version=version)


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_cargo_refuses_as_a_specification_has_a_sentence(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_package_spec(text)
    assert str(refused.value) == message
