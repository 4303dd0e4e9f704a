"""Reading dropped files: open each safely, read and check it, stage the very bytes that were checked.

`Reader` is all that a worker process runs: paths and a policy in, small values out. Archive bytes do not
travel between processes; what is staged is what was checked, whatever happens to the dropped file meanwhile.
"""

import io
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index.crate.candidate import Candidate, DropFile
from cargo_static_index.crate.check import CheckedCrate, check_crate
from cargo_static_index.crate.incoming import candidate_of
from cargo_static_index.crate.metadata import format_metadata
from cargo_static_index.crate.policy import Policy
from cargo_static_index.diagnostics.errors import InvalidInput, StoreError
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.diagnostics.problems import Problem, problem
from cargo_static_index.diagnostics.rules import MAYBE_PART
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.registry.drop import objects_of
from cargo_static_index.registry.scan import is_as_seen
from cargo_static_index.state.candidates import Packed, pack
from cargo_static_index.store.bucket import Bucket, Whereabouts
from cargo_static_index.store.local import system
from cargo_static_index.store.local.folders import Folders, failure, open_folders
from cargo_static_index.store.local.system import write_all

if TYPE_CHECKING:  # an extra, and slow to import
    from cargo_static_index.registry.bucket_drop import BucketDrop

WHOLE = 8 * 1024 * 1024
"""Files up to this many bytes are read into memory at once; larger ones are staged first and streamed."""

_CHUNK = 1024 * 1024

_TICK_NS, _COARSE_NS = 11_000_000, 2_000_000_000
"""A file changed less than this before it is read may change again without any time stamp showing it.

Time stamps are no finer than the kernel's tick (1–10 ms), and of whole seconds where the file system keeps no parts
of them: every other one on FAT, which is the coarsest in use.
"""


