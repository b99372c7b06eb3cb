"""What the root's judgments buy: `python tests/benchmarks/study_chess.py RECORDS.jsonl [--seeds 1,2,3]`.

Trains the player of task_specs/chess_full.yaml from several numbers of judgments: with the helpers that
the tree trains, with none ("alone": neither its judge nor its reward model hears any), and with perfect
ones for nothing. Helpers are trained once a seed: runs share a store, beside RECORDS unless --store says
where. What is in RECORDS is not trained again, so that the same command goes on; two of them with other
seeds may fill one file. A seed takes 13 CPU minutes for the helpers and then a few for each player.

Then prints the table of docs/results/errors.md, and draws its figure with --figure FILE.svg. With
`--seeds none` it trains nothing. Intervals are Student's 95% over the seeds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rrm_tree.errors import ExitCode
from rrm_tree.propagation import compare_seeds, estimate_share
from rrm_tree.propagation.over_seeds import average, average_estimates
from rrm_tree.records import RoundRecord, RunResult, Share

SPEC = Path(__file__).parents[2] / "task_specs" / "chess_full.yaml"
PLAYER = "player"
JUDGMENTS = (500, 2000, 8000, 20_000)
PERFECT = "with perfect helpers"
TEAMS: Mapping[str, tuple[str, ...]] = {
    "with the tree's helpers": (),
    "alone": ("nodes.player.judge.sees=[outcome]", "nodes.player.reward_model.sees=[outcome]"),
    PERFECT: tuple(f"nodes.{helper}.answers.ideal=true" for helper in ("verdict", "attacked", "defended")),
}
ENOUGH = {PERFECT: 2000}
"""Teams whose players mate always from so many judgments: more are not tried."""
POSITIONS = 400
PAIRS = 300
MEASURED = (f"measure.pairs={PAIRS}", f"measure.agent_outcomes={POSITIONS}", "measure.rounds=last")


@dataclass(frozen=True)
class Player:
    """One trained player."""

    team: str
    judgments: int
    seed: int
    mates: float | None
    """Share of held-out positions in which it mates; None where nothing could be learned."""
    proposals: float | None
    """The same of what it started with."""
    rule: float | None
    """The same of the domain's simple rule."""
    judge_right: float | None
    """Its judge's share of right verdicts about pairs of the player's own moves."""
    learned_right: float | None
    """Its reward model's, about the same."""
    looks: int
    """Its judge's."""
    helpers_looks: int
    """Those of all nodes below that it hears."""
    cpu_seconds: float
    """Of its own training and measuring."""


def train(team: str, judgments: int, seed: int, store: Path) -> Player:
    """One player, with the `rrm run` that anybody would type."""
    sets = [f"seed={seed}", f"nodes.{PLAYER}.budget.judgments={judgments}", *MEASURED, *TEAMS[team]]
    command = [sys.executable, "-m", "rrm_tree", "run", str(SPEC), "--only", PLAYER]
    command += ["--workers", "1", "--store", str(store), "--format", "json"]
    command += [word for one in sets for word in ("--set", one)]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode not in (ExitCode.DONE, ExitCode.FAILED):
        raise SystemExit(done.returncode)
    report = Path(json.loads(done.stdout.splitlines()[-1])["report"]).with_suffix(".json")
    result = RunResult.model_validate(json.loads(report.read_text())["result"])
    nodes = {one.name: one for one in result.nodes}
    player = nodes.pop(PLAYER)
    heard = [] if "advice" not in player.judge_sees else nodes.values()
    last = player.rounds[-1] if player.rounds else None
    if last is None and "no information" not in (player.reason or ""):
        raise SystemExit(f"{PLAYER}: {player.reason}")
    shares = last.on if last else None
    return Player(
        team=team,
        judgments=judgments,
        seed=seed,
        mates=mean_of(last, "agent_truth"),
        proposals=mean_of(last, "proposal_truth"),
        rule=mean_of(last, "heuristic_truth"),
        judge_right=shares.assisted.value if shares and shares.assisted else None,
        learned_right=shares.distilled.value if shares and shares.distilled else None,
        looks=last.facts.looks if last else 0,
        helpers_looks=sum(one.rounds[-1].facts.looks for one in heard if one.rounds),
        cpu_seconds=sum(one.cpu_seconds for one in player.costs),
    )


def mean_of(record: RoundRecord | None, what: str) -> float | None:
    """One of a round's means."""
    found = getattr(record, what, None)
    return found.mean if found else None


def read(file: Path) -> dict[tuple[str, int, int], Player]:
    """The kept players by team, judgments and seed."""
    lines = file.read_text().splitlines() if file.exists() else []
    players = [Player(**json.loads(line)) for line in lines]
    return {(one.team, one.judgments, one.seed): one for one in players}


