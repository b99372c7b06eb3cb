"""How large a tree may be, so that no file keeps a reader waiting.

In: the values of a spec. Out: what is too large, if anything is.
Touches nothing. How large a file may be as such is `yaml_source`'s to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rrm_tree.mistakes import Mistake
from rrm_tree.yaml_source import Value

MAX_ENTRIES: Final = 3_000
"""Nodes and arms together."""

MAX_MERGED: Final = 200_000
"""Keys and values of all nodes and arms, with `defaults` merged into each."""


def check_size(root: Value) -> Mistake | None:
    """What makes a tree too large to be read in a second or two: the node with which it gets so."""
    nodes, defaults = _below(root, "nodes"), _below(root, "defaults")
    if nodes is None or not isinstance(nodes.content, dict):
        return None
    entries = merged = 0
    for name, node in nodes.content.items():
        copies = 1 + _count_arms(node) + (_count_arms(defaults) if defaults else 0)
        entries += copies
        merged += copies * (node.size + (defaults.size if defaults else 0))
        if entries > MAX_ENTRIES:
            message = f"with this node the tree has more than {MAX_ENTRIES:,} nodes and arms"
        elif merged > MAX_MERGED:
            message = (
                f"with this node the tree has more than {MAX_MERGED:,} settings, `defaults` counted "
                "for every node and every arm"
            )
        else:
            continue
        return Mistake(("nodes", name), message, nodes.keys[name])
    return None


def _below(value: Value, key: str) -> Value | None:
    return value.content.get(key) if isinstance(value.content, Mapping) else None


def _count_arms(node: Value) -> int:
    arms = _below(node, "arms")
    return len(arms.content) if arms and isinstance(arms.content, dict | list) else 0
