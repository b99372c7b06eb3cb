"""Made-up runs: what the field's prototypes of the chess tree measured, as records."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from rrm_tree.records import (
    Cost,
    GateResult,
    JudgmentFacts,
    Mean,
    NodeResult,
    Picture,
    RoundRecord,
    RunResult,
    Share,
    Shares,
)

BOARD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80">'
    + "".join(
        f'<rect x="{x}0" y="{y}0" width="10" height="10" fill="{("#e8d7b5", "#a57f5b")[(x + y) % 2]}"/>'
        for x in range(8)
        for y in range(8)
    )
    + '<circle cx="45" cy="5" r="4"/></svg>'
)


def share(value: float | None, pairs: int = 400) -> Share | None:
    return None if value is None else Share(right=round(value * pairs * 2) / 2, pairs=pairs)


def shares(*values: float | None, looks: tuple[float | None, ...] = (None, None, None)) -> Shares:
    """Alone, heuristic, assisted, ideal, distilled."""
    names = ("alone", "heuristic", "assisted", "ideal", "distilled")
    return Shares(
        **{name: share(value) for name, value in zip(names, values, strict=True)},
        looks_alone=looks[0],
        looks_assisted=looks[1],
        looks_ideal=looks[2],
        truth_ties=12,
        abstained=0.02,
    )


def facts(judgments: int = 2000, looks: int = 11200) -> JudgmentFacts:
    return JudgmentFacts(
        judgments=judgments,
        looks=looks,
        cannot_tell=judgments // 50,
        ties=0,
        positive=0.31,
        entropy=0.89,
        held_out_accuracy=0.93,
        held_out_chance=0.69,
        held_out_count=judgments // 10,
        informative=True,
    )


def mates(value: float) -> Mean:
    return Mean(mean=value, deviation=(value * (1 - value)) ** 0.5, count=400, binary=True)


def record(name: str, **fields: object) -> RoundRecord:
    defaults = {"round": 0, "facts": facts(), "steps": 24_000, "optimiser_steps": 3_100, "stopped": "rounds"}
    return RoundRecord(node=name, key=f"{name}@3f9c2a", **(defaults | fields))


def node(name: str, level: int = 0, helpers: tuple[str, ...] = (), **fields: object) -> NodeResult:
    main, _, arm = name.partition("~")
    both = ("outcome", "advice")
    defaults = {
        "doc": f"What does {main} say?",
        "judge": "chess.person",
        "judge_sees": both,
        "reward_sees": both,
        "help": "trained",
        "state": "trained",
        "reason": None,
        "key": f"{name}@3f9c2a",
        "rounds": (record(name),),
        "costs": (Cost(cpu_seconds=41.5, wall_seconds=44.0, peak_bytes=612_000_000),),
    }
    return NodeResult(
        name=name, node=main, arm=arm or None, level=level, helpers=helpers, **(defaults | fields)
    )


def run(*nodes: NodeResult, **fields: object) -> RunResult:
    defaults = {
        "name": "chess",
        "run": "runs/chess-3f9c2a",
        "root": nodes[0].name if nodes else "player",
        "seed": 0,
        "command": "rrm run task_specs/chess.yaml",
        "versions": {"rrm-tree": "0.1.0", "python": "3.11.9", "torch": "2.13.0"},
    }
    return RunResult(nodes=nodes, **(defaults | fields))


def gate(accepted: bool | None, right: int, judgments: int) -> GateResult:
    return GateResult(
        accepted=accepted,
        right=right,
        judgments=judgments,
        looks=judgments * 6,
        log_ratio=3.1 if accepted else 0.4,
        upper=2.89,
        lower=-2.25,
    )


def chess() -> RunResult:
    """The chess tree with the arms of its root; shares near those of the prototypes."""
    ray = record(
        "ray",
        facts=facts(4000, 4800),
        off=shares(0.98, 0.91, 0.98, None, 0.995, looks=(1.2, 1.2, None)),
        on=shares(0.98, 0.72, 0.98, None, 0.957, looks=(1.3, 1.3, None)),
        solve_looks=1.2,
        gate=gate(True, 118, 120),
        agent_truth=mates(0.99),
        proposal_truth=mates(0.5),
    )
    tiles = {
        name: record(
            name,
            facts=facts(10_000, 13_400),
            off=shares(alone, 0.81, 0.964, 0.992, distilled, looks=(11.2, 1.4, 1.2)),
            on=shares(alone - 0.01, 0.77, 0.93, 0.99, distilled - 0.05, looks=(11.4, 1.4, 1.2)),
            solve_looks=11.0,
            gate=gate(True, 96, 100),
            agent_truth=Mean(mean=0.985, deviation=0.02, count=200),
        )
        for name, alone, distilled in (("attacked", 0.88, 0.978), ("defended", 0.84, 0.951))
    }
    verdict = record(
        "verdict",
        off=shares(0.802, 0.667, 0.95, 0.962, 0.93, looks=(17.8, 6.6, 6.5)),
        on=shares(0.745, 0.61, 0.86, 0.945, 0.741, looks=(18.0, 6.9, 6.6)),
        solve_looks=17.8,
        gate=gate(None, 240, 300),
        warnings=(
            "the gate ran out of judgments before it could decide; parents start as `on_miss: warn` says",
        ),
        agent_truth=mates(0.94),
    )
    player = record(
        "player",
        off=shares(0.78, 0.59, 0.938, 0.95, 0.962, looks=(15.5, 5.6, 5.6)),
        on=shares(0.71, 0.55, 0.905, 0.94, 0.893, looks=(15.9, 5.8, 5.6)),
        solve_looks=310.0,
        agent_truth=mates(0.89),
        proposal_truth=mates(0.03),
        heuristic_truth=mates(0.12),
    )
    pictures = tuple(Picture(caption=f"position {i}: Qh5-f7 is mate", svg=BOARD) for i in range(3))
    helpers = ("attacked", "defended")

    def arm(name: str, truth: float, judged: tuple[int, int], **fields: object) -> NodeResult:
        return node(
            f"player~{name}",
            3,
            ("verdict", *helpers),
            rounds=(record(f"player~{name}", facts=facts(*judged), agent_truth=mates(truth)),),
            **fields,
        )

    outcome = ("outcome",)
    return run(
        node(
            "player",
            3,
            ("verdict", *helpers),
            doc="Which move mates?",
            rounds=(player,),
            pictures=pictures,
        ),
        node("verdict", 2, helpers, doc="Is this mate?", rounds=(verdict,), pictures=pictures[:2]),
        node("attacked", 1, ("ray",), doc="Which squares does White attack?", rounds=(tiles["attacked"],)),
        node("defended", 1, ("ray",), doc="Which squares does Black reach?", rounds=(tiles["defended"],)),
        node("ray", 0, doc="Does this piece reach that square?", rounds=(ray,), state="reused"),
        arm("alone", 0.312, (4200, 65_400), judge_sees=outcome, reward_sees=outcome),
        arm("alone_seeing_advice", 0.653, (2100, 32_900), judge_sees=outcome),
        arm("assisted_seeing_outcome", 0.475, (2000, 11_300), reward_sees=outcome),
        arm("ideal", 0.905, (2000, 11_000), help="ideal"),
        arm("truth", 0.9, (2000, 2000), judge="truth"),
    )


@pytest.fixture
def chess_run() -> RunResult:
    return chess()


@pytest.fixture
def make_node() -> Callable[..., NodeResult]:
    return node


@pytest.fixture
def make_run() -> Callable[..., RunResult]:
    return run


@pytest.fixture
def make_record() -> Callable[..., RoundRecord]:
    return record


@pytest.fixture
def make_shares() -> Callable[..., Shares]:
    return shares


@pytest.fixture
def make_mates():
    return mates


@pytest.fixture
def make_gate():
    return gate
