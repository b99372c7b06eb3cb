"""A trainer that learns nothing but obeys every rule: its bytes follow from its setup alone.

A node's `task.with` may ask for trouble: `sleep` seconds a round, `raise_at` a round, `fail_seeds`,
`die_at` a round with the process killed (as often as `deaths`, in `die_seeds` alone), `same` bytes
whatever the inputs; `die_done` to be killed when all is stored, before the ledger hears of it; `says`
something each round; `prints` a variable of its environment; `burn_seeds` take their processor for a while.
"""

import os
import signal
import time
from pathlib import Path

import numpy as np

from rrm_tree.outcomes import Advice, Answers, Items, Judged, Outcomes
from rrm_tree.records import GateResult, JudgmentFacts, Picture, RoundRecord, Share, Shares
from rrm_tree.rounds import RoundState
from rrm_tree.store import Store


def die_when_done():
    commit = Store.commit_done

    def commit_and_die(store, done):
        commit(store, done)
        os.kill(os.getpid(), signal.SIGKILL)

    Store.commit_done = commit_and_die


def train(setup, rounds=()):
    options = setup.node.task.options
    if options.get("die_done"):
        die_when_done()
    done = list(rounds)
    while len(done) <= setup.inherited or not done[-1].record.stopped:
        index = len(done)
        setup.tell(f"judging {index}/{setup.node.budget.rounds}")
        time.sleep(options.get("sleep", 0))
        if options.get("raise_at") == index or setup.tree.seed in options.get("fail_seeds", ()):
            raise ValueError("the fake was asked to fail")
        seed = setup.tree.seed
        if "says" in options:
            print(f"{options['says']} from seed {seed}")
        if "prints" in options:
            print(f"{options['prints']}={os.environ.get(options['prints'])}")
        if seed in options.get("burn_seeds", ()):
            until = time.process_time() + 0.3
            while time.process_time() < until:
                pass
        if options.get("die_at") == index and seed in options.get("die_seeds", [seed]):
            note = Path(options["notes"]) / f"{setup.entry}.{time.monotonic_ns()}"
            if len(list(note.parent.iterdir())) < options["deaths"]:
                note.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        done.append(one_round(setup, index, done))
        yield done[-1]


def one_round(setup, index, done):
    options = setup.node.task.options
    seed = 0 if options.get("same") else int(setup.fingerprint[:15], 16)
    rng = np.random.default_rng([seed, index])
    before = [state.agent["weights"].sum() for state in done[-1:]]
    below = [artifacts.agent["weights"].sum() for _, artifacts in sorted(setup.artifacts.items())]
    weights = rng.normal(size=(3, 4)).astype(np.float32) + np.float32(sum(before) + sum(below))
    budget = setup.node.budget
    last = index + 1 == budget.rounds
    return RoundState(
        index=index,
        agent={"weights": weights.T},
        reward={"b": rng.normal(size=2), "a": rng.normal(size=(0, 3))},
        judged=some_judgments(rng),
        record=some_record(setup, index, last, rng),
        pictures=(Picture(caption=f"round {index}", svg="<svg/>"),),
    )


def some_judgments(rng):
    outcomes = Outcomes(
        {"observation": rng.normal(size=(4, 2, 3))},
        np.arange(4)[:, None],
        np.ones(4, np.int64),
        {"place": np.arange(4)},
    )
    items = Items(np.arange(4), None, np.zeros(4, np.int64), np.zeros(4, np.int64))
    answers = Answers(rng.integers(0, 2, 4).astype(float), np.full(4, 2))
    return Judged(
        outcomes,
        Advice({"z": np.ones((4, 2)), "y": np.zeros(4)}, {"z": "k", "y": "k"}),
        "label",
        items,
        answers,
    )


def some_record(setup, index, last, rng):
    judgments = setup.node.budget.judgments * (index + 1) // setup.node.budget.rounds
    looks = 2 * judgments if setup.looks_limit is None else setup.looks_limit
    gate = setup.node.gate
    return RoundRecord(
        node=setup.entry,
        key=setup.key,
        round=index,
        facts=JudgmentFacts(
            judgments=judgments,
            looks=looks,
            cannot_tell=0,
            ties=0,
            positive=0.5,
            entropy=1.0,
            held_out_accuracy=0.5,
            held_out_chance=0.5,
            held_out_count=10,
            informative=True,
        ),
        steps=100,
        optimiser_steps=10,
        off=Shares(distilled=Share(right=float(rng.integers(50, 90)), pairs=100)),
        gate=gate
        and GateResult(
            accepted=gate.reject < 0.5, right=8, judgments=10, looks=20, log_ratio=0.0, upper=1.0, lower=-1.0
        ),
        stopped="rounds" if last else None,
    )
