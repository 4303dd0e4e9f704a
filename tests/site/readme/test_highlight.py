"""Code in colour."""

import re
import subprocess
import sys
import time
from html import unescape
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments.lexers.rust import RustLexer

from cargo_static_index.site.readme import highlight as module
from cargo_static_index.site.readme.highlight import BACKGROUNDS, code_colours, highlight, language_of, pygments_css
from cargo_static_index.site.readme.rustlexer import QuickRustLexer

LANGUAGES = sorted(module._LANGUAGES)


@pytest.mark.parametrize(
    ("info", "language"),
    [
        ("rust", "rust"),
        ("Rust", "rust"),
        ("rs", "rust"),
        ("rust,ignore", "rust"),
        ("rust,no_run,edition2021", "rust"),
        ("no_run", "rust"),
        ("ignore", "rust"),
        ("should_panic,ignore", "rust"),
        ("{.toml}", None),
        ("toml", "toml"),
        ("console", "console"),
        ("sh", "bash"),
        ("c++", "cpp"),
        ("", None),
        ("text", None),
        ("mermaid", None),
        ("../../../etc/passwd", None),
    ],
)
def test_the_language_is_the_first_word_that_names_one(info: str, language: str | None) -> None:
    assert language_of(info) == language


def test_tokens_of_one_class_stand_in_one_span() -> None:
    html = highlight('fn main() { let x: u8 = 1 + 2; println!("<b>&"); } // end\n', "rust")

    assert html == (
        '<span class="c-k">fn </span><span class="c-f">main</span>() { <span class="c-k">let </span>x: '
        '<span class="c-t">u8 </span>= <span class="c-n">1 </span>+ <span class="c-n">2</span>; '
        '<span class="c-m">println!</span>(<span class="c-s">"&lt;b&gt;&amp;"</span>); } '
        '<span class="c-c">// end\n</span>'
    )


@pytest.mark.parametrize("language", LANGUAGES)
@given(st.text(alphabet=st.sampled_from("ab1 \n\t\"'`<>&/*#[](){}$\\=:;.-!é\u2028\U0001f600"), max_size=60))
def test_without_its_tags_the_html_is_the_code(language: str, code: str) -> None:
    html = highlight(code, language)

    # None is a lexer that lost or doubled something; the code is then shown as it is.
    if html is not None:
        assert unescape(re.sub(r"</?span(?: class=\"c-[a-z]\")?>", "", html)) == code
        assert not re.search(r"<(?!/?span\b)", html)


@given(
    st.lists(
        st.sampled_from(
            [
                "fn",
                "main",
                "(",
                ")",
                "{",
                "}",
                "let",
                "mut",
                "x",
                ":",
                "&",
                "'a",
                "str",
                "=",
                '"s"',
                "'c'",
                'b"y"',
                'r#"raw"#',
                "1_000u32",
                "0xff",
                "1.5",
                ";",
                ",",
                "..",
                "..=",
                "->",
                "=>",
                "::",
                "//",
                "c\n",
                "/*",
                "a",
                "*/",
                "///",
                "d\n",
                "#[derive(Debug)]",
                "#![allow(x)]",
                "$x",
                "println!",
                "vec!",
                "Vec",
                "Self",
                "self",
                "r#type",
                "size_of",
                "async_x",
                "default",
                "type",
                "mod",
                "foo",
                "struct",
                "Foo",
                "enum",
                "break",
                "'l",
                "\n",
                "\t",
                "return",
                "Some(x)",
                "?",
                "!",
                "<",
                ">",
                "|",
                "&&",
                ".await",
                "u8",
            ]
        ),
        max_size=40,
    )
)
def test_the_quick_lexer_colours_rust_as_pygments_own_does(words: list[str]) -> None:
    code = " ".join(words)

    def coloured(lexer: RustLexer) -> str:
        return module._spans((kind, text) for _, kind, text in lexer.get_tokens_unprocessed(code))

    assert coloured(QuickRustLexer()) == coloured(RustLexer())


@pytest.mark.parametrize(
    "code",
    ["a" * 1001, "x" + " " * 100 + "y", "\n" * 100, "let x = 1;\n" * 2000],
    ids=["line", "space", "lines", "long"],
)
def test_code_that_could_take_a_lexer_long_stays_plain(code: str) -> None:
    assert highlight(code, "rust") is None


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_lexer_takes_long_over_what_it_is_given(language: str) -> None:
    slow = {}
    atoms = (
        '"',
        "'",
        "`",
        "/*",
        "//",
        "#",
        "[",
        "(",
        "{",
        "<",
        "\\",
        "a",
        "1",
        "${",
        'r#"',
        "<!--",
        "a=",
        ": ",
        "- ",
        "> ",
    )
    for number, atom in enumerate(atoms, LANGUAGES.index(language)):
        # Each in one of three shapes; the next language has it in another one.
        code = ((atom * 900)[:900] + "\n", atom + "\n", "|" + atom)[number % 3]
        began = time.process_time()
        highlight((code * (8_000 // len(code)))[:8_000], language)
        if (took := time.process_time() - began) > 5:
            slow[code[:10]] = took

    assert slow == {}


def test_every_class_has_a_rule_and_every_rule_a_colour_in_both_schemes() -> None:
    classes = set(module._CLASSES.values())
    rules = dict(re.findall(r"\.(c-[a-z])\{color:var\((--code-[a-z]+)\)\}", pygments_css()))

    assert classes == set(rules)
    assert re.findall(r"(--code-[a-z]+):#[0-9a-f]{6};", code_colours("light")) == list(rules.values())
    assert re.findall(r"(--code-[a-z]+):#[0-9a-f]{6};", code_colours("dark")) == list(rules.values())


def test_every_colour_is_legible_on_the_backgrounds_of_its_scheme() -> None:
    faint = [
        (colour, background)
        for scheme, backgrounds in (("light", BACKGROUNDS["light"]), ("dark", BACKGROUNDS["dark"]))
        for colour in re.findall(r"#[0-9a-f]{6}", code_colours("light" if scheme == "light" else "dark"))
        for background in backgrounds
        if _contrast(colour, background) < 4.5
    ]

    assert faint == []


def test_highlighting_is_the_same_in_every_process() -> None:
    module = "cargo_static_index.site.readme.highlight"
    command = f"from {module} import highlight; print(highlight('fn a() {{ Vec::new() }}', 'rust'))"
    runs = [
        subprocess.run([sys.executable, "-c", command], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True)
        for seed in ("1", "2")
    ]

    assert all(one.stdout == other.stdout for one, other in pairwise(runs))


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_what_no_lexer_is_known_for_has_no_colours() -> None:
    assert highlight("fn main() {}", "no such language") is None
