"""What cargo's own crates say of thousands of versions, requirements and targets, and that we say the same."""

import random
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.protocol.platform import parse_target
from cargo_static_index.protocol.semver import parse_requirement, parse_version
from tests.tools import build_program, shared_folder

Ask = Callable[[Sequence[str]], list[str]]

pytestmark = [pytest.mark.cargo]

HERE = Path(__file__).parent
BIG = 2**64 - 1

NUMBERS = ["0", "0", "1", "1", "2", "3", "10", "99", str(BIG)]
ODD_NUMBERS = ["", "00", "01", "x", "*", "X", "-1", "a", "٣", str(BIG + 1), "9" * 30, "0" * 20, " 1"]
PRES = ["0", "1", "2", "10", "a", "b", "a1", "1a", "-", "alpha", "A", "9" * 22, "rc"]
ODD_PRES = ["", "01", "00", "_", "é", "a b", "*"]
BUILDS = [*PRES, "01", "00", "001"]
OPERATORS = ["", "", "^", "~", "=", ">", ">=", "<", "<="]
ODD_OPERATORS = ["==", "!=", "=>", "v", "^^", "> =", "*", "||"]
BLANKS = ["", "", "", " ", "  "]
ODD_BLANKS = ["\t", "\r", "\u00a0"]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Builds the program once, and gives a function from questions to its answers."""
    program = build_program(HERE / "semver_oracle" / "Cargo.toml", shared_folder(tmp_path_factory) / "semver-oracle")

    def answers(questions: Sequence[str]) -> list[str]:
        asked = "".join(f"{question}\n" for question in questions).encode()
        done = subprocess.run([program], input=asked, capture_output=True, check=True)
        found = done.stdout.decode().split("\n")[:-1]
        assert len(found) == len(questions)
        return found

    return answers


def test_versions_are_accepted_and_printed_as_by_the_semver_crate(ask: Ask) -> None:
    chance = random.Random(1)
    texts = ["", "1", "1.0", "1.0.0", " 1.0.0", "1.0.0 ", "1.0.0-", "1.0.0+", "1.0.0-+", "1.0.0-.", "1.0.0+a+b"]
    texts += [_version(chance, odds=odds) for odds in (0.0, 0.1) for _ in range(2000)]
    _agree(ask, "version", texts, lambda text: parse_version(text).format())


def test_requirements_are_accepted_and_printed_as_by_the_semver_crate(ask: Ask) -> None:
    chance = random.Random(2)
    texts = ["", " ", "*", " x ", "X,", "*,1", "1,*", ", ".join(["1"] * 32), ", ".join(["1"] * 33), "1.*.*", "*.*"]
    texts += [_requirement(chance, odds=odds) for odds in (0.0, 0.06) for _ in range(3000)]
    _agree(ask, "req", texts, lambda text: parse_requirement(text).format())


def test_versions_are_ordered_as_by_the_semver_crate(ask: Ask) -> None:
    chance = random.Random(3)
    pairs = [(_near_version(chance), _near_version(chance)) for _ in range(4000)]
    expected = ask([f"cmp {left} {right}" for left, right in pairs])
    assert set(expected) == {"Less", "Equal", "Greater"}
    for (left, right), answer in zip(pairs, expected, strict=True):
        one, other = parse_version(left), parse_version(right)
        ours = "Less" if one < other else "Greater" if one > other else "Equal"
        assert (left, right, ours) == (left, right, answer)
        assert (one == other) == (answer == "Equal")


def test_requirements_match_the_versions_that_they_match_in_the_semver_crate(ask: Ask) -> None:
    chance = random.Random(4)
    pairs = [(_near_requirement(chance), _near_version(chance)) for _ in range(8000)]
    expected = ask([f"matches {requirement} {version}" for requirement, version in pairs])
    assert set(expected) == {"true", "false"}
    for (requirement, version), answer in zip(pairs, expected, strict=True):
        ours = parse_requirement(requirement).matches(parse_version(version))
        assert (requirement, version, ours) == (requirement, version, answer == "true")


def test_targets_are_accepted_as_by_cargo(ask: Ask) -> None:
    chance = random.Random(5)
    texts = ["", "cfg", "cfg(", "cfg)", "cfg()", "cfg(a", "cfg(a) ", " cfg(a)", "cfg (a)", "CFG(a)", "not(a)", "a/b"]
    texts += ["cfg(\ta)", "cfg(r#)", "cfg(r#1)", "cfg(r#r#a)", "cfg(br#a)", "cfg(r# a)", "cfg(r#all(a))", 'cfg("a")']
    texts += [f"cfg({_expression(chance, odds=odds)})" for odds in (0.0, 0.05, 0.2) for _ in range(1500)]
    texts += ["".join(chance.choices("ab9_-.", k=5)) + chance.choice(["", "", "(", " ", "é", "/"]) for _ in range(200)]
    _agree(ask, "target", texts, lambda text: "ok" if parse_target(text) == text else "changed")


def test_every_letter_that_we_allow_in_the_name_of_a_target_cargo_allows(ask: Ask) -> None:
    """Cargo knows more of them: combining vowels, and the letters of a newer Unicode."""
    letters = "".join(letter for letter in map(chr, range(0x110000)) if letter.isalnum())
    assert parse_target(letters) == letters
    assert ask([f"target {letters}"]) == ["ok"]


def _agree(ask: Ask, verb: str, texts: Iterable[str], ours: Callable[[str], str]) -> None:
    """Compare answer with answer; both yes and no must occur, or the inputs would prove nothing."""
    unique = list(dict.fromkeys(texts))
    expected = ask([f"{verb} {text}" for text in unique])
    assert 0.1 < expected.count("error") / len(expected) < 0.9
    assert [(text, _attempt(ours, text)) for text in unique] == list(zip(unique, expected, strict=True))


def _attempt(ours: Callable[[str], str], text: str) -> str:
    try:
        return ours(text)
    except InvalidInput:
        return "error"


def _pick(chance: random.Random, usual: Sequence[str], odd: Sequence[str], odds: float) -> str:
    return chance.choice(odd if chance.random() < odds else usual)


def _identifiers(chance: random.Random, usual: Sequence[str], odds: float) -> str:
    return ".".join(_pick(chance, usual, ODD_PRES, odds) for _ in range(chance.randint(1, 3)))


def _suffixes(chance: random.Random, odds: float) -> str:
    pre = "-" + _identifiers(chance, PRES, odds) if chance.random() < 0.5 else ""
    build = "+" + _identifiers(chance, BUILDS, odds) if chance.random() < 0.3 else ""
    return pre + build


def _version(chance: random.Random, odds: float) -> str:
    count = 3 if chance.random() >= odds else chance.randint(1, 4)
    return ".".join(_pick(chance, NUMBERS, ODD_NUMBERS, odds) for _ in range(count)) + _suffixes(chance, odds)


def _comparator(chance: random.Random, odds: float) -> str:
    count = chance.randint(1, 3)
    wildcards = [*NUMBERS, "*", "x"]
    numbers = [_pick(chance, wildcards if at else NUMBERS, ODD_NUMBERS, odds) for at in range(count)]
    suffixes = _suffixes(chance, odds) if count == 3 or chance.random() < odds else ""
    gaps = [_pick(chance, BLANKS, ODD_BLANKS, odds / 3) for _ in range(3)]
    return gaps[0] + _pick(chance, OPERATORS, ODD_OPERATORS, odds) + gaps[1] + ".".join(numbers) + suffixes + gaps[2]


def _requirement(chance: random.Random, odds: float) -> str:
    comparators = [_comparator(chance, odds) for _ in range(chance.choice([1, 1, 1, 2, 3]))]
    return _pick(chance, [","], ["", " ", ",,", "||"], odds).join(comparators)


def _near_version(chance: random.Random) -> str:
    """Give a version among few, so that two of them are often equal in part."""
    numbers = ".".join(chance.choices("0012", k=3))
    pre = chance.choice(["", "", "-" + ".".join(chance.choices(["0", "1", "a", "b", "10"], k=chance.randint(1, 2)))])
    build = ["0", "00", "1", "01", "001", "2", "10", "a", "B", "1a", "-", "0.0"]
    return numbers + pre + chance.choice(["", "", "+" + chance.choice(build)])


def _near_requirement(chance: random.Random) -> str:
    """Give a requirement that versions like those of `_near_version` often match."""
    whole = [chance.choice(OPERATORS) + _near_version(chance) for _ in range(chance.choice([1, 1, 2]))]
    part = chance.choice(OPERATORS) + ".".join(chance.choices("0012", k=chance.randint(1, 2)))
    return ", ".join(chance.choice([whole, [part], [part, *whole], ["*"], [part.lstrip("^~=<>") + ".*"]]))


def _expression(chance: random.Random, odds: float, depth: int = 3) -> str:
    gap = _pick(chance, BLANKS, ODD_BLANKS, odds / 6)
    if chance.random() < odds / 2:
        return gap + chance.choice(["", ",", "(", ")", "=", '"', "all", "not", "r#", "1a", "#", "é", "a b", 'a = b"'])
    if depth == 0 or chance.random() < 0.4:
        option = chance.choice(
            ["unix", "true", "r#false", "_a9", "allow", 'a = "b"', 'k="( \\ é"', f'r#x{gap}={gap}""']
        )
        return gap + option + gap
    word = _pick(chance, ["all", "any", "not"], ["All", "xor", "r#any", ""], odds / 3)
    count = 1 if word == "not" and chance.random() >= odds else chance.randint(0, 3)
    members = ",".join(_expression(chance, odds, depth - 1) for _ in range(count))
    comma = "," if members and word != "not" and chance.random() < 0.3 else ""
    return f"{gap}{word}{gap}({members}{comma}{gap})"
