"""docs/reliability.md: what the runs found that take too long for the test suite.

`scripts/test-long` does the runs, one after the other, and puts the figures of each into its section of the page;
what is not run keeps its section. `--only NAME` does one run, and may stand more than once.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

PAGE: Final = Path("docs/reliability.md")
HEAD: Final = """# Reliability

`scripts/test-long` writes this page from what it found: each section says what was run, when, and on which commit.
The test suite has a short sample of each run.
"""
NOT_RUN: Final = "Not run yet.\n"

Figures = Mapping[str, object]


class Run(Struct, frozen=True, kw_only=True):
    """A run with a section of its own.

    `command` is a program of this checkout, and ends with 0 if all is well. The last line that it prints is a JSON
    object: what was counted or found by what it is; a list is one entry a finding.
    """

    name: str
    says: str
    command: tuple[str, ...]


RUNS: Final = (
    Run(
        name="archives",
        says="Archives that chance has damaged (deflate streams, gzip headers and trailers, tar headers, PAX records) "
        "are read by us and unpacked by the very crates that cargo unpacks with. "
        "What we take, cargo must unpack into the files that we list.",
        command=("-m", "tests.crate.mutants", "--count", "1000000"),
    ),
    Run(
        name="manifests",
        says="Manifests made key by key from cargo's own schema, with right and wrong values, are read by us and, "
        "as those of dependencies, by the real cargo. "
        "What we take, cargo must take; what we refuse, cargo must refuse, or we say for whose sake we do.",
        command=("-m", "tests.cargo.manifests"),
    ),
    Run(
        name="features",
        says="For every real crate of the corpus, the features that its page shows are held against the real cargo's: "
        "names and what each turns on against `cargo metadata --all-features` of the package, and what `default` "
        "reaches and a dependent may name against `cargo add` from a mirror, or else against the resolver, which turns "
        "on more: what a value `NAME/FEATURE` stands for.",
        command=("-m", "tests.cargo.features"),
    ),
    Run(
        name="other-tools",
        says="crates-index and tame-index, by a program made of them, ask a served tree for its index, and read it; "
        "each archive is downloaded from where they say, or from the address of its version. "
        "Each line must be read as it is, and each archive come whole.",
        command=("-m", "tests.cargo.other_tools"),
    ),
    Run(
        name="rendering",
        says="READMEs as long as any that is rendered, made to cost much: by hand, from pieces of Markdown and HTML, "
        "and from inputs that fuzzing kept. The limits that end the process which renders must be twenty times what "
        "the costliest takes of processor time and of address space.",
        command=("-m", "tests.registry.site.costly"),
    ),
    Run(
        name="real-pages",
        says="Pages are made of all real crates of the corpus, with their READMEs and changelogs. "
        "Every link in them must lead somewhere, and a validator of HTML accept each page that shows something new.",
        command=("-m", "tests.registry.site.real"),
    ),
    Run(
        name="axe",
        says="axe looks, in a real Chromium and both schemes, at pages of each kind of a mirror of the corpus: crates, "
        "versions, dependents, files, lists, searches and all others. It must find nothing at WCAG 2.2 AA, and nothing "
        "by its best practice.",
        command=("-m", "tests.browser.real", "--each", "30"),
    ),
    Run(
        name="search",
        says="In a real Chromium one searches among 150,000 crates, as many as crates.io had in 2024, as one types: "
        "letters, names, parts of names, purposes. No search may load more than 100 kB, and each must find the very "
        "crates, in their order, that the program's own search finds.",
        command=("-m", "tests.browser.scale", "--crates", "150000"),
    ),
    Run(
        name="damages",
        says="Files of every kind that a tree has (index files, archives, metadata, documents, kept archives, owners, "
        "pages, lists, search data, feeds, sitemaps, files and images of archives, assets, compressed copies, "
        "tree.json and pages.json) are lost, emptied, cut, changed by a bit, put back to an earlier state or replaced "
        "by another of their kind, singly and in pairs. Who then does what `verify` says, and nothing else, must have "
        "the tree that was, or be told what is lost.",
        command=("-m", "tests.registry.verify.damages", "--each", "2", "--pairs", "500", "--flips", "500"),
    ),
    Run(
        name="verify-beside",
        says="Two processes, one with a state of its own, publish, yank, remove and bring back, one crate or many, and "
        "hardly rest; beside them `verify` looks at the tree again and again, at all of it, quickly and in shares. "
        "What it tells of the sound tree is a false alarm; of a damaged archive it must tell at every look.",
        command=("-m", "tests.registry.verify.beside", "--seconds", "600"),
    ),
    Run(
        name="same-bytes",
        says="The whole corpus and a set of damaged and rivalling crates are built in a folder and in a bucket, by one "
        "process and by several, dropped in different orders, each command with a random seed of Python's hashes. "
        "Every published byte and every document that is printed must be the same.",
        command=("-m", "tests.registry.same_bytes", "--refused", "2000"),
    ),
    Run(
        name="web-api",
        says="schemathesis asks the publish endpoint whatever its OpenAPI description allows, and much that it does "
        "not, of an open and of a private registry, with and without tokens. "
        "Every answer must have a status and a shape that are described, and none may be an error of the server.",
        command=("-m", "tests.server.described", "--examples", "100"),
    ),
    Run(
        name="faults",
        says="At each call to the operating system by which a change (publishing, yanking, removing, restoring, "
        "reindexing, moving, turning pages on, watching) opens, makes, writes, flushes, renames or deletes a file, or "
        "commits to the state, it fails (EIO, ENOSPC, EACCES), does half of what it should, or is the last of its "
        "process. Each line must have its archive then; after the next build `verify` must find nothing, and the tree "
        "be byte for byte what it would be had nothing disturbed what happened; a watcher must mend by itself what it "
        "survives.",
        command=("-m", "tests.registry.disk", "--pages", "3", "--hundred", "20"),
    ),
    Run(
        name="signals",
        says="Every command is told by SIGTERM or SIGINT to end at moments evenly spread over the calls that our code "
        "makes and takes. It must end with 143 or 130 (`watch` and `serve` may finish, and end with 0), the next pass "
        "must end well, and `verify` must find nothing after it.",
        command=("-m", "tests.cli.moments"),
    ),
    Run(
        name="endpoint-kills",
        says="The publish endpoint is killed by SIGKILL at any moment while four clients publish. "
        "What was answered with 200 must be there, and `verify` must find nothing.",
        command=("-m", "tests.server.hold", "kills", "--count", "36"),
    ),
    Run(
        name="endpoint-hands",
        says="Two endpoints with states of their own, a watcher in one of them, and commands publish on one tree. "
        "Nothing may be lost, and `verify` must find nothing after one more build.",
        command=("-m", "tests.server.hold", "hands", "--crates", "200"),
    ),
    Run(
        name="endpoint-beside",
        says="Small crates are published and index files read while a crate of 100 MiB uploads and is checked, and "
        "while another process has a build of 10,000 crates: how long each took, in milliseconds.",
        command=("-m", "tests.server.hold", "beside", "--mib", "95", "--crates", "10000"),
    ),
    Run(
        name="endpoint-crowd",
        says="400 idle and slow connections are held open while nonsense comes in (gigabytes claimed, wrong lengths, "
        "malformed JSON): each is an error, memory must stay, and the next request must be served.",
        command=("-m", "tests.server.hold", "crowd", "--connections", "400"),
    ),
    Run(
        name="writers",
        says="Eight processes add 400 crates of 40 names to one tree at the same time, with one state directory and "
        "with one each; then again with yanks and removals between, and with kills. A reader polls the index all the "
        "while: each line must parse and have its archive. At the end some order of what was done must explain each "
        "release, `verify` must find nothing, and the pages be those that the tree alone gives.",
        command=("-m", "tests.registry.writers"),
    ),
    Run(
        name="gateway",
        says="A registry in a bucket of the Versity S3 Gateway, a second real store beside SeaweedFS: it must keep to "
        "conditions, lose nothing where 16 write one key and where four hosts add to one crate at the same time, give "
        "out what was dropped, serve cargo with the policy that `hosting s3` prints, and by the policies of roles let "
        "readers write nothing, who publishes remove nothing, and nobody see what machines stage. "
        "`verify --deep` must find nothing at the end.",
        command=("-m", "tests.cargo.gateway"),
    ),
    Run(
        name="servers",
        says="nginx, Caddy and Python's http.server are asked for index files, with the ETag and the time that each "
        "gave last, and for archives, while releases are added, yanked, removed whole and brought back in the same "
        "second, and while rsync copies by size and time. Each answer must be the whole file as it was when it was "
        "asked for, or later, each archive that a line named must come, and each copy be the tree.",
        command=("-m", "tests.hosting.polling", "--seconds", "180"),
    ),
    Run(
        name="watch-flood",
        says="100,000 files are dropped while a watcher builds. "
        "Each must be published once, in memory that does not grow with them.",
        command=("-m", "tests.registry.watch.long", "flood", "--files", "100000"),
    ),
    Run(
        name="watch-soak",
        says="For half an hour files are dropped in every way (copied, renamed in, in pieces, preallocated, in new "
        "folders), with commands beside; in the first half the watcher is killed again and again. "
        "All must be held at the end, `verify` must find nothing, and memory and open files must be flat.",
        command=("-m", "tests.registry.watch.long", "soak", "--seconds", "1800"),
    ),
    Run(
        name="fuzz",
        says="Each target of `fuzz/` is fuzzed by atheris, guided by what of our code an input reaches: "
        "archives, manifests, index files, crates.io's lines as cargo has them, versions and requirements, targets, "
        "READMEs. "
        "Whatever comes, it may only return, or raise an error of our own. "
        "A target has twenty minutes or ten million executions, added up from run to run.",
        command=("-m", "fuzz"),
    ),
    Run(
        name="fuzzed",
        says="What fuzzing has kept goes to cargo too: archives to the crates that it unpacks with, manifests, targets "
        "and requirements to cargo itself, as those of dependencies in a local registry. "
        "What we take, cargo must take; what we refuse, cargo must refuse, or we say for whose sake we do.",
        command=("-m", "tests.cargo.fuzzed"),
    ),
)


def page(runs: Sequence[Run], known: Mapping[str, str]) -> str:
    """Give the page: each run's section in the order of the runs, `known` or empty."""
    parts = [f"## {run.name}\n\n{run.says}\n\n{known.get(run.name, NOT_RUN)}" for run in runs]
    return "\n".join([HEAD, *parts])


