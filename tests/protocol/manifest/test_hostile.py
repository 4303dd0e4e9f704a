"""Manifests made to harm whoever reads them: no exception, little time, and sentences that any terminal can show."""

import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_static_index.crate.check import CheckedCrate, check_crate
from cargo_static_index.crate.policy import Policy
from cargo_static_index.diagnostics.problems import LONGEST, Problem
from cargo_static_index.protocol.index_entry import format_entry, parse_entry
from cargo_static_index.protocol.manifest.manifest import entry_of
from cargo_static_index.protocol.registries import Home
from tests.crates import crate

HEAD = '[package]\nname = "foo"\nversion = "1.0.0"\n'
POLICY = Policy(home=Home(mode="mirror"))

WORD = """
    name version edition rust-version links authors description readme keywords publish build resolver default-run
    autobins workspace path git branch registry registry-index registry_index features optional default-features
    package artifact lib public crate-type proc-macro level priority opt-level debug a foo
"""
TABLE = """
    package project lib bin example test bench dependencies dev-dependencies build-dependencies dev_dependencies
    target features workspace profile lints badges patch replace cargo-features hints
"""
WORDS, TABLES = WORD.split(), TABLE.split()
TEXTS = (
    "", "a", "foo", "1.0.0", "1", "*", "dep:a", "a/x", "a?/x", "\0", "\x1b[31m", "\x9b", "\u202e", "é", "\r\n", "..",
    "cfg(", "cfg(unix)", "2015", "2024", "https://x.example/", "sparse+https://x/", "\ufeff", "\u2028", "x" * 3000,
    "9" * 5000, "`'\"", "/",
)  # fmt: skip
KEYS = st.sampled_from((*WORDS, *TEXTS))
LEAVES = st.sampled_from((*TEXTS, 0, 1, -(2**63), 2**63 - 1, 2**63, 1.5, float("inf"), True, False))
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
A: dict[str, object] = {"version": "1"}
DEPENDENCIES = st.dictionaries(
    st.sampled_from(("a", "b", *TEXTS)), LEAVES | st.dictionaries(KEYS, LEAVES, max_size=3).map(lambda it: A | it)
)
DOCUMENTS = st.fixed_dictionaries(
    {"package": st.dictionaries(KEYS, VALUES, max_size=3)},
    optional={
        "features": st.dictionaries(KEYS, st.lists(KEYS, max_size=3), max_size=4),
        "dependencies": DEPENDENCIES,
        "build-dependencies": DEPENDENCIES,
        "target": st.dictionaries(KEYS, st.dictionaries(st.sampled_from(TABLES), DEPENDENCIES, max_size=2)),
        "bin": st.lists(st.dictionaries(KEYS, LEAVES, max_size=3), max_size=3),
    }
    | {key: VALUES for key in TABLES if key not in {"package", "features", "dependencies", "target", "bin"}},
)


def toml(value: object) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{toml(key)} = {toml(each)}' for key, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value).replace("Infinity", "inf")


def read(text: str) -> CheckedCrate:
    return check_crate(io.BytesIO(crate().manifest(text).build()), POLICY, "\x1b[2J.crate")


def check(problem: Problem) -> None:
    """Claim that each text of a problem is one line that can be shown."""
    for text in (problem.message, problem.place, problem.way_out):
        assert text.isprintable(), problem
        assert len(text) <= 8 * LONGEST
    assert problem.message[0].isupper() or problem.message[0] in "`'"
    assert problem.message.endswith((".", "…"))


def test_a_dependency_of_a_hostile_name_is_told_of_without_its_control_characters() -> None:
    dependencies = {"\x00": {"version": "1", "registry-index": ""}}
    found = read(f"target = {toml({'name': {'dependencies': dependencies}})}\n{HEAD}").problems
    assert "registry-index-invalid" in {problem.rule for problem in found}
    for problem in found:
        check(problem)


@given(DOCUMENTS, st.booleans())
def test_no_manifest_makes_the_reader_fail_or_its_sentences_harm(document: dict[str, object], sound: bool) -> None:
    if sound and isinstance(document["package"], dict):
        document["package"] |= {"name": "foo", "version": "1.0.0"}
    reading = read("".join(f"{toml(key)} = {toml(value)}\n" for key, value in document.items()))
    for problem in reading.problems:
        check(problem)
    if not reading.refused and reading.metadata is not None:
        line = format_entry(entry_of(reading.metadata.manifest, cksum=reading.metadata.cksum, home=POLICY.home))
        assert parse_entry(line).name == "foo"


LARGE = {
    "arrays in arrays": "[package.metadata]\nx = " + "[" * 500_000 + "]" * 500_000,
    "tables in tables": "x = " + "{a=" * 200_000 + "1" + "}" * 200_000,
    "a key of many parts": f"[{'.'.join('a' * 500_000)}]",
    "many features": "[features]\n" + "".join(f"f{number} = []\n" for number in range(80_000)),
    "many values": "[features]\nx = [" + '"y",' * 200_000 + "]",
    "a chain of features": "[features]\n" + "".join(f'f{at} = ["f{at + 1}"]\n' for at in range(40_000)),
    "features in circles": "[features]\n" + "".join(f'f{at} = ["f{(at + 1) % 4000}", "f0"]\n' for at in range(4000)),
    "many dependencies": "[dependencies]\n" + "".join(f"d{number}='1'\n" for number in range(100_000)),
    "many programs": "".join(f"[[bin]]\nname = 'x{number}'\n" for number in range(30_000)),
    "a deep target": f"[target.'cfg({'not(' * 100_000}x{')' * 100_000})'.dependencies]",
    "a long requirement": f"[dependencies]\na = '{'1,' * 400_000}1'",
    "names that terminals obey": "[features]\n" + "".join(f'"\\u001b[2J\\u202e{at}" = []\n' for at in range(20_000)),
    "a long number": f"[package.metadata]\nx = [{'9' * 1_000_000}]",
    "a long key": f"[features]\n{'x' * 1_000_000} = ['y']",
    "many lines": "\n" * 1_000_000,
    "a manifest without end": "x = '''" + "\n" * 1_000_000,
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_a_megabyte_of_anything_is_read_in_seconds(text: str) -> None:
    began = time.process_time()
    reading = read(HEAD + text)
    assert time.process_time() - began < 10
    assert len(reading.problems) <= 40
    for problem in reading.problems:
        check(problem)


def test_many_names_of_features_of_cargo_are_read_in_seconds() -> None:
    names = ", ".join(f'"f{number}"' for number in range(60_000))
    began = time.process_time()
    assert read(f"cargo-features = [{names}]\n{HEAD}").refused
    assert time.process_time() - began < 3


def test_what_a_terminal_would_obey_is_escaped() -> None:
    reading = read(f'{HEAD}[features]\n"\\u001b[2J" = ["\\u202e\\n"]\n')
    assert [(each.message, each.place) for each in reading.problems if each.rule == "feature-name-invalid"] == [
        (
            r"The feature name '\x1b[2J' starts with '\x1b'.",
            r"Cargo.toml.features.\x1b[2J",
        )
    ]


def test_a_sentence_that_shows_a_long_name_is_cut() -> None:
    reading = read(f'{HEAD}[features]\n{"x" * 5000} = ["y"]\n')
    (problem,) = (each for each in reading.problems if each.rule == "feature-unknown-reference")
    assert problem.message == f"The feature '{'x' * (LONGEST - 13)}…"
