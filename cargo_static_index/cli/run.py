"""How a command runs: its settings, its clock, its terminal, its folders, and what every way of ending means."""

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from cargo_static_index.cli.terminal import Color, Terminal, forget_if_full, outlive_readers
from cargo_static_index.diagnostics.errors import (
    CargoStaticIndexError,
    InvalidInput,
    NotHeld,
    PagesFailed,
    SettingsError,
)
from cargo_static_index.diagnostics.escape import escape

if TYPE_CHECKING:  # imported where they are used: --version and --help need no settings
    from cargo_static_index.diagnostics.rule import Rule
    from cargo_static_index.settings import Loaded, Settings
    from cargo_static_index.store import Store

GOOD: Final = 0
FOUND_WRONG: Final = 1
"""Something was refused or found wrong; what is good was done all the same."""
UNUSABLE: Final = 2
"""The command or the settings cannot be used as they are."""
FAILED: Final = 3
"""Disk, store or network failed; trying again may help."""
BUG: Final = 101
INTERRUPTED: Final = 130
TERMINATED: Final = 143
"""As a shell gives the end by SIGTERM; 130 is that by SIGINT."""

GRACE: Final = 4.0
"""Seconds that a command has to end by itself once it is told to; then it is ended wherever it is."""


OBJECTS: Final = 100_000
"""Objects after which cycles are looked for: a command makes few, and what it loads with its first page stays."""


class Common(NamedTuple):
    """The options that every command takes, before its name or after it."""

    directories: tuple[Path, ...] = ()
    config: Path | None = None
    verbose: int = 0
    quiet: int = 0
    color: Color | None = None
    no_progress: bool = False
    show_settings: bool = False

    def joined(self, later: "Common") -> "Common":
        """Give these options and those given later: what can be given once is the later one's, the others add up."""
        return Common(
            directories=self.directories + later.directories,
            config=later.config or self.config,
            verbose=self.verbose + later.verbose,
            quiet=self.quiet + later.quiet,
            color=later.color or self.color,
            no_progress=self.no_progress or later.no_progress,
            show_settings=self.show_settings or later.show_settings,
        )


class Run:
    """One run of a command."""

    def __init__(self, common: Common, options: Mapping[str, object]) -> None:
        self.common = common
        self.options = options
        self.terminal = Terminal(color=common.color or "auto", verbose=common.verbose, quiet=common.quiet)

    @cached_property
    def loaded(self) -> "Loaded":
        """The settings that hold here, read once; what is odd about them is said."""
        from cargo_static_index.settings import load_settings

        loaded = load_settings(self.options, os.environ, Path.cwd(), self.common.config)
        for warning in loaded.warnings:
            self.terminal.warn(warning)
        if self.terminal.verbose > 1:
            self.terminal.say(f"settings: {loaded.file or 'no registry.toml'}")
        return loaded

    @property
    def settings(self) -> "Settings":
        """The values of the settings."""
        return self.loaded.settings

    @cached_property
    def rules(self) -> "Mapping[str, Rule]":
        """Every rule by its id, the registry's own too; SettingsError where their file cannot be used."""
        from cargo_static_index.diagnostics.rules import RULES
        from cargo_static_index.registry.configured import own_rules_of

        own = own_rules_of(self.settings)
        return {**RULES, **{rule.id: rule for rule in own.rules}} if own else RULES

    @cached_property
    def now(self) -> int:
        """The command's one clock, in whole seconds since 1970."""
        return read_clock(os.environ)


def read_clock(environment: Mapping[str, str]) -> int:
    """Give SOURCE_DATE_EPOCH, or else the time, in whole seconds since 1970; SettingsError where it is no such number.

    reproducible-builds.org/specs/source-date-epoch: ASCII digits. Dates end with the year 9999, as in index lines.
    """
    text = environment.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return int(time.time())
    if not (text.isascii() and text.isdigit() and len(text) <= 12 and int(text) < 253_402_300_800):
        raise SettingsError(
            f"SOURCE_DATE_EPOCH: {text!r} must be whole seconds since 1970, such as `git log -1 --format=%ct` gives"
        )
    return int(text)


def perform(
    body: Callable[[Run], int | None], common: Common, options: Mapping[str, object], *, outlives: bool = False
) -> int:
    """Run a command's body, say what ended it, and give the exit code; it may be one that `outlives` its readers."""
    gc.freeze()
    gc.set_threshold(OBJECTS)
    gc.enable()
    if outlives:
        outlive_readers()
    run = Run(common, options)
    try:
        # As process 1 of a container nothing ends us by default, and `docker stop` would have to kill us in the end.
        signal.signal(signal.SIGTERM, _interrupt)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else whoever started us wants it ignored
            signal.signal(signal.SIGINT, _interrupt)
        sys.unraisablehook = _raise_again
        for directory in common.directories:
            _enter(directory)
        _stand_somewhere()
        code: int | None = GOOD
        if common.show_settings:
            from cargo_static_index.settings.template import show_settings

            sys.stdout.write(show_settings(run.loaded))
        else:
            code = body(run)
        sys.stdout.flush()
        if _told_by:
            raise KeyboardInterrupt
    except BaseException as error:  # noqa: BLE001 - the one place where every way of ending becomes an exit code
        try:
            return code_of(error, run.terminal)
        except KeyboardInterrupt as interrupt:  # it was told to end while it said why it ended
            return code_of(interrupt, run.terminal)
    finally:
        _forget_interrupt()
    return code or GOOD


