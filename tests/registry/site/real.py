"""The pages of real crates with all of their READMEs: every link leads somewhere, a validator accepts all of them.

    python -m tests.registry.site.real

validates each page that shows something new; `--every N` takes every so-manyth crate alone. The last line that is
printed is a JSON object of what was counted.
"""

import argparse
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import open_registry
from cargo_static_index.registry.workers import reading_executor
from tests import corpus
from tests.registry.site.reading import dead_links
from tests.registry.site.registries import OPTIONS
from tests.registry.site.validator import complaints
from tests.world import NONE, World


@contextmanager
def mirror(folder: Path, home: Path, options: Mapping[str, object] = NONE, every: int = 1) -> Iterator[World]:
    """Give a mirror of every so-manyth crate of the corpus in `home`, its pages made by two processes; it goes."""
    world = World(folder, OPTIONS | {"registry.mode": "mirror", "registry.name": "mirror"} | dict(options))
    for path in list(corpus.crates(home).values())[::every]:
        shutil.copyfile(path, world.drop / path.name)
    with reading_executor(2) as executor, open_registry(world.settings(), Report(), Options(now=world.now)) as registry:
        registry.build(executor=executor)
    yield world
    for below in (world.drop, world.tree):
        shutil.rmtree(below)


def files_of(tree: Path) -> Mapping[str, bytes]:
    """Give a tree, what are no pages as nothing but names: links lead to them, and nobody reads them here."""
    found = {path.relative_to(tree).as_posix(): path for path in tree.rglob("*") if path.is_file()}
    return {name: path.read_bytes() if path.suffix == ".html" else b"" for name, path in found.items()}


def worth_validating(files: Mapping[str, bytes]) -> list[str]:
    """Leave out what shows the same again: a crate's page and that of its newest version have one README."""
    pages = sorted(path for path in files if path.endswith(".html"))
    return [
        path
        for number, path in enumerate(pages)
        if path.count("/") != 3 or b'class="prose changelog"' in files[path] or number % 10 == 0
        if not path.endswith("dependents.html") or number % 10 == 0
    ]


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1)
    every = parser.parse_args().every
    with TemporaryDirectory(prefix="real-") as folder, mirror(Path(folder), corpus.fetch(), every=every) as real:
        files = files_of(real.tree)
        some = worth_validating(files)
        said = complaints(*(real.tree / path for path in some))
        figures = {
            "releases": json.loads(real.read("index.json"))["releases"],
            "pages": sum(path.endswith(".html") for path in files),
            "links that lead nowhere": sorted(map(str, dead_links(files))),
            "pages validated": len(some),
            "complaints of the validator": said.splitlines(),
        }
    print(json.dumps(figures))


if __name__ == "__main__":
    _main()
