"""A node that waits for people frees its place on a fleet, and goes on there when they have answered."""

import threading

import pytest
from servers import wait_for

from rrm_tree.asking import Said
from rrm_tree.desk import Desk
from rrm_tree.graph import load_graph
from rrm_tree.machine import numerics
from rrm_tree.planner import build_plan
from rrm_tree.registry import declared_version

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("fleet")]

SPEC = """
version: 1
name: asked
measure: {pairs: 6, agent_outcomes: 6}
nodes:
  bit:
    doc: Does the rule hold?
    task: {use: logic.circuit, with: {gates: [], rule: and, width: 6}}
    criteria: {right: {question: Is the claim right?}}
    judge: {use: person, kind: label}
    reward_model: {network: {use: mlp, with: {hidden: [8]}}, ensemble: 1, epochs: 5}
    budget: {judgments: 12, steps: 2000}
    resources: {queue: QUEUE}
"""


def test_a_parked_key_is_taken_up_again_by_a_worker_when_the_answers_are_in(make_fleet, ledger_url, tmp_path):
    spec, fleet = tmp_path / "asked.yaml", make_fleet()
    spec.write_text(SPEC.replace("QUEUE", fleet.queue), encoding="utf-8")
    plan = build_plan(load_graph(str(spec)), declared_version, numerics())
    fleet.store.write_run(plan.run, plan, "", "rrm run asked.yaml --fleet")
    fleet.worker("--concurrency", "1")
    fates = {}
    thread = threading.Thread(target=lambda: fates.update(fleet.train(plan)))
    thread.start()
    fleet.wait_for_event(plan, "parked", "bit", 120)
    desk = Desk(ledger_url)
    keys = list(fleet.store.referred(plan.run).values())
    wait_for("a free place", 30, lambda: desk.look(keys[0]).state == "parked")
    while held := desk.take("ann", keys, 4):
        for asked in held:
            desk.answer("ann", asked.id, Said(float(asked.item % 2)))
    thread.join(120)
    assert fates["bit"].state == "trained", fleet.logs()
    desk.close()
