"""A tree's shape: who helps whom, at which level, in which order.

In: a spec file or a TreeSpec. Out: a TaskGraph; or every mistake of the whole spec at once.
Touches the spec file, and users' modules through the registry. Plain dictionaries: importing
networkx would take longer than everything else that `rrm validate` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from pathlib import Path as FilePath

from rrm_tree.errors import PluginError
from rrm_tree.fitting import Sketch, check_fit, sketch_document, sketch_node
from rrm_tree.gates import count_tries, holm, least_judgments
from rrm_tree.mistakes import MOST, Mistake, Path, SpecMistakes, suggest
from rrm_tree.registry import import_modules
from rrm_tree.spec import Draft, TreeSpec, draft_tree, place_complaint
from rrm_tree.sweeps import spend_until
from rrm_tree.wording import Complaint
from rrm_tree.yaml_source import read_file

MAX_LOOPS = 10
"""Loops that are shown; a tree with more is not read more closely."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A helper that informs one criterion of a parent."""

    parent: str
    criterion: str
    helper: str


@dataclass(frozen=True)
class TaskGraph:
    """A tree without mistakes, seen as a graph."""

    tree: TreeSpec
    helpers: Mapping[str, tuple[str, ...]]
    parents: Mapping[str, tuple[str, ...]]
    level: Mapping[str, int]
    """Longest way down to a leaf; leaves are level 0."""
    order: tuple[str, ...]
    """Leaves first, by level and then by name; two machines must plan the same order."""

    @property
    def root(self) -> str:
        """The node that helps nobody."""
        return self.order[-1]

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every use of a helper, in the order written."""
        return tuple(
            Edge(parent, name, helper)
            for parent, node in self.tree.nodes.items()
            for name, criterion in node.criteria.items()
            for helper in criterion.helpers
        )

    def descendants(self, name: str) -> tuple[str, ...]:
        """Every node below, leaves first."""
        return self._reached(name, self.helpers)

    def ancestors(self, name: str) -> tuple[str, ...]:
        """Every node above, the root last."""
        return self._reached(name, self.parents)

    def _reached(self, start: str, steps: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
        reached = _reach([start], steps) - {start}
        return tuple(name for name in self.order if name in reached)


def load_graph(file: str | FilePath, sets: Sequence[str] = ()) -> TaskGraph:
    """The graph of a spec file, with `--set` edits.

    Raises:
        SpecError: every mistake of the file, the tree and its plug-ins, with line and column.
    """
    draft = draft_tree(read_file(file), sets)
    sweeps = draft.head.sweeps if draft.head else 1
    draft.complain((), check_tree(sketch_draft(draft), draft.imports, draft.folder, sweeps))
    return shape_tree(draft.finish())


def build_graph(tree: TreeSpec) -> TaskGraph:
    """The graph of a tree, checked as a file would be.

    Raises:
        SpecError: every mistake; with line and column if the tree was read from a file.
    """
    sketches = {name: sketch_node(("nodes", name), node) for name, node in tree.nodes.items()}
    complaints = check_tree(sketches, tree.imports, tree.folder, tree.sweeps)
    if not complaints:
        return shape_tree(tree)
    source = tree.source
    if source is None:
        raise SpecMistakes(Mistake(one.path, one.message) for one in complaints)
    raise source.fail([place_complaint(source, one) for one in complaints])


def shape_tree(tree: TreeSpec) -> TaskGraph:
    """The graph of a tree that was checked before, such as a frozen plan's; imports nothing."""
    helpers = {name: node.helpers for name, node in tree.nodes.items()}
    parents: dict[str, list[str]] = {name: [] for name in helpers}
    level: dict[str, int] = {}
    for name in TopologicalSorter(helpers).static_order():
        level[name] = 1 + max((level[helper] for helper in helpers[name]), default=-1)
    for name, below in helpers.items():
        for helper in below:
            parents[helper].append(name)
    order = tuple(sorted(helpers, key=lambda name: (level[name], name)))
    return TaskGraph(tree, helpers, {name: tuple(above) for name, above in parents.items()}, level, order)


# --- checks ------------------------------------------------------------------------------------


def sketch_draft(draft: Draft) -> dict[str, Sketch]:
    """Every node of a draft, as far as it can be understood."""
    return {
        name: sketch_node(("nodes", name), draft.nodes[name])
        if name in draft.nodes
        else sketch_document(("nodes", name), document)
        for name, document in draft.documents.items()
    }


def check_tree(
    sketches: Mapping[str, Sketch], imports: Sequence[str], folder: FilePath, sweeps: int = 1
) -> list[Complaint]:
    """Everything that is wrong with the tree as a whole, and with its plug-ins."""
    checks = (
        _check_imports(imports, folder),
        _check_names(sketches),
        _check_gates(sketches, sweeps),
        _check_budgets(sketches, sweeps),
    )
    # Of each sort as many as are shown: finding what was meant takes time.
    complaints = [one for check in checks for one in islice(check, MOST + 1)]
    root, shape = _check_shape(sketches)
    return [*complaints, *shape, *islice(check_fit(sketches, root), MOST + 1)]


def _check_imports(imports: Sequence[str], folder: FilePath) -> Iterator[Complaint]:
    import_modules((), folder)
    for position, module in enumerate(imports):
        try:
            import_modules([module], folder)
        except PluginError as error:
            yield Complaint(("imports", position), str(error))


