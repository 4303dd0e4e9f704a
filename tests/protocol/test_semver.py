import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_static_index.diagnostics.errors import InvalidRequirement, InvalidVersion
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.protocol.semver import (
    Comparator,
    Operator,
    Requirement,
    Version,
    parse_requirement,
    parse_rust_version,
    parse_version,
    precedence_key,
    without_build,
)

BIG = 2**64 - 1

NUMBERS = st.one_of(st.integers(0, 3), st.integers(0, BIG))
WORDS = st.from_regex(r"[0-9]{0,3}[A-Za-z-][0-9A-Za-z-]{0,3}", fullmatch=True)
PRE_IDENTIFIERS = st.one_of(st.integers(0, 10**25).map(str), WORDS)
BUILD_IDENTIFIERS = st.one_of(st.from_regex(r"[0-9]{1,4}", fullmatch=True), WORDS)
PRES = st.lists(PRE_IDENTIFIERS, max_size=3).map(".".join)
BUILDS = st.lists(BUILD_IDENTIFIERS, max_size=3).map(".".join)
VERSIONS = st.builds(Version, major=NUMBERS, minor=NUMBERS, patch=NUMBERS, pre=PRES, build=BUILDS)
NEAR_VERSIONS = st.builds(Version, major=st.just(1), minor=st.just(0), patch=st.integers(0, 1), pre=PRES, build=BUILDS)
OPERATORS: list[Operator] = ["=", ">", ">=", "<", "<=", "~", "^"]
COMPARATORS = st.one_of(
    st.builds(Comparator, op=st.sampled_from(OPERATORS), major=NUMBERS, minor=NUMBERS, patch=NUMBERS, pre=PRES),
    st.builds(
        Comparator, op=st.sampled_from([*OPERATORS, "*"]), major=NUMBERS, minor=st.none() | NUMBERS, patch=st.none()
    ),
)
REQUIREMENTS = st.lists(COMPARATORS, max_size=4).map(lambda found: Requirement(comparators=tuple(found)))

# SemVer 2.0.0, section 11, and what is between the lines there
PRECEDENCE = [
    "0.0.0",
    "0.0.1",
    "0.1.0",
    "1.0.0-0",
    "1.0.0-2",
    "1.0.0-10",
    "1.0.0--",
    "1.0.0-1a",
    "1.0.0-A",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "2.0.0",
    "2.1.0",
    "2.1.1",
    "10.0.0",
]
# the `semver` crate goes on where SemVer ends
BUILD_ORDER = ["1.0.0", "1.0.0+0", "1.0.0+00", "1.0.0+1", "1.0.0+01", "1.0.0+001", "1.0.0+2", "1.0.0+10"]
BUILD_ORDER += ["1.0.0+10.0", "1.0.0+-", "1.0.0+0a", "1.0.0+B", "1.0.0+a", "1.0.0+a.1"]


