"""One node, trained round by round; reads like the loop in the design.

In: a Setup (resolved specs and the helpers' artifacts). Out: one RoundState after another.
Touches no disk, no ledger, no queue; all randomness derives from the fingerprint.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from rrm_tree.contracts import Agent, Factorised
from rrm_tree.cures import name_cure
from rrm_tree.errors import PluginError, TrainingError
from rrm_tree.gatekeeper import try_gate
from rrm_tree.gathering import Gathered, gather
from rrm_tree.learning.demonstrations import shown_by_judges
from rrm_tree.learning.distill import Distilled, Distilling, DistillOptions, Evidence, distill_together
from rrm_tree.learning.foresight import foretell
from rrm_tree.measure import Actor, Bench, Meter, Trial, describe_people, take_pictures
from rrm_tree.measured import PairSettings
from rrm_tree.node_spec import GateSpec
from rrm_tree.outcomes import Advice, Judged, join_judged
from rrm_tree.propagation.accuracy import value_helpers
from rrm_tree.purse import Spent, left_for
from rrm_tree.records import JudgmentFacts, Promise, RoundRecord
from rrm_tree.rounds import Measuring, RoundState, Setup
from rrm_tree.scoring import Scorer, network_inputs, network_shapes
from rrm_tree.seeding import seed_from
from rrm_tree.spec import MeasureSpec
from rrm_tree.station import Station
from rrm_tree.team import Team

Steps: TypeAlias = Generator[Distilling | RoundState, Distilled | None, None]
"""A node's training: rounds as they are done, and what is to be distilled, which wants an answer."""

LEAST_AGREEMENT = 0.2
"""Krippendorff's alpha that the judges of a leaf must be able to have where a spec does not say: what is
called slight agreement ends there (Landis and Koch 1977)."""

FEWEST_COMPARED = 10
"""Questions that several judges must have answered before they can be found to disagree."""

SNAPSHOTS = 3
"""Agents, the newest included, whose outcomes stand for the on-policy distribution."""


def train_node(setup: Setup, rounds: Sequence[RoundState] = ()) -> Iterator[RoundState]:
    """The node's remaining rounds; `rounds` are those already stored.

    The last one has `record.stopped` set. Given the same rounds it goes on with the same bytes as
    if it had never been interrupted.

    Raises:
        TrainingError: nothing could be learned, or a loss was not a number.
        PluginError: a user's code raised or broke its contract.
    """
    steps = train_in_steps(setup, rounds)
    answer: Distilled | None = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration:
            return
        answer = step.alone() if isinstance(step, Distilling) else None
        if isinstance(step, RoundState):
            yield step


def train_in_steps(setup: Setup, rounds: Sequence[RoundState] = ()) -> Steps:
    """The same, stopping where judgments are to be distilled: that of several seeds may be done as one."""
    work = NodeAtWork(setup)
    done = list(rounds)
    # The sweep before has stopped with its last round, from which this one goes on.
    while len(done) <= setup.inherited or not done[-1].record.stopped:
        done.append((yield from work.round(done)))
        yield done[-1]
    if not done[-1].reward:
        raise TrainingError(f"{setup.entry}: " + "; ".join(done[-1].record.warnings))


def measure_seed(seed: int, name: str, draw: int = 0) -> int:
    """What a node's held-out outcomes are drawn from; arms are measured on the same ones."""
    return seed_from(seed, name, "measure", *([draw] if draw else []))


