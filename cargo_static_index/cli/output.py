"""Telling what a command does: the listeners that turn outcomes of a build into one of the formats, or print paths."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from cargo_static_index.cli.file_document import FileDocument, ProblemDocument
from cargo_static_index.cli.options import Format
from cargo_static_index.cli.progress import Progress
from cargo_static_index.cli.run import FOUND_WRONG, GOOD, Run
from cargo_static_index.cli.terminal import Terminal, counted
from cargo_static_index.crate.candidate import FileStatus, Outcome
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.diagnostics.problems import Problem, level_of
from cargo_static_index.diagnostics.rule import Level
from cargo_static_index.registry.events import Doing, Listener

if TYPE_CHECKING:  # loaded by the formats that print them
    from cargo_static_index.cli.documents import TakenDocument

PassName = Literal["build", "add", "check"]

_WORDS: Mapping[FileStatus, str] = {
    "published": "Published",
    "restored": "Restored",
    "unchanged": "Unchanged",
    "refused": "Refused",
    "waiting": "Waiting",
    "remembered": "Still refused",
    "not-published": "Not published",
}
_DRY: Mapping[FileStatus, str] = {
    **_WORDS,
    "published": "Would publish",
    "restored": "Would restore",
    "refused": "Would refuse",
}
_CHECK: Mapping[FileStatus, str] = {**_WORDS, "published": "Good", "restored": "Held", "unchanged": "Held"}


TOLD_WHOLE: Final = 3
"""Files of which the problems of one rule are told whole; of more, one line each and one at the end."""


class Printer:
    """One output format of a build: a subclass defines what it has to tell of; sentences are said on the terminal."""

    prints_paths = False
    """Whether paths are printed as they change."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def file(self, document: FileDocument) -> None:
        """Print or keep what became of a file."""

    def still_refused(self, count: int, documents: Iterable[FileDocument]) -> None:
        """Print or keep files that were refused before and are as they were; each is read as it is asked for."""

    def taken(self, source: str, target: str) -> None:
        """Print or keep a dropped file that was moved, or deleted where there is no target."""

    def changed(self, path: str, *, deleted: bool = False) -> None:
        """Print or keep a path of the tree."""

    def note(self, text: str) -> None:
        """Print or keep a sentence."""
        self._terminal.say(f"note: {text}")

    def warn(self, text: str) -> None:
        """Print or keep a sentence that warns."""
        self._terminal.warn(text)

    def finish(self, counts: Mapping[FileStatus, int]) -> None:
        """Print what is to stand at the end."""


class PassOutput:
    """Hears what a build does, counts it, and has it printed."""

    def __init__(self, run: Run, printer: Printer) -> None:
        self._levels = run.settings.levels
        self._printer = printer
        self._progress = Progress(run)
        self._totals: dict[Doing, int] = {}
        self._read = self._written = 0
        self.counts: Counter[FileStatus] = Counter()

    def total(self, doing: Doing, files: int) -> None:
        """Keep how many files there are, to show how far it is."""
        self._totals[doing] = files

    def reading(self, source: str) -> None:
        """Count a file that is read, and show how it goes."""
        self._read += 1
        self._progress.show("read", self._read, source, self._totals.get("read"))

    def file(self, outcome: Outcome) -> None:
        """Count a file and have it printed."""
        self.counts[outcome.status] += 1
        self._progress.hide()
        self._printer.file(_document(outcome, self._levels))

    def still_refused(self, count: int, files: Iterable[Outcome]) -> None:
        """Have files printed that were refused before and are as they were."""
        self.counts["remembered"] += count
        self._progress.hide()
        self._printer.still_refused(count, (_document(outcome, self._levels) for outcome in files))

    def taken(self, source: str, target: str) -> None:
        """Have it printed where a dropped file is now."""
        self._progress.hide()
        self._printer.taken(from_here(source), from_here(target))

    def changed(self, path: str) -> None:
        """Have a path printed, or show how it goes."""
        self._written += 1
        if self._printer.prints_paths:
            self._progress.hide()
        else:
            self._progress.show("written", self._written, path)
        self._printer.changed(path)

    def deleted(self, path: str) -> None:
        """Have a path printed that was deleted."""
        self._progress.hide()
        self._printer.changed(path, deleted=True)

    def note(self, text: str) -> None:
        """Have a sentence printed."""
        self._progress.hide()
        self._printer.note(text)

    def warn(self, text: str) -> None:
        """Have a warning printed."""
        self._progress.hide()
        self._printer.warn(text)

    def stop(self) -> None:
        """Take away what only shows how it goes."""
        self._progress.hide()

    def finish(self, *, strict: bool = False, waits: bool = False) -> int:
        """Have the end printed, and give the exit code; `waits` says that a later build looks at what was waiting."""
        self._printer.finish(self.counts)
        wrong = self.counts["refused"] + (0 if waits else self.counts["waiting"])
        return FOUND_WRONG if wrong or (strict and self.counts["remembered"]) else GOOD