@pytest.mark.case(36)
@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.2.3", Version(major=1, minor=2, patch=3)),
        ("0.0.0", Version(major=0, minor=0, patch=0)),
        ("1.0.0-rc.1", Version(major=1, minor=0, patch=0, pre="rc.1")),
        ("1.0.0-0.x-y", Version(major=1, minor=0, patch=0, pre="0.x-y")),
        ("1.0.0+build.005", Version(major=1, minor=0, patch=0, build="build.005")),
        ("1.0.0--a+-", Version(major=1, minor=0, patch=0, pre="-a", build="-")),
        ("1.0.0+a-b", Version(major=1, minor=0, patch=0, build="a-b")),
        (f"{BIG}.{BIG}.{BIG}", Version(major=BIG, minor=BIG, patch=BIG)),
        ("1.0.0-" + "9" * 144, Version(major=1, minor=0, patch=0, pre="9" * 144)),
    ],
)
def test_a_version_is_read_into_its_parts_and_printed_as_it_was(text: str, version: Version) -> None:
    assert parse_version(text) == version
    assert version.format() == text
    assert version.is_prerelease == ("-" in text.partition("+")[0])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("1", "it ends after the major number, where '.' should be"),
        ("1.0", "it ends after the minor number, where '.' should be"),
        ("1.", "it ends where the minor number should be"),
        ("1.0.", "it ends where the patch number should be"),
        ("v1.0.0", "'v' stands where the major number should be"),
        (" 1.0.0", "' ' stands where the major number should be"),
        ("1.x.0", "'x' stands where the minor number should be"),
        ("1.0.٣", "'٣' stands where the patch number should be"),
        ("1-0.0", "'-' follows the major number, where '.' should be"),
        ("1.0.0 ", "' ' follows the patch number, where it must end"),
        ("1.0.0\n", "'\\n' follows the patch number, where it must end"),
        ("1.0.0.0", "'.' follows the patch number, where it must end"),
        ("1.0.0-a_b", "'_' follows the pre-release, where it must end"),
        ("1.0.0+a+b", "'+' follows the build metadata, where it must end"),
        ("01.0.0", "the major number has a leading zero"),
        ("1.00.0", "the minor number has a leading zero"),
        ("1.0.0-a.01", "the number '01' in the pre-release has a leading zero"),
        ("1.0.0-", "the pre-release has an empty identifier"),
        ("1.0.0-+b", "the pre-release has an empty identifier"),
        ("1.0.0-a..b", "the pre-release has an empty identifier"),
        ("1.0.0-a.", "the pre-release has an empty identifier"),
        ("1.0.0+", "the build metadata has an empty identifier"),
        ("1.0.0+.b", "the build metadata has an empty identifier"),
        ("1.0.18446744073709551616", "the patch number is more than 18446744073709551615"),
        ("1" * 140 + ".0.0", "the major number is more than 18446744073709551615"),
    ],
)
def test_what_is_not_semver_is_refused_with_what_was_found_where(text: str, reason: str) -> None:
    message = f"{text!r} is not a version like 1.2.3: {reason}"
    with pytest.raises(InvalidVersion, match=f"^{re.escape(message)}$"):
        parse_version(text)


def test_a_version_longer_than_crates_io_takes_is_refused_and_only_its_start_is_shown() -> None:
    text = "1.0.0-" + "9" * 100_000
    message = f"{quote(text)} is not a version like 1.2.3: it has 100006 characters; at most 150 are allowed"
    with pytest.raises(InvalidVersion, match=f"^{re.escape(message)}$"):
        parse_version(text)


@pytest.mark.parametrize("chain", [PRECEDENCE, BUILD_ORDER], ids=["precedence", "build metadata"])
def test_versions_stand_in_the_order_of_the_semver_crate(chain: list[str]) -> None:
    versions = [parse_version(text) for text in chain]
    assert sorted(versions, reverse=True) == versions[::-1]
    for one, next_one in pairwise(versions):
        assert one < next_one
        assert one <= next_one
        assert next_one > one
        assert next_one >= one
        assert one != next_one


def test_precedence_orders_what_semver_orders_and_nothing_else() -> None:
    keys = [precedence_key(parse_version(text)) for text in PRECEDENCE]
    assert all(one < other for one, other in pairwise(keys))
    assert len({precedence_key(parse_version(text)) for text in BUILD_ORDER}) == 1


@pytest.mark.parametrize(
    ("text", "rest"),
    [("1.0.0", "1.0.0"), ("1.0.0+b", "1.0.0"), ("1.0.0-a+b", "1.0.0-a"), ("1.0.0+a-b", "1.0.0"), ("odd", "odd")],
)
def test_build_metadata_is_cut_off_whatever_stands_before_it(text: str, rest: str) -> None:
    assert without_build(text) == rest


