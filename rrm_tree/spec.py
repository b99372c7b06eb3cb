"""A task-decomposition spec: YAML to frozen objects.

In: a file, text, or keyword arguments. Out: a TreeSpec.
Touches the one file that it is told to read. Knows no graph, no plug-ins, no torch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path as FilePath
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from rrm_tree.cells import write_table
from rrm_tree.edits import apply_sets, as_plugin, merge, rewrite, write
from rrm_tree.feedback import Kind
from rrm_tree.limits import check_size
from rrm_tree.mistakes import MOST, Mistake, Path, Place, SpecMistakes, name_value, suggest
from rrm_tree.units import Count, Number, Seconds, Size
from rrm_tree.wording import AT, NAME_RULE, Complaint, validate
from rrm_tree.yaml_source import Source, read_file, read_text

Sees = Literal["outcome", "advice"]
Help = Literal["trained", "ideal"]
NAME: Final = r"[A-Za-z][A-Za-z0-9_-]{0,63}"
Name = Annotated[str, StringConstraints(pattern=rf"^{NAME}$")]
"""Names become parts of keys, files and entries (`player~alone@3f…`)."""

STANDARD_ARMS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "alone": {"judge": {"sees": ["outcome"]}, "reward_model": {"sees": ["outcome"]}},
        "alone_sees_advice": {"judge": {"sees": ["outcome"]}},
        "assisted_sees_outcome": {"reward_model": {"sees": ["outcome"]}},
        "ideal": {"help": "ideal"},
        "truth": {"judge": {"use": "truth"}},
    }
)
"""Edits of a node that `arms: [name, …]` stands for."""


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    seen: set[str] = set()
    for position, value in enumerate(values):
        if value in seen:
            words = {"value": value, AT: position}
            raise PydanticCustomError("twice", "'{value}' stands here twice", words)
        seen.add(value)
    return values


QUERIES: Final = ("random", "disagreement", "entropy", "information", "kcenter")
"""What may be asked after the first round."""

_QUERY_SCHEMA: Final = {"anyOf": [{"enum": list(QUERIES)}, {"type": "string", "pattern": ":"}]}


def _known_query(value: str) -> str:
    if value in QUERIES or ":" in value:
        return value
    hint = suggest(value, QUERIES)
    words = {"value": value, "hint": hint if hint.endswith("?") else f"{hint}, or your own as module:attr"}
    raise PydanticCustomError("query", "no query is named '{value}'{hint}", words)


def _is_none(value: object) -> bool:
    # Left out of dumps, and so of fingerprints: a spec without it keeps the keys that it had before.
    return value is None


def _is_empty(value: object) -> bool:
    return value == ()


def _is_zero(value: object) -> bool:
    return value == 0


def _is_one(value: object) -> bool:
    return value == 1


Share = Annotated[Number, Field(gt=0)]
Sights = Annotated[tuple[Sees, ...], Field(min_length=1), AfterValidator(_each_once)]


class Part(BaseModel):
    """Anything that stands in a spec: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


class PluginSpec(Part):
    """A plug-in by registered name or `module:attr`, with its options."""

    use: str = Field(min_length=1)
    options: Mapping[str, Any] = Field(default_factory=dict, alias="with")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return as_plugin(value)


class CriterionSpec(Part):
    """One question about an outcome that the judge answers, and the helpers that inform it."""

    question: str = Field(min_length=1)
    helpers: Annotated[tuple[str, ...], AfterValidator(_each_once)] = ()
    weight: Number = Field(default=1.0, gt=0)


class ScheduleSpec(Part):
    """How judgments are shared out over the rounds of a node."""

    first: Number = Field(default=0.25, gt=0, le=1)
    """Share of the judgments that the first round gets."""
    then: Literal["constant", "hyperbolic"] = "constant"
    """The others' parts: all alike, or falling as 1/(1 + t) with t from 0 to 1."""


