"""What fuzzing kept goes to the real cargo too: what we take, cargo must take, and what we refuse as cargo does, cargo.

`python -m tests.cargo.fuzzed` judges the inputs in target/fuzz, which `python -m fuzz` puts there. Archives go to the
crates that cargo unpacks with; manifests, targets and requirements to cargo, as those of dependencies.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import rtoml

from fuzz.__main__ import FOLDER
from fuzz.targets import packed_archive
from tests.cargo.manifests import DISAGREEMENTS, Case, verdicts
from tests.crate.mutants import ours, wrong
from tests.crate.oracle import ArchiveOracle
from tests.protocol.manifest.test_checks import HEAD

BATCH: Final = 500
"""Crates that one cargo reads at once."""


def _whole_manifest(text: str, name: str) -> str | None:
    """Give a manifest that names the crate so; None for one that fuzzing has given another name or version."""
    return text.replace('"foo"', f'"{name}"', 1) if text.startswith(HEAD) else None


def _with(table: Callable[[str], Mapping[str, Any]]) -> Callable[[str, str], str | None]:
    def manifest(text: str, name: str) -> str:
        return rtoml.dumps({"package": {"name": name, "version": "1.0.0"}, **table(text)})

    return manifest


MANIFESTS: Final[Mapping[str, Callable[[str, str], str | None]]] = {
    "manifest": _whole_manifest,
    "cfg": _with(lambda text: {"target": {text: {"dependencies": {"a": "1"}}}}),
    "requirement": _with(lambda text: {"dependencies": {"a": text}}),
}
"""What makes a manifest of an input of a target, for a crate of a name."""


def cases_of(target: str, inputs: Iterable[bytes]) -> Iterator[Case]:
    """Give a manifest for each input that is text."""
    for number, content in enumerate(inputs):
        try:
            text = content.decode()
        except UnicodeDecodeError:
            continue
        manifest = MANIFESTS[target](text, f"case{number}")
        if manifest is not None:
            yield Case(name=f"case{number}", tries=repr(text[:300]), manifest=manifest)


def judge_manifests(target: str, inputs: Iterable[bytes], counts: Counter[str]) -> Iterator[str]:
    """Count both verdicts on the inputs of a target, and give the disagreements."""
    cases = list(cases_of(target, inputs))
    for at in range(0, len(cases), BATCH):
        with TemporaryDirectory() as folder:
            for each in verdicts(cases[at : at + BATCH], Path(folder)):
                counts[f"{target}: {_both(bool(each.ours), bool(each.cargos))}"] += 1
                if each.disagree:
                    yield f"{target} {each.case.tries}: ours {sorted(each.ours)}, cargo's {each.cargos or 'taken'}"


def judge_archives(inputs: Sequence[bytes], oracle: ArchiveOracle, counts: Counter[str]) -> Iterator[str]:
    """Do the same with archives; cargo may take what we refuse."""
    packed = list(map(packed_archive, inputs))
    for content, cargos in zip(packed, oracle.judge(packed), strict=True):
        mine = ours(content)
        counts[f"archive: {_both(isinstance(mine, str), isinstance(cargos, str))}"] += 1
        if wrong(mine, cargos):
            yield f"archive {content[:80]!r}: ours {mine}, cargo's {cargos}"


def _both(ours: bool, cargos: bool) -> str:
    """Say who refuses an input."""
    words = {(False, False): "taken by both", (True, True): "refused by both", (True, False): "refused by us alone"}
    return words.get((ours, cargos), "refused by cargo alone")


def _kept(folder: Path, most: int) -> list[bytes]:
    """Give inputs that fuzzing kept, evenly out of all."""
    paths = sorted(path for path in folder.iterdir() if path.is_file()) if folder.exists() else []
    return [path.read_bytes() for path in paths[:: len(paths) // most + 1]]


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--most", type=int, default=2000, help="inputs of a target")
    given = parser.parse_args()
    counts, found = Counter[str](), list[str]()
    with TemporaryDirectory() as target:
        oracle = ArchiveOracle(Path(target))
        found += judge_archives(_kept(given.folder / "archive", given.most), oracle, counts)
    for name in MANIFESTS:
        found += judge_manifests(name, _kept(given.folder / name, given.most), counts)
    print(json.dumps({**dict(sorted(counts.items())), DISAGREEMENTS: found}))
    sys.exit(bool(found) or not counts)


if __name__ == "__main__":
    _main()
