"""Advisories as a database of them has them."""

from pathlib import Path

TEXT = """```toml
[advisory]
id = "{id}"
package = "{name}"
date = "{date}"
{more}
[versions]
patched = [{patched}]
unaffected = [{unaffected}]
```

# {title}

What is wrong, at length.
"""


def advise(
    folder: Path,
    name: str,
    id_: str = "RUSTSEC-2026-0001",
    *,
    patched: str = '">= 1.1.0"',
    unaffected: str = "",
    title: str = "It <b>breaks</b>",
    date: str = "2026-01-02",
    more: str = "",
) -> Path:
    """Write an advisory where it belongs."""
    path = folder / "crates" / name / f"{id_}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        TEXT.format(id=id_, name=name, date=date, more=more, patched=patched, unaffected=unaffected, title=title)
    )
    return path
