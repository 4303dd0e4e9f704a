"""What one build has read: on disk, so that a million new files need no more memory than one."""

from collections.abc import Iterable, Iterator

import msgspec

from cargo_static_index.crate.candidate import Candidate, DropFile
from cargo_static_index.state import schema
from cargo_static_index.state.database import StateRows, json_list

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Candidate).decode


Packed = tuple[str, str, str, bytes, bytes, bytes]
"""A candidate as it is kept: key, name, version unless it is refused, folder, file, and all of it encoded.

It travels between processes as it is.
"""


def pack(candidate: Candidate) -> Packed:
    """Give a candidate as it is kept."""
    vers = "" if candidate.refused else candidate.vers
    return candidate.key, candidate.name, vers, candidate.file.folder, candidate.file.file, _encode(candidate)


class Candidates(StateRows):
    """The new files of this build, by collision key. They vanish when the state is closed."""

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Keep some candidates."""
        self.add_packed(map(pack, candidates))

    def add_packed(self, rows: Iterable[Packed]) -> None:
        """Keep some candidates that `pack` gave, in this process or in another."""
        self._database.run_many(schema.CANDIDATE_INSERT, rows)

    def keys(self) -> Iterator[str]:
        """Give each collision key once, sorted; that of files without a release is not among them."""
        rows = self._database.pages(schema.CANDIDATE_KEYS, ("",), lambda row: (row[0],))
        return (row[0] for row in rows)

    def between(self, first: str, last: str) -> dict[str, list[Candidate]]:
        """Give the candidates of all collision keys from `first` to `last`, each key's in the order of adding."""
        found: dict[str, list[Candidate]] = {}
        for key, packed in self._database.all(schema.CANDIDATE_BETWEEN, (first, last)):
            found.setdefault(key, []).append(_decode(packed))
        return found

    def without_release(self) -> Iterator[Candidate]:
        """Give the files that could not be read so far as to know their release."""
        rows = self._database.pages(schema.CANDIDATE_WITHOUT, (0,), lambda row: (row[0],))
        return (_decode(row[1]) for row in rows)

    def names_of(self, keys: Iterable[str]) -> dict[str, str]:
        """Give a name for each of those collision keys under which something arrived."""
        return dict(self._database.all(schema.CANDIDATE_NAMES, (json_list(keys),)))

    def versions_of(self, keys: Iterable[str]) -> list[tuple[str, str]]:
        """Give name and version of what arrived under those collision keys, and is not refused."""
        return self._database.all(schema.CANDIDATE_VERSIONS, (json_list(keys),))

    def holds(self, file: DropFile) -> bool:
        """Whether a file of the drop directory is among them."""
        self._database.run(schema.CANDIDATE_FILES)  # not before: few builds ask, and all would pay for it
        return self._database.one(schema.CANDIDATE_HOLDS, (file.folder, file.file)) is not None

    def count(self) -> int:
        """Give how many there are."""
        return self._database.value(schema.CANDIDATES_COUNT) or 0

    def refused_count(self) -> int:
        """Give how many of them an earlier build refused."""
        return self._database.value(schema.CANDIDATES_REFUSED) or 0

    def clear(self) -> None:
        """Forget all of them."""
        self._database.run(schema.CANDIDATE_CLEAR)
