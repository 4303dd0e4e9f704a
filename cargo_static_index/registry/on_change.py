"""Telling others what changed in the tree: the command of `on-change`, and the file of `--changed-urls`.

What changes is noted in the state before it is changed, and struck out when the command has ended with 0: so it is
told at least once, whatever happens in between.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index._json import UNREADABLE
from cargo_static_index.crate.candidate import Outcome
from cargo_static_index.diagnostics.errors import CargoStaticIndexError, SettingsError, StoreError
from cargo_static_index.registry.events import Listener
from cargo_static_index.registry.options import Options
from cargo_static_index.settings import Settings
from cargo_static_index.state import open_state
from cargo_static_index.store.local.flock import locked
from cargo_static_index.store.local.system import put_file_at

if TYPE_CHECKING:  # loaded when they are used: most commands tell nobody
    import subprocess

AT_ONCE = 10_000
"""Paths that one run of the command is told of: a million more need no more memory."""

COUNTED = 1_000_000
"""Waiting paths above which the number is not said exactly."""

PAUSES = (1.0, 5.0, 15.0, 60.0, 300.0)
"""Seconds from one attempt to the next, in a process that goes on; the last comes again and again."""

_FILE, _LOCK = "on-change.json", "on-change.lock"


class PathUrls(Struct, frozen=True, kw_only=True):
    """A path of the tree that was written or deleted, and all URLs that lead to it."""

    path: str
    urls: tuple[str, ...]
    deleted: bool


class Changes(Struct, frozen=True, kw_only=True):
    """What the command of `on-change` gets on standard input, in the order in which it was last changed."""

    schema: Literal[1] = 1
    base_url: str
    tree: str
    changed: tuple[PathUrls, ...]


class Delivery(Struct, frozen=True, kw_only=True):
    """How telling goes. Times are whole seconds since 1970; `since` is from when on changes are noted in this state.

    `incomplete` says that the tree held something before: what was not told of until then is not known.
    """

    since: int
    incomplete: bool
    last: int | None = None
    failure: str = ""
    failing_since: int | None = None


class ChangesNotDelivered(CargoStaticIndexError):
    """The tree was changed, but the command of `on-change` failed; it is told again by the next command."""


def urls_of(base_url: str, path: str) -> tuple[str, ...]:
    """Give the URLs of a path: an `index.html` is found at its folder too."""
    from cargo_static_index.site.paths import href

    url = base_url + href(path)
    return (url, url.removesuffix("index.html")) if path.rpartition("/")[2] == "index.html" else (url,)


@contextmanager
def telling(settings: Settings, listener: Listener, options: Options) -> Iterator["Telling"]:
    """Tell others what changed, once what is done inside is done, well or not; ChangesNotDelivered where that fails."""
    telling = Telling(settings, listener, options)
    try:
        yield telling
    finally:
        telling.write_urls()
    telling.deliver()


class Telling:
    """What one change of a tree tells to others; `listener` is to hear what changes."""

    def __init__(self, settings: Settings, listener: Listener, options: Options) -> None:
        self._settings = settings
        self._lasting = options.lasting
        self._file = None if options.dry else settings.registry.changed_urls
        self._command = None if options.dry else settings.registry.on_change
        self._urls = ChangedUrls(listener)
        self._base_url = ""
        self.listener: Listener = listener if self._file is None else self._urls

    def opened(self, base_url: str, *, now: int, holds_releases: bool) -> None:
        """Take note of the tree: from when on changes are noted in this state, and its base URL."""
        self._base_url = base_url
        if self._command and read_delivery(self._settings.state.path) is None:
            _write(self._settings.state.path, Delivery(since=now, incomplete=holds_releases))

    def write_urls(self) -> None:
        """Write the file of URLs, whatever the end was."""
        if self._file is not None and self._base_url:
            self._urls.write(self._file, self._base_url, add=self._lasting)

    def deliver(self) -> None:
        """Tell the command, unless this process goes on and does so by itself."""
        if self._command and self._base_url and not self._lasting:
            deliver(self._settings, self._base_url)


def read_delivery(folder: Path) -> Delivery | None:
    """Give how telling goes; None where nothing was ever noted in this state."""
    with suppress(OSError, *UNREADABLE):
        return msgspec.json.decode((folder / _FILE).read_bytes(), type=Delivery)
    return None


def _write(folder: Path, delivery: Delivery) -> None:
    with suppress(OSError):
        put_file_at(folder / _FILE, msgspec.json.encode(delivery))


def deliver(
    settings: Settings, base_url: str, started: Callable[["subprocess.Popen[bytes]"], None] | None = None
) -> bool:
    """Tell the command of all that is noted; False where another process is at it, ChangesNotDelivered where it fails.

    `started` gets the process of each run.
    """
    folder = settings.state.path
    with suppress(StoreError), _only_one(folder):
        while True:
            with open_state(folder) as state:
                some = state.undelivered.some(AT_ONCE)
            if not some:
                return True
            changed = tuple(
                PathUrls(path=path, urls=urls_of(base_url, path), deleted=deleted) for _, path, deleted in some
            )
            document = Changes(base_url=base_url, tree=str(settings.tree.path), changed=changed)
            failure = _run(settings, msgspec.json.encode(document), started)
            before, now = read_delivery(folder), int(time.time())
            before = before or Delivery(since=now, incomplete=True)
            if failure:
                since = before.failing_since or now
                _write(folder, replace(before, failure=failure, failing_since=since))
                raise ChangesNotDelivered(f"{failure}; what changed is noted, and told again later")
            with open_state(folder) as state:
                state.undelivered.delivered(some[-1][0])
            _write(folder, replace(before, last=now, failure="", failing_since=None))
    return False


def _run(settings: Settings, content: bytes, started: Callable[["subprocess.Popen[bytes]"], None] | None) -> str:
    """Run the command, and give why it failed; what it prints goes to standard error."""
    import subprocess

    command = settings.registry.on_change or ()
    try:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=2) as process:
            if started is not None:
                started(process)
            process.communicate(content)  # which need not be read
    except OSError as error:
        return f"on-change: {command[0]!r} cannot be run: {error.strerror}"
    return f"on-change: {command[0]!r} ended with {process.returncode}" if process.returncode else ""


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    try:
        opened = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StoreError(f"The state directory {str(folder)!r} cannot be used: {error.strerror}.") from error
    with locked(folder, opened, "another process tells of changes"):
        yield


class Notifier:
    """Tells the command in a thread of its own, for processes that go on: again and again until it succeeds."""

    def __init__(self, settings: Settings, warn: Callable[[str], None], pauses: Sequence[float] = PAUSES) -> None:
        self._settings = settings
        self._warn = warn
        self._pauses = pauses
        self._base_url = ""
        self._news = threading.Event()
        self._stopped = False
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        if settings.registry.on_change:
            self._thread.start()

    def tell(self, base_url: str) -> None:
        """Have the command told of what is noted; it waits for nothing."""
        self._base_url = base_url
        self._news.set()

    def stop(self, patience: float = 2.0) -> None:
        """End, with a run of the command that lasts longer ended too; it is told again later."""
        self._stopped = True
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(patience)
            if self._process is not None and self._thread.is_alive():
                self._process.terminate()
                self._thread.join(patience)

    def _run(self) -> None:
        failures = 0
        while True:
            self._news.wait(None if not failures else self._pauses[min(failures, len(self._pauses)) - 1])
            self._news.clear()
            if self._stopped:
                return
            try:
                delivered = deliver(self._settings, self._base_url, self._started)
            except CargoStaticIndexError as error:
                if not failures:
                    self._warn(str(error))
                failures += 1
            else:
                failures = 0 if delivered else 1

    def _started(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process


class ChangedUrls:
    """A listener that passes all on, and keeps the paths that change, each once, in the order of the last change."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._paths: dict[str, None] = {}
        self.total, self.taken, self.reading = listener.total, listener.taken, listener.reading
        self.note = listener.note
        self.warn = listener.warn

    def file(self, outcome: Outcome) -> None:
        """Pass on what became of a file."""
        self._listener.file(outcome)

    def still_refused(self, count: int, files: Iterable[Outcome]) -> None:
        """Pass it on."""
        self._listener.still_refused(count, files)

    def changed(self, path: str) -> None:
        """Keep a path that was written."""
        self._keep(path)
        self._listener.changed(path)

    def deleted(self, path: str) -> None:
        """Keep a path that was deleted."""
        self._keep(path)
        self._listener.deleted(path)

    def _keep(self, path: str) -> None:
        self._paths.pop(path, None)
        self._paths[path] = None

    def write(self, file: Path, base_url: str, *, add: bool) -> None:
        """Write the URLs into a file, one a line, in place of what is there or behind it; SettingsError where not."""
        lines = "".join(f"{url}\n" for path in self._paths for url in urls_of(base_url, path))
        try:
            with file.open("a" if add else "w", encoding="ascii") as opened:
                opened.write(lines)
        except OSError as error:
            raise SettingsError(f"--changed-urls: {file} cannot be written: {error.strerror}") from error
