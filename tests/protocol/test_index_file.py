"""Index lines in crates.io's bytes, and files that keep what they hold."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidIndexLine, NotHeld
from cargo_static_index.protocol.features import split_features
from cargo_static_index.protocol.index_entry import (
    Dependency,
    DependencyKind,
    Entry,
    format_entry,
    parse_entry,
    parse_pubtime,
    sort_dependencies,
)
from cargo_static_index.protocol.index_file import IndexFile, new_line, newest, parse_index, parse_line
from cargo_static_index.protocol.semver import parse_version
from tests.registry import trees

CKSUM = "ab" * 32
NOW = "2026-05-15T08:30:00Z"


def entry(vers: str = "1.0.0", **changes: Any) -> Entry:
    return replace(Entry(name="foo", vers=vers, deps=(), cksum=CKSUM, features={}, yanked=False), **changes)


def dependency(name: str = "bar", **changes: Any) -> Dependency:
    plain = Dependency(
        name=name, req="^1", features=(), optional=False, default_features=True, target=None, kind="normal"
    )
    return replace(plain, **changes)


def line(text: str) -> bytes:
    """Give a line of this name, version and checksum with more keys behind."""
    return b'{"name":"foo","vers":"1.0.0","deps":[],"cksum":"%s"%s}' % (CKSUM.encode(), text.encode())


def versions(file: IndexFile) -> list[str]:
    return [each.vers for each in file.lines]


# ---- lines that we write


@pytest.mark.case(17)
def test_a_minimal_line_has_the_bytes_of_crates_io() -> None:
    assert format_entry(entry()) == line(',"features":{},"yanked":false')


@pytest.mark.case(41)
def test_a_line_with_everything_has_the_bytes_of_crates_io_and_registry_after_kind() -> None:
    old, new = split_features({"std": (), "default": ("std",), "x": ("dep:bar", "std")})
    dep = dependency(
        "alias", features=("z", "a"), optional=True, default_features=False, target="cfg(unix)", kind="build"
    )
    full = entry(
        deps=(replace(dep, package="bar", registry="sparse+https://h.example/index/"), dependency()),
        features=old,
        features2=new,
        links="z",
        rust_version="1.60",
        pubtime=NOW,
        v=2,
    )
    assert format_entry(full).decode() == (
        '{"name":"foo","vers":"1.0.0","deps":['
        '{"name":"alias","req":"^1","features":["z","a"],"optional":true,"default_features":false,'
        '"target":"cfg(unix)","kind":"build","registry":"sparse+https://h.example/index/","package":"bar"},'
        '{"name":"bar","req":"^1","features":[],"optional":false,"default_features":true,'
        '"target":null,"kind":"normal"}],'
        f'"cksum":"{CKSUM}","features":{{"default":["std"],"std":[]}},"features2":{{"x":["dep:bar","std"]}},'
        '"yanked":false,"links":"z","rust_version":"1.60","pubtime":"2026-05-15T08:30:00Z","v":2}'
    )


@pytest.mark.case(18)
def test_text_beyond_ascii_is_written_raw_and_control_characters_are_escaped() -> None:
    odd = 'é日😀/"\\\b\f\n\r\t\x00\x1f\x7f\u2028'
    written = format_entry(entry(links=odd))
    assert '"links":"é日😀/\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\u2028"'.encode() in written
    assert json.dumps(odd, ensure_ascii=False).encode() in written


@pytest.mark.case(29)
def test_a_package_equal_to_its_alias_is_written() -> None:
    assert b'"kind":"normal","package":"bar"}' in format_entry(entry(deps=(dependency(package="bar"),)))


@pytest.mark.case(27)
def test_one_dependency_in_several_tables_stays_several_and_normal_comes_first() -> None:
    kinds: tuple[DependencyKind, ...] = ("dev", "build", "normal")
    several = [dependency(kind=kind, target=target) for kind in kinds for target in ("cfg(unix)", "a-b-c", None)]
    assert [(each.kind, each.target) for each in sort_dependencies(several)] == [
        (kind, target) for kind in ("normal", "build", "dev") for target in (None, "a-b-c", "cfg(unix)")
    ]


@pytest.mark.case(28)
@pytest.mark.case(30)
def test_dependencies_are_sorted_key_by_key_as_crates_io_does() -> None:
    ordered = [
        dependency("a", kind="dev", req="^9"),
        dependency("b", req="^1", optional=True),
        dependency("b", req="^2", default_features=False),
        dependency("b", req="^2", default_features=True),
        dependency("b", req="^2", package="x"),
        dependency("b", req="^2", package="x", features=("f",)),
        dependency("b", req="^2", package="x", features=("f",), registry="sparse+https://h.example/"),
        dependency("b", kind="build", req="^0"),
        dependency("c", package="x"),
    ]
    assert list(sort_dependencies(reversed(ordered))) == ordered


_text = st.text(st.characters(codec="utf-8"), max_size=5)
_features = st.dictionaries(_text, st.lists(_text, max_size=2).map(tuple), max_size=3)
_maybe = st.one_of(st.none(), _text)
_numbers = st.integers(0, 3)
_vers = st.builds("{}.{}.{}{}".format, _numbers, _numbers, _numbers, st.sampled_from(["", "-rc.1", "+b", "-a+c"]))
_times = st.sampled_from(["2026-05-15T08:30:00Z", "2024-02-29T23:59:59Z", "0000-01-01T00:00:00Z"])
_dependencies = st.builds(
    Dependency,
    name=_text.map("n{}".format),
    req=st.sampled_from(["^1", "*", ">=1, <2"]),
    features=st.lists(_text, max_size=2).map(tuple),
    optional=st.booleans(),
    default_features=st.booleans(),
    target=_maybe,
    kind=st.sampled_from(["normal", "build", "dev"]),
    registry=st.sampled_from([None, "https://h.example/x"]),
    package=st.sampled_from([None, "p"]),
)
_entries = st.builds(
    Entry,
    name=_text,
    vers=_vers,
    deps=st.lists(_dependencies, max_size=2).map(tuple),
    cksum=_text,
    features=_features,
    features2=st.one_of(st.none(), _features),
    yanked=st.booleans(),
    links=_maybe,
    rust_version=st.sampled_from([None, "1", "1.60", "1.60.0"]),
    pubtime=st.one_of(st.none(), _times),
    v=st.sampled_from([None, 1, 2, 3]),
)


@given(_entries)
def test_a_line_that_is_written_is_read_again(it: Entry) -> None:
    written = format_entry(it)
    assert parse_entry(written) == it
    found = parse_line(written)
    assert (found.name, found.vers, found.cksum, found.yanked, found.pubtime) == (
        it.name,
        it.vers,
        it.cksum,
        it.yanked,
        it.pubtime,
    )


# ---- lines that we read


def test_what_a_line_leaves_out_gets_the_default_of_cargo() -> None:
    deps = b'[{"name":"a","req":"*"},{"name":"b","req":"1","kind":"devel"}]'
    found = b'{"name":"foo","vers":"1.0.0","cksum":"","deps":%s}' % deps
    assert parse_entry(found) == entry(cksum="", deps=(dependency("a", req="*"), dependency("b", req="1")))


@pytest.mark.parametrize(
    "text",
    [
        ',"yanked":null,"links":null,"rust_version":null,"pubtime":null,"v":null,"features2":null',
        ',"new":{"a":[1e9]},"new":2',
        ',"features":{}  ',
        ',"features":{},"yanked":false\r',
    ],
)
def test_nulls_unknown_keys_and_white_space_are_read(text: str) -> None:
    found = line(text.rstrip("\r")) + (b"\r" if text.endswith("\r") else b"")
    assert parse_entry(found) == entry()
    assert parse_line(found).cksum == CKSUM


def test_a_feature_given_twice_counts_the_last_time() -> None:
    assert parse_entry(line(',"features":{"a":["b"],"a":[]}')).features == {"a": ()}


_ODD_DEPENDENCIES = [
    ('{"name":"a"}', "Object missing required field `req` - at `$.deps[0]`"),
    ('{"name":"a","req":"*","features":null}', "Expected `array`, got `null` - at `$.deps[0].features`"),
    ('{"name":"a","req":"*","optional":null}', "Expected `bool`, got `null` - at `$.deps[0].optional`"),
]


@pytest.mark.parametrize(("text", "fault"), _ODD_DEPENDENCIES)
def test_a_dependency_of_another_shape_is_refused(text: str, fault: str) -> None:
    found = b'{"name":"foo","vers":"1.0.0","cksum":"","deps":[%s]}' % text.encode()
    with pytest.raises(InvalidIndexLine) as caught:
        parse_entry(found)
    assert str(caught.value).startswith(f"not an index line that cargo reads: {fault}; line: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (',"v":"2"', "not an index line that cargo reads: Expected `int | null`, got `str` - at `$.v`; line: "),
        (',"v":-1', "not an index line that cargo reads: Expected `int` >= 0 - at `$.v`; line: "),
        (
            ',"features":null',
            "not an index line that cargo reads: Expected `object`, got `null` - at `$.features`; line: ",
        ),
        (
            ',"yanked":1',
            "not an index line that cargo reads: Expected `bool | null`, got `int` - at `$.yanked`; line: ",
        ),
        (',"yanked":true,"yanked":true', "the key 'yanked' is given twice; remove one; line: "),
        (',"name":"foo"', "the key 'name' is given twice; remove one; line: "),
        (',"\\u0076ers":"1.0.0"', "the key 'vers' is given twice; remove one; line: "),
        (
            ',"pubtime":"2026-05-15T08:30:00z"',
            "foo 1.0.0: '2026-05-15T08:30:00z' is not a time of publication; write it in UTC like '2026-",
        ),
    ],
)
def test_a_line_that_cargo_calls_invalid_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidIndexLine) as caught:
        parse_entry(line(text))
    assert str(caught.value).startswith(message)


@pytest.mark.case(40)
@pytest.mark.parametrize("rust_version", ["^1.60", "1.x", "1.60-nightly", "", "1.2.3.4", "1.60.0+b", "*"])
def test_a_rust_version_that_cargo_refuses_is_refused(rust_version: str) -> None:
    with pytest.raises(InvalidIndexLine, match=r"^foo 1\.0\.0: "):
        parse_entry(line(f',"rust_version":"{rust_version}"'))


@pytest.mark.case(42)
@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('"name":"","req":"*"', "a dependency's name is empty, on which cargo panics; name it"),
        ('"name":"a","package":"","req":"*"', "a dependency's name is empty, on which cargo panics; name it"),
        (
            '"name":"a","req":"*","kind":"build","public":true',
            "the build dependency 'a' is public, on which cargo panics; remove 'public'",
        ),
        (
            '"name":"a","req":"*","registry":""',
            "the URL '' is not absolute; write it like 'https://crates.example.com/'",
        ),
    ],
)
def test_a_dependency_on_which_cargo_fails_is_refused(text: str, fault: str) -> None:
    with pytest.raises(InvalidIndexLine) as caught:
        parse_entry(line("").replace(b"[]", b"[{%s}]" % text.encode()))
    assert str(caught.value) == f"foo 1.0.0: {fault}"


def test_a_requirement_that_cargo_refuses_is_refused() -> None:
    with pytest.raises(InvalidIndexLine):
        parse_entry(line("").replace(b"[]", b'[{"name":"a","req":">=1 <2"}]'))


def test_a_key_that_a_dependency_gives_twice_is_refused() -> None:
    with pytest.raises(InvalidIndexLine, match=r"^the key 'req' is given twice"):
        parse_entry(line("").replace(b"[]", b'[{"name":"a","req":"*","req":"*"}]'))


@pytest.mark.case(39)
@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("2026-05-15T08:30:00Z", True),
        ("2024-02-29T00:00:00Z", True),
        ("2000-02-29T00:00:00Z", True),
        ("2025-02-29T00:00:00Z", False),
        ("1900-02-29T00:00:00Z", False),
        ("2026-02-30T00:00:00Z", False),
        ("2026-04-31T00:00:00Z", False),
        ("2026-13-01T00:00:00Z", False),
        ("2026-01-01T24:00:00Z", False),
        ("2026-06-30T23:59:60Z", True),
        ("2026-01-01T00:60:00Z", False),
        ("2026-01-01T00:00:61Z", False),
        ("2026-1-01T00:00:00Z", False),
        ("2026-01-01T00:00:00.1Z", False),
        ("2026-01-01T00:00:00+00:00", False),
        ("2026-01-01 00:00:00Z", False),
        ("2026-01-01T00:00:00Z\n", False),
        ("٢026-01-01T00:00:00Z", False),
        ("", False),
    ],
)
def test_a_time_of_publication_has_twenty_characters_and_is_a_day(text: str, good: bool) -> None:
    if good:
        assert parse_pubtime(text) == text
    else:
        with pytest.raises(InvalidIndexLine):
            parse_pubtime(text)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r",
        b"<html>",
        b"[]",
        b"null",
        b"\xef\xbb\xbf" + line(""),
        line("")[:-1],
        line(',"name":"foo"'),
        line(',"vers":"1.0.0"'),
        line(',"\\u0076ers":"1.0.0"'),
        line(',"links":"\xff"').replace("\xff".encode(), b"\xff").replace(b"foo", b"\xff"),
        line("").replace(b"1.0.0", b"1.0"),
        b'{"name":"foo","deps":[],"cksum":""}',
        b'{"a":' + b"[" * 100_000,
    ],
)
def test_a_line_that_cargo_skips_is_kept_and_says_nothing(raw: bytes) -> None:
    found = parse_index(raw + b"\n")
    assert found.format() == raw + b"\n"
    assert [(each.name, each.vers, each.cksum) for each in found.lines] == [("", "", "")]
    assert found.releases == ()


@pytest.mark.parametrize(
    "text",
    [
        ',"yanked":0',
        ',"yanked":false,"yanked":false',
        ',"cksum":"x"',
        ',"pubtime":"yesterday"',
        ',"features":{},"features":{}',
    ],
)
def test_a_line_that_cargo_calls_invalid_holds_its_version_but_is_no_release(text: str) -> None:
    file = parse_index(line(text))
    features_only = "features" in text
    assert file.find("1.0.0") == file.lines[0]
    assert bool(file.releases) == features_only


@pytest.mark.case(37)
def test_a_line_for_a_newer_cargo_is_read_and_kept() -> None:
    raw = line(',"features":{},"yanked":false,"v":3')
    file = parse_index(raw + b"\n")
    assert file.find("1.0.0") is not None
    assert file.with_lines(map(new_line, [entry("2.0.0")])).lines[0].raw == raw


# ---- files


@pytest.mark.parametrize(
    ("content", "count"), [(b"", 0), (b"\n", 1), (b"a\nb", 2), (b"a\r\n\r\nb\r\n", 3), (b"a\n\n\nb\n\n", 5)]
)
def test_only_a_missing_newline_at_the_end_is_put_in(content: bytes, count: int) -> None:
    file = parse_index(content)
    assert len(file.lines) == count
    assert file.format() == (content if content.endswith(b"\n") or not content else content + b"\n")


@pytest.mark.case(33)
def test_a_file_that_we_write_has_only_lines_with_a_newline_each() -> None:
    content = IndexFile().with_lines(map(new_line, [entry(f"1.{i}.0", pubtime=NOW) for i in range(3)])).format()
    assert content.endswith(b"}\n")
    assert content.count(b"\n") == 3
    assert b"\r" not in content
    assert b"\n\n" not in content


@pytest.mark.case(34)
@pytest.mark.case(35)
@pytest.mark.case(36)
def test_versions_are_found_exactly_and_without_build_metadata() -> None:
    file = parse_index(b"junk\n").with_lines(map(new_line, [entry("1.0.0+build.5"), entry("1.0.0-rc.1")]))
    assert [each is not None for each in map(file.find, ["1.0.0+build.5", "1.0.0-rc.1", "1.0.0"])] == [
        True,
        True,
        False,
    ]
    for vers, held in [("1.0.0", "1.0.0+build.5"), ("1.0.0+x", "1.0.0+build.5"), ("1.0.0-rc.1+y", "1.0.0-rc.1")]:
        found = file.find_same_precedence(vers)
        assert found is not None
        assert found.vers == held
    assert file.find_same_precedence("1.0.0-rc.2") is None


@pytest.mark.case(31)
def test_lines_stand_in_order_of_publication_and_not_of_version() -> None:
    file = IndexFile().with_lines(map(new_line, [entry("1.0.10", pubtime="2026-01-01T00:00:00Z")]))
    file = file.with_lines(map(new_line, [entry("1.0.9", pubtime="2026-01-02T00:00:00Z")]))
    assert versions(file) == ["1.0.10", "1.0.9"]
    file = file.with_lines(map(new_line, [entry("0.9.0", pubtime="2025-12-31T00:00:00Z")]))
    assert versions(file) == ["0.9.0", "1.0.10", "1.0.9"]


@pytest.mark.case(32)
def test_what_is_published_together_is_ordered_by_semver() -> None:
    mixed = ["1.10.0", "1.9.0", "1.9.0-rc.2", "1.9.0-rc.10", "0.1.0"]
    file = IndexFile().with_lines(map(new_line, [entry(vers, pubtime=NOW) for vers in mixed]))
    assert versions(file) == ["0.1.0", "1.9.0-rc.2", "1.9.0-rc.10", "1.9.0", "1.10.0"]


def test_lines_without_a_time_and_unreadable_ones_stay_first_as_found() -> None:
    found = b"junk\n" + b"".join(format_entry(entry(vers)) + b"\n" for vers in ["2.0.0", "1.0.0"])
    file = parse_index(found).with_lines(map(new_line, [entry("0.1.0", pubtime=NOW)]))
    assert file.format().startswith(found)
    assert versions(file) == ["", "2.0.0", "1.0.0", "0.1.0"]


def test_a_line_goes_behind_the_last_that_is_not_later_where_the_file_is_not_sorted() -> None:
    years = {"5.0.0": "2025", "1.0.0": "2021", "9.0.0": "2029", "3.0.0": "2023", "8.0.0": "2028"}
    found = b"".join(
        format_entry(entry(vers, pubtime=f"{year}-01-01T00:00:00Z")) + b"\n" for vers, year in years.items()
    )
    new = [entry(f"{y}.1.0", pubtime=f"202{y}-01-01T00:00:00Z") for y in (0, 1, 3, 7, 9)]
    file = parse_index(found).with_lines(map(new_line, new))
    assert versions(file) == [
        "0.1.0", "5.0.0", "1.0.0", "1.1.0", "9.0.0", "3.0.0", "3.1.0", "7.1.0", "8.0.0", "9.1.0",
    ]  # fmt: skip


@pytest.mark.parametrize(("vers", "time"), [("1.0", NOW), ("1.0.0", "now")])
def test_an_entry_that_cargo_would_not_read_cannot_be_added(vers: str, time: str) -> None:
    with pytest.raises(InvalidIndexLine) as caught:
        IndexFile().with_lines(map(new_line, [entry(vers, pubtime=time)]))
    assert str(caught.value) == (
        f"foo {vers} of {time} would be a line that cargo does not read; correct its version or time"
    )


@pytest.mark.case(38)
@pytest.mark.case(81)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (',"yanked":false', ',"yanked":true'),
        (', "yanked" :\tfalse , "z":"yanked"', ', "yanked" :\ttrue , "z":"yanked"'),
        (',"yanked":null', ',"yanked":true'),
        (',"features":{"yanked":[]}', ',"features":{"yanked":[]},"yanked":true'),
        (
            ',"x":{"yanked":false},"y":"\\"yanked\\":false"',
            ',"x":{"yanked":false},"y":"\\"yanked\\":false","yanked":true',
        ),
        (',"yank\\u0065d":false,"é":"}"', ',"yank\\u0065d":true,"é":"}"'),
        (',"x":["]",{"a":"{"}],"yanked":false', ',"x":["]",{"a":"{"}],"yanked":true'),
        (',"yanked":true', ',"yanked":true'),
    ],
)
def test_a_yank_changes_the_value_alone(before: str, after: str) -> None:
    other = b"junk \r\n"
    file = parse_index(other + line(before) + b" \r\n").with_yanked("1.0.0", yanked=True)
    assert file.format() == other + line(after) + b" \r\n"
    assert file.lines[1].yanked


def test_an_unyank_of_what_is_not_yanked_changes_nothing() -> None:
    for text in (',"yanked":false', ',"yanked":null', ""):
        file = parse_index(line(text))
        assert file.with_yanked("1.0.0", yanked=False) == file


@pytest.mark.case(82)
def test_what_is_not_held_cannot_be_yanked_nor_removed() -> None:
    file = parse_index(b"junk\n").with_lines(map(new_line, [entry("1.0.0"), entry("1.1.0")]))
    message = "version '2.0.0' is not in the index file; held: '1.0.0', '1.1.0'"
    with pytest.raises(NotHeld) as caught:
        file.with_yanked("2.0.0", yanked=True)
    assert str(caught.value) == message
    with pytest.raises(NotHeld) as caught:
        file.without("2.0.0")
    assert str(caught.value) == message
    with pytest.raises(NotHeld, match=r"held: none$"):
        IndexFile().without("1.0.0")


def test_a_removal_leaves_all_other_lines() -> None:
    file = parse_index(b"junk\n").with_lines(map(new_line, [entry("1.0.0"), entry("1.1.0")]))
    assert versions(file.without("1.0.0")) == ["", "1.1.0"]


# ---- laws of files

_content = st.lists(
    st.one_of(st.binary(max_size=8).map(lambda raw: raw.replace(b"\n", b"")), _entries.map(format_entry)), max_size=6
).map(lambda lines: b"".join(raw + b"\n" for raw in lines))


@given(_content)
def test_a_file_that_is_written_is_read_again(content: bytes) -> None:
    file = parse_index(content)
    assert file.format() == content
    assert parse_index(file.format()) == file


@given(_entries)
def test_a_yank_undone_gives_the_same_bytes(it: Entry) -> None:
    file = parse_index(b"junk\n" + format_entry(it) + b"\n")
    there = file.with_yanked(it.vers, yanked=not it.yanked)
    assert [each.yanked for each in there.lines] == [False, not it.yanked]
    assert there.with_yanked(it.vers, yanked=it.yanked) == file


_new = st.lists(st.tuples(_vers, st.one_of(st.none(), _times)), unique_by=lambda pair: pair[0], max_size=6)


@given(_content, _new, st.data())
def test_any_order_of_adding_gives_the_same_bytes_and_moves_no_line(
    content: bytes, new: list[tuple[str, str | None]], data: st.DataObject
) -> None:
    entries = [entry(vers, pubtime=time) for vers, time in new]
    found = parse_index(content)
    at_once = found.with_lines(map(new_line, entries))
    assert at_once.format() == parse_index(content).with_lines(map(new_line, reversed(entries))).format()
    file, shuffled = found, data.draw(st.permutations(entries))
    while shuffled:
        size = data.draw(st.integers(1, len(shuffled)))
        file, shuffled = file.with_lines(map(new_line, shuffled[:size])), shuffled[size:]
    assert file == at_once
    added = {format_entry(each) for each in entries}
    assert [each for each in at_once.lines if each.raw not in added] == [
        each for each in found.lines if each.raw not in added
    ]


@given(_new)
def test_a_file_of_ours_is_in_order_of_time_and_version(new: list[tuple[str, str | None]]) -> None:
    file = IndexFile().with_lines(map(new_line, [entry(vers, pubtime=time) for vers, time in new]))
    keys = [(each.pubtime or "", parse_version(each.vers or "")) for each in file.lines]
    assert keys == sorted(keys)


def test_a_line_that_cargo_would_not_read_is_not_added() -> None:
    with pytest.raises(InvalidIndexLine, match="would be a line that cargo does not read; correct its version or time"):
        new_line(entry("1.0"))


@pytest.mark.parametrize(
    ("versions", "found"),
    [
        (["1.2.0", "1.10.0", "1.9.0"], "1.10.0"),
        (["1.0.0", "2.0.0-beta.1"], "1.0.0"),
        (["1.0.0-alpha", "1.0.0-beta"], "1.0.0-beta"),
        (["1.0.0", "2.0.0 yanked"], "1.0.0"),
        (["1.0.0-alpha", "1.0.0 yanked"], "1.0.0-alpha"),
        (["1.0.0 yanked", "1.1.0 yanked"], "1.1.0"),
        ([], None),
    ],
)
def test_the_highest_stands_for_a_crate_rather_neither_yanked_nor_a_pre_release(
    versions: list[str], found: str | None
) -> None:
    lines = (trees.line("foo", vers.partition(" ")[0], yanked=" " in vers) for vers in versions)
    release = newest(parse_index(b"\n".join(lines)).releases)
    assert (release and release.vers) == found
