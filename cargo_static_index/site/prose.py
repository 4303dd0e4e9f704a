"""READMEs and change logs as safe HTML, or the sentence that stands where there is none."""

from collections.abc import Callable, Mapping

from msgspec import Struct, structs

from cargo_static_index.crate.metadata import CrateMetadata, Document
from cargo_static_index.site.readme.changelog import changelog_part
from cargo_static_index.site.readme.text import ReadmeSource, Rendered
from cargo_static_index.site.theme import SiteInfo

Render = Callable[[ReadmeSource], Rendered | None]
"""Renders a text, or gives None where it took more time or memory than any may."""

_MISSING = {
    "too-large": "The file {path} is larger than the registry shows; it is in the archive.",
    "not-utf8": "The file {path} is not UTF-8, so it is not shown; it is in the archive.",
    "not-found": "Cargo.toml names {path}, which is not in the archive.",
}


class Prose(Struct, frozen=True, kw_only=True):
    """Safe HTML, or, where it is empty, `note` that says why; `overrun` where it is plain since it took too much."""

    html: str = ""
    note: str = ""
    overrun: bool = False


def readme_prose(
    metadata: CrateMetadata | None, site: SiteInfo, render: Render, held: Mapping[str, str] | None = None
) -> Prose:
    """Render a README; `held` are the names in the tree of images that the package has, by path."""
    readme = metadata.readme if metadata else None
    if metadata is None or readme is None:
        return Prose(note="This release has no README.")
    if readme.text is None:
        return Prose(note=_MISSING[readme.missing or "not-found"].format(path=readme.path))
    source = _source(readme.text, readme, metadata, site)
    prose = _prose(structs.replace(source, held=dict(held)) if held else source, render)
    return prose if prose.html.strip() else Prose(note="The README is empty.")


def changelog_prose(metadata: CrateMetadata | None, site: SiteInfo, render: Render) -> Prose:
    """Render what the change log says of this version, all of it where its headings name none, or nothing."""
    changelog = metadata.changelog if metadata else None
    if metadata is None or changelog is None or changelog.text is None:
        return Prose()
    section = changelog_part(changelog.text, metadata.manifest.version)
    if not section:
        return Prose()
    prose = _prose(_source(section, changelog, metadata, site, below=2), render)
    # The README stands on the same page, and its headings may be called the same.
    html = prose.html.replace('id="user-content-', 'id="user-content-log-').replace(
        'href="#user-content-', 'href="#user-content-log-'
    )
    return Prose(html=html, overrun=prose.overrun)


def _prose(source: ReadmeSource, render: Render) -> Prose:
    rendered = render(source)
    if rendered is None:
        from cargo_static_index.site.readme.markdown import render_plain

        return Prose(html=render_plain(source.text).html, overrun=True)
    return Prose(html=rendered.html)


def _source(text: str, document: Document, metadata: CrateMetadata, site: SiteInfo, below: int = 1) -> ReadmeSource:
    return ReadmeSource(
        text=text,
        path=document.origin or document.path,
        repository=metadata.manifest.repository,
        path_in_vcs=metadata.vcs.path_in_vcs if metadata.vcs else "",
        commit=metadata.vcs.sha1 if metadata.vcs else None,
        images=site.images,
        below=below,
    )