def _check_names(sketches: Mapping[str, Sketch]) -> Iterator[Complaint]:
    for sketch in sketches.values():
        for use in sketch.uses:
            if use.helper not in sketches:
                path = (*sketch.path, "criteria", use.criterion, "helpers", use.position)
                hint = suggest(use.helper, sketches)
                yield Complaint(path, f"no node is named '{use.helper}'{hint}")
    yield from _check_cases((("nodes", name), name) for name in sketches)
    for name, sketch in sketches.items():
        arms = sketch.spec.arms if sketch.spec else ()
        yield from _check_cases((("nodes", name, "arms", arm), arm) for arm in arms)


def _check_cases(names: Iterable[tuple[Path, str]]) -> Iterator[Complaint]:
    """Names that some disks take for one: each has a file in a run's folder."""
    known: dict[str, str] = {}
    for path, name in names:
        other = known.setdefault(name.lower(), name)
        if other != name:
            message = f"'{name}' and '{other}' differ in capital letters alone; choose another name"
            yield Complaint(path, message, on_key=True)


def _check_budgets(sketches: Mapping[str, Sketch], sweeps: int) -> Iterator[Complaint]:
    """Budgets that do not pay for a judgment in every round of every sweep."""
    for name, sketch in sketches.items():
        budget = sketch.spec.budget if sketch.spec else None
        if sweeps > 1 and budget is not None and budget.judgments < sweeps * budget.rounds:
            rounds = f" of {budget.rounds} rounds" if budget.rounds > 1 else ""
            message = (
                f"{budget.judgments} judgments do not pay for {sweeps} sweeps{rounds}: the budget is that of"
                f" all sweeps; at least {sweeps * budget.rounds} are needed"
            )
            yield Complaint(("nodes", name, "budget", "judgments"), message)


def _check_gates(sketches: Mapping[str, Sketch], sweeps: int) -> Iterator[Complaint]:
    """Gates that no number of judgments, or not so few, can decide."""
    gates = {name: sketch.gate for name, sketch in sketches.items() if sketch.gate is not None}
    for name, gate in gates.items():
        path = ("nodes", name, "gate")
        if gate.accept <= gate.reject:
            message = f"must be greater than `reject`, {gate.reject:g}, not {gate.accept:g}"
            yield Complaint((*path, "accept"), message)
            continue
        spec = sketches[name].spec
        tries = count_tries(gate, spend_until(spec, sweeps, sweeps).budget) if spec else 1
        alpha = holm(gate.alpha, len(gates) * sweeps, passed=0) / tries
        least = least_judgments(gate.reject, gate.accept, alpha, gate.beta)
        if least > gate.judgments:
            sharers = [f"{len(gates)} gates"] * (len(gates) > 1) + [f"{tries} rounds"] * (tries > 1)
            sharers += [f"{sweeps} sweeps"] * (sweeps > 1)
            shared = f" with alpha shared by {' and '.join(sharers)}" if sharers else ""
            message = (
                f"{gate.judgments} judgments cannot pass this gate{shared}: it takes {least} even if"
                f" all are right; ask for more, or set `reject` and `accept` further apart"
            )
            yield Complaint((*path, "judgments"), message)


def _check_shape(sketches: Mapping[str, Sketch]) -> tuple[str | None, list[Complaint]]:
    """The root, if there is exactly one; loops, a second root, and nodes that no root reaches."""
    helpers = {
        name: tuple(helper for helper in sketch.helpers if helper in sketches)
        for name, sketch in sketches.items()
    }
    loops = list(_find_loops(helpers))
    complaints = [_complain_of_loop(sketches, loop) for loop in loops]
    if not all(
        sketch.knows_uses and all(use.helper in sketches for use in sketch.uses)
        for sketch in sketches.values()
    ):
        # Who is whose helper is not wholly known: what follows would blame the wrong nodes.
        return None, complaints
    used = {helper for below in helpers.values() for helper in below}
    roots = tuple(name for name in helpers if name not in used)
    if len(roots) > 1:
        message = f"a tree has one root, but nobody names {', '.join(roots)} as a helper"
        complaints.append(Complaint(("nodes", roots[-1]), message, on_key=True))
    reached = _reach(roots, helpers).union(*loops)
    if roots and len(loops) < MAX_LOOPS:
        complaints += [
            Complaint(("nodes", name), f"no root reaches '{name}'", on_key=True)
            for name in helpers
            if name not in reached
        ]
    for root in roots:
        spec = sketches[root].spec
        if spec is not None and spec.answers is not None:
            message = f"'{root}' is nobody's helper: nobody hears what it answers"
            complaints.append(Complaint(("nodes", root, "answers"), message, on_key=True))
    return roots[0] if len(roots) == 1 else None, complaints


def _complain_of_loop(sketches: Mapping[str, Sketch], loop: tuple[str, ...]) -> Complaint:
    last = next(use for use in sketches[loop[-2]].uses if use.helper == loop[-1])
    path = ("nodes", loop[-2], "criteria", last.criterion, "helpers", last.position)
    return Complaint(path, f"helpers form a loop: {' -> '.join(loop)}")


def _find_loops(helpers: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Loops from parent to helper and back; each is cut where it closes to find the next."""
    left = {name: list(below) for name, below in helpers.items()}
    for _ in range(MAX_LOOPS):
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            upward: list[str] = error.args[1]
            # The parent that was written first leads, so that the same tree gives the same text.
            around = upward[:0:-1]
            first = min(range(len(around)), key=lambda at: list(left).index(around[at]))
            loop = (*around[first:], *around[:first], around[first])
            left[loop[-2]].remove(loop[-1])
            yield loop
        else:
            return


def _reach(start: Sequence[str], steps: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Everything that the steps lead to, the start included."""
    reached, waiting = set(start), list(start)
    while waiting:
        for name in steps[waiting.pop()]:
            if name not in reached:
                reached.add(name)
                waiting.append(name)
    return reached
