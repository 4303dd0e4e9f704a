"""What a build says, kept."""

from cargo_static_index.crate.candidate import Candidate, DropFile, FileStatus, Outcome
from cargo_static_index.registry.events import Report


def outcome(name: str, status: FileStatus) -> Outcome:
    file = DropFile(source=f"{name}.crate", target=name.encode())
    return Outcome(candidate=Candidate(file=file, name=name), status=status)


def test_a_report_keeps_what_became_of_files_and_counts_them() -> None:
    report = Report()
    report.total("read", 2)
    report.reading("a.crate")
    report.file(outcome("a", "published"))
    report.file(outcome("b", "refused"))
    report.file(outcome("c", "published"))
    report.still_refused(2, iter([outcome("d", "remembered"), outcome("e", "remembered")]))
    assert report.counts == {"published": 2, "refused": 1, "remembered": 2}
    assert [each.name for each in report.outcomes] == ["a", "b", "c", "d", "e"]
    assert [each.name for each in report.of("published")] == ["a", "c"]


def test_a_report_keeps_paths_moves_and_sentences_in_their_order() -> None:
    report = Report()
    report.changed("a")
    report.deleted("b")
    report.changed("a")
    report.taken("drop/a.crate", "away/a.crate")
    report.taken("drop/b.crate", "")
    report.note("Done.")
    report.warn("Look at it.")
    assert report.paths == ["a", "b", "a"]
    assert report.moved == [("drop/a.crate", "away/a.crate"), ("drop/b.crate", "")]
    assert report.notes == ["Done.", "Look at it."]