class JudgeSpec(PluginSpec):
    """Who gives feedback, of which kind, and what is shown with the outcome."""

    kind: Kind | None = None
    """None: the judge's first, unless there are `kinds`."""
    kinds: Annotated[Mapping[Kind, Share], Field(min_length=1)] | None = Field(
        default=None, exclude_if=_is_none
    )
    """Several kinds, each with its share of the judgments, as weights. The first sets the scale of
    rewards, and is the one that gates and measuring ask for."""
    alternatives: Count | None = Field(default=None, ge=2, le=64, exclude_if=_is_none)
    """Among how many is chosen where a judge chooses among several; None: 4. Corrections are chosen
    among all actions."""
    sees: Sights = ("outcome", "advice")
    parts_per_outcome: Count = Field(default=1, ge=1)
    """How many random parts of an outcome are judged; tasks whose outcomes have parts only."""
    windows_per_episode: Count | None = Field(default=None, ge=1, exclude_if=_is_none)
    """How many windows of an episode are judged; None: as many as fit side by side. Tasks with
    segments only, and only for training."""
    query: Annotated[str, AfterValidator(_known_query), WithJsonSchema(_QUERY_SCHEMA)] = "random"
    """What to ask after the first round: one of `QUERIES`, or one's own as `module:attr`."""
    pool: Count | None = Field(default=None, ge=1, exclude_if=_is_none)
    """Candidates for each that is chosen where `query` is not random; None: 10 windows, or 4 whole
    outcomes, which must all be run. Of outcomes with parts all parts are candidates."""
    schedule: ScheduleSpec | None = Field(default=None, exclude_if=_is_none)
    """How judgments are shared out over the rounds; None: evenly."""

    overlap: Count | None = Field(default=None, ge=2, exclude_if=_is_none)
    """How many judges answer each question; None: one. Each answer is a judgment of the budget."""
    agreement: Number | None = Field(default=None, ge=-1, lt=1, exclude_if=_is_none)
    """Krippendorff's alpha that several judges of a leaf must be able to have; None: 0.2."""
    fallback: tuple[PluginSpec, ...] = Field(default=(), exclude_if=_is_empty)
    """Judges who are asked, one after the other, what the one before cannot tell."""

    @property
    def shares(self) -> Mapping[Kind, float]:
        """Kinds that the spec names, with their shares of all judgments; none: the judge's first alone."""
        if self.kinds is not None:
            total = sum(self.kinds.values())
            return {kind: share / total for kind, share in self.kinds.items()}
        return {} if self.kind is None else {self.kind: 1.0}

    @model_validator(mode="after")
    def _one_or_several(self) -> JudgeSpec:
        if self.kind is not None and self.kinds is not None:
            words = {"kind": self.kind, AT: "kinds"}
            raise PydanticCustomError(
                "kinds", "there is `kind: {kind}` as well; leave out one of them", words
            )
        return self


class RewardModelSpec(Part):
    """How judgments are distilled."""

    network: PluginSpec = PluginSpec(use="mlp")
    ensemble: Count = Field(default=3, ge=1, le=64)
    sees: Sights = ("outcome", "advice")
    learning_rate: Number = Field(default=1e-3, gt=0)
    weight_decay: Number = Field(default=1e-4, ge=0)
    batch: Count = Field(default=256, ge=1)
    epochs: Count = Field(default=60, ge=1)
    patience: Count = Field(default=8, ge=1)
    held_out: Number = Field(default=0.1, gt=0, lt=1)
    mistakes: Number = Field(default=0.1, ge=0, lt=1)
    """Share of all answers but ratings taken to be given at random, however clear the case."""
    ties: Number = Field(default=0.0, ge=0, exclude_if=_is_zero)
    """How many times likelier than either answer a tie is between equals (Davidson 1970); 0 counts a
    tie as half of either answer, which is the limit."""
    caution: Number = Field(default=0.0, ge=0, exclude_if=_is_zero)
    """How many deviations of the members are taken off the reward that an agent improves on."""


class AnswersSpec(Part):
    """What a node's parents hear instead of its agent: a helper that is ideal, or wrong on purpose."""

    ideal: bool = False
    """Perfect answers, which its task must be able to compute: its own agent is not asked."""
    wrong: Number = Field(default=0.0, ge=0, le=1)
    """Share of the parts of the answers that are replaced; see `corrupting.corrupt`."""


class BudgetSpec(Part):
    """Hard limits over all rounds of a node; None is no limit."""

    judgments: Count = Field(default=500, ge=1)
    looks: Count | None = Field(default=None, ge=1)
    steps: Count = Field(default=100_000, ge=1)
    """Environment steps of collecting and improving; collecting takes at most half of a round's share
    where episodes must be run, and improving what is left."""
    rounds: Count = Field(default=1, ge=1)
    optimiser_steps: Count | None = Field(default=None, ge=1)
    cpu_seconds: Seconds | None = Field(default=None, gt=0)


