"""A bucket and a CDN before it: who may do what, and what answers for what is not there."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from cargo_static_index.hosting.place import Place

_Statement = Mapping[str, object]


PUBLISHED: Final = tuple(
    (
        "index/* crates/* assets/* browse/* search/* sitemap/* changes/* "
        "tree.json pages.json recent.json index.json feed.xml advisories.xml sitemap.xml "
        "opensearch.xml index.html 404.html search.html refused.html"
    ).split()
)
"""What everybody may read: all of the tree, and not what machines stage beside it, which is not published yet."""

PASSING: Final = tuple(
    (
        "begun/* changes/* .cargo-static-index-stage* browse/* search/* sitemap/* assets/* crates/*.html crates/*.js"
    ).split()
)
"""What who publishes deletes again: notes of what is under way, records of long ago, what was staged or tried, and
pages that nothing leads to any more; no line, no archive and no metadata."""


def policy(*statements: _Statement) -> str:
    """Give a policy of Amazon's as JSON, indented for people."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=2)


def _allow(actions: Sequence[str], resource: str | Sequence[str], **more: object) -> _Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def roles(bucket: str, prefix: str) -> dict[str, str]:
    """Give the policy of each role: the web's reader, who publishes, and who removes and mends."""
    objects = f"arn:aws:s3:::{bucket}/{prefix}*"
    published = [f"arn:aws:s3:::{bucket}/{prefix}{path}" for path in PUBLISHED]
    passing = [f"arn:aws:s3:::{bucket}/{prefix}{path}" for path in PASSING]
    # None where all of the bucket is the tree's: a condition might not hold for a request that names no prefix.
    below = {"Condition": {"StringLike": {"s3:prefix": [f"{prefix}*"]}}} if prefix else {}
    list_them = _allow(["s3:ListBucket"], f"arn:aws:s3:::{bucket}", **below)
    read, write = ["s3:GetObject"], ["s3:PutObject", "s3:AbortMultipartUpload"]
    return {
        "reader": policy(_allow(read, objects), list_them),
        "publisher": policy(_allow([*read, *write], objects), list_them, _allow(["s3:DeleteObject"], passing)),
        "operator": policy(_allow([*read, *write, "s3:DeleteObject"], objects), list_them),
        "everybody": policy(
            _allow(read, published, Principal="*", Sid="WhatIsThere"),
            # Without it S3 answers 403 for what is not there, and cargo stops at that.
            {**list_them, "Principal": "*", "Sid": "SoThatWhatIsNotThereIs404"},
        ),
    }


_S3 = """\
# The registry at @BASE@, in the bucket @BUCKET@ (@PREFIX@).
# Publish into it with: cargo-static-index build --tree @TREE@
# Every object carries its Content-Type and Cache-Control already; the bucket needs no website configuration.
# Where an object that is not there is answered with 403, and the tree lies below a prefix, take the "Condition" of
# s3:ListBucket away: then all names in the bucket can be listed, and what is missing is 404.

# --- Who publishes (CI, `watch`, `serve --publish`): deletes nothing of the tree. bucket user or role, policy:
@PUBLISHER@

# --- Who removes releases and mends (`remove`, `verify --fix`, `rebuild --pages`):
@OPERATOR@

# --- Who only reads, with credentials (a CDN's origin access, a mirror):
@READER@

# --- A public registry without a CDN: the bucket's own policy. Listing is what makes a missing crate 404 and not 403.
@EVERYBODY@
"""

_CLOUDFRONT = """\
# The registry at @BASE@, from the bucket @BUCKET@ through CloudFront.
#
# 1. Origin: the bucket, with origin access control; its identity gets the policy below, s3:ListBucket with it, so that
#    what is not there is 404. Where it must not list, map 403 to 404 under "Error pages", time to live 0.
# 2. Behaviours, in this order; all of them GET and HEAD, compress on but for archives:
#      @PATH@index/*          cache policy "CachingDisabled" (or honour Cache-Control: no-cache)
#      @PATH@crates/*/*.crate cache policy "CachingOptimized", compress OFF: cargo checks what it receives
#      @PATH@crates/*/download  the same, where archives lie at the addresses of their versions, too
#      @PATH@*                cache policy "CachingOptimized", which honours the objects' own Cache-Control
# 3. Error pages: 404 stays 404, error caching minimum TTL 0: a kept 404 hides the crate that comes next.
# 4. Purges are not needed for the index; for pages: `on-change` with `aws cloudfront create-invalidation --paths`.

# --- The bucket's policy for the distribution (put its ARN in the place of DISTRIBUTION):
@ORIGIN@
@FUNCTION@"""

_FUNCTION = """
# --- A private registry without an endpoint: this function at "viewer request" of @KEPT@.
#     Put the SHA-256 of each token into the list: printf %s "$TOKEN" | sha256sum
const crypto = require("crypto");
const TOKENS = ["SHA256-OF-A-TOKEN"];

function handler(event) {
    const request = event.request;
    const given = request.headers.authorization ? request.headers.authorization.value : "";
    const token = given.replace(/^Bearer /, "");
    if (TOKENS.includes(crypto.createHash("sha256").update(token).digest("hex"))) return request;
    return {
        statusCode: 401,
        statusDescription: "Unauthorized",
        headers: {
            "www-authenticate": { value: 'Cargo login_url="@BASE@"' },
            "cache-control": { value: "no-store" },
        },
    };
}
"""


def s3(place: Place) -> str:
    """Give the policies of a bucket by role."""
    bucket, prefix = _bucket(place)
    found = {role.upper(): text for role, text in roles(bucket, prefix).items()}
    tree = f"s3://{bucket}/{prefix}".rstrip("/")
    return place.filled(_S3, BUCKET=bucket, PREFIX=prefix or "no prefix", TREE=tree, **found)


def cloudfront(place: Place) -> str:
    """Give what CloudFront needs before a bucket, and the function that asks for tokens where it is private."""
    bucket, prefix = _bucket(place)
    condition = {"StringEquals": {"AWS:SourceArn": "DISTRIBUTION"}}
    service = {"Principal": {"Service": "cloudfront.amazonaws.com"}, "Condition": condition}
    origin = policy(
        _allow(["s3:GetObject"], [f"arn:aws:s3:::{bucket}/{prefix}{path}" for path in PUBLISHED], **service),
        _allow(["s3:ListBucket"], f"arn:aws:s3:::{bucket}", **service),
    )
    kept = f"{place.path}*" if place.private == "all" else f"{place.path}index/* and {place.path}crates/*"
    function = _FUNCTION if place.private != "no" else ""
    return place.filled(_CLOUDFRONT, BUCKET=bucket, ORIGIN=origin, FUNCTION=function, KEPT=kept)


def _bucket(place: Place) -> tuple[str, str]:
    """Give the bucket that the tree lies in, and what its keys begin with: "" or ending in a slash."""
    bucket, _, prefix = place.root.removeprefix("s3://").partition("/")
    return (bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else "") if "://" in place.root else ("BUCKET", "")
