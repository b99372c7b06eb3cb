"""What the page over seeds tells of shift, sweeps, disagreements and configuration; and its figures."""

import re

import numpy as np
import pytest
from seeds_runs import jitter, over_seeds, shift

from rrm_tree.propagation import Difference, Estimate
from rrm_tree.propagation.disagreements import AdviceErrors, Disagreement, NodeDisagreements, ShownPair
from rrm_tree.propagation.learning_curves import Learned, trace_learning
from rrm_tree.propagation.pairs import Bin, Calibration, NodeStudy, PairStatistics
from rrm_tree.propagation.sweep_gains import NodeSweeps, SweepGain, SweepPath, SweepStep
from rrm_tree.propagation.transfer import BreakEven, NodeTransfers, Transfer, TransferPoint
from rrm_tree.records import Edit
from rrm_tree.report import build_seeds_report, write_reports
from rrm_tree.report.figures import write_figures
from rrm_tree.report.seeds.plots import plot_seeds_report

BOARD = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'>{}</svg>"


def seeds_of(run, count):
    return over_seeds(*(shift(run, by) for by in jitter(count)))


def estimate(value):
    return Estimate(value=value, low=value - 0.02, high=value + 0.02, count=300)


def differ(number, chance, judge=0.5):
    return Disagreement(
        pair=number,
        subject=number,
        part=0,
        first_truth=1,
        second_truth=0,
        first_by=0,
        second_by=-1,
        judge=judge,
        reward=-2.0,
        chance=chance,
    )


def statistics(*disagreements, right=0.9):
    return PairStatistics(
        pairs=300,
        clusters=300,
        tests=(),
        calibration=Calibration(
            error=estimate(0.05), brier=estimate(0.1), bins=(Bin(expected=0.95, right=estimate(right)),)
        ),
        risks=(),
        answered=None,
        right_if_answered=None,
        regret=None,
        disagreements=disagreements,
    )


def drawn(one, size=10):
    wrong = AdviceErrors(helper="attacked", first=0.03, second=0)
    ends = [BOARD.format(end + "x" * size) for end in ("first", "second")]
    return ShownPair(disagreement=one, first=ends[0], second=ends[1], advice=(wrong,))


def read(folder, kind):
    return (folder / f"report.{kind}").read_text(encoding="utf-8")


def test_the_shift_is_told_with_its_interval_over_seeds(chess_run, tmp_path):
    write_reports(seeds_of(chess_run, 5), tmp_path)
    [row] = re.findall(
        r"\| `player` \| 0\.9\d+ \(.*?\| ([−+][^|]+) \|", read(tmp_path, "md").partition("Shift")[2]
    )[:1]
    assert re.fullmatch(r"−0\.\d+ \(−0\.\d+ to −0\.\d+\)", row)
    assert '<section id="shift">' in read(tmp_path, "html")


def test_the_worst_disagreements_of_all_seeds_come_first_and_name_their_seed(chess_run, tmp_path):
    # Of seed 2 the reward model is surest; of seed 1 the judge was wrong, too.
    found = {0: differ(4, 0.2), 1: differ(5, 0.01, judge=-0.5), 2: differ(6, 0.03)}
    studies = {
        seed: (
            NodeStudy(
                name="player",
                on=statistics(one),
                disagreements=NodeDisagreements(node="player", off=(), on=(drawn(one),)),
            ),
        )
        for seed, one in found.items()
    }
    report = build_seeds_report(seeds_of(chess_run, 3), studies)
    player = next(one for one in report.studies if one.name == "player")
    assert [one.seed for one in player.disagreements] == [2, 0, 1]
    page = write_reports(seeds_of(chess_run, 3), tmp_path, by_seed=studies).read_text(encoding="utf-8")
    titles = re.findall(r"<h3><code>player</code>, on policy, seed (\d)</h3>", page)
    assert titles == ["2", "0", "1"]
    assert "The reward model prefers the second, 97% sure (wrong)." in page
    assert "Advice of <code>attacked</code>: 0.03 of it wrong" in page
    assert "| `player` | on | 2 | 6 |" in read(tmp_path, "md")


def test_pictures_of_many_seeds_stay_within_half_a_megabyte(chess_run, tmp_path):
    pairs = tuple(drawn(differ(number, 0.1), size=30_000) for number in range(8))
    each = NodeStudy(name="player", disagreements=NodeDisagreements(node="player", off=pairs, on=pairs))
    studies = {seed: (each,) for seed in range(10)}
    page = write_reports(seeds_of(chess_run, 10), tmp_path, by_seed=studies)
    assert page.stat().st_size < 500_000
    assert 0 < page.read_text(encoding="utf-8").count("<img ") <= 12


def swept(gain, half=0.01):
    """A node whose second sweep has gained so much, which its pairs leave open by half an interval."""

    def step(sweep, value, gained):
        apart = Difference(value=gained, low=gained - half, high=gained + half)
        return SweepStep(
            sweep=sweep,
            judgments=300 * sweep,
            looks=900 * sweep,
            assisted=None,
            distilled=estimate(value),
            distilled_gain=SweepGain(difference=apart, p_value=1.0) if sweep > 1 else None,
        )

    path = SweepPath(distribution="on", pairs=300, steps=(step(1, 0.8, 0.0), step(2, 0.8 + gain, gain)))
    return (NodeStudy(name="player", sweeps=NodeSweeps(node="player", paths=(path,))),)