class GateSpec(Part):
    """The accuracy a node must show before its parents start (Wald's sequential test)."""

    reject: Number = Field(default=0.75, gt=0, lt=1, description="H0: accuracy is at most this")
    accept: Number = Field(default=0.85, gt=0, lt=1, description="H1: accuracy is at least this")
    alpha: Number = Field(default=0.05, gt=0, lt=0.5)
    beta: Number = Field(default=0.1, gt=0, lt=0.5)
    judgments: Count = Field(default=300, ge=1)
    on_miss: Literal["more", "stop", "warn"] = "warn"


class ResourcesSpec(Part):
    """What one attempt needs of its machine."""

    cpu: Count = Field(default=1, ge=1)
    gpu: Count = Field(default=0, ge=0)
    memory: Size = Field(default=2_000_000_000, ge=1, description="bytes")
    queue: str | None = None


class NodeSpec(Part):
    """One node: a task, who judges it with whose help, and how it is learned."""

    doc: str = Field(min_length=1)
    task: PluginSpec
    criteria: Mapping[Name, CriterionSpec] = Field(min_length=1)
    judge: JudgeSpec
    help: Help = "trained"
    answers: AnswersSpec | None = Field(default=None, exclude_if=_is_none)
    """What its parents hear of it, for counterfactual trees; its own training stays as it is."""
    reward_model: RewardModelSpec = RewardModelSpec()
    agent: PluginSpec = PluginSpec(use="greedy")
    budget: BudgetSpec = BudgetSpec()
    gate: GateSpec | None = None
    resources: ResourcesSpec = ResourcesSpec()
    arms: Mapping[Name, Mapping[str, Any]] = Field(default_factory=dict)
    """Each arm's edits; apply them with `edit_node`."""

    @field_validator("arms", mode="before")
    @classmethod
    def _name_arms(cls, value: object) -> object:
        if isinstance(value, list | tuple):
            value = dict.fromkeys(_each_once(tuple(map(str, value))))
        if not isinstance(value, Mapping):
            raise PydanticCustomError("arms", "must be a list of standard arms, or a mapping of arms")
        return {name: _standard_arm(str(name)) if edits is None else edits for name, edits in value.items()}

    @property
    def answers_ideally(self) -> bool:
        """Whether its parents hear perfect answers, and not its agent's."""
        return self.answers is not None and self.answers.ideal

    @property
    def helpers(self) -> tuple[str, ...]:
        """Every helper of any criterion, once, in the order written."""
        named = (name for criterion in self.criteria.values() for name in criterion.helpers)
        return tuple(dict.fromkeys(named))


def _standard_arm(name: str) -> Mapping[str, Any]:
    if name not in STANDARD_ARMS:
        words = {"name": name, "suggestion": suggest(name, STANDARD_ARMS), AT: name}
        raise PydanticCustomError("arm", "no standard arm is named '{name}'{suggestion}", words)
    return STANDARD_ARMS[name]


class MeasureSpec(Part):
    """How much is measured on held-out outcomes."""

    pairs: Count = Field(default=400, ge=1, description="pairs per distribution, before ties are left out")
    agent_outcomes: Count = Field(default=200, ge=1, description="outcomes by which an agent is measured")
    rounds: Literal["all", "last"] | None = Field(default=None, exclude_if=_is_none)
    """Which rounds are measured; None: all of tasks of one step, where outcomes are imagined, and the
    last of others, whose episodes must be run."""


class TreeSpec(Part):
    """A whole declared tree."""

    version: Literal[1]
    name: Name
    seed: Count = Field(default=0, ge=0)
    imports: tuple[str, ...] = ()
    sweeps: Count = Field(default=1, ge=1, le=8, exclude_if=_is_one)
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
            complaints = _edit(valid, edits)[1] if valid else validate(NodeSpec, edits)[1]
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


def edit_node(node: NodeSpec, edits: Mapping[str, Any]) -> NodeSpec:
    """The node with edits merged in, such as those of an arm, validated again.

    Raises:
        SpecMistakes: if the result is not a node.
    """
    edited, complaints = _edit(node, edits)
    if edited is None:
        raise SpecMistakes(Mistake(complaint.path, complaint.message) for complaint in complaints)
    return edited


def _edit(node: NodeSpec, edits: Mapping[str, Any]) -> tuple[NodeSpec | None, list[Complaint]]:
    if "arms" in edits:
        return None, [Complaint(("arms",), "an arm has no arms of its own", on_key=True)]
    return validate(NodeSpec, merge(node.model_dump(by_alias=True), edits))
