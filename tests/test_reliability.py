"""That docs/reliability.md has what the long runs found, each in its section."""

from scripts.docs.reliability_page import NOT_RUN, PAGE, RUNS, Run, known_sections, page, section

ONE, OTHER = (Run(name=name, says=f"What {name} is.", command=("-m", name)) for name in ("one", "other"))


def of(run: Run, **figures: object) -> str:
    return section(run, figures, date="2026-01-02", commit="abc1234", seconds=90)


def test_a_section_says_what_was_run_when_and_on_which_commit_and_what_was_found() -> None:
    assert of(ONE, tried=1_000_000, wrong=[], names=["a", "b|c"], kept="3.5 MiB") == (
        "`python -m one` on 2026-01-02 at abc1234, 90 seconds:\n\n"
        "| what | figure |\n|---|---|\n"
        "| tried | 1,000,000 |\n| wrong | none |\n| names | a<br>b\\|c |\n| kept | 3.5 MiB |\n"
    )


def test_a_run_replaces_its_own_section_and_no_other() -> None:
    first = page((ONE, OTHER), {"one": of(ONE, tried=1)})
    assert NOT_RUN in first
    known = known_sections((ONE, OTHER), first)
    second = page((ONE, OTHER), {**known, "other": of(OTHER, tried=2)})
    assert known_sections((ONE, OTHER), second) == {"one": of(ONE, tried=1), "other": of(OTHER, tried=2)}


def test_the_page_has_the_sections_of_all_runs_and_no_more() -> None:
    written = PAGE.read_text()
    assert written == page(RUNS, known_sections(RUNS, written)), "write it anew: scripts/test-long"
