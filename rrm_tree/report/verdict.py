"""What the numbers mean, in sentences.

In: a RunResult and its Analysis. Out: sentences; names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from rrm_tree.propagation import (
    FINISHED,
    Alarm,
    Analysis,
    Difference,
    NodeAnalysis,
    Part,
    Worth,
)
from rrm_tree.records import NodeResult, RunResult, Stored
from rrm_tree.report.arm_words import say_whether_helpers_pay
from rrm_tree.report.people_words import say_people
from rrm_tree.report.words import (
    clean,
    code,
    count,
    listed,
    looks,
    plural,
    quantity,
    share,
)

TRIFLE = 0.01
"""A share that falls by less is no finding, however sure it is."""
STATES = {
    "failed": "failed",
    "waiting": "waits",
    "running": "is being trained",
    "stopped": "was stopped",
    "parked": "waits for people",
}
PART_WORDS = {"own": "the judge's own", "distilling": "from distilling", "judging": "from judging"}


class Note(Stored):
    """Something that the reader should know before trusting the numbers."""

    kind: Literal["failed", "warning", "finding"]
    """`failed`: not finished, for whatever reason."""
    text: str

    @property
    def words(self) -> str:
        """The note with its kind before it."""
        return f"{'not finished' if self.kind == 'failed' else self.kind}: {self.text}"


# --- the verdict -------------------------------------------------------------------------------


def give_verdict(result: RunResult, analysis: Analysis, cause: str | None = None) -> str:
    """One or two sentences: what did not finish, what helpers did, how good the root is, what to mend.

    Args:
        result: the records.
        analysis: what they say.
        cause: half a sentence about the largest cause, where interventions have found it.
    """
    measured = [
        clause
        for clause in (_helpers(analysis), _root(result, analysis), cause or say_weakest(analysis))
        if clause is not None
    ]
    unfinished = _unfinished([node for node in result.nodes if node.arm is None])
    if measured:
        return " ".join(filter(None, [unfinished, _sentence("; ".join(measured))]))
    if any(node.rounds for node in analysis.nodes):
        known = any(node.off or node.on for node in analysis.nodes)
        # Then it is the nodes that have helpers, the root among them, of which nothing is known.
        measured_below = "No node that has helpers has been measured."
        unknown = measured_below if known else "No node has a truth that it could be measured against."
        return " ".join(filter(None, [unfinished, unknown]))
    return " ".join(filter(None, [unfinished, "Nothing is measured yet."]))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _unfinished(nodes: Sequence[NodeResult]) -> str | None:
    rest = [node for node in nodes if node.state not in FINISHED]
    if not nodes:
        return "This run has no nodes."
    if not rest:
        return None
    rest.sort(key=lambda node: (list(STATES).index(node.state), node.level))
    each = listed([f"{code(node.name)} {STATES[node.state]}" for node in rest])
    if len(rest) == len(nodes):
        return f"No node is finished: {each}."
    are = "is" if len(rest) == 1 else "are"
    return f"{len(rest)} of {plural(len(nodes), 'node')} {are} not finished: {each}."


def worth_of(node: NodeAnalysis) -> Worth | None:
    """What helpers are worth off policy, or on policy where only that is known."""
    parts = (part.worth for part in (node.off, node.on) if part is not None)
    return next((worth for worth in parts if worth is not None), None)


def _helpers(analysis: Analysis) -> str | None:
    """What helpers did, good and bad, each by its plainest case."""
    known = [(node.name, worth) for node in analysis.nodes if (worth := worth_of(node)) is not None]
    helped = [pair for pair in known if pair[1].verdict == "helps"]
    hurt = [pair for pair in known if pair[1].verdict == "hurts"]
    clauses = []
    if helped:
        name, worth = max(helped, key=lambda pair: pair[1].gain.value)
        more = f" (and {plural(len(helped) - 1, 'more node')})" if len(helped) > 1 else ""
        clauses.append(
            f"helpers raise {code(name)} from {_before(worth)} to {share(worth.after.value, 2)}{more}"
        )
    if hurt:
        name, worth = min(hurt, key=lambda pair: pair[1].gain.value)
        more = f" (and {plural(len(hurt) - 1, 'more node')})" if len(hurt) > 1 else ""
        clauses.append(
            f"helpers make {code(name)} worse, {_before(worth)} to {share(worth.after.value, 2)}{more}"
        )
    if not clauses and known:
        name, worth = max(known, key=lambda pair: abs(pair[1].gain.value))
        change = f"{_before(worth)} to {share(worth.after.value, 2)}"
        pairs = plural(worth.after.count, "pair")
        clauses.append(f"helpers make no difference that {pairs} can show (most in {code(name)}, {change})")
    return ", but ".join(clauses) or None


def _before(worth: Worth) -> str:
    rule = " (the simple rule)" if worth.base == "heuristic" else ""
    return f"{share(worth.before.value, 2)}{rule}"


def _root(result: RunResult, analysis: Analysis) -> str | None:
    root = next((node for node in analysis.nodes if node.name == result.root), None)
    if root is None:
        return None
    if root.agent_truth is None:
        right = root.distilled
        if right is None:
            return None
        return f"the reward model of {code(root.name)} orders {share(right, 2)} of pairs right"
    arms = next((arms for arms in analysis.arms if arms.node == root.name), None)
    others = {"proposals": root.proposal_truth, "simple rule": root.heuristic_truth}
    others["trained on truth"] = next(
        (row.truth for row in (arms.rows if arms else ()) if row.name == "truth"), None
    )
    beside = ", ".join(f"{word} {quantity(other.value)}" for word, other in others.items() if other)
    reached = f"{code(root.name)} reaches a mean truth of {quantity(root.agent_truth.value)}"
    return f"{reached} ({beside})" if beside else reached


def say_weakest(analysis: Analysis) -> str | None:
    """The node that adds most error of its own making; half a sentence."""
    weakest = analysis.weakest
    if weakest is None or weakest.added <= 0:
        return None
    measured = sum(node.distilled is not None for node in analysis.nodes)
    return say_link(weakest.node, weakest.added, weakest.largest, None if measured > 1 else weakest.distilled)


def say_link(node: str, added: float, largest: Part, alone: float | None = None, where: str = "") -> str:
    """The node that adds most error; half a sentence. `alone`: how right it is, if no other was measured."""
    words = PART_WORDS.get(largest)
    if alone is not None:
        right = f"its reward model orders {share(alone, 2)} of pairs right"
        return f"{right}, and most of the error is {words}" if words else right
    parts = f"most of it {words}" if words else "undivided, as its judge was not measured"
    return f"weakest link{where}: {code(node)}, which adds {share(added, 2)} of error, {parts}"


# --- what to know before trusting it -----------------------------------------------------------


def list_notes(result: RunResult, analysis: Analysis, limit: int = 20) -> tuple[Note, ...]:
    """What failed and why, missed gates, harm, falls on policy, warnings; at most `limit` of each kind."""
    kept: list[Note] = []
    notes = [*_failures(result), *_gates(analysis), *_alarms(analysis)]
    notes += [*_findings(analysis), *_warnings(result, analysis)]
    notes += [Note(kind="finding", text=text) for text in say_people(result)]
    for kind in ("failed", "warning", "finding"):
        alike = [note for note in notes if note.kind == kind]
        kept += alike[:limit]
        if len(alike) > limit:
            kept.append(
                Note(kind=alike[0].kind, text=f"and {len(alike) - limit} more of these in report.json")
            )
    return tuple(kept)


def _failures(result: RunResult) -> Iterator[Note]:
    for node in result.nodes:
        if node.state not in FINISHED:
            reason = f": {clean(node.reason, 400)}" if node.reason else ""
            yield Note(kind="failed", text=f"{code(node.name)} {STATES[node.state]}{reason}")


def _gates(analysis: Analysis) -> Iterator[Note]:
    for node in analysis.nodes:
        if node.gate is not None and not node.gate.accepted:
            found = f"{node.gate.right} of {plural(node.gate.judgments, 'fresh judgment')} right"
            missed = "misses its gate" if node.gate.accepted is False else "leaves its gate undecided"
            yield Note(kind="warning", text=f"{code(node.name)} {missed}: {found}")


def _alarms(analysis: Analysis) -> Iterator[Note]:
    """Which reward models keep too little of what they promise about their own agents' outcomes."""
    for node in analysis.nodes:
        raised = [alarm for alarm in node.alarms if alarm.raised]
        if raised:
            yield Note(kind="warning", text=f"alarm: {code(node.name)}: {_say_alarm(node, raised)}")


