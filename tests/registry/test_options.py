"""What is asked of one opening of a registry."""

import os

import pytest

from cargo_static_index.crate.candidate import DropFile
from cargo_static_index.diagnostics.errors import InvalidInput, SettingsError
from cargo_static_index.registry.options import LAST, HostShare, Options, parse_share


def test_each_name_is_in_one_share_and_shares_are_about_as_large_as_each_other() -> None:
    names = [f"crate-{number}" for number in range(300)]
    shares = [[name for name in names if HostShare(number, 3).holds_name(name)] for number in (1, 2, 3)]
    assert sorted(name for share in shares for name in share) == sorted(names)
    assert min(map(len, shares)) > 70


def test_the_share_of_a_dropped_file_is_that_of_its_name_wherever_it_lies() -> None:
    for name in ("foo-1.0.0.crate", "bar-1.0.0.crate", os.fsdecode(b"caf\xe9.crate")):
        raw = os.fsencode(name)
        for folder in (b"", b"team"):
            file = DropFile(source=name, target=raw, folder=folder, file=raw)
            assert [HostShare(number, 4).holds(file) for number in (1, 2, 3, 4)].count(True) == 1
    plain = DropFile(source="foo", target=b"foo", file=b"foo")
    assert [HostShare(one, 4).holds(plain) for one in (1, 2)] == [HostShare(one, 4).holds_name("foo") for one in (1, 2)]


def test_a_share_is_read_as_it_is_written() -> None:
    assert parse_share("1/3") == HostShare(1, 3)
    assert parse_share("12/12") == HostShare(12, 12)


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "1/", "/3", "1/3/5", "-1/3", "a/b", "١/٣", "1/0"])
def test_what_is_no_share_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_share(text)
    assert str(caught.value) == f"--share: {text!r} is no share; write 1/3 for the first of three, then 2/3 and 3/3"


@pytest.mark.parametrize(("number", "of"), [(0, 3), (4, 3), (0, 0), (-1, 3)])
def test_there_is_no_share_outside_its_number(number: int, of: int) -> None:
    with pytest.raises(InvalidInput, match=f"there is no share {number} of {of}"):
        HostShare(number, of)


@pytest.mark.parametrize("now", [-1, LAST + 1])
def test_a_time_that_pubtime_cannot_say_is_refused(now: int) -> None:
    Options(now=0)
    Options(now=LAST)
    with pytest.raises(InvalidInput, match=f"`now` is {now}, and a time in whole seconds since 1970"):
        Options(now=now)
