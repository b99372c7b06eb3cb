"""What the spider's spec shows: `python tests/benchmarks/study_spider.py REPORT.json FIGURE.svg`.

Reads the report of `rrm run task_specs/spider.yaml --seeds 10`, prints the table of
docs/results/spider.md and draws its figure. Trains nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from rrm_tree.propagation import compare_seeds, watch
from rrm_tree.records import NodeResult, RoundRecord, RunResult

STEPS = 30
WIDTH, HEIGHT, LEFT, TOP = 250, 170, 52, 30
ONLINE, FROZEN, PLAIN = "#2b6cb0", "#c53030", "#718096"


def kills(record: RoundRecord) -> float:
    """True kills in 100 steps."""
    return record.agent_truth.mean * 100 / STEPS if record.agent_truth else float("nan")


def score(record: RoundRecord) -> float:
    """What the reward model gives the agent's outcomes, in deviations of those that it learned from."""
    return record.agent_score.mean if record.agent_score else float("nan")


def say(values: Sequence[float]) -> str:
    """The mean over seeds with Student's interval, and the range."""
    mean, error = np.mean(values), np.std(values, ddof=1) / len(values) ** 0.5
    half = student.ppf(0.975, len(values) - 1) * error
    return f"{mean:.2f} ± {half:.2f} | {min(values):.2f} to {max(values):.2f}"


def print_table(online: Sequence[NodeResult], frozen: Sequence[NodeResult]) -> None:
    """Truth and score, round by round, and the arms side by side."""
    print("| agent | judgments | kills in 100 steps | range over seeds | score | its range | alarm |")
    print("|---|---|---|---|---|---|---|")
    proposals = [one.rounds[0].proposal_truth.mean * 100 / STEPS for one in online]
    print(f"| proposals | 0 | {say(proposals)} | | | |")
    groups = [("frozen", 0, frozen)]
    groups += [(f"online, round {k + 1}", k, online) for k in range(len(online[0].rounds))]
    for name, k, nodes in groups:
        of = [one.rounds[k] for one in nodes]
        alarms = [next((a.raised for a in watch(one.rounds) if a.round == k + 1), None) for one in nodes]
        tested = [raised for raised in alarms if raised is not None]
        rings = f"{sum(tested)} of {len(tested)}" if tested else "not tested"
        judgments = f"{np.mean([one.facts.judgments for one in of]):.0f}"
        cells = (name, judgments, say([kills(one) for one in of]), say([score(one) for one in of]), rings)
        print(f"| {' | '.join(cells)} |")
    paired = compare_seeds(
        [kills(one.rounds[-1]) for one in online], [kills(one.rounds[-1]) for one in frozen]
    )
    gap = paired.difference
    interval = f"{gap.value:.2f} ({gap.low:.2f} to {gap.high:.2f})"
    print(f"\nonline − frozen: {interval} kills in 100 steps, p = {paired.p_value:.3g}")
    for name, nodes in (("online", online), ("frozen", frozen)):
        cpu = [sum(cost.cpu_seconds for cost in one.costs) for one in nodes]
        print(f"CPU seconds a seed, {name}: {np.mean(cpu):.1f} (at most {max(cpu):.1f})")


def panel(
    place: int,
    title: str,
    value: Callable[[RoundRecord], float],
    groups: Sequence[Sequence[NodeResult]],
    level: float,
) -> str:
    """Rounds across, a thin line a seed and a thick one for the mean; the frozen arm as dots beside them.

    `level` is that of the proposals.
    """
    online, frozen = groups
    rounds = len(online[0].rounds)
    left = LEFT + place * (WIDTH + LEFT + 20)
    top = max(value(record) for group in groups for one in group for record in one.rounds) * 1.08
    low = min(0.0, *(value(record) for group in groups for one in group for record in one.rounds))

    def point(k: float, number: float) -> str:
        return (
            f"{left + WIDTH * k / (rounds + 1.4):.1f},{TOP + HEIGHT * (1 - (number - low) / (top - low)):.1f}"
        )

    marks = [
        f'<text x="{left}" y="{TOP - 12}" font-size="12">{title}</text>',
        f'<rect x="{left}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#cccccc"/>',
    ]
    for number in np.arange(0, top, 2 if top < 11 else 4):
        x, y = point(0, number).split(",")
        marks.append(
            f'<text x="{float(x) - 6}" y="{float(y) + 3}" font-size="9" text-anchor="end">{number:.0f}</text>'
        )
    x, y = point(0.7, level).split(",")
    marks.append(
        f'<line x1="{left}" x2="{left + WIDTH}" y1="{y}" y2="{y}" stroke="{PLAIN}" stroke-dasharray="3 3"/>'
        f'<text x="{left + WIDTH - 4}" y="{float(y) - 4}" font-size="9" text-anchor="end" fill="{PLAIN}">'
        "proposals</text>"
    )
    means = [float(np.mean([value(one.rounds[k]) for one in online])) for k in range(rounds)]
    lines = [([value(record) for record in one.rounds], 0.7, 0.45) for one in online] + [(means, 2.5, 1.0)]
    for values, width, shade in lines:
        points = " ".join(point(k + 0.7, number) for k, number in enumerate(values))
        marks.append(
            f'<polyline fill="none" stroke="{ONLINE}" stroke-width="{width}" opacity="{shade}"'
            f' points="{points}"/>'
        )
    for one in frozen:
        x, y = point(rounds + 0.7, value(one.rounds[-1])).split(",")
        marks.append(f'<circle cx="{x}" cy="{y}" r="3.5" fill="{FROZEN}" opacity="0.6"/>')
    for k, name in enumerate([*(f"{k + 1}" for k in range(rounds)), "frozen"]):
        x, _ = point(k + 0.7, 0).split(",")
        colour = FROZEN if name == "frozen" else PLAIN
        marks.append(
            f'<text x="{x}" y="{TOP + HEIGHT + 14}" font-size="10" text-anchor="middle" fill="{colour}">'
            f"{name}</text>"
        )
    return "".join(marks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    parser.add_argument("figure", type=Path)
    chosen = parser.parse_args()
    runs = [
        RunResult.model_validate(one) for one in json.loads(chosen.report.read_text())["result"]["results"]
    ]
    both = [[node for run in runs for node in run.nodes if (node.arm == arm)] for arm in (None, "frozen")]
    print_table(*both)
    size = f'viewBox="0 0 {2 * (WIDTH + LEFT + 20) + 10} {TOP + HEIGHT + 24}"'
    before = [one.rounds[0].proposal_truth for one in both[0]]
    level = float(np.mean([one.mean for one in before])) * 100 / STEPS
    panels = panel(0, "true kills in 100 steps, by round", kills, both, level)
    # By construction: scores have mean 0 over the outcomes of the first round, which are proposals'.
    panels += panel(1, "score by the reward model, by round", score, both, 0.0)
    paper = '<rect width="100%" height="100%" fill="#ffffff"/>'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">'
    chosen.figure.write_text(f"{opening}{paper}{panels}</svg>\n")


if __name__ == "__main__":
    main()