def known_sections(runs: Sequence[Run], text: str) -> dict[str, str]:
    """Give what a page says of each of these runs, behind the sentences that say what the run is."""
    found = {}
    for part in text.split("\n## ")[1:]:
        name, _, rest = part.partition("\n\n")
        found[name] = rest.partition("\n\n")[2].rstrip("\n") + "\n"
    return {run.name: found[run.name] for run in runs if run.name in found}


def section(run: Run, figures: Figures, *, date: str, commit: str, seconds: float) -> str:
    """Give what the page says of a run that was done."""
    command = " ".join(("python", *run.command))
    head = f"`{command}` on {date} at {commit}, {_duration(seconds)}:\n\n| what | figure |\n|---|---|\n"
    return head + "".join(f"| {_cell(name)} | {_cell(_text(value))} |\n" for name, value in figures.items())


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list):
        return "<br>".join(map(str, value)) or "none"
    return str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _figures(run: Run) -> Figures | None:
    """Do a run and give its figures, None where it failed."""
    done = subprocess.run([sys.executable, *run.command], stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.splitlines()
    try:
        found = json.loads(lines[-1]) if lines else None
    except ValueError:
        found = None
    if done.returncode == 0 and isinstance(found, dict):
        return found
    print("\n".join(lines[-20:]))
    print(f"{run.name}: failed with exit code {done.returncode}; its section stays as it was", flush=True)
    return None


def _commit() -> str:
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    changed = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], capture_output=True, check=True)
    return said.stdout.strip() + (" (with changes)" if changed.stdout else "")


def _do(run: Run) -> bool:
    print(f"{run.name}: python {' '.join(run.command)}", flush=True)
    commit, begun = _commit(), time.monotonic()
    figures = _figures(run)
    if figures is None:
        return False
    written = section(run, figures, date=time.strftime("%Y-%m-%d"), commit=commit, seconds=time.monotonic() - begun)
    known = known_sections(RUNS, PAGE.read_text()) if PAGE.exists() else {}
    PAGE.write_text(page(RUNS, {**known, run.name: written}))
    print(f"{run.name}: done\n{written}", flush=True)
    return True


def _main() -> None:
    names = [run.name for run in RUNS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=f"one of: {', '.join(names)}")
    only = parser.parse_args().only or names
    chosen = [run for run in RUNS if run.name in only]
    failed = [run.name for run in chosen if not _do(run)]
    not_run = [name for name in names if name not in only]
    print(f"Not run: {', '.join(not_run) or 'none'}. Failed: {', '.join(failed) or 'none'}.")
    sys.exit(bool(failed))


if __name__ == "__main__":
    _main()
