"""The features that pages show against the real cargo's, for every crate of the corpus.

`python -m tests.cargo.features` prints what was found as JSON. All names and what each turns on are held against
`cargo metadata --all-features` of the package; what `default` reaches, and that a dependent may name all of them,
against `cargo add`, which prints up to thirty by name and the number of more, or else against cargo's resolver.
"""

import argparse
import json
import re
import shutil
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from cargo_static_index.protocol.index_entry import Entry, parse_entry
from cargo_static_index.site.features import FeatureView, feature_views
from cargo_static_index.tree.layout import index_file
from tests import corpus
from tests.cargo.client import Cargo, Project
from tests.servers import Nginx
from tests.world import World

FEATURE = re.compile(r" +([+-]) (\S+)")
COUNT = re.compile(r" +([0-9]+) (activated|deactivated) features?")
WORKSPACE = re.compile(r"^\[workspace\]\n(?:(?!\[).*\n?)*", re.MULTILINE)
"""Old cargo left it in packages, and names members that are not there."""
WRONG = "crates of which a page says otherwise than cargo"


class Added(Struct, frozen=True, kw_only=True):
    """What `cargo add` says of features: names, or how many there are of the rest."""

    on: frozenset[str]
    off: frozenset[str]
    counts: dict[str, int]

    def is_all(self, on: set[str], off: set[str]) -> bool:
        """Whether it says just these."""
        return self._says("activated", self.on, on) and self._says("deactivated", self.off, off)

    def _says(self, word: str, named: frozenset[str], wanted: set[str]) -> bool:
        return self.counts[word] == len(wanted) if word in self.counts else named == wanted


def added(project: Project, release: corpus.Locked, features: Sequence[str] = ()) -> Added:
    """Have cargo add a release to a project, on paper."""
    asked = ["--features", ",".join(features)] if features else []
    done = project.run("add", "--dry-run", f"{release.name}@={release.version}", *asked).ok()
    marks = [(found[1], found[2]) for line in done.stderr.splitlines() if (found := FEATURE.fullmatch(line))]
    counts = {found[2]: int(found[1]) for line in done.stderr.splitlines() if (found := COUNT.fullmatch(line))}
    on, off = (frozenset(name for mark, name in marks if mark == sign) for sign in "+-")
    return Added(on=on, off=off, counts=counts)


def resolved(project: Project, release: corpus.Locked) -> set[str]:
    """Give the features that cargo's resolver turns on of a release by default, but for `default` itself.

    `cargo add` leaves out those that a value `NAME/FEATURE` turns on.
    """
    other = project.cargo.project(f'{release.name} = "={release.version}"', name="resolved")
    found = json.loads(other.run("metadata", "--format-version", "1").ok().stdout)
    ids = {
        each["id"] for each in found["packages"] if (each["name"], each["version"]) == (release.name, release.version)
    }
    nodes = [set(each["features"]) for each in found["resolve"]["nodes"] if each["id"] in ids]
    (other.folder / "Cargo.lock").unlink()
    return nodes[0] - {"default"}


def stated(cargo: Cargo, archive: Path, folder: Path) -> dict[str, list[str]]:
    """Give the features of a package as `cargo metadata` has them, implicit ones too."""
    with tarfile.open(archive) as tar:
        # The manifest, and the targets that it may name; a toolchain or settings of cargo's would change who answers.
        read = [each for each in tar if each.isfile() and each.name.endswith((".rs", "/Cargo.toml"))]
        tar.extractall(folder, read, filter="data")
    (root,) = {each.name.partition("/")[0] for each in read}
    manifest = folder / root / "Cargo.toml"
    manifest.write_text(WORKSPACE.sub("", manifest.read_text()))
    command = ("metadata", "--no-deps", "--all-features", "--offline", "--format-version", "1")
    found = json.loads(cargo.run(*command, cwd=folder / root).ok().stdout)
    features: dict[str, list[str]] = found["packages"][0]["features"]
    shutil.rmtree(folder / root)
    return features


def differences(
    project: Project, release: corpus.Locked, views: Sequence[FeatureView], cargos: dict[str, list[str]]
) -> Iterator[str]:
    """Give what a page says otherwise than cargo."""
    ours = {view.name: view.enables for view in views}
    if {name: sorted(values) for name, values in ours.items()} != {
        name: sorted(values) for name, values in cargos.items()
    }:
        yield "names, or what they turn on"
    names = ours.keys() - {"default"}
    default = {view.name for view in views if view.default} - {"default"}
    if not added(project, release).is_all(default, names - default) and default != resolved(project, release):
        yield "what `default` reaches"
    if names and not added(project, release, sorted(names)).is_all(set(names), set()):
        yield "what a dependent may name"


def compared(folder: Path, home: Path, every: int = 1) -> dict[str, object]:
    """Publish the corpus as a mirror, and hold one in `every` of its crates against cargo."""
    archives = corpus.crates(home)
    world = World(folder / "mirror", {"registry.mode": "mirror", "registry.pages": False, "tree.flush": False})
    world.tree.mkdir()
    for path in archives.values():
        shutil.copyfile(path, world.drop / path.name)
    wrong: list[str] = []
    unanswered: list[str] = []
    features = implicit = defaults = 0
    releases = list(archives)[::every]
    with Nginx(world.tree) as server:
        world.build(options={"registry.base-url": server.url})
        source = f'[source.mirror]\nregistry = "sparse+{server.url}index/"\n'
        mirror = f'[source.crates-io]\nreplace-with = "mirror"\n{source}'
        cargo = Cargo(folder / "cargo", crates_io=True, config=mirror)
        project = cargo.project()
        for release in releases:
            views = feature_views(_entry(world, release))
            features += len(views)
            implicit += sum(view.optional for view in views)
            defaults += sum(view.default for view in views)
            try:
                found = list(differences(project, release, views, stated(cargo, archives[release], folder)))
                wrong += [f"{release.name} {release.version}: {difference}" for difference in found]
            except AssertionError:  # the others are asked all the same
                unanswered.append(f"{release.name} {release.version}")
    return {
        "crates": len(releases),
        "features": features,
        "of them there only since a dependency is optional": implicit,
        "of them reached by `default`": defaults,
        WRONG: wrong,
        "crates after which cargo cannot be asked, since the corpus lacks what they need": unanswered,
    }


def _entry(world: World, release: corpus.Locked) -> Entry:
    line = world.index(index_file(release.name).removeprefix("index/")).find(release.version)
    assert line is not None
    return parse_entry(line.raw)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="try only one of so many")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        found = compared(Path(folder), corpus.fetch(), given.every)
    print(json.dumps(found))
    sys.exit(bool(found[WRONG]))


if __name__ == "__main__":
    _main()