class Reader(Struct, frozen=True, kw_only=True):
    """Reads files under a policy, and stages them in a folder; `pubtime` is that of the build. It travels to workers.

    `drop` is the drop directory, where files of one are read; no link on the way to them is followed. Of one in a
    bucket several files are fetched at the same time.
    Until `waits_until`, by the monotonic clock, it waits for files to settle that may be only a part of what they are
    to be; later ones are for the next build.
    """

    policy: Policy
    stage: str
    pubtime: str | None
    drop: Whereabouts | None = None
    waits_until: float = 0.0

    def read_all(self, files: Sequence[DropFile], first: int) -> list[Packed]:
        """Read files; every one gives a candidate, as it is to be kept, staged under numbers from `first` on."""
        return [pack(candidate) for candidate in self.candidates(files, first)]

    def candidates(self, files: Sequence[DropFile], first: int) -> list[Candidate]:
        """Read files one after the other; every one gives a candidate.

        They are staged under numbers from `first` on. Those that may only look broken because somebody is still writing
        them get a second look once they have settled, so that one build can tell a broken file from one that is not
        complete yet.
        """
        if isinstance(self.drop, Bucket):
            return self._read_objects(objects_of(self.drop), files, first)
        with self._opened() as folders:
            found = [self._read_one(file, str(number), folders) for number, file in enumerate(files, first)]
            waiting = [
                place
                for place, candidate in enumerate(found)
                if is_waiting(candidate) and files[place].due <= self.waits_until
            ]
            if waiting:
                time.sleep(max(0.0, max(files[place].due for place in waiting) - time.monotonic()))
            for place in waiting:
                found[place] = self._read_one(files[place], str(first + place), folders)
        return found

    @contextmanager
    def _opened(self) -> Iterator[Folders | None]:
        with ExitStack() as stack:
            try:
                folders = stack.enter_context(open_folders(self.drop)) if isinstance(self.drop, Path) else None
            except OSError as error:
                raise failure("open", self.drop, error) from error
            yield folders

    def _read_objects(self, objects: "BucketDrop", files: Sequence[DropFile], first: int) -> list[Candidate]:
        def read(file: DropFile, number: int) -> Candidate:
            return self._read_or_refused(file, lambda: self._read_object(objects, file, str(number)))

        return objects.together(read, files, range(first, first + len(files)))

    def _read_object(self, objects: "BucketDrop", file: DropFile, staged: str) -> Candidate:
        path = Path(self.stage, staged)
        try:
            if not objects.fetch(file, path, self.policy.limits.packed_bytes + 1):
                return _waiting(file)
        except InvalidInput as error:
            # Its fingerprint does not tell when the store gives it out again.
            return _refused(replace(file, again=True), problem("file-unreadable", f"{str(error).rstrip('.')}."))
        name = os.fsdecode(file.target.rpartition(b"/")[2])
        return self._candidate(self._check_staged(path, name), file, staged)

    def read(self, file: DropFile, staged: str) -> Candidate:
        """Read, check and stage one file; what cannot be read is a candidate that says why."""
        with self._opened() as folders:
            return self._read_one(file, staged, folders)

    def read_staged(self, staged: str, name: str) -> Candidate:
        """Read and check an archive called `name` that is staged already, where nobody else writes to it."""
        path = Path(self.stage, staged)
        with path.open("rb") as archive:
            checked = check_crate(archive, self.policy, name)
        return self._candidate(checked, DropFile(source=escape(str(path)), target=os.fsencode(path)), staged)

    def _read_one(self, file: DropFile, staged: str, folders: Folders | None) -> Candidate:
        return self._read_or_refused(file, lambda: self._read_file(file, staged, folders))

    def _read_or_refused(self, file: DropFile, read: Callable[[], Candidate]) -> Candidate:
        """Give what reading a file gives; where it fails of the file, a candidate that says why."""
        try:
            return read()
        except StoreError:
            raise
        except OSError as error:
            if file.file and isinstance(error, FileNotFoundError):
                return _waiting(file)  # its owner took it away since the folder was listed
            return _refused(file, problem("file-unreadable", f"The file cannot be read: {error.strerror}."))
        except Exception as error:  # noqa: BLE001 - one file must not stop the others, whatever mistake of ours it meets
            message = f"Reading the file ran into an error of this program ({type(error).__name__})."
            return _refused(file, problem("reader-failed", message))

    def _read_file(self, file: DropFile, staged: str, folders: Folders | None) -> Candidate:
        path = os.fsdecode(file.target)
        opened = _open(path, folders)
        try:
            before, dated = _status(opened)
            if not stat.S_ISREG(before.st_mode):
                return _refused(file, problem("file-irregular", place=file.source))
            if file.file and not is_as_seen(file, before):
                return _waiting(file)
            candidate = self._read(opened, before.st_size, file, path.rpartition("/")[2], staged)
            after = os.fstat(opened)
        finally:
            os.close(opened)
        changed = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
        if changed or _may_be_part(file, candidate):
            candidate = _waiting(file)
        return candidate if dated else replace(candidate, file=replace(file, again=True))

    # Staging. Paths are text here and files are opened by number: a Path costs as much as a small file's write.

    def _read(self, opened: int, size: int, file: DropFile, name: str, staged: str) -> Candidate:
        content = _whole(opened, size) if size <= WHOLE else None
        if file.held and _digest(opened, content, self.policy.limits.packed_bytes) == file.held.cksum:
            held = file.held
            return Candidate(file=file, key=collision_key(held.name), name=held.name, vers=held.vers, cksum=held.cksum)
        if content is not None:
            checked = check_crate(io.BytesIO(content), self.policy, name)
            if not checked.refused:
                _write(f"{self.stage}/{staged}", content)
        else:
            checked = self._read_large(opened, Path(self.stage, staged), name)
        return self._candidate(checked, file, staged)

    def _candidate(self, checked: CheckedCrate, file: DropFile, staged: str) -> Candidate:
        if checked.metadata is None:
            refused = _refused(file, *checked.problems)
            return replace(refused, name=checked.name or "", vers=checked.vers or "", cksum=checked.cksum or "")
        if not checked.refused:
            _write(f"{self.stage}/{staged_metadata(staged)}", format_metadata(checked.metadata))
        candidate = candidate_of(checked, home=self.policy.home, pubtime=self.pubtime)
        return replace(candidate, file=file, staged=staged)

    def _read_large(self, opened: int, staged: Path, name: str) -> CheckedCrate:
        left = self.policy.limits.packed_bytes + 1  # one byte too many tells the reader that the file is too large
        with _staging(staged):
            copy = system.open_file(staged, system.ANEW, system.PRIVATE)
        try:
            while chunk := os.read(opened, min(left, _CHUNK)):
                left -= len(chunk)
                with _staging(staged):
                    write_all(copy, chunk)
        finally:
            os.close(copy)
        return self._check_staged(staged, name)

    def _check_staged(self, staged: Path, name: str) -> CheckedCrate:
        """Check what was staged before it was read; what is refused is not kept."""
        with staged.open("rb") as copied:
            checked = check_crate(copied, self.policy, name)
        if checked.refused:
            staged.unlink()
        return checked