def test_what_sweeps_have_gained_is_taken_within_each_seed(chess_run, tmp_path):
    earlier = chess_run.nodes[0].model_copy(update={"name": f"{chess_run.nodes[0].node}^1", "sweep": 1})
    run = chess_run.model_copy(update={"nodes": (earlier, *chess_run.nodes)})
    studies = {seed: swept(gain) for seed, gain in enumerate((0.04, 0.05, 0.06))}
    report = build_seeds_report(seeds_of(run, 3), studies)
    first, second = next(one for one in report.studies if one.name == "player").sweeps
    assert (first.distilled_gain, first.judgments.mean) == (None, 300)
    gain = second.distilled_gain
    # Student with 2 degrees of freedom: 4.3027 · 0.01 / √3.
    assert gain.difference.value == pytest.approx(0.05)
    assert gain.difference.high == pytest.approx(0.05 + 4.302653 * 0.01 / 3**0.5)
    assert gain.p_value == 2 / 2**3
    write_reports(seeds_of(run, 3), tmp_path, by_seed=studies)
    assert "+0.050 (+0.025 to +0.075)" in read(tmp_path, "md")
    assert '<section id="sweeps">' in read(tmp_path, "html")


def test_gains_of_sweeps_over_seeds_are_no_surer_than_their_pairs(chess_run):
    studies = {seed: swept(gain, half=0.3) for seed, gain in enumerate((0.04, 0.05, 0.06))}
    report = build_seeds_report(seeds_of(chess_run, 3), studies)
    gain = next(one for one in report.studies if one.name == "player").sweeps[1].distilled_gain.difference
    assert (gain.low, gain.high) == pytest.approx((0.05 - 0.3 / 3**0.5, 0.05 + 0.3 / 3**0.5))


def test_the_configuration_names_all_seeds_and_what_has_changed(chess_run, tmp_path):
    edits = (Edit(path="nodes.player.budget.judgments", before=1000, after=2000),)
    told = {"configuration": {"seed": 0, "sweeps": 1}, "previous": "chess-1a2b3c4d", "edits": edits}
    write_reports(seeds_of(chess_run.model_copy(update=told), 3), tmp_path)
    page = read(tmp_path, "html").partition('id="configuration"')[2]
    assert "<code>nodes.player.budget.judgments</code>" in page and "<code>chess-1a2b3c4d</code>" in page
    assert "<code>[0, 1, 2]</code>" in page


def edge(seed):
    points = tuple(
        TransferPoint(
            rate=rate,
            helper_error=rate + 0.01 * seed,
            judge_error=estimate(0.1 + rate / 2),
            gain=estimate(0.1),
        )
        for rate in (0.0, 0.1)
    )
    even = BreakEven(helper_error=None, low=None, high=None, tried=0.1)
    found = Transfer(
        helper="verdict",
        distribution="off",
        start="ideal",
        bar="alone",
        points=points,
        slope=None,
        trained_error=None,
        break_even=even,
    )
    return NodeStudy(
        name="player",
        off=statistics(right=0.9 + 0.01 * seed),
        transfers=NodeTransfers(node="player", transfers=(found,)),
    )


def test_where_to_label_next_is_told_over_the_seeds_that_know(chess_run, tmp_path):
    right = [np.arange(300) >= wrong for wrong in (60, 30)]
    both = zip((100, 400), right, strict=True)
    learned = [Learned(count, np.stack([one, one]).astype(float)) for count, one in both]
    known = (NodeStudy(name="player", learning=trace_learning("player", learned, np.arange(300))),)
    write_reports(seeds_of(chess_run, 4), tmp_path, by_seed=dict.fromkeys(range(3), known))
    page = read(tmp_path, "html")
    assert '<section id="allocation">' in page and "Over 3 seeds: spend them on <code>player</code>" in page
    assert "## Where to label next" in read(tmp_path, "md")
    assert "allocation" not in build_seeds_report(seeds_of(chess_run, 4)).model_dump()


def test_the_page_draws_levels_transfers_and_reliability_as_means_over_seeds(chess_run, tmp_path):
    write_reports(seeds_of(chess_run, 3), tmp_path, by_seed={seed: (edge(seed),) for seed in range(3)})
    labels = re.findall(r'role="img" aria-label="([^"]+)"', read(tmp_path, "html"))
    assert [label.partition(":")[0] for label in labels if label.startswith("Accuracy")] == [
        "Accuracy off policy from level 0 up",
        "Accuracy on policy from level 0 up",
    ]
    [transfer] = [label for label in labels if label.startswith("Error of a judge")]
    assert transfer.endswith("player ← verdict, mean over seeds: 0.010: 0.100; 0.110: 0.150")
    [sure] = [label for label in labels if label.startswith("Reliability")]
    assert sure == "Reliability of player: 0.95 sure, 0.91 right (n = 3)"


@pytest.mark.slow
def test_figures_show_means_over_seeds(chess_run, tmp_path):
    pytest.importorskip("matplotlib")
    report = build_seeds_report(seeds_of(chess_run, 3), {seed: (edge(seed),) for seed in range(3)})
    plots = plot_seeds_report(report)
    [line] = plots.transfers
    assert (line.label, list(line.x)) == ("player ← verdict", [pytest.approx(0.01), pytest.approx(0.11)])
    assert [one.value for one in line.y] == [pytest.approx(0.1), pytest.approx(0.15)]
    [sure] = plots.calibrations
    assert (sure.x[0], sure.y[0].value) == (pytest.approx(0.95), pytest.approx(0.91))
    assert [level.level for level in plots.levels] == [0, 1, 2, 3]
    written = write_figures(plots, tmp_path, "pdf")
    names = ["accuracy-by-level.pdf", "where-the-error-comes-from.pdf", "transfer.pdf", "calibration.pdf"]
    assert [path.name for path in written] == names
