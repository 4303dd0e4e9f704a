"""Lists cut by content."""

import random

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from cargo_static_index.site.radix import (
    MOST,
    ChangedNodes,
    Node,
    format_node,
    has_its_shape,
    merge,
    parse_node,
    rows_of,
)

KEYS = st.lists(st.text("ab-", min_size=1, max_size=12), max_size=900, unique=True)


def apply(parts: dict[str, Node], changes: list[tuple[str, bytes | None]]) -> ChangedNodes:
    written = merge("names", sorted(changes), parts.get)
    for prefix, part in written.items():
        if part is None:
            parts.pop(prefix, None)
        else:
            parts[prefix] = part
    return written


def whole(keys: set[str]) -> dict[str, Node]:
    parts: dict[str, Node] = {}
    apply(parts, [(key, b"1") for key in keys])
    return parts


@given(KEYS, st.randoms(use_true_random=False))
def test_the_cut_depends_on_the_set_alone(keys: list[str], chance: random.Random) -> None:
    parts: dict[str, Node] = {}
    left = list(keys)
    chance.shuffle(left)
    while left:
        some = chance.randint(1, 200)
        apply(parts, [(key, b"1") for key in left[:some]])
        left = left[some:]
    gone = set(chance.sample(keys, len(keys) // 2))
    if keys:
        assert parts == whole(set(keys))
        apply(parts, [(key, None) for key in gone])
        assert parts == whole(set(keys) - gone)


def test_one_more_key_rewrites_the_parts_on_its_way_only() -> None:
    chance = random.Random(1)
    names = {"".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for _ in range(20_000)}
    parts = whole(names)
    written = apply(parts, [("serde", b"1")])
    assert len(written) <= 4
    assert max(len(format_node(part)) for part in written.values() if part) < 5_000
    assert parts == whole(names | {"serde"})


def test_parts_hold_few_rows_and_all_of_them() -> None:
    keys = {f"acme-{number:04}" for number in range(1000)}
    parts = whole(keys)
    assert all(len(part.rows) <= MOST for part in parts.values())
    assert parts[""].common == "acme-0"
    assert {key for key, _ in rows_of(parts[""], parts.get)} == keys


def test_a_part_is_read_as_it_was_written() -> None:
    part = Node(list="names", prefix="a", total=1, rows={"a": Raw(b'{"x":1}')})
    assert format_node(parse_node(format_node(part))) == format_node(part)


def test_taking_away_what_is_not_there_changes_nothing() -> None:
    parts = whole({f"k{number}" for number in range(400)})
    before = dict(parts)
    apply(parts, [("zebra", None), ("k1z", None)])
    assert parts == before


def test_what_is_lost_of_a_list_is_left_out_of_its_rows() -> None:
    parts = whole({f"{letter}{number:04}" for letter in "ab" for number in range(200)})
    lost = next(iter(parts[""].children))
    rows = dict(rows_of(parts[""], lambda prefix: None if prefix == lost else parts.get(prefix)))
    assert rows
    assert not any(key.startswith(lost) for key in rows)


def test_a_list_that_lost_a_part_becomes_one_node_all_the_same_when_few_rows_are_left() -> None:
    many, few = [f"a{number:04}" for number in range(2 * MOST)], [f"b{number}" for number in range(5)]
    parts = whole({*many, *few})
    del parts[next(prefix for prefix in parts[""].children if prefix.startswith("b"))]
    apply(parts, [(key, None) for key in many[3:]])
    assert list(parts) == [""]
    assert list(parts[""].rows) == many[:3]


def test_a_node_has_the_shape_that_merging_gives_it_and_no_other() -> None:
    parts = whole({f"{letter}{number:04}" for letter in "ab" for number in range(MOST)})
    leaf = next(part for part in parts.values() if part.rows)
    root = parts[""]
    assert all(map(has_its_shape, parts.values()))
    for odd in (
        replace(root, total=root.total + 1),
        replace(root, common="a"),
        replace(root, children=dict(reversed(root.children.items()))),
        replace(root, rows=leaf.rows),
        replace(leaf, total=leaf.total - 1),
        replace(leaf, common="a"),
        replace(leaf, rows=dict(reversed(leaf.rows.items()))),
    ):
        assert not has_its_shape(odd)
