import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_static_index.diagnostics.errors import InvalidTarget
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.protocol.platform import parse_target

OPTIONS = st.sampled_from(
    ["unix", "windows", "_x1", "r#true", "true", "false", "allow", 'target_os = "linux"', 'a=""', 'r#k = "é)("']
)
BLANKS = st.sampled_from(["", " ", "  "])


def _operators(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.tuples(st.lists(inner, max_size=3), st.sampled_from(["", ","]), BLANKS).map(
        lambda found: found[2] + f"{found[2]},".join(found[0]) + (found[1] if found[0] else "") + found[2]
    )
    listed = st.tuples(st.sampled_from(["all", "any"]), BLANKS, members).map(lambda f: f"{f[0]}{f[1]}({f[2]})")
    return st.one_of(listed, st.tuples(BLANKS, inner).map(lambda f: f"not{f[0]}({f[0]}{f[1]}{f[0]})"))


EXPRESSIONS = st.recursive(OPTIONS, _operators, max_leaves=8)


@pytest.mark.case(48)
@pytest.mark.parametrize(
    "text",
    [
        "x86_64-pc-windows-msvc",
        "thumbv7em-none-eabihf",
        "my.custom-target_1",
        "ciblé",
        "",
        "cfg",
        "cfg(unix)",
        "cfg( unix )",
        "cfg(any())",
        "cfg(all())",
        "cfg( any( unix , windows ) )",
        "cfg(any(unix, windows,))",
        "cfg(not(all(a, not(b))))",
        'cfg(target_os = "linux")',
        'cfg(target_os="linux")',
        'cfg(  all ( a  ,  b   =   "c"  )  )',
        'cfg(a = "no \\ escapes, \n any ) character")',
        "cfg(true)",
        "cfg(any(true, false))",
        "cfg(r#true)",
        'cfg(r#async = "x")',
        "cfg(allow)",
        "cfg(_)",
        "cfg(" + "not(" * 64 + "a" + ")" * 65,
    ],
)
def test_a_target_that_cargo_reads_is_kept_as_it_was_written(text: str) -> None:
    assert parse_target(text) == text


@pytest.mark.case(49)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("cfg(", "a cfg expression starts with 'cfg(' and ends with ')'"),
        ("cfg(unix", "a cfg expression starts with 'cfg(' and ends with ')'"),
        ("cfg(unix) ", "a cfg expression starts with 'cfg(' and ends with ')'"),
        ("any(unix)", "a cfg expression starts with 'cfg(' and ends with ')'"),
        ("cfg (unix)", "' ' as character 4 cannot be in a target's name"),
        ("x86 64", "' ' as character 4 cannot be in a target's name"),
        ("targets/x.json", "'/' as character 8 cannot be in a target's name"),
        ("x\n", "'\\n' as character 2 cannot be in a target's name"),
        ("cfg()", "it ends where an expression should be"),
        ("cfg(  )", "it ends where an expression should be"),
        ("cfg(unix))", "at character 9 should be the end, not ')'"),
        ("cfg(unix windows)", "at character 10 should be the end, not 'windows'"),
        ("cfg(unix, windows)", "at character 9 should be the end, not ','"),
        ("cfg(all)", "it ends where '(' should be"),
        ("cfg(all(a)", "it ends where ')' should be"),
        ("cfg(all(a b))", "at character 11 should be ')', not 'b'"),
        ("cfg(all(,))", "at character 9 should be an expression, not ','"),
        ("cfg(any(a,,b))", "at character 11 should be an expression, not ','"),
        ('cfg(not = "a")', "at character 9 should be '(', not '='"),
        ("cfg(not())", "at character 9 should be an expression, not ')'"),
        ("cfg(not(a,))", "at character 10 should be ')', not ','"),
        ("cfg(r#all(a))", "at character 10 should be the end, not '('"),
        ("cfg(r#)", "at character 6 should be the end, not '#'"),
        ("cfg(a = b)", "at character 9 should be a string in double quotes, not 'b'"),
        ("cfg(a =)", "it ends where a string in double quotes should be"),
        (
            'cfg(a = "b)',
            "at character 9 should be a string in double quotes, not a string without its closing quote",
        ),
        ('cfg("a")', "at character 5 should be an expression, not '\"a\"'"),
        ("cfg(1a)", "at character 5 should be an expression, not '1'"),
        ("cfg(é)", "at character 5 should be an expression, not 'é'"),
        ("cfg(a-b)", "at character 6 should be the end, not '-'"),
        ("cfg(\tunix)", "at character 5 should be an expression, not '\\t'"),
        ("cfg(not(unix)\n)", "at character 14 should be the end, not '\\n'"),
    ],
)
def test_what_cargo_cannot_read_is_refused_with_what_was_found_where(text: str, reason: str) -> None:
    message = f"{text!r} is neither a target's name nor a cfg expression: {reason}"
    with pytest.raises(InvalidTarget, match=f"^{re.escape(message)}$"):
        parse_target(text)


@pytest.mark.parametrize("depth", [65, 100_000])
@pytest.mark.parametrize("operator", ["not", "all", "any"])
def test_an_expression_that_would_exhaust_the_stack_is_refused(operator: str, depth: int) -> None:
    text = "cfg(" + f"{operator}(" * depth + "a" + ")" * (depth + 1)
    message = f"{quote(text)} is neither a target's name nor a cfg expression: it nests more than 64 deep"
    with pytest.raises(InvalidTarget, match=f"^{re.escape(message)}$"):
        parse_target(text)


def test_a_long_flat_expression_is_read() -> None:
    text = f"cfg(any({'unix, ' * 20_000}))"
    assert parse_target(text) == text


@given(EXPRESSIONS, BLANKS)
def test_every_expression_of_the_grammar_is_read(expression: str, blanks: str) -> None:
    text = f"cfg({blanks}{expression}{blanks})"
    assert parse_target(text) == text


@given(st.text('cfgalnoty()," =r#', max_size=24))
def test_any_text_is_given_back_or_refused(text: str) -> None:
    for target in (text, f"cfg({text})"):
        assert repr(target) in _answer(target)


def _answer(text: str) -> str:
    try:
        return repr(parse_target(text))
    except InvalidTarget as error:
        return str(error)
