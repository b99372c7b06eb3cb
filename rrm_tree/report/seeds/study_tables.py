"""Causes, transfer, predictions, calibration, choosing, rounds and disagreements over seeds as tables.

In: SeedsStudies, SeedsOrigins, a SeedsResult for its configuration. Out: Tables. Names stand between
backticks. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from rrm_tree.propagation import DISTRIBUTIONS
from rrm_tree.propagation.seeds_origins import SeedsOrigin
from rrm_tree.propagation.seeds_studies import SeedsStudy, SeedsTransfer
from rrm_tree.records import SeedsResult
from rrm_tree.report import study_tables
from rrm_tree.report.cause_tables import KINDS
from rrm_tree.report.chosen import ROWS
from rrm_tree.report.seeds.words import count_seeds, quantity_over, share_over, signed_over
from rrm_tree.report.study_tables import DISAGREE, DISAGREE_COLUMNS, disagreement_cells
from rrm_tree.report.tables import Table, drop_empty
from rrm_tree.report.words import code, count, share

MOST = 3 * ROWS
"""Rows of a table; report.json has all."""


def origin_table(origins: Sequence[SeedsOrigin]) -> Table:
    """What of the root's error goes back to each node."""
    rows = [
        (
            code(one.node),
            one.distribution,
            share_over(one.size),
            count_seeds(len(one.largest), len(one.size.by_seed)) if one.largest else "none",
        )
        for one in origins
        if one.size.mean > 0.0005
    ]
    return Table(
        "What of the root's error goes back to what each node does by itself: mean over seeds; the parts sum"
        " to the mean error. And in how many seeds it is the largest part.",
        ("node", "policy", "of the root's error", "the largest in"),
        tuple(rows),
        numeric=2,
        words=1,
    )


def cause_table(studies: Sequence[SeedsStudy]) -> Table:
    """What each error is made of."""
    rows = [
        (
            code(study.name),
            cause.distribution,
            f"helper {code(cause.helper)}" if cause.helper is not None else KINDS[cause.kind],
            signed_over(cause.size),
            f"{sum(value > 0 for value in cause.size.by_seed.values())} of {len(cause.size.by_seed)}",
        )
        for study in studies
        for cause in study.causes
        if any(cause.size.by_seed.values())
    ]
    return Table(
        "Causes, found by making helpers ideal in all orders (Shapley) and the judge one without slips: mean"
        " over seeds. All but acting sum to the error; a part below 0 makes up for others.",
        ("node", "policy", "cause", "part", "seeds with it above 0"),
        tuple(rows[:MOST]),
        numeric=3,
    )


def transfer_table(studies: Sequence[SeedsStudy]) -> Table:
    """How each judge's error follows its helpers'."""
    rows = [
        (
            code(study.name),
            code(one.helper) if one.helper is not None else "all at once",
            one.distribution,
            share_over(one.trained_error),
            signed_over(one.slope),
            _break_even(one),
            f"{one.of}",
        )
        for study in studies
        for one in study.transfers
    ]
    return Table(
        "Transfer: the judge's error for each unit of a helper's, whose answers are really corrupted at"
        " several rates; break-even: the helper's error from which on help hurts. Means over seeds.",
        ("node", "helper", "policy", "its error as trained", "slope", "break-even", "seeds"),
        tuple(rows[:MOST]),
        numeric=3,
    )


def _break_even(one: SeedsTransfer) -> str:
    if one.break_even is None:
        return "none in the range tried"
    where = "" if len(one.hurts) == one.of else f" in {count_seeds(len(one.hurts), one.of)}"
    return f"{share_over(one.break_even)}{where}"


def prediction_table(studies: Sequence[SeedsStudy]) -> Table:
    """What helpers' confusions foretell, and what was measured."""
    rows = [
        (
            code(study.name),
            one.distribution,
            share_over(one.measured),
            share_over(one.predicted),
            signed_over(one.unexplained),
            share(one.composed.mean) if one.composed else "–",
            f"{len(one.alarms)} of {len(one.measured.by_seed)}",
        )
        for study in studies
        for one in study.predictions
    ]
    return Table(
        "Predicted and measured: the judge's share of pairs put right, as it is, and as its helpers'"
        " confusions foretell it if every part errs by itself. Means over seeds; the last column counts the"
        " seeds in which the gap is more than noise.",
        ("node", "policy", "measured", "predicted", "unexplained", "composed", "alarms"),
        tuple(rows),
        numeric=2,
    )


