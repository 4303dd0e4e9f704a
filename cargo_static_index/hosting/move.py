"""A registry that moves: redirects on the old host, and what users of old lock files write."""

from urllib.parse import urlsplit

from cargo_static_index.hosting.place import Place

_STEPS = """\
# Moving the registry from @OLD@ to @BASE@
#
# 1. Copy the tree to the new host, and have it served there (`cargo-static-index hosting nginx`).
# 2. Say so to the tree: write base-url = "@BASE@" into registry.toml, then `cargo-static-index build --move`.
#    Lines keep naming dependencies of this registry as its own; @OLD@ becomes an alias in tree.json.
# 3. Copy index/ once more, and let the old host answer with redirects (below).
# 4. Tell users: the registry's `index` in .cargo/config.toml becomes sparse+@BASE@index/
# 5. Lock files that name the old address keep working with the block below, also once the old host is gone.

# --- the old host, nginx: inside its `server`
location @OLDPATH@ { return 308 @BASETRIMMED@$request_uri; }

# --- the old host, Caddy
@OLDHOST@ {
    redir @OLDPATH@* @BASETRIMMED@{uri} 308
}

# --- the old host, Apache
Redirect 308 "@OLDPATH@" "@BASE@"

# --- .cargo/config.toml of projects whose Cargo.lock names the old address: `cargo build --locked` goes on
[source.moved-from]
registry = "sparse+@OLD@index/"
replace-with = "moved-to"

[source.moved-to]
registry = "sparse+@BASE@index/"
"""


def move(place: Place, old: str) -> str:
    """Give the steps of a move from another base URL, which ends in a slash, and what each needs."""
    address = urlsplit(old)
    same_path = address.path == place.path
    text = (
        _STEPS
        if same_path
        else _STEPS.replace("@BASETRIMMED@$request_uri", "@BASE@$moved")
        .replace("location @OLDPATH@ {", "location ~ ^@OLDPATH@(?<moved>.*)$ {")
        .replace("redir @OLDPATH@* @BASETRIMMED@{uri} 308", "@OPEN@")
    )
    return place.filled(
        text,
        OLD=old,
        OLDPATH=address.path,
        OLDHOST=address.hostname or "localhost",
        BASETRIMMED=place.base_url.removesuffix(place.path),
        OPEN=f"handle_path {address.path}* {{\n    redir {place.base_url.removesuffix('/')}{{uri}} 308\n}}",
    )
