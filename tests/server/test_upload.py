"""The body of a publish request, as bytes: whatever comes, in whatever pieces, is read alike or refused alike."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cargo_static_index.server.upload import InvalidUpload, UploadReader
from tests.server.client import frame, metadata_of

LIMIT = 1000
GOOD = frame(metadata_of("foo", "1.0.0"), b"archive")


def read(body: bytes, cuts: list[int], declared: int | None = None) -> tuple[int, str, bytes]:
    """Read a body in pieces, and give the status, what is said, and the archive."""
    try:
        reader, archive = UploadReader(LIMIT, declared), b""
        places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
        for start, end in pairwise(places):
            archive += reader.feed(body[start:end])
        metadata = reader.finish()
    except InvalidUpload as error:
        return error.status, str(error), b""
    return 200, f"{metadata.name} {metadata.vers}", archive


BODIES = st.one_of(
    st.binary(max_size=40),
    st.builds(frame, st.binary(max_size=40), st.binary(max_size=40)),
    st.builds(lambda archive, tail: frame(metadata_of("foo", "1.0.0"), archive) + tail, st.binary(), st.binary()),
    st.integers(0, len(GOOD)).map(lambda end: GOOD[:end]),
)


@settings(max_examples=150, deadline=None)
@given(BODIES, st.lists(st.integers(0, 10_000), max_size=8))
def test_how_a_body_is_cut_makes_no_difference(body: bytes, cuts: list[int]) -> None:
    whole = read(body, [])
    in_pieces = read(body, cuts)
    assert in_pieces == whole
    assert whole[0] in {200, 400, 413}


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=LIMIT), st.integers(-3, 3))
def test_an_archive_comes_out_as_it_went_in_and_a_wrong_length_is_refused(archive: bytes, off: int) -> None:
    body = frame(metadata_of("foo", "1.0.0"), archive)
    assert read(body, [5, 50], len(body)) == (200, "foo 1.0.0", archive)
    if off:
        assert read(body, [7], len(body) + off)[0] == 400


@pytest.mark.parametrize("size", [LIMIT + 1, 2**32 - 1])
def test_what_is_too_large_is_refused_at_its_length(size: int) -> None:
    head = frame(metadata_of("foo", "1.0.0"), b"")[:-4] + size.to_bytes(4, "little")
    assert read(head, [])[0] == 413


def test_a_length_that_is_too_large_is_refused_before_anything_is_read() -> None:
    with pytest.raises(InvalidUpload) as refused:
        UploadReader(LIMIT, 2 << 20)
    assert refused.value.status == 413
