"""A task-decomposition spec: YAML to frozen objects.

In: a file, text, or keyword arguments. Out: a TreeSpec.
Touches the one file that it is told to read. Knows no graph, no plug-ins, no torch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final, Literal

from pydantic import Field, PrivateAttr

from rrm_tree.cells import write_table
from rrm_tree.edits import apply_sets, merge, rewrite, write
from rrm_tree.left_out import is_none, is_one
from rrm_tree.limits import check_size
from rrm_tree.mistakes import MOST, Mistake, Path, Place, name_value
from rrm_tree.node_spec import NAME, CriterionSpec, JudgeSpec, Name, NodeSpec, Part, PluginSpec, try_edit
from rrm_tree.units import Count
from rrm_tree.wording import NAME_RULE, Complaint, validate
from rrm_tree.yaml_source import Source, read_file, read_text


class MeasureSpec(Part):
    """How much is measured on held-out outcomes."""

    pairs: Count = Field(default=400, ge=1, description="pairs per distribution, before ties are left out")
    agent_outcomes: Count = Field(default=200, ge=1, description="outcomes by which an agent is measured")
    rounds: Literal["all", "last"] | None = Field(default=None, exclude_if=is_none)
    """Which rounds are measured; None: all of tasks of one step, where outcomes are imagined, and the
    last of others, whose episodes must be run."""


class TreeSpec(Part):
    """A whole declared tree."""

    version: Literal[1]
    name: Name
    seed: Count = Field(default=0, ge=0)
    imports: tuple[str, ...] = ()
    sweeps: Count = Field(default=1, ge=1, le=8, exclude_if=is_one)
    """How often the whole tree is trained, leaves first; from the second sweep on helpers are asked about
    what their parents' agents did in the sweep before. Every budget is that of all sweeps."""
    measure: MeasureSpec = MeasureSpec()
    nodes: Mapping[Name, NodeSpec] = Field(min_length=1)

    _source: Source | None = PrivateAttr(None)

    @classmethod
    def from_yaml(cls, file: str | FilePath, sets: Sequence[str] = ()) -> TreeSpec:
        """The tree of a spec file; the same as `load_tree`."""
        return load_tree(file, sets)

    def to_yaml(self) -> str:
        """The tree as YAML; comments and layout of the file it came from are kept."""
        if self._source is None:
            return write(self.model_dump(mode="json", by_alias=True, exclude_defaults=True))
        before = draft_tree(read_text(self._source.text)).finish()
        dumps = (tree.model_dump(mode="json", by_alias=True) for tree in (before, self))
        return rewrite(self._source.text, *dumps)

    def _repr_html_(self) -> str:
        """What a notebook shows: the nodes, whom they ask and who judges."""
        rows = (
            (name, node.doc, node.task.use, ", ".join(node.helpers), node.judge.use, node.budget.judgments)
            for name, node in self.nodes.items()
        )
        columns = ("node", "question", "task", "helpers", "judge", "judgments")
        return write_table(f"Tree {self.name}, seed {self.seed}", columns, rows)

    @property
    def source(self) -> Source | None:
        """The file that the tree was read from; None if it was built in Python."""
        return self._source

    @property
    def folder(self) -> FilePath:
        """Where the tree's own modules and files are looked for: the spec's folder."""
        return FilePath(self._source.file).resolve().parent if self._source else FilePath.cwd()

    def __eq__(self, other: object) -> bool:
        # Where a tree was written does not make it another tree.
        return isinstance(other, TreeSpec) and self.model_dump() == other.model_dump()

    __hash__ = None  # type: ignore[assignment]


_ANY_NODE: Final = NodeSpec(
    doc="stands in where only the rest of a tree is looked at",
    task=PluginSpec(use="any"),
    criteria={"any": CriterionSpec(question="any")},
    judge=JudgeSpec(use="any"),
)


@dataclass
class Draft:
    """A spec as far as it could be read: what is right in it, and every mistake."""

    source: Source
    head: TreeSpec | None
    """The tree without its nodes; None if that part has mistakes."""
    nodes: dict[str, NodeSpec]
    """The nodes without mistakes."""
    documents: dict[str, Mapping[str, Any]]
    """Every node as written, defaults merged in."""
    mistakes: list[Mistake]
    _known: set[Mistake] = field(default_factory=set)

    @property
    def imports(self) -> tuple[str, ...]:
        """Modules to import, as far as they can be read."""
        written = self.source.find(("imports",))
        items = written.value.content if written.depth else None
        return tuple(str(item.content) for item in items) if isinstance(items, list) else ()

    @property
    def folder(self) -> FilePath:
        """Where the tree's own modules are looked for."""
        return FilePath(self.source.file).resolve().parent

    def complain(self, path: Path, complaints: Sequence[Complaint]) -> None:
        """Keep complaints about what stands below a path, with their places; each once.

        Raises:
            SpecMistakes: there are more than anybody reads.
        """
        for complaint in complaints:
            below = Complaint((*path, *complaint.path), *astuple(complaint)[1:])
            mistake = place_complaint(self.source, below)
            if mistake not in self._known:
                # A default's mistake is found again in every node.
                self._known.add(mistake)
                self.mistakes.append(mistake)
        if len(self.mistakes) > MOST:
            self.finish()

    def finish(self) -> TreeSpec:
        """The tree; raises SpecMistakes if there is any mistake."""
        if self.mistakes or self.head is None:
            raise self.source.fail(self.mistakes)
        tree = self.head.model_copy(update={"nodes": self.nodes})
        tree._source = self.source
        return tree


