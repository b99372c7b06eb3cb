"""Two runs side by side, in words and tables.

In: a Comparison. Out: lines of text. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

from rrm_tree.propagation.changes import Change
from rrm_tree.propagation.comparing import Comparison, GateChange, NodeComparison
from rrm_tree.report.study_tables import show_value
from rrm_tree.report.terminal import align, wrap
from rrm_tree.report.words import clean, count, digits_for, listed, plural, quantity, share, signed

EDITS, NODES = 20, 12
"""So many settings, and nodes that are neither better nor worse, are told one by one."""

VERDICTS: Final = {"better": "better", "worse": "WORSE", "same": "same within noise"}


def write_comparison(found: Comparison) -> str:
    """What differs in the configuration, then in the nodes, flipped gates first."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Comparison) -> Iterator[str]:
    yield f"A: {found.first}"
    yield f"B: {found.second}"
    yield from wrap(say_verdict(found))
    yield ""
    yield from say_edits(found)
    if changed := [node for node in found.nodes if node.changes]:
        yield ""
        yield from align(list(_table(changed)), left=2)
        # Where each level has one node, the table above has said it.
        if any(level.nodes > 1 for level in found.levels):
            yield from ("", *align(list(_level_table(found)), left=2))
        yield ""
        yield from wrap(_say_how(found))
    for line in _rest(found):
        yield from wrap(line)


def say_verdict(found: Comparison) -> str:
    """One or two sentences: what is worse and what is better in B."""
    clauses = []
    for node in found.nodes:
        if node.gate is not None and node.gate.flipped != "same":
            clauses.append(f"the gate of {node.name}: {say_gates(node.gate)}")
    for verdict, word in (("worse", "worse"), ("better", "better")):
        names = [
            node.name
            for node in found.nodes
            if node.verdict == verdict and not (node.gate and node.gate.flipped != "same")
        ]
        if names:
            clauses.append(f"{word}: {listed(names, 6)}")
    if clauses:
        return f"In B {'; '.join(clauses)}."
    if all(node.same_keys for node in found.nodes):
        return "Both runs trained the very same keys: nothing differs."
    return "Nothing is better or worse in B: all is the same within noise."


def say_gates(gate: GateChange) -> str:
    """What became of a gate."""
    if gate.of_before == gate.of_after == 1:
        words = ("not passed", "passed")
        return f"{words[gate.passed_before]} in A, {words[gate.passed_after]} in B"
    return (
        f"passed in {gate.passed_before} of {plural(gate.of_before, 'seed')} in A,"
        f" in {gate.passed_after} of {gate.of_after} in B"
    )


def say_edits(found: Comparison) -> Iterator[str]:
    """What differs in the configurations, a line a setting."""
    if not found.edits:
        yield "configuration: the same"
        return
    yield f"configuration: {plural(len(found.edits), 'setting')} differ{'s' if len(found.edits) == 1 else ''}"
    for edit in found.edits[:EDITS]:
        yield f"  {clean(edit.path, 80)}: {_value(edit.before)} → {_value(edit.after)}"
    if len(found.edits) > EDITS:
        yield f"  and {count(len(found.edits) - EDITS)} more (--format json shows all)"


def _value(value: JsonValue) -> str:
    return show_value(value).strip("`")


def _table(nodes: list[NodeComparison]) -> Iterator[tuple[str, ...]]:
    yield ("node", "", "A", "B", "B − A (95%)", "p", "")
    told = [node for node in nodes if node.verdict != "same"]
    quiet = [node for node in nodes if node.verdict == "same"][:NODES]
    for node in (*told, *quiet):
        for change in node.changes:
            yield (clean(node.name, 24), change.measure, *_cells(change), VERDICTS[change.verdict])


def _level_table(found: Comparison) -> Iterator[tuple[str, ...]]:
    yield ("level", "", "A", "B", "B − A (95%)", "p", "")
    for level in found.levels[:NODES]:
        nodes = plural(level.nodes, "node")
        for change in level.changes:
            if change.measure != "truth":
                yield (f"{level.level} ({nodes})", change.measure, *_cells(change), VERDICTS[change.verdict])


def _cells(change: Change) -> tuple[str, ...]:
    apart, p = (
        change.difference,
        f"{change.p_value:.1g}" if change.p_value < 0.095 else f"{change.p_value:.2f}",
    )
    if change.measure == "truth":
        digits = digits_for(change.before.value, change.after.value)
        sides = (quantity(change.before.value, digits), quantity(change.after.value, digits))
    else:
        digits, sides = 3, (share(change.before.value), share(change.after.value))
    # The printed difference is that of the printed sides.
    value = signed(round(change.after.value, digits) - round(change.before.value, digits), digits)
    return (*sides, f"{value} ({signed(apart.low, digits)} to {signed(apart.high, digits)})", p)


def _say_how(found: Comparison) -> str:
    ways = {change.paired_by for node in found.nodes for change in node.changes}
    how = "Differences are of single measurements, as if made on different pairs, erring on the wide side"
    if "seed" in ways:
        how = f"Differences are taken within each of the {len(found.seeds)} seeds that both runs have"
    elif "pair" in ways:
        how = (
            "Differences are taken pair by pair where both runs were measured on the same held-out pairs"
            " (sign-flip tests over starting states)"
        ) + ("; others as if made on different ones" if "nothing" in ways else "")
    return f"{how}; verdicts allow for {plural(found.tests, 'number')} compared (Holm, 5%)."


def _rest(found: Comparison) -> Iterator[str]:
    """What the table does not say."""
    same = [node.name for node in found.nodes if node.same_keys]
    if same and len(same) < len(found.nodes):
        yield f"The same key in both, and so the same bytes: {listed(same, 8)}."
    for side, where in (("first", "A"), ("second", "B")):
        names = [node.name for node in found.nodes if node.only_in == side]
        if names:
            yield f"Only in {where}: {listed(names, 8)}."
    other = [node.name for node in found.nodes if node.task_differs]
    if other:
        yield f"Their tasks differ, so that truth may mean something else: {listed(other, 8)}."
    for node in found.nodes:
        ended = (node.finished_before * node.of_after, node.finished_after * node.of_before)
        if node.only_in is None and ended[0] != ended[1]:
            yield (
                f"{node.name} is finished in {node.finished_before} of {plural(node.of_before, 'seed')} in A"
                f" and in {node.finished_after} of {node.of_after} in B."
            )
    left = sum(bool(node.changes) and node.verdict == "same" for node in found.nodes) - NODES
    if left > 0:
        yield f"{plural(left, 'more node')} the same within noise (--format json shows all)."