def _open(path: str, folders: Folders | None) -> int:
    # O_NONBLOCK: a pipe put in the file's place since it was listed would hang an ordinary open for ever.
    # O_NOFOLLOW: a link put there could lead to a file that only we may read; one given by name may be a link.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    if folders is None:
        return os.open(path, flags)
    folder, _, name = path.rpartition("/")
    try:
        opened = folders.find(folder)
    except InvalidInput as error:
        raise FileNotFoundError from error  # a link was put on the way to it
    if opened is None:
        raise FileNotFoundError
    return os.open(name, flags | os.O_NOFOLLOW, dir_fd=opened)


def _status(opened: int) -> tuple[os.stat_result, bool]:
    """Give the status of a file that is to be read now, and whether any change after this will show in its stamps.

    Where the file was changed in this very tick of the kernel's, the next one is waited for.
    """
    status = os.fstat(opened)
    age = time.time_ns() - status.st_ctime_ns
    if 0 <= age < _TICK_NS:
        time.sleep((_TICK_NS - age) / 1e9)
        status = os.fstat(opened)
        age = time.time_ns() - status.st_ctime_ns
    return status, abs(age) >= (_TICK_NS if status.st_ctime_ns % 1_000_000_000 else _COARSE_NS)


def _may_be_part(file: DropFile, candidate: Candidate) -> bool:
    """Whether a file of the drop directory may look as it does only because somebody is still writing it."""
    return file.due > time.monotonic() and any(problem.rule in MAYBE_PART for problem in candidate.problems)


def _digest(opened: int, content: bytes | None, most: int) -> str:
    """Give the SHA-256 of an open file: of its `content`, or where that is not read, of up to so many bytes."""
    if content is not None:
        return sha256(content).hexdigest()
    digest, left = sha256(), most
    while left > 0 and (chunk := os.read(opened, min(left, _CHUNK))):
        digest.update(chunk)
        left -= len(chunk)
    os.lseek(opened, 0, os.SEEK_SET)
    return digest.hexdigest()


def _refused(file: DropFile, *problems: Problem) -> Candidate:
    return Candidate(file=file, problems=problems, refused=True)


def _waiting(file: DropFile) -> Candidate:
    return _refused(file, problem("file-changing"))


def is_waiting(candidate: Candidate) -> bool:
    """Whether a file was still being written, so that nothing can be said of it yet."""
    return candidate.refused and any(problem.rule == "file-changing" for problem in candidate.problems)


def _whole(opened: int, size: int) -> bytes:
    """Read a file, and one byte more if it has grown; some file systems give less at a time than they have."""
    content = os.read(opened, size + 1)
    while len(content) < size and (more := os.read(opened, size + 1 - len(content))):
        content += more
    return content


def _write(path: str, content: bytes) -> None:
    try:
        descriptor = system.open_file(path, system.ANEW, system.PRIVATE)
        try:
            write_all(descriptor, content)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _not_staged(path, error) from error


@contextmanager
def _staging(path: Path | str) -> Iterator[None]:
    """Say of what fails in here that the store failed."""
    try:
        yield
    except OSError as error:
        raise _not_staged(path, error) from error


def _not_staged(path: Path | str, error: OSError) -> StoreError:
    # It is no fault of the crate that is read.
    return failure("write", path, error)


def staged_metadata(staged: str) -> str:
    """Give the name of the staged metadata that belong to a staged archive."""
    return f"{staged}.json"
