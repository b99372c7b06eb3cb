"""Recursive reward modeling: declare a tree of tasks, train it leaves first, read its accuracy.

    from rrm_tree import Tree, build_graph
    tree = Tree.from_yaml("task_specs/chess.yaml")
    build_graph(tree).order

What stands here is imported when it is first asked for, so that `import rrm_tree` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rrm_tree.contracts import declare as declare
    from rrm_tree.graph import TaskGraph as TaskGraph
    from rrm_tree.graph import build_graph as build_graph
    from rrm_tree.graph import load_graph as load_graph
    from rrm_tree.node_spec import edit_node as edit_node
    from rrm_tree.opened import Run as Run
    from rrm_tree.registry import register as register
    from rrm_tree.spec import TreeSpec as Tree

__all__ = ["Run", "TaskGraph", "Tree", "build_graph", "declare", "edit_node", "load_graph", "register"]

_HOMES = {
    "Run": ("rrm_tree.opened", "Run"),
    "TaskGraph": ("rrm_tree.graph", "TaskGraph"),
    "Tree": ("rrm_tree.spec", "TreeSpec"),
    "build_graph": ("rrm_tree.graph", "build_graph"),
    "declare": ("rrm_tree.contracts", "declare"),
    "edit_node": ("rrm_tree.node_spec", "edit_node"),
    "load_graph": ("rrm_tree.graph", "load_graph"),
    "register": ("rrm_tree.registry", "register"),
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'rrm_tree' has no attribute '{name}'")
    from importlib import import_module  # noqa: PLC0415 - `import rrm_tree` costs nothing

    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
