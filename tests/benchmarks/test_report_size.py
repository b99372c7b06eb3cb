"""How long a report of a thousand nodes takes, and how large it is."""

import time

import pytest

from rrm_tree.records import Cost, JudgmentFacts, NodeResult, RoundRecord, RunResult, Share, Shares
from rrm_tree.report import terminal_report, write_reports

NODES, BRANCHING = 1000, 4


def big_run():
    """A tree of a thousand measured nodes with branching 4."""
    levels = [0] * NODES
    for number in range(NODES - 1, 0, -1):
        parent = (number - 1) // BRANCHING
        levels[parent] = max(levels[parent], levels[number] + 1)
    return RunResult(
        name="big",
        run="runs/big",
        root="n0",
        seed=0,
        command="rrm run big.yaml",
        versions={"rrm-tree": "0.1.0"},
        nodes=tuple(big_node(number, levels[number]) for number in range(NODES)),
    )


def big_node(number, level):
    name, right = f"n{number}", 300 + number * 37 % 100
    values = {
        orderer: Share(right=min(right + extra, 400), pairs=400)
        for orderer, extra in (
            ("alone", -60),
            ("heuristic", -90),
            ("assisted", 0),
            ("ideal", 10),
            ("distilled", -5),
        )
    }
    shares = Shares(**values, looks_alone=10, looks_assisted=4, looks_ideal=4)
    facts = JudgmentFacts(
        judgments=500,
        looks=2000,
        cannot_tell=0,
        ties=0,
        positive=0.5,
        entropy=1,
        held_out_accuracy=0.9,
        held_out_chance=0.5,
        held_out_count=50,
        informative=True,
    )
    record = RoundRecord(
        node=name, key=name, round=0, facts=facts, steps=1000, optimiser_steps=100, off=shares, on=shares
    )
    children = range(BRANCHING * number + 1, min(BRANCHING * number + BRANCHING + 1, NODES))
    return NodeResult(
        name=name,
        node=name,
        arm=None,
        level=level,
        doc=f"Question {number}?",
        helpers=tuple(f"n{child}" for child in children),
        judge="logic.person",
        judge_sees=("outcome", "advice"),
        reward_sees=("outcome", "advice"),
        help="trained",
        state="trained",
        reason=None,
        key=f"{name}@abc",
        rounds=(record,),
        costs=(Cost(cpu_seconds=1.5, wall_seconds=2, peak_bytes=300_000_000),),
    )


@pytest.mark.slow
@pytest.mark.benchmark
def test_a_thousand_nodes_take_under_five_seconds_and_stay_readable(tmp_path):
    run = big_run()
    started = time.process_time()
    page = write_reports(run, tmp_path)
    told = terminal_report(run)
    spent = time.process_time() - started
    text = page.read_text(encoding="utf-8")
    size = f"page of {len(text) / 1000:.0f} kB, {len(told.splitlines())} lines told"
    print(f"\n{NODES} nodes: {spent:.2f} s of CPU, {size}")
    assert spent < 5
    assert len(text) < 500_000
    assert told.count("\n") <= 40
    assert "The worst 40 nodes; 960 more are in report.json" in text
