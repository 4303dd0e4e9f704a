"""Code in colour: source text to HTML whose spans have classes, and the CSS for those in two schemes.

Pygments' lexers split the text; the classes are our own few, so that pages stay small and colours stay legible.
Lexers are imported when the first code of their language comes.
"""

import importlib
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, Literal

from cargo_static_index._pattern import pattern

if TYPE_CHECKING:
    from pygments.lexer import Lexer
    from pygments.token import _TokenType

# Lexers' regular expressions were not written against attackers: many take the square of what they see, of a long
# line or of a run of space. So code that is longer than READMEs show stays plain, and so does code with such lines.
_LONGEST: Final = 16 * 1024
_SPECIAL = pattern(r"[&<>]")
_COSTLY = pattern(r"[^\n]{1000}|\s{100}")

# Only languages that READMEs of crates show: each lexer is held to a time limit by the tests.
_LANGUAGES: Final = {
    "rust": ("cargo_static_index.site.readme.rustlexer", "QuickRustLexer", "rust rs"),
    "toml": ("pygments.lexers.configs", "TOMLLexer", "toml"),
    "bash": ("pygments.lexers.shell", "BashLexer", "bash sh shell zsh"),
    "console": ("pygments.lexers.shell", "BashSessionLexer", "console shell-session shellsession sh-session terminal"),
    "json": ("pygments.lexers.data", "JsonLexer", "json jsonc json5"),
    "yaml": ("pygments.lexers.data", "YamlLexer", "yaml yml"),
    "python": ("pygments.lexers.python", "PythonLexer", "python py python3"),
    "javascript": ("pygments.lexers.javascript", "JavascriptLexer", "javascript js mjs"),
    "typescript": ("pygments.lexers.javascript", "TypeScriptLexer", "typescript ts"),
    "c": ("pygments.lexers.c_cpp", "CLexer", "c h clike"),
    "cpp": ("pygments.lexers.c_cpp", "CppLexer", "cpp c++ cxx hpp"),
    "html": ("pygments.lexers.html", "HtmlLexer", "html markup"),
    "xml": ("pygments.lexers.html", "XmlLexer", "xml svg"),
    "css": ("pygments.lexers.css", "CssLexer", "css scss"),
    "diff": ("pygments.lexers.diff", "DiffLexer", "diff patch"),
    "ini": ("pygments.lexers.configs", "IniLexer", "ini cfg"),
    "docker": ("pygments.lexers.configs", "DockerLexer", "dockerfile docker containerfile"),
    "sql": ("pygments.lexers.sql", "SqlLexer", "sql"),
    "go": ("pygments.lexers.go", "GoLexer", "go golang"),
    "protobuf": ("pygments.lexers.dsls", "ProtoBufLexer", "protobuf proto"),
    "glsl": ("pygments.lexers.graphics", "GLShaderLexer", "glsl"),
    "wgsl": ("pygments.lexers.wgsl", "WgslLexer", "wgsl"),
    "powershell": ("pygments.lexers.shell", "PowerShellLexer", "powershell ps1 pwsh"),
    "cmake": ("pygments.lexers.make", "CMakeLexer", "cmake"),
}
_BY_WORD: Final = {word: name for name, (_, _, words) in _LANGUAGES.items() for word in words.split()}
# rustdoc's words for code blocks (the rustdoc book, "Documentation tests"); alone they mean Rust as well.
_RUSTDOC: Final = frozenset({"ignore", "no_run", "should_panic", "compile_fail", "no-run", "norun", "should-panic"})

# Longest prefix of a token's name first found; what is not here (names, operators, punctuation) gets no span.
_CLASSES: Final = {
    "Comment": "c-c",
    "Comment.Preproc": "c-m",
    "Comment.PreprocFile": "c-s",
    "Generic.Deleted": "c-d",
    "Generic.Inserted": "c-i",
    "Generic.Heading": "c-t",
    "Generic.Subheading": "c-t",
    "Generic.Prompt": "c-p",
    "Generic.Output": "c-c",
    "Keyword": "c-k",
    "Keyword.Type": "c-t",
    "Keyword.Constant": "c-n",
    "Literal.Number": "c-n",
    "Literal.String": "c-s",
    "Literal.Date": "c-n",
    "Name.Attribute": "c-a",
    "Name.Builtin": "c-t",
    "Name.Class": "c-t",
    "Name.Constant": "c-n",
    "Name.Decorator": "c-a",
    "Name.Exception": "c-t",
    "Name.Function": "c-f",
    "Name.Function.Magic": "c-m",
    "Name.Namespace": "c-t",
    "Name.Tag": "c-k",
    "Name.Variable": "c-a",
    "Operator.Word": "c-k",
}

