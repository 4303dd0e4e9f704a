"""The pages for people, made from templates. Values in, bytes out: what is read and written is others' business."""

import jinja2
from msgspec import Struct

from cargo_static_index.record import TreeRecord


class FrontPage(Struct, frozen=True, kw_only=True):
    """What the front page shows."""

    title: str
    registry: str
    """The registry's name in cargo's configuration."""
    description: str | None
    index_url: str
    """The index URL for cargo, `sparse+` and the last slash included."""
    mirror: bool
    record: TreeRecord


def environment(loader: jinja2.BaseLoader) -> jinja2.Environment:
    """Give the environment for templates: everything is escaped, and a name that is not there is an error."""
    return jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render_front_page(templates: jinja2.Environment, page: FrontPage) -> bytes:
    """Render `index.html`."""
    return templates.get_template("index.html").render(page=page).encode()
