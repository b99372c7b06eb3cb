"""The arms of a node side by side, and which part of its gain is judging and which is seeing.

In: NodeResults. Out: one table a node. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from rrm_tree.propagation.effort import sum_effort
from rrm_tree.propagation.intervals import Difference, Estimate, subtract
from rrm_tree.propagation.nodes import NodeAnalysis, analyse_node, sees_advice
from rrm_tree.propagation.recovered import Recovered, recover_gap
from rrm_tree.records import NodeResult, Stored

SIGHT = {"judge.sees", "reward_model.sees"}
"""What an arm may edit and still tell what seeing the advice is worth."""


class ArmRow(Stored):
    """One way of training or judging a node, beside the others."""

    name: str
    """`proposal`, `heuristic`, the arm's name, or the node's own for the tree as declared."""
    declared: bool
    """The tree as declared, which the others are compared with."""
    judge: str | None
    judge_sees_advice: bool | None
    reward_sees_advice: bool | None
    help: str | None
    state: str | None
    truth: Estimate | None
    """Mean truth of the agent's outcomes."""
    less: Difference | None
    """The declared tree's mean truth minus this one's."""
    judgments: int
    looks: int
    helpers_looks: int
    """Looks spent on the helpers that this arm uses, theirs included."""

    @property
    def all_looks(self) -> int:
        """Total human effort."""
        return self.looks + self.helpers_looks


class GainStep(Stored):
    """One of two causes of a gain, changed while the other stays as it is."""

    cause: Literal["judging", "seeing"]
    """Better judgments; or what the reward model sees."""
    before: Estimate
    after: Estimate
    gain: Difference


class GainPath(Stored):
    """From unaided judgments and an outcome-only reward model to help for both, one cause at a time."""

    steps: tuple[GainStep, GainStep]
    total: Difference


class Arms(Stored):
    """All arms of one node, and what its gain comes from."""

    node: str
    rows: tuple[ArmRow, ...]
    paths: tuple[GainPath, ...]
    """Both orders where all four arms were trained; empty where neither order is complete."""
    judging_alone: GainStep | None
    """Better judgments at what the declared reward model sees, where no whole path is known."""
    recovered: Recovered | None = None
    """Performance gap recovered, where the arms `alone` and `truth` are there."""
    result_gap: Difference | None = None
    """The reward-result gap: mean truth of the arm `truth` minus that of the tree as declared."""


class _Corner(NamedTuple):
    judge_sees_advice: bool
    reward_sees_advice: bool


def compare_arms(node: str, entries: Sequence[NodeResult], by_name: Mapping[str, NodeResult]) -> Arms:
    """The arms of a node at their total effort.

    Args:
        node: the node's name.
        entries: the node and its arms, the node as declared first.
        by_name: every entry of the run.
    """
    analysed = [analyse_node(entry) for entry in entries]
    declared = analysed[0]
    rows = [_arm_row(entry, one, declared, by_name) for entry, one in zip(entries, analysed, strict=True)]
    free = [
        _free_row(name, truth, declared.agent_truth)
        for name, truth in (("proposal", declared.proposal_truth), ("heuristic", declared.heuristic_truth))
        if truth is not None
    ]
    corners = _find_corners(entries, analysed)
    paths = _find_paths(corners)
    sees = sees_advice(entries[0], "reward")
    step = None if paths else _gain_step("judging", corners, _Corner(False, sees), _Corner(True, sees))
    alone, on_truth = (_truth_of(name, rows) for name in ("alone", "truth"))
    ours = declared.agent_truth
    return Arms(
        node=node,
        rows=(*free, *rows),
        paths=paths,
        judging_alone=step,
        recovered=recover_gap(ours, alone, on_truth) if ours and alone and on_truth else None,
        result_gap=subtract(on_truth, ours) if ours and on_truth else None,
    )


def _truth_of(name: str, rows: Sequence[ArmRow]) -> Estimate | None:
    """Mean truth of an arm; None where there is none of this name."""
    return next((row.truth for row in rows if row.name == name and not row.declared), None)


