"""Words as a search takes them: split, in small letters, without the endings that English puts behind them.

`site-template/assets/search.js` does the same to what is typed, so that both meet; a test holds one against the other.
A published stemmer (Porter's, Snowball's) would be some hundred lines in each language, for endings that descriptions
of crates hardly have.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import accumulate

from cargo_static_index._pattern import pattern
from cargo_static_index.site.paths import safe

LETTERS = 32
"""Letters of a word that lists hold; `search.js` cuts what is typed likewise."""

WRITTEN = 120
"""Characters that these letters have in the names of files: those of other alphabets take up to eight each."""

_STOP = "a an and are as at be by for from in is it its of on or that the this to with"
STOP_WORDS = frozenset(_STOP.split())
"""Words that no search needs; `search.js` leaves them out as well."""

SIGNS = {"c++": "cpp", "c#": "csharp", "f#": "fsharp", ".net": "dotnet"}
"""What is written with signs that part words, and the word that it is found by."""

_ENDINGS = (
    "izations isations ization isation ations ation ating ators ator ated ates ate izers izer izing ized izes ize "
    "ities ity ments ment ings ing ions ion ers er ors or able ible ly ed es"
)
ENDINGS = tuple(_ENDINGS.split())
"""Endings, longer ones before those that they end with; the first goes that leaves at least `STEM` letters."""

STEM = 4

README_LETTERS = 8000
"""Of a README that is looked through; what a crate is for stands at its beginning."""

_README_STOP = """
    about add all also any apach aris been but can cargo contribut contributor crat dependenci do docu document dual
    each exampl featur from get giv github guid has have how if instal into intro introduct issu licens librari lik
    mak mani may minimum mit mor most msrv need no not one only oth our out overview packag pleas project provid readm
    releas repositori rust rustc see som start statu such support tabl tak than them then there thes toml us usag use
    using vers version warrant we what when which whil will work you your
"""
README_STOP_WORDS = frozenset(_README_STOP.split())
"""Stems that READMEs of all crates have in their headings and first lines, and that tell none from another."""

_DOUBLED = "aeilosz"
"""Letters that may stand twice at the end of a stem."""

_WORD = pattern(r"[^\W_]+")
_SIGN = pattern(r"(^|[^a-z0-9])(c\+\+|c#|f#|\.net)(?![a-z0-9])")
_SIGN_IN = pattern(r"[+#]|\.net")
_NUMBERED = pattern(r"([a-z])[-_](?=[0-9])")
_HEADING = pattern(r"#{1,2} +(.*)")
_PROSE = pattern(r"[^\W_]|[*_`\"'(>]|\[(?!!)")
_MARKUP = pattern(r"!\[[^\]]*\]\([^)]*\)|\]\([^)]*\)|\]\[[^\]]*\]|<[^>]*>|https?://\S+")


def plain(text: str) -> str:
    """Give text in small letters and its compatible form; words written with signs are spelled without."""
    text = (text if text.isascii() else unicodedata.normalize("NFKC", text)).lower()
    return _SIGN.sub(lambda found: f"{found[1]} {SIGNS[found[2]]} ", text) if _SIGN_IN.search(text) else text


def words(text: str) -> list[str]:
    """Give the words of a text in their order; a number behind a dash belongs to its word (`utf-8` is `utf8`)."""
    text = _NUMBERED.sub(r"\1", plain(text))
    if not text.isascii():  # marks belong to the letters before them, as `search.js` has it
        text = "".join(char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in text)
        return [_cut(word) for word in text.split()]
    return [word[:LETTERS] for word in _WORD.findall(text)]


def stems(text: str) -> list[str]:
    """Give the stems of the words of a text that lead anywhere."""
    return [stem(word) for word in words(text) if is_telling(word)]


def is_telling(word: str) -> bool:
    """Whether a word leads anywhere; of scripts other than ours a single letter may."""
    return (len(word) > 1 or not word.isascii()) and word not in STOP_WORDS


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Give what a word has in common with its other forms: `parser`, `parsing` and `parses` are `pars`."""
    if len(word) < STEM or not (word.isascii() and word.isalpha()):
        return word
    if not word.endswith(("ss", "us")):
        left = (word[: -len(end)] for end in ENDINGS if word.endswith(end))
        word = next((shorter for shorter in left if len(shorter) >= STEM), word.removesuffix("s"))
    if len(word) >= STEM:
        word = word.removesuffix("e")
    if len(word) >= STEM and word[-1] == word[-2] and word[-1] not in _DOUBLED:
        word = word[:-1]
    return word[:-1] + "i" if word[-1] == "y" and len(word) >= STEM else word


def readme_stems(text: str) -> Iterator[str]:
    """Give the stems of a README's headings of two levels and of its first paragraph."""
    for line in _telling_lines(text[:README_LETTERS]):
        yield from (found for found in stems(_MARKUP.sub(" ", line)) if found not in README_STOP_WORDS)


def _telling_lines(text: str) -> Iterator[str]:
    """Give the lines of the first paragraph that is prose, and the headings."""
    fenced = begun = ended = False
    for line in text.splitlines():
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line)
        is_prose = not (fenced or heading or ended) and bool(_PROSE.match(line))
        if heading:
            yield heading[1]
        elif is_prose:
            yield line
        ended = ended or (begun and not is_prose)
        begun = begun or is_prose


def _cut(word: str) -> str:
    """Cut a word where its letters are too many, or too long in the names of the files that a search asks for."""
    word = word[:LETTERS]
    lengths = accumulate(len(safe(letter)) for letter in word)
    return word[: sum(length <= WRITTEN for length in lengths)]


def first(found: Iterable[str], most: int) -> list[str]:
    """Give the first of some words, each once."""
    known: dict[str, None] = {}
    for word in found:
        if len(known) >= most:
            break
        known.setdefault(word)
    return list(known)