def make_printer(output: Format, run: Run, command: PassName, *, dry: bool) -> Printer:
    """Give the printer of an output format."""
    if output == "text":
        return TextPrinter(run, command, dry=dry)
    if output == "json":
        return JsonPrinter(run, command, dry=dry)
    return MarksPrinter(output, run)


class TextPrinter(Printer):
    """Prints lines for people, as things happen."""

    def __init__(self, run: Run, command: PassName, *, dry: bool) -> None:
        super().__init__(run.terminal)
        self._run = run
        self._words = _CHECK if command == "check" else _DRY if dry else _WORDS
        self._dry = dry
        self._command = command
        self.prints_paths = command != "check" and (dry or run.terminal.verbose > 0)
        self._planned: set[str] = set()
        self._changed = 0
        self._told: Counter[str] = Counter()
        self._taken: Counter[str] = Counter()
        self._folds = not run.terminal.verbose

    def file(self, document: FileDocument) -> None:
        """Print what became of a file, and what was found in it."""
        release = f"{document.name} {document.version}" if document.version else document.path
        word = self._words[document.became]
        whole, folded = self._fold(document.problems)
        release += f" ({', '.join(folded)})" if folded else ""
        if document.became in {"published", "restored", "unchanged"}:
            self._terminal.did(word, release)
        else:
            self._terminal.did(word, release, "bad" if document.became == "refused" else "warn")
        for problem in whole:
            self._terminal.problem(
                problem.level, problem.rule, problem.message, _arrow(document, problem), problem.way_out
            )

    def _fold(self, problems: Sequence[ProblemDocument]) -> tuple[list[ProblemDocument], list[str]]:
        """Give the problems that are told whole, and the rules that were told of so many files that a name will do."""
        rules = dict.fromkeys(problem.rule for problem in problems)
        folded = [rule for rule in rules if self._folds and self._told[rule] >= TOLD_WHOLE]
        self._told.update(list(rules))
        return [problem for problem in problems if problem.rule not in folded], folded

    def still_refused(self, count: int, documents: Iterable[FileDocument]) -> None:
        """Print how many there are, and which where all details are asked for."""
        are = "files are" if count > 1 else "file is"
        why = "" if self._terminal.verbose else " (-v lists them, `status` says why)"
        self._terminal.warn(f"{count:,} {are} refused as before{why}")
        for document in documents if self._terminal.verbose else ():
            rules = ", ".join(dict.fromkeys(problem.rule for problem in document.problems))
            self._terminal.warn(f"{document.path} was refused before and is as it was ({rules})")

    def taken(self, source: str, target: str) -> None:
        """Print where a dropped file is now, where all details are asked for; else how many there are is said."""
        self._taken[target.rpartition("/")[0]] += 1
        if self._terminal.verbose:
            self._terminal.did("Moved" if target else "Deleted", f"{source} to {target}" if target else source)

    def changed(self, path: str, *, deleted: bool = False) -> None:
        """Print a path, where the plan or all details are asked for."""
        if self._command == "check" or path in self._planned:
            return
        self._changed += 1
        if self._dry:
            self._planned.add(path)
            self._terminal.did("Would delete" if deleted else "Would write", path)
        elif self._terminal.verbose:
            self._terminal.did("Deleted" if deleted else "Wrote", path)

    def finish(self, counts: Mapping[FileStatus, int]) -> None:
        """Print how many files were changed, where they were not printed, and one line that sums up."""
        if self._changed and not self.prints_paths:
            self._terminal.did("Wrote", f"{counted(self._changed, 'file')} of the tree (-v lists them)")
        for folder, number in self._taken.items() if not self._terminal.verbose else ():
            files = counted(number, "dropped file")
            self._terminal.did("Moved" if folder else "Deleted", f"{files} to {folder}/" if folder else files)
        words = self._words if self._command == "check" else _WORDS
        for rule, number in self._told.items():
            if self._folds and number > TOLD_WHOLE:
                broken = self._run.rules[rule]
                self._terminal.say(
                    f"note: {number} files have {rule}: {broken.says}",
                    f"   = help: {broken.way_out} (-v tells of each; `explain {rule}` says more)",
                )
        said = ", ".join(f"{counts[word]} {words[word].lower()}" for word in words if counts.get(word)) or "nothing new"
        plan = self._dry and self._command != "check"
        self._terminal.did("Finished", f"the dry run: {said}, had it been done" if plan else said)


def _arrow(document: FileDocument, problem: ProblemDocument) -> str:
    return f"{document.path}: {problem.place}" if problem.place not in {"", document.path} else document.path