@pytest.mark.case(55)
@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("1", "^1"),
        ("1.2.3", "^1.2.3"),
        ("1.x", "1.*"),
        ("1.X", "1.*"),
        ("1.*", "1.*"),
        ("1.*.*", "1.*"),
        ("1.2.*", "1.2.*"),
        ("*", "*"),
        ("x", "*"),
        (" X ", "*"),
        ("1, 2", "^1, ^2"),
        ("1.0.0+meta", "^1.0.0"),
        ("^ 1.2", "^1.2"),
        ("~1.2", "~1.2"),
        ("=1.2.3", "=1.2.3"),
        (">=1,<2", ">=1, <2"),
        (">= 1 , <2", ">=1, <2"),
        ("   <=   1.2   ", "<=1.2"),
        (">1.*", ">1"),
        ("~1.2.*", "~1.2"),
        ("=1.*.*", "=1"),
        ("1.0.0-alpha.1", "^1.0.0-alpha.1"),
        (">0.0.0-0, <=1.0.0-rc.1+b", ">0.0.0-0, <=1.0.0-rc.1"),
        (f"={BIG}", f"={BIG}"),
        (", ".join(["1"] * 32), ", ".join(["^1"] * 32)),
    ],
)
def test_a_requirement_is_printed_as_the_semver_crate_prints_it(text: str, printed: str) -> None:
    assert parse_requirement(text).format() == printed


@pytest.mark.case(56)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it ends where the major number should be"),
        ("  ", "it ends where the major number should be"),
        (">=1 <2", "'<' follows the major number, where only ',' can"),
        ("1.2.3.4", "'.' follows the patch number, where only ',' can"),
        ("1.*-a", "'-' follows the wildcard, where only ',' can"),
        ("1.2-a", "'-' follows the minor number, where only ',' can"),
        ("1.0.0-a_", "'_' follows the pre-release, where only ',' can"),
        ("1\t", "'\\t' follows the major number, where only ',' can"),
        ("==1", "'=' stands where the major number should be"),
        ("!=1", "'!' stands where the major number should be"),
        ("v1", "'v' stands where the major number should be"),
        ("1 || 2", "'|' follows the major number, where only ',' can"),
        (">=*", "'*' stands where the major number should be"),
        ("=*", "'*' stands where the major number should be"),
        (",1", "',' stands where the major number should be"),
        ("1,", "it ends where the major number should be"),
        ("1,,2", "',' stands where the major number should be"),
        ("1, *", "'*' stands where the major number should be"),
        ("*, 1", "a wildcard alone must be the whole requirement"),
        ("*.1", "a wildcard alone must be the whole requirement"),
        ("1.*.2", "only a wildcard can follow a wildcard"),
        ("1.", "it ends where the minor number should be"),
        ("01", "the major number has a leading zero"),
        ("1.0.0-01", "the number '01' in the pre-release has a leading zero"),
        ("1.0.0+", "the build metadata has an empty identifier"),
        ("1.99999999999999999999", "the minor number is more than 18446744073709551615"),
        (", ".join(["1"] * 33), "it has more than 32 comparators"),
    ],
)
def test_a_requirement_that_cargo_cannot_read_is_refused_with_what_was_found_where(text: str, reason: str) -> None:
    message = f"{text!r} is not a requirement like ^1.2 or >=1, <2: {reason}"
    with pytest.raises(InvalidRequirement, match=f"^{re.escape(message)}$"):
        parse_requirement(text)