def _arm_row(
    entry: NodeResult, one: NodeAnalysis, declared: NodeAnalysis, by_name: Mapping[str, NodeResult]
) -> ArmRow:
    ours, theirs = declared.agent_truth, one.agent_truth
    less = subtract(ours, theirs) if entry.arm and ours and theirs else None
    return ArmRow(
        name=entry.arm or entry.name,
        declared=entry.arm is None,
        judge=entry.judge,
        judge_sees_advice=sees_advice(entry, "judge"),
        reward_sees_advice=sees_advice(entry, "reward"),
        help=entry.help,
        state=entry.state,
        truth=one.agent_truth,
        less=less,
        judgments=one.effort.all_judgments,
        looks=one.effort.all_looks,
        helpers_looks=sum(sum_effort(by_name[name]).all_looks for name in used_helpers(entry, by_name)),
    )


def _free_row(name: str, truth: Estimate, declared: Estimate | None) -> ArmRow:
    """An arm that nobody judged."""
    return ArmRow(
        name=name,
        declared=False,
        judge=None,
        judge_sees_advice=None,
        reward_sees_advice=None,
        help=None,
        state=None,
        truth=truth,
        less=subtract(declared, truth) if declared else None,
        judgments=0,
        looks=0,
        helpers_looks=0,
    )


def used_helpers(entry: NodeResult, by_name: Mapping[str, NodeResult]) -> set[str]:
    """Every node whose trained agent this entry's judge or reward model hears, however far below."""
    used: set[str] = set()
    waiting = [entry]
    while waiting:
        current = waiting.pop()
        hears = sees_advice(current, "judge") or sees_advice(current, "reward")
        if not hears or current.help != "trained":
            continue
        known = [by_name[name] for name in current.helpers if name in by_name and name not in used]
        new = [one.name for one in known if not (one.answers or "").startswith("ideal")]
        used.update(new)
        waiting.extend(by_name[name] for name in new)
    return used


def _find_corners(entries: Sequence[NodeResult], analysed: Sequence[NodeAnalysis]) -> dict[_Corner, Estimate]:
    """Mean truth by who sees the advice, among arms that differ from the declared node in nothing else."""
    corners: dict[_Corner, Estimate] = {}
    if not entries[0].helpers:
        return corners
    for entry, one in zip(entries, analysed, strict=True):
        if _differs_in_sight(entry, entries[0]) and one.agent_truth is not None:
            corner = _Corner(sees_advice(entry, "judge"), sees_advice(entry, "reward"))
            corners.setdefault(corner, one.agent_truth)
    return corners


def _differs_in_sight(arm: NodeResult, declared: NodeResult) -> bool:
    """Whether an arm differs from the node as declared in who sees the advice, at most."""
    if arm.edits is not None:
        return set(arm.edits) <= SIGHT
    return arm.judge == declared.judge and (arm.help == declared.help or not arm.helpers)


def _find_paths(corners: Mapping[_Corner, Estimate]) -> tuple[GainPath, ...]:
    start, end = _Corner(False, False), _Corner(True, True)
    paths = []
    for middle, causes in (
        (_Corner(False, True), ("seeing", "judging")),
        (_Corner(True, False), ("judging", "seeing")),
    ):
        first = _gain_step("seeing" if causes[0] == "seeing" else "judging", corners, start, middle)
        second = _gain_step("seeing" if causes[1] == "seeing" else "judging", corners, middle, end)
        if first and second:
            paths.append(GainPath(steps=(first, second), total=subtract(corners[end], corners[start])))
    return tuple(paths)


def _gain_step(
    cause: Literal["judging", "seeing"], corners: Mapping[_Corner, Estimate], before: _Corner, after: _Corner
) -> GainStep | None:
    if before not in corners or after not in corners:
        return None
    gain = subtract(corners[after], corners[before])
    return GainStep(cause=cause, before=corners[before], after=corners[after], gain=gain)
