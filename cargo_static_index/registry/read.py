"""Reading dropped files: open each safely, read and check it, stage the very bytes that were checked.

`read_files` is all that a worker process runs: paths and a policy in, small values out. Archive bytes do not
travel between processes; what is staged is what was checked, whatever happens to the dropped file meanwhile.
"""

import io
import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index.crate.candidate import Candidate, candidate_of
from cargo_static_index.crate.check import CheckedCrate, Policy, check_crate
from cargo_static_index.crate.metadata import format_metadata
from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.diagnostics.rules import CUT_SHORT, Problem, problem
from cargo_static_index.registry.scan import YOUNG_NS, Found, is_as_found
from cargo_static_index.state.candidates import Packed, pack
from cargo_static_index.store.local.files import write_all
from cargo_static_index.store.local.folders import failure

WHOLE = 8 * 1024 * 1024
"""Files up to this many bytes are read into memory at once; larger ones are staged first and streamed."""

_CHUNK = 1024 * 1024


class Task(Struct, frozen=True, kw_only=True):
    """A file to read: as the scan found it, or a path given by name; how to call it; the name to stage it under."""

    found: Found | None = None
    path: str
    source: str
    staged: str


class Bench(Struct, frozen=True, kw_only=True):
    """What reading is done with: the policy, the folder to stage files in, and the `pubtime` of this pass."""

    policy: Policy
    stage: Path
    pubtime: str | None


def read_files(tasks: Iterable[Task], bench: Bench) -> list[Packed]:
    """Read files one after the other; every one gives a Candidate, as it is to be kept.

    Those that may only look cut short because somebody is still writing them get a second look once they have
    been still for a while, so that one pass can tell a broken file from one that is not complete yet.
    """
    tasks = tuple(tasks)
    found = [read_file(task, bench) for task in tasks]
    waiting = [number for number, each in enumerate(found) if is_waiting(each)]
    if waiting:
        time.sleep(YOUNG_NS / 1e9)
    for number in waiting:
        found[number] = read_file(tasks[number], bench)
    return [pack(each) for each in found]


def read_file(task: Task, bench: Bench) -> Candidate:
    """Read, check and stage one file; what cannot be read is a Candidate that says why."""
    try:
        opened = _open(task)
        try:
            before = os.fstat(opened)
            if not stat.S_ISREG(before.st_mode):
                return _refused(task, problem("file-irregular", place=task.source))
            if task.found and not is_as_found(task.found, before):
                return _waiting(task)
            candidate = _read(opened, before.st_size, task, bench)
            after = os.fstat(opened)
        finally:
            os.close(opened)
    except StoreError:
        raise
    except OSError as error:
        if task.found and isinstance(error, FileNotFoundError):
            return _waiting(task)  # its owner took it away since the folder was listed
        return _refused(task, problem("file-unreadable", f"The file cannot be read: {error.strerror}."))
    except Exception as error:  # noqa: BLE001 - one file must not stop the others, whatever mistake of ours it meets
        message = f"Reading the file ran into an error of this program ({type(error).__name__})."
        return _refused(task, problem("reader-failed", message))
    changed = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
    return _waiting(task) if changed or (task.found and _may_grow(after, candidate)) else candidate


def _open(task: Task) -> int:
    # O_NONBLOCK: a pipe put in the file's place since it was listed would hang an ordinary open for ever.
    # O_NOFOLLOW: a link put there could lead to a file that only we may read; one given by name may be a link.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (os.O_NOFOLLOW if task.found else 0)
    return os.open(task.path, flags)


def _may_grow(status: os.stat_result, candidate: Candidate) -> bool:
    """Whether a file of the drop directory may look cut short only because somebody is still writing it."""
    cut_short = any(each.rule in CUT_SHORT for each in candidate.problems)
    return cut_short and time.time_ns() - status.st_mtime_ns < YOUNG_NS


def _refused(task: Task, *problems: Problem) -> Candidate:
    found = task.found
    return Candidate(
        source=task.source,
        folder=found.folder if found else "",
        file=found.file if found else "",
        fingerprint=found.fingerprint if found else b"",
        seen=found.seen if found else b"",
        problems=problems,
        refused=True,
    )


def _waiting(task: Task) -> Candidate:
    return _refused(task, problem("file-changing"))


def is_waiting(candidate: Candidate) -> bool:
    """Whether a file was still being written, so that nothing can be said of it yet."""
    return any(each.rule == "file-changing" for each in candidate.problems)


# Staging. Paths are text here and files are opened by number: a Path costs as much as a small file's write.


def _read(opened: int, size: int, task: Task, bench: Bench) -> Candidate:
    if size <= WHOLE:
        content = _whole(opened, size)
        reading = check_crate(io.BytesIO(content), bench.policy, _name_of(task))
        if not reading.refused:
            _write(f"{bench.stage}/{task.staged}", content)
    else:
        reading = _read_large(opened, task, bench)
    metadata = reading.metadata
    if metadata is None:
        refused = _refused(task, *reading.problems)
        return replace(refused, name=reading.name or "", vers=reading.vers or "", cksum=reading.cksum or "")
    if not reading.refused:
        _write(f"{bench.stage}/{metadata_of(task.staged)}", format_metadata(metadata))
    candidate = candidate_of(reading, home=bench.policy.home, source=task.source, pubtime=bench.pubtime)
    return _placed(candidate, task)


def _whole(opened: int, size: int) -> bytes:
    """Read a file, and one byte more if it has grown; some file systems give less at a time than they have."""
    content = os.read(opened, size + 1)
    while len(content) < size and (more := os.read(opened, size + 1 - len(content))):
        content += more
    return content


def _read_large(opened: int, task: Task, bench: Bench) -> CheckedCrate:
    staged = bench.stage / task.staged
    left = bench.policy.limits.packed_bytes + 1  # one byte too many tells the reader that the file is too large
    with _staging(str(staged)):
        copy = staged.open("wb", buffering=0)
    with copy:
        while chunk := os.read(opened, min(left, _CHUNK)):
            left -= len(chunk)
            with _staging(str(staged)):
                write_all(copy.fileno(), chunk)
    with staged.open("rb") as copied:
        reading = check_crate(copied, bench.policy, _name_of(task))
    if reading.refused:
        staged.unlink()
    return reading


def _name_of(task: Task) -> str:
    return task.path.rpartition("/")[2]


def _write(path: str, content: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        try:
            write_all(descriptor, content)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _not_staged(path, error) from error


@contextmanager
def _staging(path: str) -> Iterator[None]:
    """Say of what fails in here that the store failed."""
    try:
        yield
    except OSError as error:
        raise _not_staged(path, error) from error


def _not_staged(path: str, error: OSError) -> StoreError:
    # It is no fault of the crate that is read.
    return failure("write", path, error)


def metadata_of(staged: str) -> str:
    """Give the name of the staged metadata that belong to a staged archive."""
    return f"{staged}.json"


def _placed(candidate: Candidate, task: Task) -> Candidate:
    """Say where a file lies in the drop directory, and what it is staged as."""
    if task.found is None:
        return replace(candidate, staged=task.staged)
    return replace(
        candidate,
        folder=task.found.folder,
        file=task.found.file,
        fingerprint=task.found.fingerprint,
        seen=task.found.seen,
        staged=task.staged,
    )
