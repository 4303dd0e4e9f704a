"""Purges of CDNs: scripts that tell one which URLs changed, from what `--changed-urls` writes or `on-change` hears."""

from cargo_static_index.hosting.place import Place

_URLS = """\
# Called with a file that --changed-urls wrote, or without one by on-change, which tells of changes on standard input:
#   cargo-static-index build --changed-urls changed && sh purge.sh changed
#   on-change = ["sh", "/etc/cargo-static-index/purge.sh"]     # in [registry]: told again until it ends with 0
set -eu
urls() {
  if [ $# -gt 0 ]; then cat "$1"; else
    python3 -c 'import json, sys; [print(url) for file in json.load(sys.stdin)["changed"] for url in file["urls"]]'
  fi
}
"""

_CLOUDFLARE = """\
#!/bin/sh
# Cloudflare, in front of @BASE@: 30 URLs a request, which every plan takes.
# https://developers.cloudflare.com/cache/how-to/purge-cache/purge-by-single-file/
# ZONE_ID is the zone's, API_TOKEN one with the right "Cache Purge".
@URLS@
export API=${CLOUDFLARE_API:-https://api.cloudflare.com/client/v4}
: "${ZONE_ID:?}" "${API_TOKEN:?}"
urls "$@" | sort -u | xargs -n 30 sh -ec '
  [ $# -gt 0 ] || exit 0
  files=$(printf "\\"%s\\"," "$@")
  printf "header = \\"Authorization: Bearer %s\\"" "$API_TOKEN" |
    curl --silent --show-error --fail --output /dev/null --config - --header "Content-Type: application/json" \\
      --data "{\\"files\\":[${files%,}]}" "$API/zones/$ZONE_ID/purge_cache"
' purge
"""

_CLOUDFRONT = """\
#!/bin/sh
# CloudFront, in front of @BASE@: 3,000 paths may be under way for a distribution, so a batch waits for the one before.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
# DISTRIBUTION_ID is the distribution's; credentials are found as the AWS command line finds them.
@URLS@
: "${DISTRIBUTION_ID:?}"
export DISTRIBUTION_ID
urls "$@" | sed 's|^[a-z]*://[^/]*||' | sort -u | xargs -n 3000 sh -ec '
  [ $# -gt 0 ] || exit 0
  id=$(aws cloudfront create-invalidation --region us-east-1 \\
    --distribution-id "$DISTRIBUTION_ID" --paths "$@" --query Invalidation.Id --output text)
  aws cloudfront wait invalidation-completed --region us-east-1 --distribution-id "$DISTRIBUTION_ID" --id "$id"
' purge
"""

_FASTLY = """\
#!/bin/sh
# Fastly, in front of @BASE@: by tag, 256 of them a request. https://www.fastly.com/documentation/reference/api/purging/
# SERVICE_ID is the service's, API_TOKEN one with the scope "purge_select". The tags come from this in vcl_fetch:
#   if (req.url.path ~ "^@PATH@(?:crates/([^/]+)/|index/.*/([^/]+)$)") {
#     set beresp.http.Surrogate-Key = "crate:" std.tolower(re.group.1 re.group.2);
#   } else {
#     set beresp.http.Surrogate-Key = "pages";
#   }
@URLS@
export API=${FASTLY_API:-https://api.fastly.com}
: "${SERVICE_ID:?}" "${API_TOKEN:?}"
urls "$@" | sed -E 's|^@BASE@crates/([^/]+)/.*|crate:\\1|; t; s|^@BASE@index/.*/([^/]+)$|crate:\\1|; t; s|.*|pages|' |
  tr '[:upper:]' '[:lower:]' | sort -u | xargs -n 256 sh -ec '
  [ $# -gt 0 ] || exit 0
  printf "header = \\"Fastly-Key: %s\\"" "$API_TOKEN" |
    curl --silent --show-error --fail --output /dev/null --config - --header "Surrogate-Key: $*" \\
      --request POST "$API/service/$SERVICE_ID/purge"
' purge
"""


def purge_cloudflare(place: Place) -> str:
    """Give a script that purges Cloudflare by URL."""
    return place.filled(_CLOUDFLARE, URLS=_URLS)


def purge_cloudfront(place: Place) -> str:
    """Give a script that purges CloudFront by path."""
    return place.filled(_CLOUDFRONT, URLS=_URLS)


def purge_fastly(place: Place) -> str:
    """Give a script that purges Fastly by tag."""
    return place.filled(_FASTLY, URLS=_URLS)
