"""What reading crates takes, and what inflating and hashing alone take of it: `python -m benchmarks.reading DROP`.

Every file is in memory before it begins, and all is done in one process, set up as a reading process of a build is.
Figures are of a release: seconds of processor time, bytes, numbers of files; `crates` is how many there are.
"""

import io
import json
import statistics
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from zlib_ng import zlib_ng

from benchmarks.bench import PYTHON
from benchmarks.measure import run
from cargo_static_index.crate.check import check_crate
from cargo_static_index.crate.gzip import INFLATED, READ
from cargo_static_index.crate.metadata import CrateMetadata, format_metadata
from cargo_static_index.crate.policy import Policy
from cargo_static_index.protocol.registries import Home
from cargo_static_index.registry.workers import tune_memory

_MIRROR = Policy(home=Home(mode="mirror"))


def parts_of_reading(drop: Path, turns: int) -> dict[str, Any]:
    """Give what reading the crates of a folder takes, and what its parts take, each the median of so many processes."""
    runs = [run([PYTHON, "-m", "benchmarks.reading", str(drop)]).printed for _ in range(turns)]
    return {what: statistics.median(found[what] for found in runs) for what in runs[0]}


def _measured(archives: list[bytes]) -> dict[str, float]:
    metadata = [_read(archive) for archive in archives]
    times = {"reading": _read, "inflating": _inflate, "hashing": lambda archive: sha256(archive).digest()}
    sizes = {
        "packed": [each.packed_size for each in metadata],
        "unpacked": [each.unpacked_size for each in metadata],
        "files": [len(each.files) for each in metadata],
    }
    return {
        "crates": len(archives),
        **{what: _seconds(call, archives) for what, call in times.items()},
        **{what: statistics.mean(numbers) for what, numbers in sizes.items()},
        **{f"median {what}": statistics.median(numbers) for what, numbers in sizes.items()},
    }


def _seconds(call: Callable[[bytes], object], archives: list[bytes]) -> float:
    begun = time.process_time()
    for archive in archives:
        call(archive)
    return (time.process_time() - begun) / len(archives)


def _read(archive: bytes) -> CrateMetadata:
    """Read an archive as a build does, up to the metadata that it writes."""
    found = check_crate(io.BytesIO(archive), _MIRROR).metadata
    assert found is not None
    format_metadata(found)
    return found


def _inflate(archive: bytes) -> None:
    """Inflate an archive in pieces as large as the product's."""
    inflater, stream, waiting = zlib_ng.decompressobj(wbits=31), io.BytesIO(archive), b""
    while not inflater.eof:
        inflater.decompress(waiting or stream.read(READ), INFLATED)
        waiting = inflater.unconsumed_tail


def _main() -> None:
    tune_memory()
    print(json.dumps(_measured([path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())])))


if __name__ == "__main__":
    _main()