def calibration_table(studies: Sequence[SeedsStudy]) -> Table:
    """Whether reward models are as sure as they are right, and what their errors cost."""
    rows = [
        (
            code(study.name),
            one.distribution,
            share_over(one.error),
            share_over(one.brier),
            share_over(one.wrong_when_sure),
            quantity_over(one.regret),
            signed_over(study.tau) if one.distribution == "off" else "",
            f"{len(study.seeds)}",
        )
        for study in studies
        for one in study.calibrations
    ]
    table = Table(
        "Calibration of the reward models: expected calibration error (15 bins), Brier score (a coin: .25),"
        " errors among the 60% of pairs that each is surest of, truth lost a pair by choosing by it, and"
        " Kendall's tau-b of score and truth over outcomes. Means over seeds.",
        ("node", "policy", "calibration error", "Brier", "wrong when sure", "regret", "tau-b", "seeds"),
        tuple(rows),
        numeric=2,
    )
    return drop_empty(table)


def best_of_n_table(studies: Sequence[SeedsStudy]) -> Table:
    """Score, truth and regret of the best of n."""
    rows = [
        (
            code(study.name),
            count(point.n),
            f"{point.root_kl:.2f}",
            quantity_over(point.score),
            quantity_over(point.truth),
            quantity_over(point.regret),
            f"{len(point.truth.by_seed)}",
        )
        for study in studies
        if study.best_of_n is not None
        for point in study.best_of_n.points[::2]
    ]
    return Table(
        "Best of n proposals by the reward model's score: its score, its truth, and how much truth the best"
        " of the same n by truth has more (regret). Means over seeds; a truth that falls while the score"
        " rises is over-optimisation.",
        ("node", "n", "√KL", "score", "truth", "regret", "seeds"),
        tuple(rows[:MOST]),
    )


def round_table(studies: Sequence[SeedsStudy]) -> Table:
    """What each round has brought."""
    rows = [
        (
            code(study.name),
            f"{one.round + 1}",
            count(one.judgments.mean),
            share_over(one.off),
            share_over(one.on),
            quantity_over(one.agent_score),
            quantity_over(one.agent_truth),
            f"{len(one.judgments.by_seed)}",
        )
        for study in studies
        for one in study.rounds
    ]
    table = Table(
        "Round by round: accuracies of the reward model, score and truth of the agent's outcomes; means over"
        " seeds with their 95% intervals.",
        (
            "node",
            "round",
            "judgments so far",
            "distilled off",
            "distilled on",
            "mean score",
            "mean truth",
            "seeds",
        ),
        tuple(rows[:MOST]),
    )
    return drop_empty(table)


def disagreement_table(studies: Sequence[SeedsStudy], each: int = 3) -> Table:
    """The pairs of any seed on which reward model, judge and truth differ most."""
    rows = [
        (
            code(study.name),
            policy,
            f"{one.seed}",
            f"{one.disagreement.pair}",
            *disagreement_cells(one.disagreement),
        )
        for study in studies
        for policy in DISTRIBUTIONS
        for one in [one for one in study.disagreements if one.distribution == policy][:each]
    ]
    columns = ("node", "policy", "seed", "pair", *DISAGREE_COLUMNS)
    return Table(f"{DISAGREE} The worst of all seeds.", columns, tuple(rows[:ROWS]), numeric=2, words=5)


def edit_table(result: SeedsResult) -> Table:
    """What differs from the previous run of the same tree: the same of every seed."""
    first = result.results[0]
    return study_tables.edit_table(first.edits, first.previous)


def setting_table(result: SeedsResult) -> Table:
    """The resolved configuration of all seeds."""
    configuration = result.results[0].configuration
    return study_tables.setting_table(configuration and {**configuration, "seed": list(result.seeds)})
