import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_static_index.diagnostics.errors import InvalidName
from cargo_static_index.protocol.names import (
    collision_key,
    index_path,
    is_reserved,
    parse_crate_name,
    parse_dependency_name,
    prefix,
)

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,63}", fullmatch=True)
SHORT_NAMES = st.text("aAbB-_", min_size=1, max_size=5)

ONLY = "only ASCII letters, digits, '-' and '_' are allowed"


@pytest.mark.case(1)
@pytest.mark.case(3)
@pytest.mark.parametrize(
    ("name", "path", "folder"),
    [
        ("a", "1/a", "1"),
        ("ab", "2/ab", "2"),
        ("abc", "3/a/abc", "3/a"),
        ("a-b", "3/a/a-b", "3/a"),
        ("abcd", "ab/cd/abcd", "ab/cd"),
        ("serde", "se/rd/serde", "se/rd"),
        ("MyCrate", "my/cr/mycrate", "My/Cr"),
        ("A", "1/a", "1"),
        ("ABC", "3/a/abc", "3/A"),
        ("n" * 64, "nn/nn/" + "n" * 64, "nn/nn"),
    ],
)
def test_the_index_file_lies_under_the_lower_cased_name_whatever_its_length(name: str, path: str, folder: str) -> None:
    assert index_path(parse_crate_name(name)) == path
    assert prefix(name) == folder


@pytest.mark.case(4)
def test_prefix_keeps_the_case_that_lowerprefix_loses() -> None:
    assert prefix("MyCrate") == "My/Cr"
    assert prefix("MyCrate".lower()) == "my/cr"


@pytest.mark.case(2)
@pytest.mark.case(8)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a crate's name cannot be empty"),
        ("a" * 65, f"the crate name '{'a' * 64}'… has 65 characters; at most 64 are allowed"),
        ("1" * 1000, f"the crate name '{'1' * 64}'… has 1000 characters; at most 64 are allowed"),
        ("1foo", "the crate name '1foo' starts with '1'; its first character must be an ASCII letter"),
        ("_foo", "the crate name '_foo' starts with '_'; its first character must be an ASCII letter"),
        ("-foo", "the crate name '-foo' starts with '-'; its first character must be an ASCII letter"),
        (".", "the crate name '.' starts with '.'; its first character must be an ASCII letter"),
        ("é", "the crate name 'é' starts with 'é'; its first character must be an ASCII letter"),
        ("1.", "the crate name '1.' starts with '1'; its first character must be an ASCII letter"),
        ("né", f"the crate name 'né' has 'é' as character 2; {ONLY}"),
        ("foo.bar", f"the crate name 'foo.bar' has '.' as character 4; {ONLY}"),
        ("a/../b", f"the crate name 'a/../b' has '/' as character 2; {ONLY}"),
        ("foo bar", f"the crate name 'foo bar' has ' ' as character 4; {ONLY}"),
        ("foo\n", f"the crate name 'foo\\n' has '\\n' as character 4; {ONLY}"),
        ("a٣", f"the crate name 'a٣' has '٣' as character 2; {ONLY}"),
    ],
)
def test_a_name_that_no_registry_can_hold_is_refused_with_the_rule_it_breaks(text: str, message: str) -> None:
    with pytest.raises(InvalidName, match=f"^{re.escape(message)}$"):
        parse_crate_name(text)


@pytest.mark.parametrize("text", ["a", "_", "_foo", "foo-bar", "Foo_1", "a" * 64])
def test_a_dependency_may_have_an_alias_that_starts_with_an_underscore(text: str) -> None:
    assert parse_dependency_name(text) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a dependency's name cannot be empty"),
        ("a" * 65, f"the dependency name '{'a' * 64}'… has 65 characters; at most 64 are allowed"),
        ("1a", "the dependency name '1a' starts with '1'; its first character must be an ASCII letter or '_'"),
        ("éa", "the dependency name 'éa' starts with 'é'; its first character must be an ASCII letter or '_'"),
        ("a::b", f"the dependency name 'a::b' has ':' as character 2; {ONLY}"),
        ("_.", f"the dependency name '_.' has '.' as character 2; {ONLY}"),
    ],
)
def test_a_dependency_name_that_cargo_would_stumble_over_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidName, match=f"^{re.escape(message)}$"):
        parse_dependency_name(text)


@pytest.mark.case(5)
@pytest.mark.parametrize("other", ["foo_bar", "Foo-Bar", "FOO_BAR", "foo-bar"])
def test_names_that_differ_only_in_case_or_dash_and_underscore_collide(other: str) -> None:
    assert collision_key(other) == collision_key("foo-bar")


def test_names_that_differ_otherwise_do_not_collide() -> None:
    assert collision_key("foobar") != collision_key("foo-bar")


@pytest.mark.case(7)
@pytest.mark.parametrize(
    "name", ["std", "nul", "CON", "com1", "lpt0", "proc-macro", "proc_macro", "Rustc-Back", "core"]
)
def test_names_of_rust_and_of_windows_devices_are_reserved_in_every_spelling(name: str) -> None:
    assert is_reserved(name)


@pytest.mark.case(7)
@pytest.mark.parametrize("name", ["serde", "std-x", "com10", "null", "procmacro"])
def test_names_that_only_resemble_reserved_ones_are_free(name: str) -> None:
    assert not is_reserved(name)


@given(NAMES)
def test_a_valid_name_is_given_back_unchanged(name: str) -> None:
    assert parse_crate_name(name) == name
    assert index_path(name).rpartition("/")[0] == prefix(name.lower())


@given(st.text(max_size=70))
def test_a_name_is_accepted_exactly_if_crates_io_accepts_it(text: str) -> None:
    letters = all(c.isascii() and (c.isalnum() or c in "-_") for c in text)
    if letters and 0 < len(text) <= 64 and text[0].isalpha():
        assert parse_crate_name(text) == text
    else:
        with pytest.raises(InvalidName):
            parse_crate_name(text)


@given(SHORT_NAMES, SHORT_NAMES)
def test_equal_index_paths_imply_names_that_differ_only_in_case(one: str, other: str) -> None:
    assert (index_path(one) == index_path(other)) == (one.lower() == other.lower())
    if index_path(one) == index_path(other):
        assert collision_key(one) == collision_key(other)