def _say_alarm(node: NodeAnalysis, raised: Sequence[Alarm]) -> str:
    first = raised[0]
    rounds = listed([f"{alarm.round + 1}" for alarm in raised])
    after = "in the last one too" if node.alarms[-1] in raised else "no longer in the last one"
    return (
        f"of {count(first.judgments)} new judgments about its own agent's outcomes in round {first.round + 1}"
        f" its reward model expected to foretell {share(first.expected, 2)} and foretold"
        f" {share(first.right, 2)} (a coin: 0.50; p = {first.p_value:.1g}), less than half of what it"
        " promised: its agent may have found what it gets wrong."
        f" Raised in round {rounds} of {node.rounds}, {after}"
    )


def _findings(analysis: Analysis) -> Iterator[Note]:
    for node in analysis.nodes:
        worth = worth_of(node)
        if worth is not None and worth.verdict == "hurts":
            yield Note(
                kind="finding", text=f"recursion does not pay at {code(node.name)}: it {judge_worth(node)}"
            )
    for arms in analysis.arms:
        sentence = say_whether_helpers_pay(arms)
        if sentence:
            yield Note(kind="finding", text=sentence)
    yield from _falls(analysis.nodes)


def falls(shift: Difference | None) -> bool:
    """Whether reward models are worse on policy, beyond noise and by more than a trifle."""
    return shift is not None and shift.high < 0 and shift.value <= -TRIFLE