class NodeAtWork:
    """The verbs of one round, at one node's station."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.node = setup.node
        self.station = Station(Team(setup.tree, setup.artifacts, setup.before), setup.entry, setup.node)
        name = self.station.name
        self.bench = Bench(
            self.station.comparing or self.station, setup.tree.measure, measure_seed(setup.tree.seed, name)
        )
        self.meter = Meter(self.bench)
        self.started = time.process_time()
        refusal = self.station.algorithm.check(self.station.task)
        if refusal:
            raise TrainingError(f"{setup.entry}: {self.node.agent.use}: {refusal}")
        self.stations = tuple(self.station.asking(kind) for kind in self.station.kinds)
        for station in self.stations:
            if station.refusal:
                raise TrainingError(f"{setup.entry}: judge.kind {station.kind}: {station.refusal}")

    def round(self, done: Sequence[RoundState]) -> Generator[Distilling, Distilled, RoundState]:
        """Collect, judge, distill, improve, gate, measure: one round after those already done."""
        spent, tell = Spent.over(done), self.setup.tell
        weighing = self.weigh() if len(done) == self.setup.inherited else Measuring()
        agents = self.snapshots([state for state in done if state.reward][1 - SNAPSHOTS :])
        new = self.judge(done, agents, spent)
        tell("distilling")
        every = [join_judged(of) for of in zip(*(state.judgments for state in done), new.judged, strict=True)]
        distilled = yield self.distilling(every, done, spent)
        self.check_agreement(distilled.facts)
        tell("improving")
        state = self.improve(done, new, distilled, spent)
        if state.reward:
            agents += self.snapshots([state])
        gate = self.node.gate if state.reward else None
        # Every round may be a try, and takes looks that may end the node.
        tries_each = gate is not None and gate.on_miss == "more"
        if gate is not None and tries_each:
            state = self.gate(state, gate)
        state = self.close(state, done)
        if gate is not None and state.record.stopped and not tries_each:
            state = self.gate(state, gate)
        state = self.measure(state, agents, every) if state.reward else state
        return replace(state, measuring=state.measuring + weighing)

    def weigh(self) -> Measuring:
        """Say what the helpers are worth to the judge before anything is trained, and what that took.

        Nothing of it reaches the training; what is measured later needs the same orders of the same pairs.
        """
        if not self.meter.can_weigh_helpers:
            return Measuring()
        self.setup.tell("weighing its helpers")
        cpu, steps = time.process_time(), self.bench.tally.steps
        shares = self.meter.weigh_helpers()
        worth = value_helpers(shares)
        if worth is not None:
            facts = {"looks_alone": shares.looks_alone, "looks_assisted": shares.looks_assisted}
            solving = {"solve_looks": self.meter.solve_looks}
            self.setup.note("worth", {**worth.model_dump(mode="json"), **facts, **solving})
        return Measuring(time.process_time() - cpu, self.bench.tally.steps - steps)

    def measure(self, state: RoundState, agents: Sequence[Actor], every: Sequence[Judged]) -> RoundState:
        """The round with all that can be measured of it, if it is one that is to be measured, and pictures.

        Clips take longer, so that the last round alone has them.
        """
        last = state.record.stopped is not None
        if not last and not self.bench.measures_every_round:
            return state
        self.setup.tell("measuring")
        cpu, steps = time.process_time(), self.bench.tally.steps
        measured = self.meter.measure_round(state.record, state.reward, agents, every)
        told = describe_people(self.station, every)
        record = measured.record.model_copy(update={} if told is None else {"people": told})
        pictures = take_pictures(self.station, measured.scenes, clips=last)
        cost = Measuring(time.process_time() - cpu, self.bench.tally.steps - steps)
        pairs = measured.pairs if last else None
        return replace(state, record=record, pictures=pictures, pairs=pairs, measuring=cost)

    def trial(self, rounds: Sequence[RoundState], settings: PairSettings) -> Trial:
        """The node as its last round left it, on a draw of held-out outcomes; its domain must compute truth.

        With the settings of the node's own record its pairs are those that the record rests on.
        """
        measure = MeasureSpec(pairs=settings.pairs, agent_outcomes=settings.agent_outcomes)
        seed = measure_seed(self.setup.tree.seed, self.station.name, settings.draw)
        learned = [state for state in rounds if state.reward][-SNAPSHOTS:]
        return Trial(
            self.setup.entry,
            Meter(Bench(self.bench.station, measure, seed, settings.draw)),
            self.station.scorer(learned[-1].reward),
            self.snapshots(learned),
            self.agent_of(learned[-1]),
            learned[-1].record.facts.judgments,
            learned[-1].record.facts.looks,
        )

    def judge(self, done: Sequence[RoundState], agents: Sequence[Actor], spent: Spent) -> Gathered:
        """This round's judgments of every kind, within the budget, and what they took."""
        return gather(self.setup, self.stations, done, agents, spent)

    def foretell(self, done: Sequence[RoundState], judged: Judged) -> Promise | None:
        """How right the last round's reward model is about judgments of what its own agent did."""
        if not done or not done[-1].reward:
            return None
        mistakes, seen = self.node.reward_model.mistakes, self.evidence(judged).inputs
        return foretell(self.station.network, done[-1].reward, judged, seen, mistakes)

    def evidence(self, judged: Judged) -> Evidence:
        """Judgments with what the reward model sees of their outcomes."""
        advice = judged.advice if "advice" in self.node.reward_model.sees else Advice()
        return Evidence(judged, network_inputs(self.station.task, judged.outcomes, advice))

    def distilling(self, every: Sequence[Judged], done: Sequence[RoundState], spent: Spent) -> Distilling:
        """What there is to learn from all judgments so far, those of each kind together, and how."""
        spec, station, budget = self.node.reward_model, self.station, self.node.budget
        first, *others = [self.evidence(judged) for judged in every]
        exclusive = isinstance(station.task, Factorised) and station.task.exclusive
        limit = budget.optimiser_steps
        return Distilling(
            first.judged,
            first.inputs,
            beside=tuple(others),
            network=station.network,
            shapes=network_shapes(station.task, first.inputs, len(station.questions)),
            options=DistillOptions(
                ensemble=spec.ensemble,
                learning_rate=spec.learning_rate,
                weight_decay=spec.weight_decay,
                batch=spec.batch,
                epochs=spec.epochs,
                patience=spec.patience,
                held_out=spec.held_out,
                mistakes=spec.mistakes,
                ties=spec.ties,
                level_members=spec.caution > 0,
                optimiser_steps=None if limit is None else max(1, limit - spent.optimiser_steps),
            ),
            exclusive=exclusive,
            seed=self.setup.seed(len(done), "distill"),
        )

    def learn_again(self, draws: Mapping[int, Sequence[Judged]]) -> list[Scorer | None]:
        """Reward models from judgments of every kind by seed; None where nothing can be learned from them."""
        none = Spent.over(())
        every = [replace(self.distilling(judged, (), none), seed=seed) for seed, judged in draws.items()]
        found = []
        for one in distill_together(every):
            if isinstance(one, Exception):
                raise one
            found.append(None if one.model is None else self.station.scorer(one.model.arrays()))
        return found

    def improve(
        self, done: Sequence[RoundState], new: Gathered, distilled: Distilled, spent: Spent
    ) -> RoundState:
        """The round with a better agent; with the last one where nothing could be learned."""
        record = RoundRecord(
            node=self.setup.entry,
            key=self.setup.key,
            round=len(done),
            facts=distilled.facts,
            held_out=distilled.held_out,
            fresh=self.foretell(done, new.judged[0]),
            steps=new.steps,
            optimiser_steps=distilled.optimiser_steps,
            warnings=(*new.notes, *self.warn(distilled)),
        )
        if distilled.model is None:
            before = done[-1] if done else None
            agent, reward = (before.agent, before.reward) if before else ({}, {})
            return RoundState(len(done), agent, reward, new.judged[0], record, beside=new.judged[1:])
        reward = distilled.model.arrays()
        limit = self.node.budget.optimiser_steps
        used = spent.optimiser_steps + distilled.optimiser_steps
        problem = self.station.team.problem(
            self.station.name,
            self.station.scorer(reward),
            optimiser_steps=None if limit is None else max(0, limit - used),
            steps=max(0, left_for(self.setup, len(done), spent).steps - new.steps),
            seed=self.setup.seed(len(done), "improve"),
            demonstrations=shown_by_judges([*(of for state in done for of in state.judgments), *new.judged]),
        )
        previous = next((state.agent for state in reversed(done) if state.reward), None)
        better = self.station.algorithm.improve(problem, previous)
        if better.steps > problem.steps:
            raise PluginError(
                f"algorithm {self.node.agent.use}: executed {better.steps:,} environment steps;"
                f" `problem.steps` allows {problem.steps:,}"
            )
        record = record.model_copy(
            update={
                "steps": new.steps + better.steps,
                "optimiser_steps": record.optimiser_steps + better.optimiser_steps,
                "warnings": (*record.warnings, *better.notes),
            }
        )
        return RoundState(len(done), better.arrays, reward, new.judged[0], record, beside=new.judged[1:])

    def check_agreement(self, facts: JudgmentFacts) -> None:
        """Nothing, where judges of a leaf agree, or none answer the same questions.

        Raises:
            TrainingError: they agree too little to ground the leaf.
        """
        judge, found = self.node.judge, facts.agreement
        floor = LEAST_AGREEMENT if judge.agreement is None else judge.agreement
        few = found is not None and found.questions < FEWEST_COMPARED
        if found is None or few or self.node.helpers or found.high >= floor:
            return
        raise TrainingError(
            f"{self.setup.entry}: nothing grounds this leaf: its judges agree hardly more than by chance"
            f" (Krippendorff's alpha {found.alpha:.2f}, 95% interval {found.low:.2f} to {found.high:.2f},"
            f" over {found.questions:,} questions; needed: {floor:g}). Ask a clearer question, show more,"
            " name other judges, or give the criterion helpers; judge.agreement sets what is needed"
        )

    def warn(self, distilled: Distilled) -> tuple[str, ...]:
        """What distilling has to say and, where nothing could be learned, what to do about it."""
        if distilled.model is not None:
            return distilled.warnings
        cure = name_cure(self.station, distilled.facts)
        return tuple(f"{warning}; {cure}" for warning in distilled.warnings)

    def snapshots(self, done: Sequence[RoundState]) -> list[Actor]:
        """Their agents; something was learned in each of these rounds."""
        return [Actor(self.agent_of(state).act, state.index) for state in done]

    def agent_of(self, state: RoundState) -> Agent:
        """The agent that a round left behind."""
        scorer = self.station.scorer(state.reward)
        problem = self.station.team.problem(self.station.name, scorer)
        return self.station.algorithm.load(problem, state.agent)

    def gate(self, state: RoundState, gate: GateSpec) -> RoundState:
        """The round with its gate's result."""
        self.setup.tell("at the gate")
        agent, scorer, station = (
            self.agent_of(state),
            self.station.scorer(state.reward),
            self.station.comparing,
        )
        if station is None:
            who = f"{self.setup.entry}: judge {self.node.judge.use}"
            raise TrainingError(f"{who} orders no two outcomes; leave out the gate")
        result = try_gate(station, gate, agent, scorer, self.setup.rng(state.index, "gate"))
        return replace(state, record=state.record.model_copy(update={"gate": result}))

    def close(self, state: RoundState, done: Sequence[RoundState]) -> RoundState:
        """The round with the reason, if there is one, why no other follows."""
        budget, spent = self.node.budget, Spent.over([*done, state])
        cpu_used = self.setup.cpu_used + time.process_time() - self.started
        limits = [given for given in (self.setup.looks_limit, budget.looks) if given is not None]
        gate, asks_more = state.record.gate, self.node.gate is not None and self.node.gate.on_miss == "more"
        reasons = {
            "gate": asks_more and gate is not None and gate.accepted is True,
            "rounds": state.index + 1 >= budget.rounds,
            "judgments": self.setup.looks_limit is None and spent.judgments >= budget.judgments,
            "looks": bool(limits) and spent.looks >= min(limits),
            "steps": spent.steps >= budget.steps,
            "optimiser steps": budget.optimiser_steps is not None
            and spent.optimiser_steps >= budget.optimiser_steps,
            "cpu": budget.cpu_seconds is not None and cpu_used >= budget.cpu_seconds,
        }
        stopped = next((reason for reason, holds in reasons.items() if holds), None)
        return replace(state, record=state.record.model_copy(update={"stopped": stopped}))
