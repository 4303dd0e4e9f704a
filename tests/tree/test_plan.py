"""What becomes of releases that arrive together, decided from an index file and tombstones alone."""

from itertools import permutations

import pytest
from msgspec.structs import replace

from cargo_static_index.crate.candidate import Candidate, DropFile
from cargo_static_index.diagnostics.problems import problem
from cargo_static_index.protocol.index_entry import Entry, format_entry
from cargo_static_index.protocol.index_file import IndexFile, new_line, parse_index
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.tree.documents import Tombstone, Tombstones
from cargo_static_index.tree.plan import CratePlan, order_of_content, plan_crate, plan_removal, spelling

NOW = "2026-05-05T00:00:00Z"
BEFORE = "2025-01-01T00:00:00Z"
NOTHING = Tombstones(name="foo")


def entry(vers: str, cksum: str, name: str = "foo", pubtime: str = NOW) -> Entry:
    return Entry(name=name, vers=vers, deps=(), cksum=cksum, features={}, yanked=False, pubtime=pubtime)


def arriving(vers: str, cksum: str, name: str = "foo", *, source: str = "x.crate", bad: bool = False) -> Candidate:
    return Candidate(
        file=DropFile(source=source),
        key=collision_key(name),
        name=name,
        vers=vers,
        cksum=cksum,
        line=format_entry(entry(vers, cksum, name)),
        pubtime=entry(vers, cksum, name).pubtime,
        problems=(problem("reserved-name"),) if bad else (),
        refused=bad,
    )


def held(*lines: tuple[str, str]) -> IndexFile:
    return IndexFile().with_lines(new_line(entry(vers, cksum, pubtime=BEFORE)) for vers, cksum in lines)


def buried(*stones: tuple[str, str]) -> Tombstones:
    return NOTHING.with_removed(*(Tombstone(vers=vers, cksum=cksum, pubtime=BEFORE) for vers, cksum in stones))


def outcome(plan: CratePlan) -> dict[str, list[tuple[str, str]]]:
    """What is published, unchanged and refused, by version and the last reason."""
    return {
        "published": [(each.vers, each.cksum) for each in plan.published],
        "unchanged": [(each.vers, each.cksum) for each in plan.unchanged],
        "refused": [(each.candidate.vers, each.problems[-1].rule) for each in plan.refused],
    }


def test_what_is_new_is_added_and_what_is_held_is_unchanged() -> None:
    plan = plan_crate("foo", held(("1.0.0", "aa")), NOTHING, [arriving("1.1.0", "bb"), arriving("1.0.0", "aa")])
    assert outcome(plan) == {"published": [("1.1.0", "bb")], "unchanged": [("1.0.0", "aa")], "refused": []}
    assert [line.vers for line in plan.file.lines] == ["1.0.0", "1.1.0"]


def test_where_nothing_changes_the_very_values_come_back() -> None:
    file, stones = held(("1.0.0", "aa")), buried(("0.1.0", "cc"))
    plan = plan_crate("foo", file, stones, [arriving("1.0.0", "aa"), arriving("1.0.0", "bb"), arriving("0.1.0", "cc")])
    assert plan.file is file
    assert plan.tombstones is stones
    assert plan.published == ()


def test_what_is_held_is_unchanged_even_if_later_rules_refuse_it() -> None:
    plan = plan_crate("foo", held(("1.0.0", "aa")), NOTHING, [arriving("1.0.0", "aa", bad=True)])
    assert outcome(plan)["unchanged"] == [("1.0.0", "aa")]


def test_a_refused_file_takes_nothing_from_one_that_is_good() -> None:
    bad, good = arriving("1.0.0", "aa", bad=True), arriving("1.0.0", "bb")
    plan = plan_crate("foo", IndexFile(), NOTHING, [bad, good])
    assert outcome(plan) == {
        "published": [("1.0.0", "bb")],
        "unchanged": [],
        "refused": [("1.0.0", "reserved-name")],
    }


def test_all_reasons_are_told_together() -> None:
    plan = plan_crate("foo", held(("1.0.0", "aa")), NOTHING, [arriving("1.0.0", "bb", bad=True)])
    assert [each.rule for each in plan.refused[0].problems] == ["reserved-name", "release-conflict"]


def test_a_file_that_is_cut_short_is_no_conflict_with_the_whole_one() -> None:
    cut = replace(arriving("1.0.0", "bb"), problems=(problem("gzip-damaged"),), refused=True)
    plan = plan_crate("foo", held(("1.0.0", "aa")), NOTHING, [cut])
    assert [each.rule for each in plan.refused[0].problems] == ["gzip-damaged"]


def test_outcomes_are_told_with_the_warnings_of_what_is_new_and_without_those_of_what_was_there() -> None:
    warned = (problem("dependency-missing"),)
    crates = [replace(arriving(vers, cksum), problems=warned) for vers, cksum in (("1.0.0", "aa"), ("1.1.0", "bb"))]
    plan = plan_crate("foo", held(("1.0.0", "aa")), NOTHING, [*crates, arriving("1.0.0", "cc")])
    assert [(each.candidate.cksum, each.status, each.problems[:1]) for each in plan.outcomes()] == [
        ("bb", "published", warned),
        ("aa", "unchanged", ()),
        ("cc", "refused", plan.refused[0].problems),
    ]


def test_copies_of_one_file_are_published_once_and_the_rest_unchanged() -> None:
    copies = [arriving("1.0.0", "aa", source=f"{number}.crate") for number in (2, 0, 1)]
    plan = plan_crate("foo", IndexFile(), NOTHING, copies)
    assert [each.source for each in plan.published] == ["0.crate"]
    assert [each.source for each in plan.unchanged] == ["1.crate", "2.crate"]


