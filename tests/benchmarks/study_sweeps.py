"""Why may a second sweep cost? `python tests/benchmarks/study_sweeps.py [--seeds 1,2,3] [--judge]`.

`verdict` of task_specs/chess.yaml alone. Its boards are right but for a share of their squares, larger in the
first sweep than in the second, as those of helpers with more judgments would be; in the second it is asked
about what a player has done who seldom mates. Then the same with one thing changed: half of the subjects from
proposals, or the first sweep's judgments left out as well. About two minutes a seed on one core. With --judge
nothing is trained: how right the same judge with the same boards is about either kind of subjects.
"""

import argparse
from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from rrm_tree.choosing import draw_items
from rrm_tree.domains.chess.moves import make_moves
from rrm_tree.domains.chess.play import Player
from rrm_tree.graph import load_graph
from rrm_tree.learning.rollouts import rollout
from rrm_tree.node import NodeAtWork
from rrm_tree.outcomes import join_rows
from rrm_tree.propagation.intervals import compare_seeds
from rrm_tree.propagation.over_seeds import average
from rrm_tree.rounds import Artifacts, Measuring, Setup
from rrm_tree.station import Station
from rrm_tree.sweeps import spend_until
from rrm_tree.team import Team

SPEC = "task_specs/chess.yaml"
WRONG = (0.2, 0.06)
"""Share of the boards' squares that are wrong in the first sweep, and in the second."""
MATES = 0.05
"""How often the second sweep's player makes the recorded mate; otherwise any legal move."""
CHANGES = ("nothing", "half of the subjects proposals", "also, only its own judgments")
HELD_OUT = 400


class Seldom:
    """A player that seldom mates."""

    def __init__(self, mates=MATES):
        self.player = Player(mates)

    def act(self, observations, subjects, rng, explore):
        return self.player.propose(observations, subjects, rng)


def tree_of(seed, wrong):
    """The tree, its boards ideal but for a share of their squares."""
    answers = f"{{ideal: true, wrong: {wrong}}}"
    sets = (f"seed={seed}", *(f"nodes.{name}.answers={answers}" for name in ("attacked", "defended")))
    tree = load_graph(SPEC, sets).tree
    return tree.model_copy(update={"nodes": dict(sorted(tree.nodes.items()))})


def at_work(tree, sweep, done):
    """The verdict's node in one of two sweeps, nothing measured on the way."""
    before = {name: Artifacts(done[-1].agent, done[-1].reward) for name in tree.nodes} if done else {}
    node, fingerprint = spend_until(tree.nodes["verdict"], sweep, 2), f"{tree.seed}/verdict/{sweep}of2"
    work = NodeAtWork(Setup(tree, "verdict", node, "", fingerprint, {}, before, inherited=len(done)))
    work.weigh, work.measure = Measuring, lambda state, *_: state
    if done:
        work.station.team.before._agents["player"] = Seldom()
    return work


def next_round(work, done):
    """One more round."""
    steps, answer = work.round(done), None
    while True:
        try:
            answer = steps.send(answer).alone()
        except StopIteration as end:
            return end.value


def ask_half_about_proposals(team):
    """Subjects of a later sweep, half of them from proposals."""

    def subjects(name, count, split, rng):
        halves = ((count // 2, True), (count - count // 2, False))
        return join_rows([team.draw(name, of, split, rng, proposed=way).subjects for of, way in halves])

    team.subjects = subjects


def without_judgments(state):
    """A round whose judgments nobody learns from any more."""
    judged, none = state.judged, np.zeros(0, np.int64)
    return replace(
        state, judged=replace(judged, items=judged.items.take(none), answers=judged.answers.take(none))
    )


def right_labels(task, state):
    """Share of a round's labels that are as truth has it."""
    items, answers = state.judged.items, state.judged.answers
    return float(
        np.mean((task.truth(state.judged.outcomes)[items.first, items.part] > 0.5) == (answers.values > 0.5))
    )


def verdicts(work, state):
    """How right the trained verdict is about proposals, and how often it says mate where it is mate."""
    task, player, rng = work.station.task, work.station.team.task("player"), np.random.default_rng(1)
    starts = player.starts(HELD_OUT, "measure", rng)
    boards = make_moves(starts["board"], player.propose({"board": starts["board"]}, starts, rng))
    done = rollout(task, work.agent_of(state).act, {"board": boards}, rng, explore=False).outcomes
    said, mate = done.actions[:, 0, 0] == 1, task.answers({"board": boards})[:, 0]
    return float((said == mate).mean()), float(said[mate].mean())


def study(seed):
    """One seed: what was changed → (right, finds mates, labels right of that sweep)."""
    work = at_work(tree_of(seed, WRONG[0]), 1, ())
    first = next_round(work, ())
    found = {"first sweep": (*verdicts(work, first), right_labels(work.station.task, first))}
    for change in CHANGES:
        work = at_work(tree_of(seed, WRONG[1]), 2, (first,))
        if change != CHANGES[0]:
            ask_half_about_proposals(work.station.team)
        done = without_judgments(first) if change == CHANGES[2] else first
        second = next_round(work, (done,))
        found[change] = (*verdicts(work, second), right_labels(work.station.task, second))
    return found


def judge(seed, wrong, mates):
    """How right the judge is about proposals, and about what a player has done who seldom mates."""
    tree = tree_of(seed, wrong)
    team = Team(tree, {}, {"player": Artifacts({}, {})})
    team.before._agents["player"] = Seldom(mates)
    station, rng = Station(team, "verdict", tree.nodes["verdict"]), np.random.default_rng(seed)
    found = []
    for proposed in (True, False):
        about = team.draw("verdict", HELD_OUT, "measure", rng, proposed=proposed).subjects
        outcomes = rollout(station.task, station.propose, about, rng, explore=True).outcomes
        items = draw_items(station, HELD_OUT, 1, HELD_OUT, rng)
        found.append(right_labels(station.task, SimpleNamespace(judged=station.ask(outcomes, items, rng))))
    return found


def say_judge(seeds, mates):
    """Means over seeds, with intervals, for either share of wrong squares."""
    for wrong in WRONG:
        every = {seed: judge(seed, wrong, mates) for seed in seeds}
        by_way = [average({seed: found[way] for seed, found in every.items()}) for way in range(2)]
        found = compare_seeds([of[1] for of in every.values()], [of[0] for of in every.values()])
        one = found.difference
        cells = (
            *(f"{over.mean:.3f}" for over in by_way),
            f"{one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f})",
        )
        print(f"| {wrong:.0%} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--judge", action="store_true")
    parser.add_argument("--mates", type=float, default=MATES, help="of the player, with --judge")
    options = parser.parse_args()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    if options.judge:
        say_judge(seeds, options.mates)
        return
    every = {}
    for seed in seeds:
        every[seed] = study(seed)
        for name, of in every[seed].items():
            print(f"{seed} {name}: " + " ".join(f"{value:.3f}" for value in of), flush=True)
    for name in every[seeds[0]]:
        means = [average({seed: of[name][k] for seed, of in every.items()}).mean for k in range(3)]
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in means) + " |")


if __name__ == "__main__":
    main()