def load_tree(file: str | FilePath, sets: Sequence[str] = ()) -> TreeSpec:
    """The tree of a spec file, with `--set` edits such as `nodes.x.budget.judgments=500`.

    Finds every mistake that the file alone can show; `graph.load_graph` finds those of the whole
    tree and of its plug-ins as well, in the same pass.

    Raises:
        SpecError: all mistakes, each with its line and column.
    """
    return draft_tree(read_file(file), sets).finish()


def draft_tree(source: Source, sets: Sequence[str] = ()) -> Draft:
    """As much of the tree as can be read, and all mistakes of the text alone."""
    source.root, wrong_sets = apply_sets(source.root, sets)
    draft = Draft(source, None, {}, {}, [*source.mistakes, *wrong_sets])
    if too_large := check_size(source.root):
        raise source.fail([*draft.mistakes, too_large])
    document = source.root.plain()
    if not isinstance(document, dict):
        message = f"a spec is a mapping (version, name, nodes), not {name_value(document)}"
        draft.mistakes.append(Mistake((), message, source.root.place))
        return draft
    nodes, defaults = document.pop("nodes", None), document.pop("defaults", None)
    draft.head, complaints = validate(TreeSpec, {**document, "nodes": {"any": _ANY_NODE}})
    draft.complain((), complaints)
    if defaults is None:
        defaults = {}
    elif isinstance(defaults, dict):
        # A default may be half of something that the nodes complete, so nothing is missing here.
        _, complaints = validate(NodeSpec, defaults)
        draft.complain(("defaults",), [one for one in complaints if not one.missing])
    else:
        draft.complain(("defaults",), [Complaint((), "must be a mapping (key: value)")])
        defaults = {}
    if isinstance(nodes, dict) and nodes:
        for name, node in nodes.items():
            _draft_node(draft, name, node, defaults)
    elif "nodes" in source.root.content:  # type: ignore[operator]
        draft.complain(("nodes",), [Complaint((), "must be a mapping from names to nodes")])
    else:
        draft.complain((), [Complaint(("nodes",), "the key 'nodes' is missing", missing=True)])
    return draft


def _draft_node(draft: Draft, name: str, node: object, defaults: Mapping[str, Any]) -> None:
    path = ("nodes", name)
    if not re.fullmatch(NAME, name):
        draft.complain(path, [Complaint((), NAME_RULE, on_key=True)])
    if not isinstance(node, dict):
        draft.documents[name] = {}
        message = f"a node is a mapping (doc, task, criteria, judge), not {name_value(node)}"
        draft.complain(path, [Complaint((), message)])
        return
    merged = draft.documents[name] = merge(defaults, node)
    valid, complaints = validate(NodeSpec, merged)
    draft.complain(path, complaints)
    if valid is not None:
        draft.nodes[name] = valid
    arms = valid.arms if valid else merged.get("arms")
    for arm, edits in arms.items() if isinstance(arms, Mapping) else ():
        if isinstance(edits, Mapping):
            # An arm of a broken node is half of something, as a default is.
            complaints = try_edit(valid, edits)[1] if valid else validate(NodeSpec, edits)[1]
            wrong = [one for one in complaints if valid or not one.missing]
            draft.complain((*path, "arms", str(arm)), wrong)


def place_complaint(source: Source, complaint: Complaint) -> Mistake:
    """The complaint with its place in the file."""
    place, path = locate(source, complaint.path, complaint.on_key or complaint.missing)
    return Mistake(path[:-1] if complaint.missing else path, complaint.message, place)


def locate(source: Source, path: Path, on_key: bool = False) -> tuple[Place, Path]:
    """Where a path of the tree stands, and under which path: a node's or that of `defaults:`.

    What is not written at all stands at the key of what it is missing from.
    """
    found = source.find(path)
    if path[:1] == ("nodes",) and found.depth < len(path) and isinstance(found.value.content, dict):
        default = source.find(("defaults", *path[2:]))
        if default.depth + 1 > found.depth:
            found, path = default, ("defaults", *path[2:])
    written = found.depth == len(path)
    scalar = not isinstance(found.value.content, dict)
    on_value = (written and not on_key) or (scalar and not written)
    return found.value.place if on_value else found.key, path