# One row a class: the custom property, what it colours, and its colour in the light and in the dark scheme. Each has
# a contrast of at least 4.5 to 1 (WCAG 2.2 AA, 1.4.3) on every background between the two given below it.
_COLOURS: Final = {
    "c-k": ("keyword", "#a3005c", "#ff9ac6"),
    "c-s": ("string", "#0a5c36", "#8fdca8"),
    "c-c": ("comment", "#5a6270", "#a3adbb"),
    "c-n": ("number", "#8a3b00", "#f5b577"),
    "c-f": ("function", "#5a32a3", "#ceb4ff"),
    "c-t": ("type", "#00508f", "#8cc8ff"),
    "c-a": ("attribute", "#6a4a00", "#e3c878"),
    "c-m": ("macro", "#006070", "#7bdce6"),
    "c-p": ("prompt", "#5a6270", "#a3adbb"),
    "c-i": ("inserted", "#0a5c36", "#8fdca8"),
    "c-d": ("deleted", "#a31515", "#ffa8a0"),
}
BACKGROUNDS: Final = {"light": ("#ffffff", "#eceef1"), "dark": ("#000000", "#2a303a")}
"""Between which backgrounds the colours of each scheme are legible."""


def name_character(character: re.Match[str]) -> str:
    """Name a character of code that would hide or reorder what is seen of it (Unicode's UTS 55)."""
    return f"⟨U+{ord(character[0]):04X}⟩"


def language_of(info: str) -> str | None:
    """Give the language of a code block by its info string (`rust,no_run`), or None where we colour none of it."""
    for word in info.lower().replace("{", ",").split(","):
        name = _BY_WORD.get(word.strip().lstrip("."))
        if name:
            return name
    return "rust" if info.lower().partition(",")[0].strip() in _RUSTDOC else None


@lru_cache(maxsize=256)  # the releases of a crate show mostly the same code
def highlight(code: str, language: str) -> str | None:
    """Give HTML with a span around each coloured token, or None where the code is too long or its lexer fails.

    Without its tags the HTML is the code, character for character.
    """
    if len(code) > _LONGEST or _COSTLY.search(code):
        return None
    try:
        tokens = [(kind, text) for _, kind, text in _lexer(language).get_tokens_unprocessed(code)]
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        # A mistake in a lexer costs the colours of one block, not the page.
        return None
    # What a lexer leaves out, or shows twice, is not to be lost or doubled here.
    return _spans(tokens) if "".join([text for _, text in tokens]) == code else None


def _spans(tokens: Iterable[tuple["_TokenType", str]]) -> str:
    """Join neighbours of one class under one span."""
    from html import escape

    parts: list[str] = []
    open_class = ""
    for kind, text in tokens:
        own = _class_of(kind)
        # Space between two coloured tokens may as well be coloured: nobody sees it, and the page has one span less.
        if own != open_class and not (open_class and text.isspace()):
            if open_class:
                parts.append("</span>")
            if own:
                parts.append(f'<span class="{own}">')
            open_class = own
        parts.append(escape(text, quote=False) if _SPECIAL.search(text) else text)
    if open_class:
        parts.append("</span>")
    return "".join(parts)


@cache
def _class_of(kind: "_TokenType") -> str:
    parts = tuple(kind)
    names = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((_CLASSES[name] for name in names if name in _CLASSES), "")


@cache
def _lexer(language: str) -> "Lexer":
    module, name, _ = _LANGUAGES[language]
    lexer: Lexer = getattr(importlib.import_module(module), name)(stripnl=False, ensurenl=False)
    return lexer


def pygments_css() -> str:
    """Give the rules for the classes of `highlight`; the colours are custom properties, see `code_colours`."""
    rules = [f".{name}{{color:var(--code-{what})}}" for name, (what, _, _) in _COLOURS.items()]
    return "\n".join([*rules, ".c-c{font-style:italic}", ""])


def code_colours(scheme: Literal["light", "dark"]) -> str:
    """Give the custom properties of one scheme as declarations, to stand in the block that selects the scheme."""
    return "".join(f"--code-{what}:{light if scheme == 'light' else dark};" for what, light, dark in _COLOURS.values())
