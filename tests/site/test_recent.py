"""What was published last, as it stands in a tree that several hosts write."""

import pytest

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.site.crate_document import CrateDocument, ReleaseSummary
from cargo_static_index.site.recent import KEPT, Recent, format_recent, parse_recent


def crate(name: str, **versions: str) -> CrateDocument:
    """Describe a crate by the time of each version; `_` stands for a point."""
    releases = tuple(
        ReleaseSummary(vers=vers[1:].replace("_", "."), cksum="0" * 64, yanked=False, pubtime=time, rust_version=None)
        for vers, time in versions.items()
    )
    return CrateDocument(name=name, newest=releases[0].vers, versions=releases, description=f"About {name}")


def told(recent: Recent) -> list[str]:
    return [f"{release.name} {release.vers}" for release in recent.releases]


def test_the_last_comes_first_and_what_is_said_of_a_crate_takes_the_place_of_what_was() -> None:
    first = Recent().changed_by({"foo": crate("foo", v1_0_0="1"), "bar": crate("bar", v1_0_0="2")})
    assert told(first) == ["bar 1.0.0", "foo 1.0.0"]
    second = first.changed_by({"foo": crate("foo", v1_1_0="3", v1_0_0="1")})
    assert told(second) == ["foo 1.1.0", "bar 1.0.0", "foo 1.0.0"]
    assert second.crates["foo"].description == "About foo"
    assert second.changed_by({"foo": None}) == Recent().changed_by({"bar": crate("bar", v1_0_0="2")})


def test_of_more_than_are_kept_the_oldest_go_and_of_each_crate_the_highest_of_a_time_stays() -> None:
    big = crate("big", v9_0_0="2", **{f"v1_{number}_0": "2" for number in range(KEPT + 10)})
    recent = Recent().changed_by({"big": big, "other": crate("other", v1_0_0="1")})
    assert len(recent.releases) == KEPT + 2
    assert {"other 1.0.0", "big 9.0.0"} < set(told(recent))


def test_a_release_of_which_no_time_is_known_is_no_news() -> None:
    assert Recent().changed_by({"foo": crate("foo", v1_0_0="")}) == Recent()


def test_it_is_read_as_it_was_written() -> None:
    recent = Recent().changed_by({"foo": crate("foo", v1_0_0="1")})
    assert parse_recent(format_recent(recent)) == recent
    with pytest.raises(InvalidDocument, match="not a document of what was published last: "):
        parse_recent(b"[]")
