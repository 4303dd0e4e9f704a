"""Hosts of static pages: Cloudflare Pages, GitHub Pages, GitLab Pages; what each takes, and how CI publishes to it."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from cargo_static_index.crate.limits import MIB
from cargo_static_index.hosting.place import Place


class Ceiling(Struct, frozen=True, kw_only=True):
    """What a host takes at most: files, bytes of all, bytes of one; None where it does not say."""

    host: str
    files: int | None = None
    total: int | None = None
    file: int | None = None
    source: str


CEILINGS = {
    "cloudflare-pages": Ceiling(
        host="Cloudflare Pages",
        files=20_000,
        file=25 * MIB,
        source="https://developers.cloudflare.com/pages/platform/limits/ (20,000 files on the free plan)",
    ),
    "github-pages": Ceiling(
        host="GitHub Pages",
        total=1024 * MIB,
        file=100 * MIB,
        source="https://docs.github.com/en/pages/getting-started-with-github-pages/github-pages-limits",
    ),
    "gitlab-pages": Ceiling(
        host="GitLab Pages",
        files=200_000,
        total=1024 * MIB,
        source="https://docs.gitlab.com/user/gitlab_com/#gitlab-pages",
    ),
}


def over(ceiling: Ceiling, sizes: Iterable[tuple[str, int]]) -> Iterator[str]:
    """Give a sentence for each ceiling that a tree does not keep; `sizes` are its files with their bytes."""
    files, total, large = 0, 0, list[str]()
    for path, size in sizes:
        files, total = files + 1, total + size
        if ceiling.file is not None and size > ceiling.file:
            large.append(path)
    if ceiling.files is not None and files > ceiling.files:
        yield f"the tree has {files:,} files, and {ceiling.host} takes {ceiling.files:,}"
    if ceiling.total is not None and total > ceiling.total:
        yield f"the tree has {total // MIB:,} MiB, and {ceiling.host} takes {ceiling.total // MIB:,}"
    if large:
        more = f", and {len(large) - 1} more" if len(large) > 1 else ""
        limit = (ceiling.file or 0) // MIB
        yield f"{large[0]}{more} has more than the {limit} MiB that {ceiling.host} takes for a file"


_HEADERS = """\
# The registry at @BASE@, for Cloudflare Pages: put this beside index.html as `_headers`.
/index/*
  Content-Type: text/plain; charset=utf-8
  Cache-Control: @REVALIDATED@
  X-Content-Type-Options: nosniff
/index/config.json
  ! Content-Type
  Content-Type: application/json
/crates/*
  X-Content-Type-Options: nosniff
/crates/:name/:file.crate
  Content-Type: application/gzip
  Cache-Control: @IMMUTABLE@, no-transform
/crates/:name/:version/download
  Content-Type: application/gzip
  Cache-Control: @IMMUTABLE@, no-transform
/assets/*
  Cache-Control: @IMMUTABLE@
# What is not there is 404: the page 404.html, which a tree with pages has, must be there for that, else every address
# answers with the front page. For a private registry put Cloudflare Access in front, with a service token for cargo.
"""

_PUBLISHED = """\
asked=0; git ls-remote --exit-code --heads origin registry || asked=$?
case $asked in
  0) git fetch origin registry && git worktree add -B registry public FETCH_HEAD ;;
  2) git worktree add --detach public   # the first run: a new registry begins
     git -C public checkout --orphan registry && git -C public rm -rfq . ;;
  *) exit "$asked" ;;                   # nobody knows: that must begin no new registry
esac
"""
"""Brings the tree from the branch that keeps it; only where there is no such branch a new registry begins."""

_UNCOPIED = "rm -rf public/changes public/begun public/.cargo-static-index-stage"
"""Takes away what is for those alone who write to this very tree."""

_GITHUB = """\
# The registry at @BASE@, on GitHub Pages: put this into .github/workflows/registry.yml.
# The branch `registry` keeps the published tree from run to run; crates come from `drop/` of this repository.
name: registry
on:
  push:
    branches: [main]
permissions:
  contents: write
  pages: write
  id-token: write
concurrency:            # never two at once: each builds on what the one before it published
  group: registry
  cancel-in-progress: false
jobs:
  publish:
    runs-on: ubuntu-latest
    environment:
      name: github-pages
      url: ${{ steps.deploy.outputs.page_url }}
    steps:
      - uses: actions/checkout@v5
      - name: The tree as it was published
        run: |
          @PUBLISHED@
      - uses: actions/setup-python@v6
        with: {python-version: "3.13"}
      - run: pip install cargo-static-index
      - run: |
          known=$(git -C public rev-parse -q --verify HEAD || true)
          cargo-static-index build ${known:+--must-exist} --drop drop --tree public --base-url @BASE@
          @UNCOPIED@   # only those need it who write to this very tree
      - run: touch public/.nojekyll && { [ -e public/404.html ] || echo "404" > public/404.html; }
      - name: Keep the tree
        run: |
          cd public && git add -A
          git -c user.name=registry -c user.email=registry@localhost commit -qm "Publish" || exit 0
          git push origin HEAD:registry
      - uses: actions/upload-pages-artifact@v4
        with: {path: public}
      - uses: actions/deploy-pages@v4
        id: deploy
"""

_GITLAB = """\
# The registry at @BASE@, on GitLab Pages: put this into .gitlab-ci.yml.
# The branch `registry` keeps the published tree from run to run; crates come from `drop/` of this project.
# REGISTRY_TOKEN is a project access token that may write the repository.
pages:
  image: python:3.13
  resource_group: registry   # never two at once: each builds on what the one before it published
  rules:
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  script:
    - git remote set-url origin "https://registry:$REGISTRY_TOKEN@$CI_SERVER_HOST/$CI_PROJECT_PATH.git"
    - |
      @PUBLISHED@
    - pip install cargo-static-index
    - known=$(git -C public rev-parse -q --verify HEAD || true)
    - cargo-static-index build ${known:+--must-exist} --drop drop --tree public --base-url @BASE@
    - @UNCOPIED@   # only those need it who write to this very tree
    - '[ -e public/404.html ] || echo "404" > public/404.html'
    - cd public && git add -A
    - git -c user.name=registry -c user.email=registry@localhost commit -qm "Publish" || true
    - git push origin HEAD:registry
    - cd .. && rm public/.git
  artifacts:
    paths: [public]
"""


def cloudflare_pages(place: Place) -> str:
    """Give `_headers` for Cloudflare Pages."""
    return place.filled(_HEADERS)


def github_pages(place: Place) -> str:
    """Give a workflow that publishes to GitHub Pages."""
    return place.filled(_GITHUB, PUBLISHED=_PUBLISHED, UNCOPIED=_UNCOPIED)


def gitlab_pages(place: Place) -> str:
    """Give a pipeline that publishes to GitLab Pages."""
    return place.filled(_GITLAB, PUBLISHED=_PUBLISHED, UNCOPIED=_UNCOPIED)
