"""The command that prints configurations of servers and hosts: hosting."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from cargo_static_index.cli.command import command
from cargo_static_index.cli.options import argument
from cargo_static_index.cli.run import FOUND_WRONG, GOOD, Run
from cargo_static_index.diagnostics.errors import InvalidConfig, SettingsError
from cargo_static_index.hosting import apache, buckets, caddy, nginx, pages, purges
from cargo_static_index.hosting.move import move
from cargo_static_index.hosting.place import Place, Private
from cargo_static_index.protocol.config import base_url_of, parse_base_url
from cargo_static_index.registry.configured import store_of
from cargo_static_index.server.upload import largest_body
from cargo_static_index.site.readme.images import FETCHED
from cargo_static_index.site.theme import content_security_policy
from cargo_static_index.store import Store
from cargo_static_index.store.bucket import Bucket
from cargo_static_index.tree.read import read_config

HOSTS: Final[dict[str, Callable[[Place], str]]] = {
    "nginx": nginx.nginx,
    "caddy": caddy.caddy,
    "apache": apache.apache,
    "s3": buckets.s3,
    "cloudfront": buckets.cloudfront,
    "cloudflare-pages": pages.cloudflare_pages,
    "github-pages": pages.github_pages,
    "gitlab-pages": pages.gitlab_pages,
    "purge-cloudflare": purges.purge_cloudflare,
    "purge-cloudfront": purges.purge_cloudfront,
    "purge-fastly": purges.purge_fastly,
}
"""What a configuration can be printed for."""
OF_AMAZON: Final = frozenset({"s3", "cloudfront"})
OF_BUCKETS: Final = OF_AMAZON | {"purge-cloudflare", "purge-cloudfront", "purge-fastly"}


@command(
    [
        "registry.base-url",
        "tree.path",
        "limits.packed-bytes",
        "serve.request-timeout",
        "pages.images",
        "pages.precompress",
    ],
    examples=("hosting nginx > /etc/nginx/conf.d/crates.conf", "hosting move --from https://old.example.com/"),
)
@argument("host", type=click.Choice([*HOSTS, "move"]), metavar="HOST", says=f"One of: {', '.join(HOSTS)}; or move.")
@click.option("--root", metavar="DIR", help="The tree's folder on the server, where it is another one than here.")
@click.option(
    "--private",
    type=click.Choice(["index", "all"]),
    help="Ask readers for a token: for the index and the archives, or for the pages, too.",
)
@click.option("--endpoint", metavar="ADDRESS", help="The publish endpoint behind the server, such as 127.0.0.1:8000.")
@click.option("--from", "old", metavar="URL", help="The address that the registry moves away from.")
def hosting_command(
    run: Run, *, host: str, root: str | None, private: Private | None, endpoint: str | None, old: str | None
) -> int:
    """Print a complete configuration for a server or host, or a script that purges a CDN, made for this registry.

    Nothing is changed. Where a host has limits, the tree is counted against them, and the exit code is 1 where it does
    not fit. With `move` it is the steps of moving to the base URL that is set, and what each of them needs.
    """
    tree = store_of(run.settings)
    place = Place(
        base_url=_base_url(run, tree),
        root=root or _root(run, host),
        policy=content_security_policy(images=run.settings.pages.images in FETCHED),
        private=private or "no",
        endpoint=endpoint,
        precompressed=run.settings.pages.precompress,
        upload_bytes=largest_body(run.settings.limits.packed_bytes),
        seconds=int(run.settings.serve.request_timeout),
    )
    if host == "move":
        sys.stdout.write(move(place, _old(old)))
        return GOOD
    sizes = ((path, tree.size(path) or 0) for path in tree.list())
    wrong = list(pages.over(pages.CEILINGS[host], sizes)) if host in pages.CEILINGS else []
    for sentence in wrong:
        run.terminal.fail(f"{sentence} ({pages.CEILINGS[host].source}); serve it from a bucket or a server of yours")
    if not wrong:
        sys.stdout.write(HOSTS[host](place))
    return FOUND_WRONG if wrong else GOOD


def _root(run: Run, host: str) -> str:
    tree = run.settings.tree.path
    if host in OF_AMAZON and isinstance(tree, Bucket) and tree.scheme != "s3":
        raise SettingsError(
            f"`hosting {host}` prints policies of Amazon's, and the tree is in {tree}; who may do what there is set by "
            "that store's own roles, or name a bucket with --tree s3://BUCKET/PREFIX"
        )
    if host in OF_BUCKETS:
        return str(tree)
    if not isinstance(tree, Path):
        raise SettingsError("the tree is in a bucket; name the folder that the server reads with --root")
    return str(tree.absolute())


def _base_url(run: Run, tree: Store) -> str:
    found = run.settings.registry.base_url or base_url_of(read_config(tree))
    if found is None:
        raise SettingsError("the base URL is not known; give it with --base-url, or set it in `[registry]`")
    return parse_base_url(found)


def _old(old: str | None) -> str:
    if old is None:
        raise SettingsError("`hosting move` needs the address that the registry moves away from: --from URL")
    try:
        return parse_base_url(old)
    except InvalidConfig as error:
        raise SettingsError(f"--from: {error}") from error
