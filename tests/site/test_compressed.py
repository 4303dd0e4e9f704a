"""Compressed copies of pages, as values."""

import pytest

from cargo_static_index.site.compressed import compressed, copies_of, is_copy, original_of


def test_a_copy_is_the_same_bytes_each_time_and_says_what_its_page_does() -> None:
    page = b"<p>the same, and the same, and the same</p>" * 50
    made = dict(compressed("crates/foo/index.html", page))
    assert made == dict(compressed("crates/foo/index.html", page))
    assert set(made) == {"crates/foo/index.html.gz", "crates/foo/index.html.br"}
    assert all(is_copy(path, content, page) and len(content) < len(page) for path, content in made.items())
    assert not any(is_copy(path, content, page + b"!") or is_copy(path, b"no", page) for path, content in made.items())


@pytest.mark.parametrize(
    "path", ["index/3/f/foo", "index/index.html", "crates/foo/" + "0" * 64 + ".crate", "tree.json"]
)
def test_index_files_and_archives_have_no_copies(path: str) -> None:
    assert copies_of(path) == ()


def test_a_copy_tells_of_which_page_it_is() -> None:
    assert [original_of(copy) for copy in copies_of("index.html")] == ["index.html", "index.html"]
    assert original_of("index.html") is None
    assert original_of("index/ind.gz") is None
