"""What is written to the two streams: results on standard output, everything else on standard error."""

import io
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Literal, TextIO

from cargo_static_index.diagnostics.escape import escape

Color = Literal["auto", "always", "never"]

_STYLES: Final = {"good": "1;32", "bad": "1;31", "warn": "1;33", "dim": "1;34", "bold": "1"}

WIDTH: Final = 12
"""Columns of the word that begins a line, as cargo's and uv's."""


class Terminal:
    """The two streams of one command, with its colours and how much it is to say.

    `verbose` and `quiet` are how often -v and -q were given; -q silences what went well, -qq also warnings.
    """

    def __init__(self, *, color: Color = "auto", verbose: int = 0, quiet: int = 0) -> None:
        self.verbose = verbose
        self.quiet = quiet
        self._colored = {stream: is_colored(color, os.environ, stream) for stream in (sys.stdout, sys.stderr)}

    def is_colored(self, stream: TextIO) -> bool:
        """Whether a stream shows colours."""
        return self._colored.get(stream, False)

    def style(self, text: str, style: str, stream: TextIO) -> str:
        """Give text in a style where the stream shows colours."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.is_colored(stream) else text

    def result(self, *lines: str) -> None:
        """Write lines of what was asked for."""
        sys.stdout.writelines(f"{escape(line)}\n" for line in lines)

    def did(self, word: str, text: str, style: str = "good") -> None:
        """Write a line about what was done, its word to the right of the first columns, as cargo does."""
        if not self.quiet or (style != "good" and self.quiet < 2):
            head = self.style(f"{word:>{WIDTH}}", style, sys.stdout)
            sys.stdout.write(f"{head} {escape(text)}\n")

    def problem(
        self, level: str, rule: str, message: str, place: str, way_out: str, *, to: TextIO | None = None
    ) -> None:
        """Write a problem as rustc does: the rule, the sentence, where it is, the way out."""
        if self.quiet > (2 if level == "error" else 1):
            return
        stream = to or sys.stdout
        head = self.style(f"{level}[{rule}]", "bad" if level == "error" else "warn", stream)
        arrow, equals = self.style("-->", "dim", stream), self.style("=", "dim", stream)
        stream.write(f"{head}: {escape(message)}\n  {arrow} {escape(place)}\n")
        if way_out:
            stream.write(f"   {equals} help: {escape(way_out)}\n")

    def say(self, *lines: str) -> None:
        """Write sentences that are no result."""
        if not self.quiet:
            sys.stdout.flush()
            sys.stderr.writelines(f"{escape(line)}\n" for line in lines)

    def warn(self, text: str) -> None:
        """Write a warning."""
        if self.quiet < 2:
            self._labelled("warning", "warn", text)

    def fail(self, text: str, *more: str) -> None:
        """Write why the command ended without doing what it was told, `more` on lines of their own.

        Where that fails, the exit code still says it.
        """
        with suppress(OSError):
            self._labelled("error", "bad", text, *more)
        forget_if_full(sys.stderr)

    def _labelled(self, label: str, style: str, text: str, *more: str) -> None:
        sys.stdout.flush()
        sys.stderr.write(f"{self.style(label, style, sys.stderr)}: {escape(text)}\n")
        sys.stderr.writelines(f"{escape(line)}\n" for line in more)


def forget_if_full(stream: TextIO) -> None:
    """Let go of what cannot be written, because whoever read it has gone (`| head`) or its disk is full.

    What is still buffered would fail again when Python ends, or when an error is to be written.
    """
    with suppress(OSError, ValueError):
        stream.flush()
        return
    devnull = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):
        os.dup2(devnull, stream.fileno())


def counted(number: int, word: str) -> str:
    """Give a number with its word: `1 crate`, `2 crates`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def some_of(shown: Sequence[str], number: int) -> str:
    """Give the first of so many things as a list that says how many more there are."""
    more = f" and {number - len(shown)} more" if number > len(shown) else ""
    return ", ".join(shown) + more


def is_colored(color: Color, environment: Mapping[str, str], stream: TextIO) -> bool:
    """Whether to colour a stream, by cargo's order: the option, CARGO_TERM_COLOR, NO_COLOR, CLICOLOR_FORCE, a terminal.

    An empty variable counts as not set (no-color.org, bixense.com/clicolors).
    """
    wish = color if color != "auto" else environment.get("CARGO_TERM_COLOR", "auto")
    if wish in {"always", "never"}:
        return wish == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("CLICOLOR_FORCE", "0") not in {"", "0"}:
        return True
    return stream.isatty() and environment.get("TERM") != "dumb" and environment.get("CLICOLOR") != "0"


def prepare_streams() -> None:
    """Have both streams write what no encoding holds (names that are not UTF-8, say) as escapes rather than fail.

    Streams that the caller has closed lead nowhere: else the next file to be opened would take the number of one, and
    be written into by whoever means the stream.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        _stand_in(descriptor)
    os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


class _Unread(io.FileIO):
    """A stream whose reader may have seen enough: what is written after that leads nowhere."""

    def write(self, content: Any, /) -> int:
        """Write, or let go of the stream where nobody reads it any more."""
        with suppress(BrokenPipeError):
            return super().write(content)
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, self.fileno())
        os.close(devnull)
        return len(content)


def outlive_readers() -> None:
    """Go on where nobody reads the streams any more (`| head`): a command may have more to do than to tell."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        with suppress(OSError):  # a stream that a test or a library put there is none of the system's
            stream.flush()
            raw = _Unread(stream.fileno(), "w", closefd=False)
            lines = stream.line_buffering
            patient = io.TextIOWrapper(
                io.BufferedWriter(raw), encoding=stream.encoding, errors=stream.errors, line_buffering=lines
            )
            setattr(sys, name, patient)


def _stand_in(descriptor: int) -> None:
    stream = os.fdopen(descriptor, "w" if descriptor else "r", encoding="utf-8")
    name = ("stdin", "stdout", "stderr")[descriptor]
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)  # which keeps it open, whatever takes its place


def is_interactive() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def is_confirmed(question: str) -> bool:
    """Ask a person, and give the answer; Ctrl-C and the end of input are a KeyboardInterrupt, as everywhere else."""
    import click

    try:
        return click.confirm(question, err=True)
    except click.Abort:
        raise KeyboardInterrupt from None
