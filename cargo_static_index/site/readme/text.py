"""A text of a crate that pages show, and what is made of it: values, without what renders, which is slow to load."""

from typing import NamedTuple

from msgspec import Struct

from cargo_static_index.site.readme.images import Images


class Heading(NamedTuple):
    """A heading of a README: level 1 to 6, its id with the prefix, and its text (not escaped)."""

    level: int
    id: str
    text: str


class Rendered(Struct, frozen=True, kw_only=True):
    """A text as HTML: `headings` in their order; `plain` where it is shown as it was written, in a `<pre>`."""

    html: str
    headings: tuple[Heading, ...] = ()
    plain: bool = False


class ReadmeSource(Struct, frozen=True, kw_only=True):
    """A README or a part of a CHANGELOG, and what its links depend on.

    `path` is the file's in the package and tells by its ending whether it is Markdown; `path_in_vcs` is the
    package's in the repository. Relative links lead to that file at `commit`, or at HEAD without one, and nowhere
    where the repository is at no known forge. An image that is not among those that `images` shows is a link; `held`
    are the names in the tree of those that the package has, by path. Headings stand below the page's own of level
    `below`, and no level is left out.
    """

    text: str
    path: str
    repository: str | None = None
    path_in_vcs: str = ""
    commit: str | None = None
    images: Images = "all"
    held: dict[str, str] = {}
    below: int = 1