def _forget_interrupt() -> None:
    """Have the process end with our exit code also where an interrupt came while `exec` ran a text, as dataclasses do.

    CPython keeps in mind that it passed there and ends `python -m` by SIGINT, though it was handled, unless something
    was executed since (Python/pythonrun.c, `run_eval_code_obj`).
    """
    exec("")  # noqa: S102


_told_by: list[int] = []
"""The signal that told this process to end; what it raised may be lost on its way through SQLite."""


def _interrupt(number: int, _frame: object) -> None:
    """End the command: what it has begun it leaves as a crash would, for the next one to finish."""
    import threading

    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, signal.SIG_DFL)  # a second one ends it at once
    threading.Thread(target=_end, args=(number,), daemon=True).start()
    _told_by.append(number)
    raise KeyboardInterrupt


def _raise_again(ignored: "sys.UnraisableHookArgs") -> None:
    """Raise an interrupt once more, a moment later, that came where nothing can be raised: in a finalizer."""
    if ignored.exc_type is not KeyboardInterrupt or not _told_by:
        sys.__unraisablehook__(ignored)
        return
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001)


def _end(number: int) -> None:
    time.sleep(GRACE)
    os._exit(128 + number)


def code_of(error: BaseException, terminal: Terminal) -> int:
    """Say what ended a command, and give the exit code for it; what is no error of a command's is raised on."""
    if not isinstance(error, Exception | KeyboardInterrupt):
        raise error
    forget_if_full(sys.stdout)
    code, said, *more = _ending(error)
    if said:
        terminal.fail(said, *more)
    return code


def _ending(error: Exception | KeyboardInterrupt) -> tuple[int, str, *tuple[str, ...]]:
    """Give the exit code of what ended a command, what stands behind `error: `, and lines that follow it."""
    ending: tuple[int, str, *tuple[str, ...]]
    match error:
        case BrokenPipeError():  # whoever read our output has seen enough
            ending = FOUND_WRONG, ""
        case SettingsError() if error.problems:
            ending = UNUSABLE, str(error.args[0]), *(f"  {problem}" for problem in error.problems)
        case KeyboardInterrupt():
            code = TERMINATED if signal.SIGTERM in _told_by else INTERRUPTED
            ending = code, "interrupted; nothing is left half done, and the next build goes on from here"
        case SettingsError() | NotHeld() | InvalidInput():
            ending = UNUSABLE, str(error)
        case PagesFailed():
            ending = FOUND_WRONG, str(error)
        case CargoStaticIndexError():
            ending = FAILED, str(error)
        case OSError():
            where = error.filename or "what is printed cannot be written"
            ending = FAILED, f"{where}: {error.strerror or error}. Mend that, then run this again."
        case MemoryError():
            ending = FAILED, "memory ran out. Give this process more, or have it do less at once: `--jobs 1`."
        case _:
            ending = BUG, _bug(error)
    return ending


def _enter(directory: Path) -> None:
    try:
        os.chdir(directory)
    except OSError as error:
        raise SettingsError(f"-C: cannot go to {str(directory)!r}: {error.strerror}") from error


def _stand_somewhere() -> None:
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise SettingsError("the working directory was deleted; go to another one, or name it with -C") from error


def _bug(error: BaseException) -> str:
    """Put the details of a bug where they can be looked at, and give the sentence for the terminal.

    They may hold values of the user's, so they go to a file that only this user can read.
    """
    import tempfile
    import traceback

    head = f"this is a bug of cargo-static-index ({type(error).__name__})"
    try:
        descriptor, name = tempfile.mkstemp(prefix="cargo-static-index-", suffix=".log")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as log:
            lines = "".join(traceback.format_exception(error)).split("\n")
            log.writelines(f"{escape(line)}\n" for line in lines)  # it may quote what somebody else wrote
    except OSError:
        return f"{head}; its details could not be written anywhere"
    return f"{head}; the details are in {name}. Please report it, and look through the file before you share it."


def existing_tree(run: Run) -> "Store":
    """Give the store of a tree that is there, or raise SettingsError: a command on what is held makes no tree."""
    from cargo_static_index.registry.configured import store_of
    from cargo_static_index.tree import layout

    store = store_of(run.settings)
    known = (layout.CONFIG, layout.RECORD)  # anything of a tree, be it damaged
    if not (any(store.size(path) is not None for path in known) or any(True for _ in store.list(layout.INDEX))):
        where = f"there is no registry in {str(run.settings.tree.path)!r}"
        raise SettingsError(f"{where}; name its folder with --tree, or make it with `build`{_hint(run)}")
    return store


def need_drop(run: Run) -> None:
    """Raise SettingsError where there is no drop directory."""
    drop = run.settings.drop.path
    if isinstance(drop, Path) and not drop.exists():
        where = f"the drop directory {str(drop)!r} is not there"
        raise SettingsError(f"{where}; make it, or name another with --drop{_hint(run)}")


def _hint(run: Run) -> str:
    """Give what else may be wrong where no settings were found."""
    if run.loaded.file:
        return ""
    return "; no registry.toml was found here or above: is this the right folder? (`init` begins a registry)"
