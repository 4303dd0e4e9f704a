"""Work on other machines. What one reads it stages in the bucket, and gives small values.

Whoever builds copies inside the store what it publishes, and it alone writes index files. A machine that dies, is lost
or answers twice changes nothing: its work is done again elsewhere, and what is staged under a name is always the same.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index.crate.candidate import Candidate, DropFile
from cargo_static_index.registry.read import Reader, staged_metadata
from cargo_static_index.state.candidates import Packed, pack
from cargo_static_index.store import Change, Store, Uploads
from cargo_static_index.tree import layout
from cargo_static_index.tree.headers import release_tag


def carry_out(open_tree: Callable[[], Store], changes: Sequence[Change]) -> tuple[Change, ...]:
    """Carry out changes of pages on another machine, and give those that somebody else forestalled.

    A call that is made twice gives as such what it did at first: that is then made once more, from what is there.
    """
    store = open_tree()
    store.read(layout.RECORD)  # which tells whether the store was found to keep to conditions
    return store.apply(changes)


class RemoteReader(Struct, frozen=True, kw_only=True):
    """Reads files on another machine, which opens the drop directory for itself, and stages them in the store."""

    reader: Reader
    uploads: Uploads

    def read_all(self, files: Sequence[DropFile], first: int) -> list[Packed]:
        """Read files as `Reader.read_all` does; what no rule of the archive refused is staged."""
        with tempfile.TemporaryDirectory(prefix="cargo-static-index-") as folder:
            reader = replace(self.reader, stage=folder)
            return [pack(self._staged(candidate, folder)) for candidate in reader.candidates(files, first)]

    def _staged(self, candidate: Candidate, folder: str) -> Candidate:
        """Stage an archive and its metadata under a name that tells the content: whoever comes late changes nothing."""
        if candidate.refused or not candidate.staged:
            return candidate
        local, name = Path(folder, candidate.staged), f"{candidate.staged}-{candidate.cksum}"
        tags = (release_tag(candidate.name, candidate.vers),)
        archive = layout.archive_file(candidate.name, candidate.cksum)
        metadata = layout.metadata_file(candidate.name, candidate.cksum)
        self.uploads.put(name, local, path=archive, tags=tags)
        self.uploads.put(staged_metadata(name), Path(staged_metadata(str(local))), path=metadata, tags=tags)
        return replace(candidate, staged=name)
