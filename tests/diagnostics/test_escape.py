import json
import re
import tomllib
from importlib.resources import files
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_static_index.diagnostics.escape import QUOTED, escape, in_json, in_toml, quote

ANY_TEXT = st.text(st.characters() | st.sampled_from("\n\r\t\x1b\x7f\x9b\u2028\u202e:#[]\udc80\udcff"), max_size=40)

SHOWN = [
    ("serde 1.0.0: fine, ‘été’ and 漢字", "serde 1.0.0: fine, ‘été’ and 漢字"),
    ("a\nPublished evil 9.9.9", "a\\nPublished evil 9.9.9"),
    ("\x1b[2J\x07", "\\x1b[2J\\x07"),
    ("a\u202eb\u2028c\U000e0001", "a\\u202eb\\u2028c\\U000e0001"),
    ("caf\udce9", "caf\\xe9"),
    ("\ud800", "\\ud800"),
    ("::error::evil", "\\x3a:error::evil"),
    (" ::error::evil", " \\x3a:error::evil"),
    ("std::fs", "std::fs"),
    ("see ##[error]evil", "see \\x23#[error]evil"),
    ("##vso[task.setvariable]", "\\x23#vso[task.setvariable]"),
    ("## Heading", "## Heading"),
]


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_a_text_is_shown_so_that_nothing_happens_but_reading(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(ANY_TEXT)
def test_what_is_shown_is_one_line_that_no_terminal_and_no_ci_server_obeys(text: str) -> None:
    shown = escape(text)
    assert shown.isprintable()
    assert not shown.lstrip().startswith("::")
    assert "##[" not in shown
    assert escape(shown) == shown


@given(ANY_TEXT.filter(lambda text: text.isprintable() and "##" not in text and "::" not in text))
def test_what_may_be_shown_is_shown_as_it_is(text: str) -> None:
    assert escape(text) == text


@given(ANY_TEXT)
def test_a_json_document_stays_what_it_was(text: str) -> None:
    line = escape(json.dumps({text: [text]}, ensure_ascii=False), write=in_json)
    assert line.isprintable()
    assert json.loads(line) == {text: [text]}


@given(ANY_TEXT.filter(lambda text: not any("\ud800" <= each <= "\udfff" for each in text)))
def test_a_line_of_toml_stays_what_it_was(text: str) -> None:
    line = escape(f"key = {json.dumps(text, ensure_ascii=False)}", write=in_toml)
    assert line.isprintable()
    assert tomllib.loads(line) == {"key": text}


def test_a_long_text_is_cut_before_it_is_escaped() -> None:
    assert escape("\n" * 10**6, longest=3) == "\\n\\n\\n…"


QUOTES = [
    ("a\nb", "'a\\nb'"),
    ("x" * (QUOTED + 1), f"'{'x' * QUOTED}'…"),
    (b"plain", "'plain'"),
    (b"caf\xe9", "b'caf\\xe9'"),
    ("caf\udce9", "'caf\\xe9'"),
    (PurePosixPath("/a b"), "'/a b'"),
    ({"a": 1}, "{'a': 1}"),
    (["x" * 200], f"['{'x' * (QUOTED - 2)}…"),
]


@pytest.mark.parametrize(("value", "shown"), QUOTES)
def test_a_value_is_quoted_and_cut(value: object, shown: str) -> None:
    assert quote(value) == shown


def test_nothing_else_decides_what_may_be_shown() -> None:
    package = Path(str(files("cargo_static_index")))
    decide = re.compile(r"isprintable\(|(?<!\w)ascii\(").search
    found = {path.name for path in package.rglob("*.py") if decide(path.read_text())}
    # The others ask whether there is anything to escape, or to look for with an expression that is slow to make.
    assert found == {"escape.py", "problems.py", "kinds.py", "templates.py"}
