"""READMEs and change logs as safe HTML, or the sentence that stands where there is none."""

from msgspec import Struct

from cargo_static_index.crate.metadata import CrateMetadata, Document
from cargo_static_index.site.readme.changelog import changelog_part
from cargo_static_index.site.readme.markdown import render_readme
from cargo_static_index.site.theme import SiteInfo

_MISSING = {
    "too-large": "The file {path} is larger than the registry shows; it is in the archive.",
    "not-utf8": "The file {path} is not UTF-8, so it is not shown; it is in the archive.",
    "not-found": "Cargo.toml names {path}, which is not in the archive.",
}


class Prose(Struct, frozen=True, kw_only=True):
    """Safe HTML, or, where it is empty, `note` that says why."""

    html: str = ""
    note: str = ""


def readme_prose(metadata: CrateMetadata | None, site: SiteInfo) -> Prose:
    """Render a README."""
    readme = metadata.readme if metadata else None
    if metadata is None or readme is None:
        return Prose(note="This release has no README.")
    if readme.text is None:
        return Prose(note=_MISSING[readme.missing or "not-found"].format(path=readme.path))
    html = _rendered(readme.text, readme, metadata, site)
    return Prose(html=html) if html.strip() else Prose(note="The README is empty.")


def changelog_prose(metadata: CrateMetadata | None, site: SiteInfo) -> str:
    """Render what the change log says of this version, all of it where its headings name none, or nothing."""
    changelog = metadata.changelog if metadata else None
    if metadata is None or changelog is None or changelog.text is None:
        return ""
    section = changelog_part(changelog.text, metadata.manifest.version)
    html = _rendered(section, changelog, metadata, site, below=2) if section else ""
    # The README stands on the same page, and its headings may be called the same.
    return html.replace('id="user-content-', 'id="user-content-log-').replace(
        'href="#user-content-', 'href="#user-content-log-'
    )


def _rendered(source: str, document: Document, metadata: CrateMetadata, site: SiteInfo, below: int = 1) -> str:
    return render_readme(
        source,
        path=document.origin or document.path,
        repository=metadata.manifest.repository,
        path_in_vcs=metadata.vcs.path_in_vcs if metadata.vcs else "",
        commit=metadata.vcs.sha1 if metadata.vcs else None,
        images=site.images,
        below=below,
    ).html