def say(players: Mapping[int, Player], what: str) -> str:
    """The mean of one share over seeds, with an interval no narrower than what measuring leaves open."""
    count = PAIRS if what.endswith("right") else POSITIONS
    known = {seed: getattr(one, what) for seed, one in players.items()}
    shares = {seed: value and Share(right=value * count, pairs=count) for seed, value in known.items()}
    found = average_estimates({seed: estimate_share(one) for seed, one in shares.items()}, is_share=True)
    if found is None:
        return "nothing learned"
    ends = "" if found.low is None else f" ({found.low:.3f} to {found.high:.3f})"
    missing = len(players) - len(found.by_seed)
    return f"{found.mean:.3f}{ends}" + (f"; {missing} learned nothing" if missing else "")


def apart(first: Mapping[int, Player], second: Mapping[int, Player]) -> str:
    """Mates of the first minus those of the second, seed by seed."""
    pairs = [(first[s].mates, second[s].mates) for s in sorted(first.keys() & second.keys())]
    both = [(one, other) for one, other in pairs if one is not None and other is not None]
    if len(both) < 3:
        return ""
    found = compare_seeds([one for one, _ in both], [other for _, other in both])
    gap = found.difference
    return f"{gap.value:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})".replace("-", "−")


def print_table(done: Mapping[tuple[str, int, int], Player]) -> None:
    """What docs/results/errors.md shows."""
    print(
        "| player | judgments | seeds | mates | − alone | judge right, on | reward model, on | looks in all |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for team in TEAMS:
        for judgments in JUDGMENTS:
            here = by_seed(done, team, judgments)
            if not here:
                continue
            gap = "" if team == "alone" else apart(here, by_seed(done, "alone", judgments))
            looks = sum(one.looks + one.helpers_looks for one in here.values()) / len(here)
            cells = (
                f"{team} | {judgments:,} | {len(here)} | {say(here, 'mates')} | {gap}",
                f"{say(here, 'judge_right')} | {say(here, 'learned_right')} | {looks:,.0f}",
            )
            print(f"| {' | '.join(cells)} |")
    first = by_seed(done, PERFECT, JUDGMENTS[0])
    print(f"\nproposals {say(first, 'proposals')}, simple rule {say(first, 'rule')}")
    print(f"CPU minutes of the players: {sum(one.cpu_seconds for one in done.values()) / 60:.0f}")


def by_seed(done: Mapping[tuple[str, int, int], Player], team: str, judgments: int) -> dict[int, Player]:
    """The players of one cell of the table."""
    return {seed: one for (t, j, seed), one in sorted(done.items()) if (t, j) == (team, judgments)}


def plot(done: Mapping[tuple[str, int, int], Player], file: Path) -> None:
    """Mates over the root's judgments, and over all looks that they took."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["svg.hashsalt"] = "chess"
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
    for team, colour in zip(TEAMS, ("#0072b2", "#d55e00", "#009e73"), strict=True):
        cells = [(judgments, by_seed(done, team, judgments)) for judgments in JUDGMENTS]
        cells = [
            (judgments, here) for judgments, here in cells if any(p.mates is not None for p in here.values())
        ]
        means = [average({seed: one.mates for seed, one in here.items()}) for _, here in cells]
        y = [one.mean for one in means if one]
        ends = [
            [one.mean - one.low if one and one.low is not None else 0 for one in means],
            [one.high - one.mean if one and one.high is not None else 0 for one in means],
        ]
        looks = [sum(one.looks + one.helpers_looks for one in here.values()) / len(here) for _, here in cells]
        for panel, x in zip(panels, ([judgments for judgments, _ in cells], looks), strict=True):
            panel.errorbar(x, y, yerr=ends, marker="o", color=colour, label=team, capsize=2)
    for panel, words in zip(panels, ("judgments of the root", "looks of the whole tree"), strict=True):
        panel.set(xscale="log", xlabel=words, ylim=(0, 1.05))
        panel.minorticks_off()
    panels[0].set_xticks(JUDGMENTS, [f"{judgments:,}" for judgments in JUDGMENTS])
    panels[1].set_xticks((5e3, 2e4, 1e5, 4e5), ("5,000", "20,000", "100,000", "400,000"))
    panels[0].set_ylabel("mates, share of unseen positions")
    panels[0].legend(frameon=False)
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    """Train what is missing, print, and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("records", type=Path)
    parser.add_argument("--seeds", default="1,2,3", help="which, with commas between; none: train nothing")
    parser.add_argument(
        "--judgments", default=",".join(map(str, JUDGMENTS)), help="which, with commas between"
    )
    parser.add_argument("--store", type=Path, help="where runs are kept (default: beside RECORDS)")
    parser.add_argument("--figure", type=Path)
    chosen = parser.parse_args()
    store = chosen.store or chosen.records.with_suffix(".store")
    seeds = [] if chosen.seeds == "none" else [int(one) for one in chosen.seeds.split(",")]
    for judgments in map(int, chosen.judgments.split(",")):
        for seed in seeds:
            for team in TEAMS:
                if judgments > ENOUGH.get(team, judgments) or (team, judgments, seed) in read(chosen.records):
                    continue
                player = train(team, judgments, seed, store)
                with chosen.records.open("a") as out:
                    out.write(json.dumps(asdict(player)) + "\n")
                print(player, flush=True)
    done = read(chosen.records)
    if done:
        print_table(done)
    if done and chosen.figure:
        plot(done, chosen.figure)


if __name__ == "__main__":
    main()
