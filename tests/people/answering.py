"""People who answer by truth, and a small tree that asks them."""

from __future__ import annotations

from click.testing import CliRunner

from rrm_tree.asking import Said
from rrm_tree.cli import rrm
from rrm_tree.desk import Desk
from rrm_tree.states import load_pending
from rrm_tree.store import Store
from rrm_tree.team import Team

SPEC = """
version: 1
name: asked
measure: {{pairs: 6, agent_outcomes: 6}}
nodes:
  bit:
    doc: Does the rule hold?
    task: {{use: logic.circuit, with: {{gates: [], rule: and, width: 6}}}}
    criteria: {{right: {{question: Is the claim right?}}}}
    judge: {judge}
    reward_model: {{network: {{use: mlp, with: {{hidden: [8]}}}}, ensemble: 1, epochs: 5}}
    budget: {{judgments: 24, steps: 2000, rounds: {rounds}}}
"""
PLAIN = "{use: person, kind: label}"


def write_spec(folder, judge=PLAIN, rounds=1):
    spec = folder / "asked.yaml"
    spec.write_text(SPEC.format(judge=judge, rounds=rounds), encoding="utf-8")
    return spec


def call(*words, says=None, code=None):
    result = CliRunner().invoke(
        rrm, [str(word) for word in words], catch_exceptions=False, input=says, standalone_mode=False
    )
    if code is not None:
        assert (result.return_value or 0) == code, result.output
    return result.output


class Person:
    """Answers a run's questions at its desk, by truth or as told."""

    def __init__(self, store, name="ann"):
        self.store, self.name = Store(str(store)), name
        self.run = self.store.runs()[-1]
        self.desk = Desk(f"sqlite:///{self.store.workplace / 'ledger.sqlite'}")
        self.keys = list(self.store.referred(self.run).values())

    def task(self, node):
        return Team(self.store.plan(self.run).tree, {}).task(node)

    def right(self, asked):
        judged = load_pending(self.store, asked.key, asked.batch)
        task = self.task(asked.entry.partition("~")[0])
        items, row = judged.items, asked.item
        among = task.truth(judged.outcomes)[items.alternatives[row], items.part[row]]
        if asked.kind == "label":
            return float(among[0] > 0.5)
        return 0.5 + 0.5 * float(among[0] > among[1]) - 0.5 * float(among[0] < among[1])

    def answer(self, most=1000, said=None):
        done = 0
        while done < most and (held := self.desk.take(self.name, self.keys)):
            for asked in held:
                told = Said(self.right(asked), seconds=2.0) if said is None else said(asked)
                self.desk.answer(self.name, asked.id, told)
                done += 1
        return done
