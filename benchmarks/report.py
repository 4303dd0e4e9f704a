"""Writes docs/benchmarks.md and what the README says of speed from docs/benchmarks.json, and measures nothing.

`python -m benchmarks.report` writes them, with the plots.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.cases import ROWS, SOURCES
from benchmarks.results import Known, read_results
from benchmarks.targets import MIB, TARGETS, VERBS, Found, number_of

HEAD = """# Benchmarks

This page is written by `python -m benchmarks` from what it measured; `python -m benchmarks --list` names the rows.
The floor is `benchmarks/floor.py`: two processes that read, hash, inflate, walk, parse and write, and check no more.
Floor and product run in turn, in fresh processes; the first turn is left out.
Each says how long it took once it had started: interpreter and imports are in neither.
Judged rows run in memory (`/dev/shm`), without flush; rows on disk are there to be seen, not judged.
A figure is a median, with the middle half of all turns in brackets.
Peak memory is that of the largest process.

"""

PLOTS = {
    "cold": "Time for each crate against the number of crates",
    "one-more": "Time for one change against the number of releases",
}

FLUSHED = "The floor flushes nothing, so a flushed row says what that costs as well.\n"

BUSY = """The load is the system's average over the minute before the end of the row; the row itself adds up to 2.
Where it is more, other work ran on the same processors: ratios then are a rough guide and seconds none at all.
"""


def page(known: Known) -> str:
    """Give docs/benchmarks.md."""
    found = figures_of(known)
    sections = [
        section(found)
        for section in (
            _targets,
            _builds,
            _reading,
            _changes,
            _beside,
            _pages,
            _publishing,
            _buckets,
            _hands,
            _search,
            _starts,
            _rest,
            _not_run,
        )
    ]
    plots = "".join(f"![{says}](benchmarks-{name}.svg)\n\n" for name, says in PLOTS.items())
    return "".join([HEAD, *sections, plots, _machines(known)])


def in_readme(known: Known) -> str:
    """Give what the README says of speed."""
    found = figures_of(known)
    real, small, pages = (f"**{found[row]['ratio']:.2f}**" for row in ("real", "small-10000", "pages"))
    million = f"**{found['idle-1000000']['ratio']:.2f}**"
    few, most, few_paged, most_paged = (
        _time(found[f"one-{size}"]["add"]["median"]) for size in ("1000", "1000000", "pages-1000", "pages-100000")
    )
    return (
        f"a cold build takes {real} times the floor for real crates, {small} for 10,000 small ones; "
        f"pages make it {pages} times as long.\n"
        f"A build that finds nothing new takes {million} times a bare walk of 1,000,000 files.\n"
        f"One more release takes {few} among 1,000 and {most} among 1,000,000; "
        f"with pages {few_paged} among 1,000 and {most_paged} among 100,000.\n"
    )


def figures_of(known: Known) -> Found:
    """Give the figures alone."""
    return {name: each["figures"] for name, each in known.items()}


def _targets(found: Found) -> str:
    lines = ["## Targets\n\n| | measured | reach | |\n|---|---|---|---|\n"]
    for target in TARGETS:
        number = number_of(target, found)
        measured, word = ("—", "not measured") if number is None else (_number(number, target.unit), "reached")
        if number is not None and number > target.reach:
            word = "**missed**"
        lines.append(f"| {target.says} | {measured} | {_number(target.reach, target.unit)} | {word} |\n")
    return "".join(lines) + "\n"


def _number(number: float, unit: str) -> str:
    return f"{number:.0f}{unit}" if unit and number >= 20 else f"{number:.2f}".rstrip("0").rstrip(".") + unit


def _builds(found: Found) -> str:
    lines = ["## Passes\n\n| case | floor, walk or without | product | ratio | peak memory |\n" + 5 * "|---" + "|\n"]
    for row in ROWS:
        each = found.get(row.name, {})
        if "floor" in each:
            cells = (_seconds(each["floor"]), _seconds(each["product"]), f"**{each['ratio']:.2f}**")
            lines.append(f"| {row.says} | {' | '.join(cells)} | {each['peak'] / MIB:.0f} MiB |\n")
    return "".join(lines) + f"\n{FLUSHED}\n"


def _reading(found: Found) -> str:
    """Give what the real crates are like, and what reading one takes."""
    if "real-today" not in found:
        return ""
    row = found["real-today"]
    lines = ["## Reading\n\nWhat the real crates are like, and the processor time that reading one takes, up to its "]
    lines.append("metadata, in one process. `benchmarks/today/Cargo.lock` names those of today.\n\n")
    lines.append("| set | releases | packed | unpacked | files | reading | inflating | hashing | all else |\n")
    lines.append(9 * "|---" + "|\n")
    for name in ("of `real`", "of today"):
        each = row[name]
        sizes = [
            f"{each[what] / 1000:,.0f} kB (median {each[f'median {what}'] / 1000:,.0f})"
            for what in ("packed", "unpacked")
        ]
        inflating, hashing = (each[what] / each["reading"] for what in ("inflating", "hashing"))
        shares = " | ".join(f"{share:.0%}" for share in (inflating, hashing, 1 - inflating - hashing))
        cells = (f"{each['crates']:,}", *sizes, f"{each['files']:.0f}", f"{each['reading'] * 1000:.2f} ms", shares)
        lines.append(f"| {name} | {' | '.join(cells)} |\n")
    return "".join([*lines, "\n"])


def _seconds(spread: Mapping[str, float]) -> str:
    return f"{_time(spread['median'])} ({_time(spread['low'])}–{_time(spread['high'])})"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def _changes(found: Found) -> str:
    lines = ["## One change\n\nTime inside the process, from opening the registry to closing it; the changes of a row "]
    lines.append("are made in one process, of which the first two are left out.\n\n")
    lines.append("| case | one more, by `add` | yank one | remove one |\n|---|---|---|---|\n")
    for row in ROWS:
        each = found.get(row.name, {})
        if "yank" in each:
            lines.append(f"| {row.says} | {' | '.join(_seconds(each[verb]) for verb in VERBS)} |\n")
    for row in ROWS:
        each = found.get(row.name, {})
        if "2000 bytes" in each:
            lines.append(
                f"\nOne more version onto 2,000 of the same crate{' with pages' if 'pages' in row.name else ''} takes "
                f"{_seconds(each['2000'])}, onto one {_seconds(each['1'])}; "
                f"the index files then have {each['2000 bytes']:,} and {each['1 bytes']:,} bytes.\n"
            )
    return "".join(lines) + "\n"


def _beside(found: Found) -> str:
    """Give what builds and changes take beside the code before."""
    rows = [
        (row.says.partition(", beside")[0], found[row.name]) for row in ROWS if "processor" in found.get(row.name, {})
    ]
    if not rows:
        return ""
    lines = ["## Beside c73c06c\n\nProcessor time of all processes of a build, and of one change without starting, in "]
    lines.append("turn with the code from before folders showed the shape. It asked less of each crate, and its pages ")
    lines.append("showed less.\n\n| case | | c73c06c | now | ratio |\n|---|---|---|---|---|\n")
    for says, each in rows:
        for verb, took in each["processor"].items():
            if verb != "count":
                ratio = took["now"]["median"] / took["before"]["median"]
                lines.append(
                    f"| {says} | {verb} | {_seconds(took['before'])} | {_seconds(took['now'])} | {ratio:.2f} |\n"
                )
    return "".join(lines) + "\n"


def _pages(found: Found) -> str:
    """Give what the pages of a release take, for each value of `[pages] source`."""
    if "source" not in found:
        return ""
    row = found["source"]
    lines = [f"## Pages of files\n\nWhat pages take of {row['crates']} real crates, a release, "]
    lines.append("more than a build without pages.\n\n")
    lines.append("| `[pages] source` | processor time | files | size |\n|---|---|---|---|\n")
    lines += [
        f"| `{source}` | {_time(row[source]['each'])} | {row[source]['files']:.1f} | "
        f"{row[source]['bytes'] / 1024:,.0f} KiB |\n"
        for source in SOURCES
    ]
    if earlier := found.get("source-before"):
        now, before = (
            f"{_time(each['each'])}, {each['files']:.1f} files and {each['bytes'] / 1024:,.0f} KiB"
            for each in (earlier["now"], earlier["before"])
        )
        lines.append(
            f"\nAt c73c06c, before pages showed features whole, what is missing, advisories, licenses, images of the "
            f"archive and pages of files, a release took {before}; in turn with that, `none` took {now}.\n"
        )
    return "".join([*lines, "\n"])


def _publishing(found: Found) -> str:
    rows = [(row.says, found[row.name]) for row in ROWS if "publish" in found.get(row.name, {})]
    if not rows:
        return ""
    lines = [
        "## Publishing\n\nOver real HTTP on loopback by a connection that is kept, on disk, flushed and with pages; "
    ]
    lines.append("`add` is inside a process, of the like crates on the same tree.\n\n")
    lines.append("| case | publish one | `add` one | request that does nothing | a second, one client | eight |\n")
    lines.append(6 * "|---" + "|\n")
    for says, each in rows:
        times = (_seconds(each[what]) for what in ("publish", "add", "nothing"))
        lines.append(f"| {says} | {' | '.join(times)} | {each['one client']:.1f} | {each['clients']:.1f} |\n")
    return "".join(lines) + f"\nA flush takes {_time(rows[0][1]['flush'])} there.\n\n"


def _buckets(found: Found) -> str:
    """Give what a tree in a bucket costs."""
    lines = ["## Buckets\n\nA real SeaweedFS on loopback; it works on the same processors.\n\n"]
    upload = found.get("bucket-real")
    if upload:
        product, floor = _seconds(upload["product"]), _seconds(upload["bare"])
        lines.append(
            f"- A first upload of {upload['crates']:,} real crates, read and checked, takes {product}; the client "
            f"library alone puts the {upload['objects']:,} objects that it leaves (archives, metadata, index files, a "
            f"name for each crate, records of changes) in {floor}, as many at a time. "
            f"That is {upload['ratio']:.2f} times as long.\n"
        )
    for row in ROWS:
        each = found.get(row.name, {})
        if "requests" in each:
            kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(each["kinds"].items()))
            lines.append(
                f"- {row.says} ({each['objects']:,} objects), from an empty disk, three dependencies, no pages: "
                f"{each['requests']} requests ({kinds}), {_seconds(each['one more'])}.\n"
            )
        if "paged requests" in each:
            kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(each["kinds"].items()))
            lines.append(
                f"- {row.says} ({each['objects']:,} objects in memory), from an empty disk: {each['paged requests']} "
                f"requests ({kinds}) for {each['changed']} files that change, of which {each['in lists']} are parts of "
                "lists and of the search.\n"
            )
        if "coordinator" in each:
            whole = each["coordinator"] + each["workers"]
            lines.append(
                f"- {row.says}: {_time(whole)} of processor time a release, of which who builds takes "
                f"{_time(each['coordinator'])}: one feeds the workers of {each['workers'] / each['coordinator']:.0f} "
                "processors. Measured on one machine; what a network between them costs was not.\n"
            )
    return "".join(lines) + "\n" if len(lines) > 1 else ""


def _hands(found: Found) -> str:
    """Give what writers pay for each other, and what looking at the whole tree takes."""
    lines = ["## Many hands\n\n"]
    for row in ROWS:
        each = found.get(row.name, {})
        if "after another" in each:
            lines.append(
                f"- {row.says}, with a state of its own: {_seconds(each['after another'])}; after its own "
                f"{_seconds(each['after its own'])}; the first time, when it reads the whole index, "
                f"{_time(each['reads all'])}.\n"
            )
        elif "slowest" in each:
            writers = each["writers"]
            lines.append(
                f"- {row.says}: {_seconds(each['beside'])}, the slowest {_time(each['slowest'])}; alone "
                f"{_seconds(each['alone'])}. A batch of the pass takes {_time(each['batch'])}, so twice alone and a "
                f"batch are {_time(each['allowed'])}.\n"
                f"- Eight writers with states of their own and 50 crates each leave {writers['lines']} of "
                f"{writers['of']} lines; the quickest is done after {_time(writers['quickest'])}, the last after "
                f"{_time(writers['longest'])}.\n"
            )
        elif "again" in each:
            lines.append(
                f"- {row.says}: {_time(each['first'])} when it is asked for the first time, {_seconds(each['again'])} "
                f"after one more crate arrived; {each['missing']:,} requirements are not satisfied there, which "
                f"releases have {each['needing']:,} times. Peak memory {each['peak'] / MIB:.0f} MiB.\n"
            )
        elif "verify" in each:
            lines.append(
                f"- {row.says}: {_seconds(each['2 processes'])} in two processes, {_seconds(each['1 processes'])} "
                "in one.\n"
            )
    if earlier := found.get("verify-before"):
        lines.append(
            f"- `verify` of {earlier['crates']:,} releases as a whole process, without pages, on two processors: "
            f"{_seconds(earlier['now'])}; at c73c06c, before it used more than one and told what nothing held "
            f"satisfies, {_seconds(earlier['before'])}.\n"
        )
    return "".join([*lines, "\n"]) if len(lines) > 1 else ""


def _search(found: Found) -> str:
    """Give how well a search finds what is wanted, now and by the two rankings of before."""
    if "search" not in found:
        return ""
    now, before = found["search"], found["search-before"]
    lines = [f"## Search\n\n{now['queries']} queries of `benchmarks/search-queries.toml`, among {now['crates']} real "]
    lines.append("crates: the mean of 1 ÷ the place at which what is wanted stands.\n")
    lines.append("The ranking is not fitted to those in `test`, which were written before it.\n\n")
    lines.append("| queries | command line before | browser before | now, everywhere |\n|---|---|---|---|\n")
    lines += [
        f"| {group} | {before['ranks'][group]:.3f} | {before['browser'][group]:.3f} | **{rank:.3f}** |\n"
        for group, rank in sorted(now["ranks"].items())
    ]
    lines.append(
        f"\nOne more crate among {now['beside']:,} rewrites {now['files']['median']:.0f} files of the search "
        f"({before['files']['median']:.0f} before), {now['bytes']['median'] / 1024:.0f} KiB "
        f"({before['bytes']['median'] / 1024:.0f} KiB before).\n\n"
    )
    if arrival := found.get("arrival"):
        here, then = (
            f"{each['files']['median']:.0f} files ({each['files']['low']:.0f}–{each['files']['high']:.0f}), "
            f"{each['bytes']['median'] / 1024:.0f} KiB"
            for each in (arrival["now"], arrival["before"])
        )
        lines.append(
            f"One more real crate among {arrival['crates']} others writes {here} of the whole tree, its own pages "
            f"included; at c73c06c it wrote {then}.\n\n"
        )
    return "".join(lines)


def _rest(found: Found) -> str:
    lines = ["## Memory\n\n"]
    if million := found.get("idle-1000000"):
        lines.append(f"A million releases were published from nothing in {million['cold']['wall']:.0f} s.\n")
    for says, each in found.get("largest", {}).items():
        peak = f"{each['median'] / MIB:.0f} MiB"
        lines.append(f"One crate of {says} takes {peak}, {each['more'] / MIB:.0f} MiB more than a small one.\n")
    return "".join(lines) + "\n"


def _starts(found: Found) -> str:
    lines = [
        "## Whole commands\n\nAs processes of their own, from the call to the end. `build` finds nothing new among "
    ]
    lines.append("10,000 files.\n\n| | pages off | with pages |\n|---|---|---|\n")
    plain, paged = found.get("start", {}), found.get("start-pages", {})
    for name in (each for each, figures in plain.items() if isinstance(figures, dict)):
        cells = (_seconds(each[name]) if name in each else "" for each in (plain, paged))
        lines.append(f"| {name} | {' | '.join(cells)} |\n")
    return "".join(lines) + "\n"


def _not_run(found: Found) -> str:
    missing = [f"- `{row.name}`: {row.says}\n" for row in ROWS if row.name not in found]
    return f"## Not run\n\n{''.join(missing)}\n" if missing else ""


def _machines(known: Known) -> str:
    groups: dict[str, list[str]] = {}
    for row in ROWS:
        if row.name in known:
            on = known[row.name]["on"]
            where = ", ".join((on["processor"], on["system"], f"Python {on['python']}", on["with"], on["commit"]))
            turns = _turns(known[row.name]["figures"])
            groups.setdefault(where, []).append(f"`{row.name}` ({turns} turns, load {on['load']})")
    lines = [f"- {where}: {', '.join(rows)}.\n" for where, rows in groups.items()]
    return f"## Measured on\n\n{''.join(lines)}\n{BUSY}" if lines else ""


def _turns(figures: Mapping[str, Any]) -> int:
    """Give how many numbers each median is of."""
    counts = (int(each["count"]) for each in figures.values() if isinstance(each, dict) and "count" in each)
    return min(counts, default=1)


def _main() -> None:
    from benchmarks.plots import write_plots  # noqa: PLC0415 - tests read what is made here, and have no matplotlib

    known = read_results()
    Path("docs/benchmarks.md").write_text(page(known))
    write_plots(figures_of(known), Path("docs"))
    if missing := [row.name for row in ROWS if row.name not in known]:
        print(f"the README stays as it is until these rows are measured: {', '.join(missing)}")
        return
    readme = Path("README.md")
    before, after = readme.read_text().split("a cold build takes ")
    readme.write_text(before + in_readme(known) + "\n" + after.partition("\n\n")[2])


if __name__ == "__main__":
    _main()