class JsonPrinter(Printer):
    """Prints one document at the end."""

    def __init__(self, run: Run, command: PassName, *, dry: bool) -> None:
        super().__init__(run.terminal)
        self._command: PassName = command
        self._dry = dry
        self._files: list[FileDocument] = []
        self._taken: list[TakenDocument] = []
        self._changed: dict[str, None] = {}
        self._notes: list[str] = []

    def file(self, document: FileDocument) -> None:
        """Keep a file."""
        self._files.append(document)

    def still_refused(self, count: int, documents: Iterable[FileDocument]) -> None:
        """Keep these files."""
        del count
        self._files += documents

    def taken(self, source: str, target: str) -> None:
        """Keep where a dropped file is now."""
        from cargo_static_index.cli.documents import TakenDocument

        self._taken.append(TakenDocument(path=source, target=target))

    def changed(self, path: str, *, deleted: bool = False) -> None:
        """Keep a path, once, in the place of its last change."""
        del deleted  # whoever copies the changed paths sees what is no longer there
        self._changed.pop(path, None)
        self._changed[path] = None

    def note(self, text: str) -> None:
        """Keep a sentence."""
        self._notes.append(text)

    def warn(self, text: str) -> None:
        """Keep a warning, among the sentences."""
        self._notes.append(text)

    def finish(self, counts: Mapping[FileStatus, int]) -> None:
        """Print the document."""
        from cargo_static_index.cli.documents import BuildDocument
        from cargo_static_index.cli.formats import print_json

        document = BuildDocument(
            command=self._command,
            dry_run=self._dry,
            files=tuple(self._files),
            taken=tuple(self._taken),
            changed=() if self._command == "check" else tuple(self._changed),
            notes=tuple(self._notes),
            counts={word: counts.get(word, 0) for word in _WORDS},
        )
        print_json(document)


class MarksPrinter(Printer):
    """Prints the problems alone, in a format that a code host shows beside the files."""

    def __init__(self, output: Format, run: Run) -> None:
        super().__init__(run.terminal)
        self._output: Format = output
        self._run = run
        self._files: list[FileDocument] = []

    def file(self, document: FileDocument) -> None:
        """Keep a file in which something was found."""
        if document.problems:
            self._files.append(document)

    def still_refused(self, count: int, documents: Iterable[FileDocument]) -> None:
        """Keep these files."""
        del count
        self._files += documents

    def finish(self, counts: Mapping[FileStatus, int]) -> None:
        """Print all problems, and say beside them what was done."""
        from cargo_static_index.cli.formats import mark_of, print_marks

        marks = [mark_of(file.path, problem) for file in self._files for problem in file.problems]
        print_marks(self._output, marks, self._run.rules)
        said = ", ".join(f"{counts[word]} {_WORDS[word].lower()}" for word in _WORDS if counts.get(word))
        self._terminal.say(f"finished: {said or 'nothing new'}")


def _document(outcome: Outcome, levels: Mapping[str, Level]) -> FileDocument:
    described = (_problem(problem, outcome, levels) for problem in outcome.problems)
    return FileDocument(
        path=from_here(outcome.source),
        became=outcome.status,
        name=outcome.name,
        version=outcome.vers,
        checksum=outcome.cksum,
        problems=tuple(problem for problem in described if problem is not None),
    )


def _problem(problem: Problem, outcome: Outcome, levels: Mapping[str, Level]) -> ProblemDocument | None:
    """Describe a problem; None for one that the settings allow."""
    level = level_of(problem, levels)
    if level == "allow":
        return None
    return ProblemDocument(
        rule=problem.rule,
        level="error" if level == "refuse" and outcome.status != "remembered" else "warning",
        message=problem.message,
        place=problem.place,
        way_out=problem.way_out,
    )


def from_here(path: str) -> str:
    """Give a path, escaped, as seen from the working directory, if it lies below it."""
    return escape(path).removeprefix(escape(f"{Path.cwd()}/"))


class ChangeListener(Listener):
    """Prints the paths that change, in a dry run or with -v; `silent` prints none."""

    def __init__(self, run: Run, *, dry: bool, silent: bool = False) -> None:
        self._terminal = run.terminal
        self._shown = not silent and (dry or run.terminal.verbose > 0)
        self._dry = dry

    def changed(self, path: str) -> None:
        """Print a path that was written."""
        if self._shown:
            self._terminal.did("Would write" if self._dry else "Wrote", path)

    def deleted(self, path: str) -> None:
        """Print a path that was deleted."""
        if self._shown:
            self._terminal.did("Would delete" if self._dry else "Deleted", path)

    def note(self, text: str) -> None:
        """Say a sentence."""
        self._terminal.say(f"note: {text}")

    def warn(self, text: str) -> None:
        """Say a warning."""
        self._terminal.warn(text)
