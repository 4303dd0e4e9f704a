"""The look at all paths together must never be kinder than the look at each of them."""

from hypothesis import example, given
from hypothesis import strategies as st

from cargo_static_index.crate.limits import Limits
from cargo_static_index.crate.paths import Paths, is_manifest, plain_paths
from cargo_static_index.diagnostics.problems import ProblemList

LIMITS = Limits(path_bytes=60)

COMPONENTS = st.sampled_from(
    [
        *("Cargo.toml", "cargo.toml", "CARGO.TOML", ".cargo-ok", "src", "SRC", "lib.rs", "a", "A", "a.b", "a-b_c+1"),
        *("", ".", "..", "...", "aux", "aux.rs", "CON", "com1", "com10", "nul ", "b.", "c ", "a\nb", "a\\b", "a:b"),
        *("é", "\0", "x" * 99, "x" * 101),
    ]
)
GOOD = st.sampled_from(["Cargo.toml", "src", "lib.rs", "a", "A", "b", "c.rs", "d-e_f+1"])
BELOW = st.one_of(*(st.lists(each, min_size=1, max_size=3).map("/".join) for each in (GOOD, GOOD, GOOD, COMPONENTS)))
DIRECTORIES = st.sampled_from(["foo-1.0.0"] * 20 + ["other-1.0.0", "", ".", "..", "/"])
RAW = st.one_of(
    *[st.tuples(st.just("foo-1.0.0"), BELOW).map("/".join).map(str.encode)] * 8,
    st.tuples(DIRECTORIES, BELOW).map("/".join).map(str.encode),
    st.sampled_from([b"foo-1.0.0", b"foo-1.0.0/", b"foo-1.0.0/a\nfoo-1.0.0/b", b"\xff/a", b""]),
)


def looked_at_one_by_one(raw: list[bytes]) -> tuple[str | None, list[str | None], bool]:
    problems = ProblemList()
    paths = Paths(LIMITS, problems)
    below = [paths.add_file(each) for each in raw]
    paths.finish()
    return paths.directory, below, not problems.problems()


@given(st.lists(RAW, max_size=6))
@example([b"foo-1.0.0/a\nfoo-1.0.0/b", b"x"])
@example([b"foo-1.0.0/a\nb", b"foo-1.0.0/c"])
@example([b"foo-1.0.0/a", b"foo-1.0.0/A/b"])
@example([b"foo-1.0.0/a", b"foo-1.0.0/a"])
@example([])
def test_what_is_plain_at_one_look_is_what_a_closer_look_finds_nothing_in(raw: list[bytes]) -> None:
    plain = plain_paths(raw, LIMITS)
    directory, below, good = looked_at_one_by_one(raw)
    if plain is not None:
        assert (plain.directory, plain.paths, good) == (directory, below, True)
        assert len(set(plain.paths)) == len(raw)
        assert not any(is_manifest(path) and path != "Cargo.toml" for path in plain.paths)
        assert not any(".cargo-ok" in path for path in plain.paths)


def test_the_paths_of_an_ordinary_crate_are_plain() -> None:
    names = ("Cargo.toml", ".cargo_vcs_info.json", "src/lib.rs", "src/a/b.rs", "LICENSE-MIT", "benches/x+y.rs")
    plain = plain_paths([f"foo-1.0.0/{name}".encode() for name in names], LIMITS)
    assert plain is not None
    assert (plain.directory, plain.paths) == ("foo-1.0.0", list(names))
