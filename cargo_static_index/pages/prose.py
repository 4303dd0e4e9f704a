"""READMEs and change logs as safe HTML, or the sentence that stands where there is none."""

import re

from msgspec import Struct

from cargo_static_index.changelog import changelog_section
from cargo_static_index.facts import Document, Facts
from cargo_static_index.markdown import render_readme
from cargo_static_index.pages.look import Look

_MISSING = {
    "too-large": "The file {path} is larger than the registry shows; it is in the archive.",
    "not-utf8": "The file {path} is not UTF-8, so it is not shown; it is in the archive.",
    "not-found": "Cargo.toml names {path}, which is not in the archive.",
}

# In safe HTML a bare `<` begins a tag.
_HEADING = re.compile("(</?h)([1-6])(?=[ >])")
_SCROLL = '<div class="scroll" role="group" aria-label="Table" tabindex="0">'


class Prose(Struct, frozen=True, kw_only=True):
    """Safe HTML, or, where it is empty, `note` that says why."""

    html: str = ""
    note: str = ""


def readme_prose(facts: Facts | None, look: Look) -> Prose:
    """Render a README."""
    readme = facts.readme if facts else None
    if facts is None or readme is None:
        return Prose(note="This release has no README.")
    if readme.text is None:
        return Prose(note=_MISSING[readme.missing or "not-found"].format(path=readme.path))
    html = _outlined(_rendered(readme.text, readme, facts, look), 1)
    return Prose(html=html) if html.strip() else Prose(note="The README is empty.")


def changelog_prose(facts: Facts | None, look: Look) -> str:
    """Render what the change log says of this version, or nothing where that cannot be told."""
    changelog = facts.changelog if facts else None
    if facts is None or changelog is None or changelog.text is None:
        return ""
    section = changelog_section(changelog.text, facts.manifest.version)
    html = _outlined(_rendered(section, changelog, facts, look), 2) if section else ""
    # The README stands on the same page, and its headings may be called the same.
    return html.replace('id="user-content-', 'id="user-content-log-').replace(
        'href="#user-content-', 'href="#user-content-log-'
    )


def _rendered(source: str, document: Document, facts: Facts, look: Look) -> str:
    html = render_readme(
        source,
        path=document.path,
        repository=facts.manifest.repository,
        path_in_vcs=facts.vcs.path_in_vcs if facts.vcs else "",
        commit=facts.vcs.sha1 if facts.vcs else None,
        images=look.images,
    ).html
    # A wide table scrolls by itself, and who has no mouse must reach it.
    return html.replace("<table", f"{_SCROLL}<table").replace("</table>", "</table></div>")


def _outlined(html: str, above: int) -> str:
    """Put headings below the page's own of level `above`, without a gap: who listens goes by them."""
    level = above

    def put(found: re.Match[str]) -> str:
        nonlocal level
        if found[1] == "<h":
            level = max(above + 1, min(int(found[2]) + 1, level + 1, 6))
        return f"{found[1]}{level}"

    return _HEADING.sub(put, html)
