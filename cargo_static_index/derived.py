"""What is derived from the registry and written beside it: the site."""

from functools import cache
from pathlib import Path

import jinja2

from cargo_static_index.protocol.config import index_url
from cargo_static_index.session import Session
from cargo_static_index.settings import Settings
from cargo_static_index.site import FrontPage, environment, render_front_page
from cargo_static_index.store import Put


def write_front_page(session: Session, settings: Settings) -> None:
    """Write `index.html`, if it changes."""
    registry = settings.registry
    page = FrontPage(
        title=registry.title or registry.name or "Cargo registry",
        registry=registry.name or "NAME",
        description=registry.description,
        index_url=index_url(session.base_url),
        mirror=session.home.mode == "mirror",
        record=session.record,
    )
    content = render_front_page(_templates(), page)
    held = session.store.read("index.html")
    if held is None or held.content != content:
        session.apply([Put(path="index.html", content=content)])


@cache
def _templates() -> jinja2.Environment:
    package = Path(__file__).parent
    # Inside the wheel the templates lie in the package, in a checkout beside it.
    return environment(jinja2.FileSystemLoader([package / "site-template", package.parent / "site-template"]))