def test_who_wins_does_not_depend_on_the_order_of_arrival_nor_on_file_names() -> None:
    crates = [arriving("1.0.0", "bb", source="1"), arriving("1.0.0", "aa", source="2"), arriving("1.0.0+x", "00")]
    plans = [plan_crate("foo", IndexFile(), NOTHING, each) for each in permutations(crates)]
    assert all(plan == plans[0] for plan in plans)
    assert outcome(plans[0]) == {
        "published": [("1.0.0", "aa")],
        "unchanged": [],
        "refused": [("1.0.0", "release-conflict"), ("1.0.0+x", "build-metadata-conflict")],
    }


@pytest.mark.case(34)
def test_numbers_in_build_metadata_are_no_new_release() -> None:
    plan = plan_crate("foo", held(("1.0.0+9", "aa")), NOTHING, [arriving("1.0.0+10", "bb")])
    assert outcome(plan)["refused"] == [("1.0.0+10", "build-metadata-conflict")]


@pytest.mark.parametrize(
    ("vers", "cksum", "restore", "message"),
    [
        ("1.0.0", "aa", False, "foo 1.0.0 was removed from this registry on purpose."),
        (
            "1.0.0",
            "bb",
            True,
            (
                "foo 1.0.0 was published and removed already with other bytes (SHA-256 aa); these have bb. "
                "A release never changes."
            ),
        ),
        (
            "1.0.0+b",
            "bb",
            True,
            (
                "foo 1.0.0+b differs only in build metadata from 1.0.0, which was published and removed already; "
                "cargo cannot tell them apart."
            ),
        ),
    ],
)
def test_a_removed_release_stays_removed(vers: str, cksum: str, restore: bool, message: str) -> None:
    plan = plan_crate("foo", IndexFile(), buried(("1.0.0", "aa")), [arriving(vers, cksum)], restore=restore)
    assert plan.refused[0].problems[-1].message == message
    assert plan.published == ()


def test_restore_marks_the_tombstone_and_gives_the_release_its_time_back() -> None:
    stones = buried(("1.0.0", "aa"), ("1.1.0", "bb"))
    plan = plan_crate("foo", IndexFile(), stones, [arriving("1.0.0", "aa"), arriving("2.0.0", "cc")], restore=True)
    assert [(line.vers, line.pubtime) for line in plan.file.lines] == [("1.0.0", BEFORE), ("2.0.0", NOW)]
    assert [(each.vers, each.lifted) for each in plan.tombstones.removed] == [("1.0.0", True), ("1.1.0", False)]


def test_restore_begun_earlier_is_still_a_removal_without_restore() -> None:
    stones = buried(("1.0.0", "aa")).with_lifted({"1.0.0"})
    assert outcome(plan_crate("foo", IndexFile(), stones, [arriving("1.0.0", "aa")]))["refused"] == [
        ("1.0.0", "removed-release")
    ]
    again = plan_crate("foo", IndexFile(), stones, [arriving("1.0.0", "aa")], restore=True)
    assert outcome(again)["published"] == [("1.0.0", "aa")]


def test_another_spelling_is_refused_even_with_the_bytes_that_are_held() -> None:
    plan = plan_crate("foo", held(("1.0.0", "aa")), NOTHING, [arriving("1.0.0", "aa", "Foo")])
    assert outcome(plan)["refused"] == [("1.0.0", "name-collision")]


def test_a_line_that_cargo_cannot_read_holds_its_version() -> None:
    file = parse_index(b'{"name":"foo","vers":"1.0.0"}\n')
    plan = plan_crate("foo", file, NOTHING, [arriving("1.0.0", "aa")])
    assert plan.refused[0].problems[-1].message == "foo 1.0.0 has a line in the index already, which cargo cannot read."
    assert plan.file is file


def test_the_spelling_is_settled_by_content_among_those_that_are_good() -> None:
    crates = [arriving("1.0.0", "aa", "foo-x"), arriving("0.1.0", "bb", "foo_x"), arriving("1.0.0", "cc", "FOO-x")]
    assert {spelling(each) for each in permutations(crates)} == {"FOO-x"}
    bad = [*crates[:2], arriving("1.0.0", "cc", "FOO-x", bad=True)]
    assert spelling(bad) == "foo-x"
    assert spelling(bad[2:]) == "FOO-x"


def test_the_order_of_content_knows_versions() -> None:
    crates = [arriving("1.10.0", "aa"), arriving("1.9.0", "zz"), arriving("1.9.0-rc.1", "bb")]
    assert [each.vers for each in sorted(crates, key=order_of_content)] == ["1.9.0-rc.1", "1.9.0", "1.10.0"]


# --- removal


def test_removal_takes_the_line_out_and_leaves_a_tombstone() -> None:
    plan = plan_removal(held(("1.0.0", "aa"), ("1.1.0", "bb")), buried(("0.1.0", "cc")), ["1.0.0"])
    assert [line.vers for line in plan.file.lines] == ["1.1.0"]
    assert plan.tombstones == buried(("0.1.0", "cc"), ("1.0.0", "aa"))
    assert [line.vers for line in plan.removed] == ["1.0.0"]


def test_removing_what_is_not_held_changes_nothing() -> None:
    file, stones = held(("1.0.0", "aa")), buried(("0.1.0", "cc"))
    plan = plan_removal(file, stones, ["0.1.0", "9.0.0"])
    assert (plan.file, plan.tombstones, plan.removed) == (file, stones, ())


def test_lines_that_cargo_cannot_read_stay_when_a_release_goes() -> None:
    odd = b'{"name":"foo","vers":"0.9.0","cksum":7}'
    file = parse_index(odd + b"\n" + held(("1.0.0", "aa")).format())
    assert plan_removal(file, NOTHING, ["1.0.0"]).file.format() == odd + b"\n"
