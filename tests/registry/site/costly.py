"""READMEs that cost the renderer much, and what they cost beside the limits that end it.

Each is as long as any that is rendered. Some were made by hand against what renderers are bad at; others repeat a few
pieces of Markdown and HTML, or an input that fuzzing kept. `python -m tests.registry.site.costly` renders them.
"""

import argparse
import json
import os
import random
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from cargo_static_index.registry.site.rendering import MEMORY, SECONDS, Renderer
from cargo_static_index.site.readme.markdown import LONGEST
from cargo_static_index.site.readme.text import ReadmeSource

TIMES: Final = 20
"""How often the limits hold what the costliest accepted text takes (registry/site/rendering.py)."""

ADDED: Final = 128 << 20
"""Bytes of memory that a hostile crate may cost (tests/test_hostile.py)."""

_N: Final = LONGEST
_BY_HAND: Final[Mapping[str, str]] = {
    "brackets": "[" * _N,
    "images": "![" * (_N // 2),
    "links in links": "[a](" * (_N // 4),
    "emphasis": "*a " * (_N // 3),
    "strong": "**" * (_N // 4) + "a" + "**" * (_N // 4),
    "strikes": "~a" * (_N // 2),
    "backticks": "".join("e" + "`" * length for length in range(1000)),
    "quotes": "> " * (_N // 2),
    "quotes of many lines": (">" * 500 + "a\n") * 1000,
    "lists": "* > " * (_N // 4),
    "nested lists": "".join("  " * depth + "- a\n" for depth in range(700)),
    "definitions": "a\n\n: b\n\n" * (_N // 8),
    "brackets behind an address": "www.a.b" + ")" * _N,
    "brackets behind an http address": "http://a.b" + ")" * _N,
    "addresses before what is left open": "http://a.b<?" * (_N // 12),
    "addresses and braces": "www.a.b{<?_" * (_N // 11),
    "footnotes": "[^1]" * (_N // 4) + "\n\n[^1]: a",
    "tables": "|" * 1000 + "\n|" + "-|" * 999 + "\n" + "|\n" * (_N // 2 - 2000),
    "entities": "&" * _N,
    "comments": "a <!--" * (_N // 6),
    "brackets of tags": "<" * _N,
    "div": "<div>" * (_N // 5),
    "div in paragraphs": "<p><div>" * (_N // 8),
    "paragraphs": "<p>" * (_N // 3),
    "tables of html": "<table><tr><td>" * (_N // 15),
    "links left open": "<a href=#x>" * (_N // 11),
    "formatting left open": "".join(f"<b a={n}>" for n in range(20_000)) + "<p>x" * 60_000,
    "formatting left open in a paragraph": "<p>"
    + "".join(f"<b id={n}>" for n in range(20_000))
    + "<div>x</div>" * 20_000,
    "attributes": "<a " + " ".join(f"b{n}" for n in range(_N // 8)) + ">x</a>",
    "headings": "# a\n" * (_N // 4),
    "headings in headings": "<h1><div>" * 30_000 + "a",
    "underlined headings": "a\n=\n" * (_N // 4),
    "tasks": "- [ ] x\n" * (_N // 8),
    "steps up": "[x](" + "../" * (_N // 3 - 4) + ")",
    "srcset": "<source srcset='" + "a," * (_N // 2 - 10) + "'>",
    "code": ("```rust\n" + ('r#"' * 300 + "\n") * 14 + "```\n") * 35,
    "comments in code": ("```go\n" + "/*\n" * 5000 + "```\n") * 30,
}
LONG: Final = {title: text[:LONGEST] for title, text in _BY_HAND.items()}
"""Those made by hand, by what they repeat."""

PIECES: Final = (
    *"*_~`<>[]()!&\\|#-+=:'\"{}@^ \n\ta1é",
    "**", "~~", "](", "![", "[a](b)", "[a][b]", "[a]: b\n", "[^1]", "[^1]: a\n", "[ ] ", "\n\n", "\n    ", "> ", "- ",
    "* ", "1. ", "# ", "\n===\n", "\n---\n", "\n```\n", "```rust\n", "\n: ", ": ", "|a|", "|-|\n", "|a|b|\n|-|-|\n",
    "www.a.b", "http://a.b/", "a@b.c ", "<http://a.b>", "&amp;", "&#1;", "&lt;", "<b>", "</b>", "<p>", "<div>",
    "</div>", "<a href=b>", "<a id=b>", "<b a=1>", "<img src=https://a.b/c>", "<table>", "<tr>", "<td>", "<li>", "<ul>",
    "<h1>", "<pre>", "<code class=language-rust>", "<details>", "<br>", "<!--", "-->", "<?", "<![CDATA[", "<svg>",
    "<math>", "<source srcset='a, b'>", "<td align=left>", "[!NOTE]\n", ">>>\n", "fn a() {}\n", "\x00", "🦀",
)  # fmt: skip
"""Of which texts are put together."""


class Cost(Struct, frozen=True, kw_only=True):
    """What a text took of the process that rendered it: processor time, the address space that this had at most, and
    the memory that it used beyond that of a small text."""

    seconds: float
    memory: int
    added: int
    plain: bool


def repeated(unit: str) -> str:
    """Give a text again and again, as long as a README may be."""
    return (unit * (LONGEST // len(unit) + 1))[:LONGEST]


def texts(count: int, corpus: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Give texts by what they are: those made by hand, each piece, `count` of several pieces, and the inputs."""
    yield from LONG.items()
    yield from ((repr(piece), repeated(piece)) for piece in PIECES)
    chance = random.Random(count)
    for _ in range(count):
        chosen = [(piece, chance.choice((1, 1, 1, 50))) for piece in chance.choices(PIECES, k=chance.randint(2, 4))]
        title = ", ".join(f"{piece!r}" if times == 1 else f"{times} {piece!r}" for piece, times in chosen)
        yield f"{title} again and again", repeated("".join(piece * times for piece, times in chosen))
        yield f"{title} in a row", "".join(repeated(piece)[: LONGEST // len(chosen)] for piece, _ in chosen)
    for path in corpus:
        yield path.name, repeated(path.read_bytes().decode(errors="replace") or "a")


def cost_of(text: str) -> Cost | None:
    """Render a text in a process of its own; None where a limit ended that."""
    renderer = Renderer(small=0)
    try:
        renderer(ReadmeSource(text="a", path="README.md"))
        (child,) = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()[-1:]
        begun, before = _seconds(child), _most(child, "VmHWM")
        rendered = renderer(ReadmeSource(text=text, path="README.md", repository="https://github.com/o/r"))
        if rendered is None:
            return None
        memory, added = _most(child, "VmPeak"), _most(child, "VmHWM") - before
        return Cost(seconds=_seconds(child) - begun, memory=memory, added=added, plain=rendered.plain)
    finally:
        renderer.close()


def _seconds(pid: str) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _most(pid: str, what: str) -> int:
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines[what].split()[0]) * 1024


def figures(costs: Mapping[str, Cost | None]) -> dict[str, object]:
    """Give how many texts there were, and the costliest beside the limits."""
    rendered = {title: cost for title, cost in costs.items() if cost is not None}
    slowest = max(rendered, key=lambda title: rendered[title].seconds)
    largest = max(rendered, key=lambda title: rendered[title].memory)
    seconds, memory = rendered[slowest].seconds, rendered[largest].memory
    return {
        "texts": len(costs),
        "shown as written": sum(cost.plain for cost in rendered.values()),
        "ended by a limit": [title for title in costs if title not in rendered],
        "seconds at most": f"{seconds:.2f} ({slowest})",
        "the limit of time is so many times that": round(SECONDS / seconds, 1),
        "MiB of address space at most": f"{memory >> 20} ({largest})",
        "the limit of memory is so many times that": round(MEMORY / memory, 1),
        "MiB of memory added at most": max(cost.added for cost in rendered.values()) >> 20,
    }


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300, help="of combinations of pieces")
    parser.add_argument("--corpus", type=Path, default=Path("target/fuzz/readme"), help="a folder of fuzzed inputs")
    given = parser.parse_args()
    corpus = sorted(given.corpus.iterdir()) if given.corpus.exists() else []
    costs = {title: cost_of(text) for title, text in texts(given.count, corpus)}
    print(json.dumps(figures(costs), ensure_ascii=False))
    sys.exit(any(cost is None or not in_bounds(cost) for cost in costs.values()))


def in_bounds(cost: Cost) -> bool:
    """Whether the limits are so many times what a text took, which is no more than any crate may take."""
    return cost.seconds * TIMES <= SECONDS and cost.memory * TIMES <= MEMORY and cost.added <= ADDED


if __name__ == "__main__":
    _main()