def _falls(nodes: Sequence[NodeAnalysis]) -> Iterator[Note]:
    """Which reward models are worse on their agents' own outcomes, the steepest fall first."""
    fallen = [node for node in nodes if falls(node.shift)]
    fallen.sort(key=lambda node: node.shift.value if node.shift else 0.0)
    each = []
    for node in fallen:
        before, after = node.off and node.off.distilled, node.on and node.on.distilled
        if before and after:
            each.append(f"{code(node.name)} from {share(before.value, 2)} to {share(after.value, 2)}")
    if each:
        words = "on their agents' own outcomes reward models are worse"
        yield Note(kind="finding", text=f"{words}: {listed(each, 5)}")


def _warnings(result: RunResult, analysis: Analysis) -> Iterator[Note]:
    for node in analysis.nodes:
        for warning in node.warnings:
            yield Note(kind="warning", text=f"{code(node.name)}: {clean(warning, 400)}")
    silent = {node.name for node in analysis.nodes if not node.warnings}
    for entry in result.nodes:
        facts = entry.rounds[-1].facts if entry.rounds else None
        if facts is not None and not facts.informative and entry.name in silent:
            yield Note(kind="warning", text=f"{code(entry.name)}: its judgments carry no information")


# --- one node ----------------------------------------------------------------------------------


def judge_worth(node: NodeAnalysis) -> str:
    """Whether asking the helpers pays at this node, in words."""
    worth = worth_of(node)
    if worth is None:
        return "not measured" if node.helped else "the judge has no helpers"
    accuracy = next(part for part in (node.off, node.on) if part is not None and part.worth is not None)
    alone, assisted = accuracy.looks_alone, accuracy.looks_assisted
    known = alone is not None and assisted is not None
    instead = f"{looks(assisted)} looks a judgment instead of {looks(alone)}" if known else ""
    cheaper = alone is not None and assisted is not None and assisted < alone
    if worth.verdict == "helps":
        return f"helps, at {instead}" if instead else "helps"
    if worth.verdict == "hurts":
        better = "the simple rule" if worth.base == "heuristic" else "the judge alone"
        return f"hurts: {better} does better{f', though it saves looks: {instead}' if cheaper else ''}"
    nothing = f"no difference that {plural(worth.after.count, 'pair')} can show"
    return (
        f"{nothing}, but {instead}"
        if cheaper
        else f"does not pay: {nothing}{f', at {instead}' if instead else ''}"
    )


def compare_looks(node: NodeAnalysis) -> str:
    """Whether judging is easier than solving, which reward modeling rests on."""
    accuracy = node.off or node.on
    judging = accuracy and (accuracy.looks_assisted if node.helped else accuracy.looks_alone)
    if accuracy is None or not judging or not node.solve_looks:
        return "not known"
    ratio = judging / node.solve_looks
    if ratio >= 0.9:
        return "judging is no easier than solving"
    return f"judging takes {ratio:.0%} of the looks that solving takes"


def say_gate(node: NodeAnalysis) -> str:
    """The gate's result."""
    if node.gate is None:
        return "no gate"
    return {True: "passed", False: "missed", None: "undecided"}[node.gate.accepted]
