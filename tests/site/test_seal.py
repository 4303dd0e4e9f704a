"""The last line of a page, which tells what was written from all else."""

from hypothesis import given
from hypothesis import strategies as st

from cargo_static_index.site.seal import is_sealed, made_of, sealed


def test_a_page_is_not_taken_for_one_made_of_something_else() -> None:
    page = sealed("index.html", b"content", made_of(["now"]))
    assert is_sealed("index.html", page, made_of(["now"]))
    assert not is_sealed("index.html", page, made_of(["then"]))
    assert not is_sealed("index.html", page)


@given(st.text(max_size=9), st.binary(max_size=60), st.binary(max_size=60))
def test_a_page_is_what_was_written_at_its_path_and_nothing_else(path: str, content: bytes, other: bytes) -> None:
    page = sealed(path, content)
    assert page.startswith(content)
    assert is_sealed(path, page)
    assert not is_sealed(path + "x", page)
    assert not is_sealed(path, page[:-1])
    assert not is_sealed(path, page + b"x")
    assert not is_sealed(path, content)
    assert is_sealed(path, other + page) == (other == b"")
