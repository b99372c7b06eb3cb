"""The numbers that a node's round leaves behind, as they are stored.

Pydantic, JSON both ways; every share keeps its count so that intervals can be worked out later.
A record holds no clock times: the same run gives the same record. Times are in `Cost`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from rrm_tree.cells import write_fields
from rrm_tree.left_out import is_none

FORMAT = 1
"""Version of what the store holds; a newer one is refused."""

Distribution = Literal["off", "on"]


class Stored(BaseModel):
    """Anything that is stored as JSON: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def _repr_html_(self) -> str:
        """What a notebook shows: a row a field."""
        return write_fields(type(self).__name__, dict(self))


class Share(Stored):
    """Of how many pairs the order was right; ties count half."""

    right: float
    pairs: int

    @property
    def value(self) -> float:
        """The share itself; NaN for no pairs."""
        return self.right / self.pairs if self.pairs else float("nan")


class Shares(Stored):
    """Pairs ordered as truth orders them, by who orders; None where the domain cannot say."""

    alone: Share | None = None
    heuristic: Share | None = None
    assisted: Share | None = None
    ideal: Share | None = None
    distilled: Share | None = None
    truth_ties: int = 0
    """Pairs left out because truth ties."""
    looks_alone: float | None = None
    """Mean looks per judgment without helpers, on these pairs."""
    looks_assisted: float | None = None
    looks_ideal: float | None = None
    abstained: float | None = None
    """Share of the assisted judge's answers that were "cannot tell"."""
    told: Share | None = Field(default=None, exclude_if=is_none)
    """The assisted judge's share of the pairs about which it could tell, where it passes others on."""


class Mean(Stored):
    """A mean with what an interval needs."""

    mean: float
    deviation: float
    """Standard deviation of one outcome."""
    count: int
    binary: bool = False
    """Every value was 0 or 1, so that the mean is a share."""


class GateResult(Stored):
    """What the sequential test found, from fresh judgments."""

    accepted: bool | None
    """None: the judgments ran out before the test decided."""
    right: int
    judgments: int
    looks: int
    steps: int = 0
    """Environment steps that its fresh outcomes took; the node's budget of steps is for training."""
    log_ratio: float
    upper: float
    lower: float


class JudgeFacts(Stored):
    """One of several judges, as their answers to the same questions show it."""

    answers: int
    error: float
    """How often it errs; what is right is worked out together with it (Dawid and Skene 1979)."""
    lean: float
    """How much oftener it errs towards "right", or the first, than towards the other."""


class AgreementFacts(Stored):
    """Krippendorff's alpha of several judges: 1 where all agree, 0 where they agree as by chance."""

    alpha: float
    low: float
    """Of a 95% interval."""
    high: float
    questions: int


class LinkFacts(Stored):
    """Questions that one of the judges answered to whom they are passed on."""

    judge: str
    answers: int
    looks: int
    """Of these questions, those of judges who could not tell included."""


class PeoplePart(Stored):
    """Some of what people answered."""

    answers: int
    told: int
    """Of these, those that say something."""
    seconds: float | None
    """Median time of an answer, as far as it is known."""
    right: Share | None
    """Of the answers that say something, those that are as truth has it; None where nobody knows."""
    right_advice: Share | None
    """The same where the advice, read without slips, leads to the answer that perfect advice leads to."""
    wrong_advice: Share | None
    """The same where it leads to another: what people then still get right."""
    agreed: Share | None
    """Of the answers to questions that others answered too, those that are the same as theirs."""
    trusted: Share | None
    """Of the answers to questions whose answer is known, those that are the same."""


class PeopleFacts(Stored):
    """What people answered in training: with advice, and where it was hidden to find out what it is worth."""

    people: int
    whole: PeoplePart
    shown: PeoplePart | None
    """With advice; None where it was hidden from nothing."""
    hidden: PeoplePart | None
    """Without."""
    reasons: Mapping[str, int]
    """Why they could not tell, as often as they say."""


class JudgeRight(Stored):
    """One judge's training judgments of one kind, as truth says."""

    judge: str
    """Its name where questions are passed on; its number, from 1, where several judge; else empty."""
    kind: str
    asked: int
    told: int
    """Of what it was asked; the others were "cannot tell"."""
    right: Share | None
    """Of what it could tell; ties of truth are left out. None where the kind has no right answer."""