@pytest.mark.case(36)
@pytest.mark.parametrize(
    ("requirement", "within", "outside"),
    [
        ("*", "0.0.0 1.2.3+b", "1.0.0-rc.1"),
        ("^1", "1.0.0 1.9.9", "0.9.9 2.0.0 1.0.0-rc.1 1.5.0-rc.1"),
        ("^1.2.3", "1.2.3 1.2.4 1.3.0", "1.2.2 2.0.0 1.3.0-a"),
        ("^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.2 0.0.4"),
        ("^0.0", "0.0.0 0.0.9", "0.1.0"),
        ("^0", "0.0.0 0.9.9", "1.0.0"),
        ("^1.2.3-b", "1.2.3-b 1.2.3-c 1.2.3 1.9.0", "1.2.3-a 1.2.4-c"),
        ("~1", "1.0.0 1.9.0", "2.0.0"),
        ("~1.2", "1.2.0 1.2.9", "1.3.0 1.1.9"),
        ("~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0"),
        ("=1.2.3", "1.2.3 1.2.3+b", "1.2.4 1.2.3-a"),
        ("=1.2", "1.2.0 1.2.9", "1.3.0"),
        ("1.2.*", "1.2.0 1.2.9", "1.3.0"),
        (">1", "2.0.0", "1.9.9 1.0.0"),
        (">1.2", "1.3.0 2.0.0", "1.2.9"),
        (">=1.2", "1.2.0 2.0.0", "1.1.9 1.2.0-a"),
        ("<1.2", "1.1.9 0.0.0", "1.2.0"),
        ("<=1.2", "1.2.9 0.0.0", "1.3.0"),
        (">=1, <2", "1.0.0 1.9.9", "0.9.9 2.0.0 2.0.0-a"),
        ("<2.0.0", "1.9.9", "2.0.0 2.0.0-a"),
        ("<2.0.0-b", "1.9.9 2.0.0-a", "2.0.0-b 2.0.0"),
        ("^1, >=1.2.3-a", "1.2.3-b 1.3.0", "1.2.4-b"),
        ("~1.2, >=1.2.3-a", "1.2.3", "1.2.3-b"),
        ("=1.2, >=1.2.3-a", "1.2.3", "1.2.3-b"),
        (">=1.2, >=1.2.3-a", "1.2.3", "1.2.3-b"),
        ("<=1.2, >=1.2.3-a", "1.2.3", "1.2.3-b"),
    ],
)
def test_a_requirement_takes_what_cargo_would_take(requirement: str, within: str, outside: str) -> None:
    found = parse_requirement(requirement)
    assert [v for v in within.split() if not found.matches(parse_version(v))] == []
    assert [v for v in outside.split() if found.matches(parse_version(v))] == []


@pytest.mark.case(40)
@pytest.mark.parametrize("text", ["0", "1", "1.60", "1.60.0", "10.200.3000", f"1.{BIG}"])
def test_a_rust_version_is_kept_as_it_was_written(text: str) -> None:
    assert parse_rust_version(text) == text


@pytest.mark.case(40)
@pytest.mark.parametrize(
    "text",
    [
        *("", "^1.60", "1.x", "1.60-nightly", "1.60.0-beta", "1.60.0+b", "1.60.0.0", "01.60", "1.060", "1.", ".1"),
        *("*", " 1.60", "1.60 ", "1.60\n", "1.٦٠", "1, 2", ">=1", f"1.{BIG + 1}", "9" * 5000),
    ],
)
def test_a_rust_version_that_is_not_one_to_three_numbers_is_refused(text: str) -> None:
    message = (
        f"{quote(text)} is not a Rust version: it must be one to three numbers like '1.70' or '1.70.1', "
        "without operator, wildcard, pre-release or leading zero"
    )
    with pytest.raises(InvalidVersion, match=f"^{re.escape(message)}$"):
        parse_rust_version(text)


@given(VERSIONS)
def test_a_printed_version_reads_as_the_same_version(version: Version) -> None:
    assert parse_version(version.format()) == version


@given(REQUIREMENTS)
def test_a_printed_requirement_reads_as_the_same_requirement(requirement: Requirement) -> None:
    assert parse_requirement(requirement.format()) == requirement


@given(NEAR_VERSIONS, NEAR_VERSIONS, NEAR_VERSIONS)
def test_the_order_is_total(a: Version, b: Version, c: Version) -> None:
    assert (a < b) + (a == b) + (a > b) == 1
    assert (a <= b) == (not a > b)
    assert (a >= b) == (not a < b)
    low, middle, high = sorted([a, b, c])
    assert low <= middle <= high
    assert low <= high


@given(NEAR_VERSIONS, NEAR_VERSIONS)
def test_the_order_never_contradicts_precedence(a: Version, b: Version) -> None:
    if precedence_key(a) < precedence_key(b):
        assert a < b
    assert (precedence_key(a) == precedence_key(b)) == (without_build(a.format()) == without_build(b.format()))


@given(st.text("0123456789.-+ax*, <>=~^", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert repr(text) in _answer(text)
    assert _printed(text) == _printed(_printed(text))


def _answer(text: str) -> str:
    try:
        return repr(parse_version(text).format())
    except InvalidVersion as error:
        return str(error)


def _printed(text: str) -> str:
    try:
        return parse_requirement(text).format()
    except InvalidRequirement:
        return "refused"
