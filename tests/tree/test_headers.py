"""What is said of a file beside its bytes: its type, how long it may be kept, and what a cache lets go of with it."""

import pytest

from cargo_static_index.tree.headers import IMMUTABLE, REVALIDATED, SHORT, headers_of, release_tag

CKSUM = "ab" * 32


@pytest.mark.parametrize(
    ("path", "content_type", "cache_control"),
    [
        ("index/config.json", "application/json", REVALIDATED),
        ("index/3/f/foo", "text/plain; charset=utf-8", REVALIDATED),
        ("index/2/js", "text/plain; charset=utf-8", REVALIDATED),
        ("index/in/de/index.html", "text/plain; charset=utf-8", REVALIDATED),
        ("index/index.html", "text/html; charset=utf-8", REVALIDATED),
        ("tree.json", "application/json", REVALIDATED),
        ("pages.json", "application/json", REVALIDATED),
        (f"crates/foo/{CKSUM}.crate", "application/gzip", IMMUTABLE),
        (f"crates/foo/{CKSUM}.json", "application/json", IMMUTABLE),
        ("crates/foo/1.0.0/download", "application/gzip", IMMUTABLE),
        ("crates/foo/index.html", "text/html; charset=utf-8", SHORT),
        ("crates/foo/feed.xml", "application/atom+xml", SHORT),
        ("assets/site-0123.css", "text/css; charset=utf-8", IMMUTABLE),
        ("opensearch.xml", "application/opensearchdescription+xml", SHORT),
        ("sitemap.xml", "application/xml", SHORT),
        ("crates/foo/1.0.0/source/src.lib.rs.txt", "text/plain; charset=utf-8", SHORT),
    ],
)
def test_each_file_is_sent_as_what_it_is_and_kept_for_as_long_as_it_stays(
    path: str, content_type: str, cache_control: str
) -> None:
    headers = headers_of(path)
    assert (headers.content_type, headers.cache_control) == (content_type, cache_control)


@pytest.mark.parametrize(
    ("path", "tags"),
    [
        ("index/3/f/foo", ("crate:foo",)),
        ("index/config.json", ()),
        ("crates/Foo/index.html", ("crate:foo",)),
        ("crates/Foo/1.0.0-rc.1/index.html", ("crate:foo", "release:foo@1.0.0-rc.1")),
        ("crates/Foo/versions/1.html", ("crate:foo",)),
        (f"crates/foo/{CKSUM}.crate", ("crate:foo",)),
        ("index.html", ()),
    ],
)
def test_a_file_of_a_crate_is_tagged_with_it_and_one_of_a_release_with_that(path: str, tags: tuple[str, ...]) -> None:
    assert headers_of(path).cache_tags == tags


def test_a_release_is_named_in_small_letters() -> None:
    assert release_tag("Foo", "1.0.0-RC") == "release:foo@1.0.0-RC"