class JudgmentFacts(Stored):
    """What the training judgments were like."""

    judgments: int
    looks: int
    cannot_tell: int
    ties: int
    positive: float
    """Share of labels "right", or of preferences for the first; NaN never (0 for none)."""
    entropy: float
    """Mean entropy of the answers in bits; 0 when all are alike."""
    held_out_accuracy: float | None
    """The reward model on judgments it was not trained on."""
    held_out_chance: float | None
    """What always saying the more frequent answer would get there."""
    held_out_count: int
    informative: bool
    """False: nothing can be learned from these; the round did not train on them."""
    kinds: Mapping[str, JudgmentFacts] | None = Field(default=None, exclude_if=is_none)
    """The same by kind of judgment, where a node asks for several."""
    judges: tuple[JudgeFacts, ...] | None = Field(default=None, exclude_if=is_none)
    """Of labels and preferences, where several judge."""
    agreement: AgreementFacts | None = Field(default=None, exclude_if=is_none)
    reasons: Mapping[str, int] | None = Field(default=None, exclude_if=is_none)
    """Why the judge could not tell, in words, and how often; of judges who give reasons."""
    links: tuple[LinkFacts, ...] | None = Field(default=None, exclude_if=is_none)
    """The judge and those to whom it passes on what it cannot tell."""


class Promise(Stored):
    """How right a reward model expects to be about judgments it has not learned from, and how right it is."""

    expected: float
    """Mean chance that it gives to the likelier of two answers."""
    right: float
    """Share of which the likelier answer was given; ties count half."""
    expected_variance: float
    """Outcome by outcome, or pair by pair, as the following two."""
    right_variance: float
    covariance: float
    count: int
    """Outcomes, or pairs, that were judged."""


class RoundRecord(Stored):
    """One round of one node."""

    format: int = FORMAT
    node: str
    key: str
    round: int
    facts: JudgmentFacts
    """Over all rounds so far."""
    steps: int
    """Environment steps executed in this round by collecting and improving."""
    optimiser_steps: int
    off: Shares | None = None
    on: Shares | None = None
    agent_truth: Mean | None = None
    """Truth of the agent's own outcomes."""
    proposal_truth: Mean | None = None
    """Truth of outcomes before anything was trained: random actions, or what the task proposes."""
    heuristic_truth: Mean | None = None
    agent_score: Mean | None = None
    """The reward model's score of the agent's own outcomes."""
    held_out: Promise | None = None
    """This round's reward model on the judgments that were held out from it."""
    by_judge: tuple[JudgeRight, ...] | None = Field(default=None, exclude_if=is_none)
    """How right each judge was in training, where there are several, or one who may say "cannot tell"."""
    fresh: Promise | None = None
    """The reward model of the round before on this round's new judgments, before any was learned from:
    they are about outcomes of the agent that it has made. None where there is no such model."""
    people: PeopleFacts | None = Field(default=None, exclude_if=is_none)
    """Of people as judges, over all rounds so far."""
    solve_looks: float | None = None
    """Mean looks a person needs to do the task unaided."""
    gate: GateResult | None = None
    warnings: tuple[str, ...] = ()
    stopped: str | None = None
    """Why no further round follows: "rounds", "judgments", "looks", "steps", "cpu", "gate"."""


class Cost(Stored):
    """What a round took on this machine; never part of what must be equal."""

    cpu_seconds: float
    """The whole round, measuring included."""
    wall_seconds: float
    peak_bytes: int
    steps_per_second: float | None = None
    measure_cpu_seconds: float = 0.0
    """Of `cpu_seconds`, what measuring took."""
    measure_steps: int = 0
    """Environment steps that measuring executed; no budget pays for them."""


class Manifest(Stored):
    """What the store holds under one round of a key; written after everything it names."""

    format: int = FORMAT
    key: str
    round: int
    objects: Mapping[str, str]
    """File name (agent, reward, judgments, record) → digest of its content."""


