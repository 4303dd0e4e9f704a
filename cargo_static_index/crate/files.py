"""Files of an archive that was checked when it came: what pages show of it that its metadata does not hold."""

from collections.abc import Collection
from typing import BinaryIO

from cargo_static_index.crate.gzip import GzipStream
from cargo_static_index.crate.limits import Limits
from cargo_static_index.crate.tar import walk_tar
from cargo_static_index.diagnostics.problems import ProblemList


def read_files(archive: BinaryIO, wanted: Collection[str]) -> dict[str, bytes]:
    """Give what those of the wanted files hold that an archive has, by their path below its directory.

    Of a file that is there twice the later one counts, as for cargo. Damage ends the reading and raises nothing.
    """
    problems = ProblemList()
    source = GzipStream(archive, Limits(), problems)
    found: dict[str, bytes] = {}
    if not source.opens():
        return found
    for members in walk_tar(source, problems):
        for path, kind, size, at in members:
            name = path.partition(b"/")[2].decode(errors="replace")
            if kind == b"0" and name in wanted:
                source.go(at)
                content = source.take(size)
                if len(content) == size:
                    found[name] = content
    return found
