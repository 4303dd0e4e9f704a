"""Advisories, as rustsec reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.protocol.advisory import Advisory, parse_advisory
from cargo_static_index.protocol.semver import parse_requirement, parse_version
from tests.advisories import TEXT

WHOLE = {
    "id": "RUSTSEC-2021-0001",
    "name": "foo",
    "date": "2021-01-31",
    "more": 'url = "https://example.com/1"\naliases = ["CVE-2021-1", "no id"]\ninformational = "unsound"',
    "patched": '">= 1.2.3"',
    "unaffected": '"< 0.4"',
    "title": "A `title`\twith  blanks #",
}


def text(**changes: str) -> bytes:
    return TEXT.format(**(WHOLE | changes)).encode()


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_an_advisory_is_read_whole(ends: str) -> None:
    assert parse_advisory(text().replace(b"\n", ends.encode())) == Advisory(
        id="RUSTSEC-2021-0001",
        package="foo",
        date="2021-01-31",
        title="A `title` with blanks",
        url="https://example.com/1",
        informational="unsound",
        aliases=("CVE-2021-1",),
        patched=(parse_requirement(">= 1.2.3"),),
        unaffected=(parse_requirement("< 0.4"),),
    )


@pytest.mark.parametrize(
    ("range_", "inside", "outside"),
    [
        (">= 1.2.3", "1.2.3 2.0.0 2.0.0-alpha", "1.2.2 1.2.3-rc.1"),
        ("> 1.2.3", "1.2.4-0 1.2.4", "1.2.3 1.2.3-rc.1"),
        ("< 1.2.3", "1.2.2 1.2.3-rc.1 0.0.0-0", "1.2.3"),
        ("<= 1.2.3", "1.2.3 1.2.3-rc.1", "1.2.4-0"),
        ("= 1.2.3", "1.2.3 1.2.3+build", "1.2.3-rc.1 1.2.4"),
        ("1.2.3", "1.2.3 1.99.0 1.3.0-beta", "1.2.2 2.0.0 2.0.0-alpha"),
        ("^0.2.3", "0.2.3 0.2.99", "0.3.0 0.3.0-a 0.2.2"),
        ("^0.0.3", "0.0.3", "0.0.4 0.0.4-0 0.0.2"),
        ("^0.0", "0.0.0 0.0.9", "0.1.0-0"),
        ("^0", "0.0.0 0.9.9", "1.0.0-0"),
        ("~1.2.3", "1.2.3 1.2.9", "1.3.0 1.3.0-alpha"),
        ("~1", "1.0.0 1.9.0", "2.0.0-0"),
        ("1.2.*", "1.2.0 1.2.9", "1.3.0-0 1.1.9"),
        (">= 1.2.3, < 1.3", "1.2.3 1.2.9", "1.2.2 1.3.0"),
        ("*", "0.0.0 1.0.0-alpha", ""),
    ],
)
def test_a_requirement_is_a_range_in_the_order_of_versions(range_: str, inside: str, outside: str) -> None:
    advisory = parse_advisory(text(patched=f'"{range_}"', unaffected=""))
    assert [vers for vers in inside.split() if advisory.affects(parse_version(vers))] == []
    assert [vers for vers in outside.split() if not advisory.affects(parse_version(vers))] == []


def test_without_any_range_all_versions_are_affected() -> None:
    assert parse_advisory(text(patched="", unaffected="")).affects(parse_version("9.9.9"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it does not begin with a block of TOML"),
        (b"# Title\n\n```toml\n[advisory]\n```\n", "it does not begin with a block of TOML"),
        (b"\xff", "it is not UTF-8"),
        (b"```toml\n[advisory\n```\n", "expected"),
        (b"```toml\n[advisory]\n```\n", "missing required field `id`"),
        (text(id="../../x"), "the id '../../x' is none"),
        (text(name="../x"), "the package '../x' is no crate's name"),
        (text(date="yesterday"), "the date 'yesterday' is none"),
        (text(patched='"newer"'), "newer"),
        (b"```toml\na = " + b"[" * 100_000 + b"\n```\n", ""),
    ],
)
def test_what_is_no_advisory_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidDocument) as error:
        parse_advisory(content)
    assert reason in str(error.value)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda more: b"```toml\n" + more.encode() + b"\n```\n"))
def test_any_bytes_are_an_advisory_or_refused(content: bytes) -> None:
    try:
        parse_advisory(content)
    except InvalidDocument:
        return


def test_an_address_that_leads_to_no_page_is_left_out() -> None:
    assert parse_advisory(text(more='url = "javascript:alert(1)"')).url is None