class Pending(Stored):
    """What people are shown while a key waits for them; written before they are asked."""

    format: int = FORMAT
    key: str
    number: int
    """Of the batch of questions."""
    objects: Mapping[str, str]
    """Name → digest of its content."""


What: TypeAlias = Literal[
    "pairs", "causes", "transfer", "prediction", "best-of-n", "disagreements", "sweeps", "learning", "steps"
]
"""What can be measured of a trained key, at any time."""

WHATS: Final[tuple[What, ...]] = get_args(What)


class Measurement(Stored):
    """What was measured of a key beside its records; may be added at any time, and never changes the key."""

    format: int = FORMAT
    key: str
    what: str
    """Kind of measurement: "pairs", …"""
    settings: Mapping[str, Any]
    """All that decides it beside the key; its digest is part of the file's name."""
    objects: Mapping[str, str]
    """Name → digest of its content."""


class Done(Stored):
    """The last thing written under a key."""

    format: int = FORMAT
    key: str
    node: str
    fingerprint: str
    rounds: int
    judgments: int
    looks: int
    """Looks spent on this node's own training and gate judgments; arms at equal effort need it."""
    gate_passed: bool | None
    """None where the node has no gate."""
    objects: Mapping[str, str]
    """Name (agent, reward) → digest of what the node's parents load."""
    content: str
    """One digest over `objects`: what a parent's fingerprint takes in."""


class Picture(Stored):
    """One outcome as people see it."""

    caption: str
    svg: str = ""
    """A drawing; empty where there is a clip."""
    media: Literal["image/svg+xml", "image/webp", "video/webm"] = "image/svg+xml"
    data: str = ""
    """A clip of that media type, base64; empty where there is a drawing."""


State = Literal["trained", "reused", "failed", "waiting", "running", "stopped", "parked"]


class NodeResult(Stored):
    """Everything the store and the ledger know of one entry of a run: a node, or an arm of one."""

    name: str
    """`player`, or `player~alone` for an arm."""
    node: str
    arm: str | None
    level: int
    doc: str
    helpers: tuple[str, ...]
    sweep: int | None = Field(default=None, exclude_if=is_none)
    """Which sweep, from 1, where a later one has gone on from it; None: the last one."""
    edits: tuple[str, ...] | None = None
    """Settings in which an arm differs from its node ("judge.sees"); None where that is not known."""
    judge: str
    judge_sees: tuple[str, ...]
    reward_sees: tuple[str, ...]
    help: str
    answers: str | None = None
    """What its parents hear instead of its agent: "ideal", "0.1 of it wrong"; None for the agent itself."""
    state: State
    reason: str | None
    """Why it failed, waits or stopped, in words."""
    key: str | None
    rounds: tuple[RoundRecord, ...] = ()
    costs: tuple[Cost, ...] = ()
    pictures: tuple[Picture, ...] = ()

    @property
    def is_main(self) -> bool:
        """Whether it is the node itself, as its last sweep left it, and no arm of it."""
        return self.arm is None and self.sweep is None


class Edit(Stored):
    """One setting that two configurations do not share."""

    path: str
    """`nodes.player.budget.judgments`"""
    before: JsonValue
    """None also where it was not there."""
    after: JsonValue
    """None also where it is not there any more."""


class RunResult(Stored):
    """What a report is made from."""

    format: int = FORMAT
    name: str
    run: str
    """Run directory."""
    root: str
    seed: int
    command: str
    """The command that resumes or repeats this run."""
    versions: Mapping[str, str]
    nodes: tuple[NodeResult, ...]
    configuration: Mapping[str, JsonValue] = {}
    """The tree as planned: every setting, defaults resolved; numerics and versions of plug-ins too."""
    previous: str | None = None
    """The run of a tree of this name that was started before this one in the same store."""
    edits: tuple[Edit, ...] = ()
    """What of the configuration differs from the previous run's."""


class SeedsResult(Stored):
    """What a report of one tree trained with several seeds is made from."""

    format: int = FORMAT
    name: str
    run: str
    """Run directory; each seed's own lies in it."""
    root: str
    command: str
    """The command that resumes or repeats this run."""
    versions: Mapping[str, str]
    results: tuple[RunResult, ...]
    """One a seed."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, in the order of the results."""
        return tuple(result.seed for result in self.results)
