"""Several seeds of one tree: what is averaged, how sure that is, and what is said about it."""

import json
import os
import re
from math import sqrt
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seeds_runs import jitter, over_seeds, replace_node, shift, truth

from rrm_tree.propagation import Estimate, analyse, analyse_seeds, estimate_share, subtract
from rrm_tree.propagation.causes import Cause, ErrorCauses, NodeCauses
from rrm_tree.propagation.over_seeds import average, average_estimates, pair, subtract_each
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.records import AgreementFacts, JudgeFacts, PeopleFacts, PeoplePart, Share
from rrm_tree.report import build_seeds_report, seeds_report_schema, terminal_report, write_reports
from rrm_tree.report.seeds.verdict import give_verdict, list_notes
from rrm_tree.report.seeds.words import name_seeds

GOLDEN = Path(__file__).parent / "golden"


def seeds_of(run, count, size=0.02):
    return over_seeds(*(shift(run, by) for by in jitter(count, size)))


def verdict_of(result):
    return give_verdict(result, analyse_seeds(result))


def notes_of(result):
    return [f"{note.kind}: {note.text}" for note in list_notes(result, analyse_seeds(result))]


# --- arithmetic --------------------------------------------------------------------------------


def test_a_mean_over_seeds_has_students_interval():
    over = average({0: 1.0, 1: 2.0, 2: 6.0})
    # Mean 3, deviation √7, t with 2 degrees of freedom 4.3027: half-width 4.3027 · √7 / √3.
    half = 4.302653 * sqrt(7 / 3)
    assert (over.mean, over.deviation) == (3.0, pytest.approx(sqrt(7)))
    assert (over.low, over.high) == (pytest.approx(3 - half), pytest.approx(3 + half))
    assert (over.least, over.most) == (1.0, 6.0)


def test_fewer_than_three_seeds_have_no_interval():
    assert average({0: 1.0, 1: 2.0}).low is None
    assert average({4: 1.0}).deviation is None
    edge = {0: 0.9, 1: 1.0, 2: 1.0}
    assert average(edge).high > 1.0
    assert average(edge, is_share=True).high == 1.0
    assert average({0: None, 1: None}) is None
    assert pair(average({0: 1.0, 1: 2.0}), average({0: 0.0, 1: 0.0}), {}) is None


def test_seeds_that_agree_by_chance_are_no_surer_than_their_pairs_allow():
    same = {seed: Estimate(value=0.9, low=0.86, high=0.93, count=400) for seed in range(4)}
    over = average_estimates(same, is_share=True)
    # Four equal estimates: each interval's sides shrink by √4.
    assert (over.low, over.high) == (pytest.approx(0.88), pytest.approx(0.915))


def test_a_share_over_seeds_stays_between_0_and_1():
    near = {seed: Estimate(value=v, low=v - 0.01, high=1.0, count=99) for seed, v in enumerate((1, 0.9, 1))}
    assert average_estimates(near, is_share=True).high == 1.0
    assert average_estimates(near).high > 1.0


@given(st.dictionaries(st.integers(0, 50), st.floats(-1e3, 1e3), min_size=1, max_size=12), st.floats(-9, 9))
def test_a_mean_lies_among_its_seeds_and_moves_with_them(values, by):
    over, moved = average(values), average({seed: value + by for seed, value in values.items()})
    assert over.least - 1e-9 <= over.mean <= over.most + 1e-9
    assert moved.mean == pytest.approx(over.mean + by, abs=1e-6)


def test_one_seed_over_seeds_is_what_its_own_analysis_says(chess_run):
    alone, over = analyse(chess_run), analyse_seeds(over_seeds(chess_run))
    for one, many in zip(alone.nodes, over.nodes, strict=True):
        assert (one.name, one.distilled) == (many.name, many.distilled)
        assert many.on.shown == one.on.shown
        assert many.off.distilled.by_seed == {0: one.off.distilled.value}


def test_the_parts_of_a_mean_error_sum_and_so_do_the_printed_ones(chess_run):
    for node in analyse_seeds(seeds_of(chess_run, 7)).nodes:
        for accuracy in (node.off, node.on):
            parts, shown = accuracy.split, accuracy.shown
            assert parts.judging.mean + parts.distilling.mean == pytest.approx(parts.error.mean)
            if parts.own is not None:
                whole = parts.own.mean + parts.inherited.mean + parts.distilling.mean
                assert whole == pytest.approx(parts.error.mean)
            assert round(shown.judging + shown.distilling, 3) == round(shown.error, 3)


def test_parts_of_a_mean_error_are_no_surer_than_the_pairs_of_each_seed(chess_run):
    player = analyse_seeds(over_seeds(*[chess_run] * 4)).nodes[0].on
    alone = analyse(chess_run).nodes[0].on
    half = (alone.distilled.high - alone.distilled.low) / 2
    error = player.split.error
    assert (error.high - error.low) / 2 == pytest.approx(half / 4**0.5)
    assert all(part.high > part.mean > part.low for part in (player.split.own, player.split.inherited))
    for node in analyse_seeds(seeds_of(chess_run, 4)).nodes:
        assert node.off.split.error.low >= 0 and node.off.split.own.low >= 0


def test_seeds_that_are_not_finished_are_left_out_of_means_and_named(chess_run):
    half = replace_node(shift(chess_run, 0.5), "ray", state="stopped", reason="stopped after a round")
    result = over_seeds(chess_run, half, chess_run)
    ray = next(node for node in analyse_seeds(result).nodes if node.name == "ray")
    assert (ray.seeds, [one.seed for one in ray.unfinished]) == ((0, 2), [1])
    assert set(ray.off.distilled.by_seed) == {0, 2}


def with_ideal(run, reached):
    """The run with another mean truth of the root's arm `ideal`."""
    [arm] = [node for node in run.nodes if node.arm == "ideal"]
    mean = arm.rounds[0].agent_truth.model_copy(update={"mean": reached})
    return replace_node(run, arm.name, rounds=(arm.rounds[0].model_copy(update={"agent_truth": mean}),))


def arms_of(run, shifts):
    """The rows of the root's arms over seeds that differ by so much."""
    return {
        row.name: row for row in analyse_seeds(over_seeds(*(shift(run, by) for by in shifts))).arms[0].rows
    }


def test_arms_are_compared_within_their_seeds(chess_run):
    # Seeds differ by far more than the arms do: only differences within a seed can show it.
    rows = arms_of(with_ideal(chess_run, 0.94), (-0.3, -0.25, -0.2, -0.15, -0.1, 0.0))
    assert rows["ideal"].truth.low < rows["player"].truth.high
    assert rows["ideal"].less.difference.value == pytest.approx(0.89 - 0.94)
    assert rows["ideal"].less.difference.high < 0
    assert rows["ideal"].less.p_value == 2 / 2**6
    assert rows["player"].less is None


def test_arms_that_differ_alike_in_every_seed_are_no_surer_apart_than_their_outcomes_allow(chess_run):
    rows = arms_of(chess_run, (-0.3, -0.25, -0.2, -0.15, -0.1, 0.0))
    # The same .015 in every seed: the seeds' own values leave nothing open, 400 outcomes each do.
    apart = rows["ideal"].less.difference
    assert apart.value == pytest.approx(0.89 - 0.905)
    assert apart.low < -0.03 and apart.high > 0
    arms = analyse_seeds(over_seeds(*[chess_run] * 6)).arms[0]
    assert arms.result_gap.difference.low < 0 < arms.result_gap.difference.high
    assert all(step.gain.difference.low < step.gain.difference.value for path in arms.paths for step in path)
    assert arms.recovered.high - arms.recovered.low > 0.01


def test_both_orders_of_the_gain_end_where_the_means_do(chess_run):
    arms = analyse_seeds(seeds_of(chess_run, 5)).arms[0]
    rows = {row.name: row.truth.mean for row in arms.rows}
    assert len(arms.paths) == 2
    for first, second in arms.paths:
        assert first.before.mean == pytest.approx(rows["alone"])
        assert second.after.mean == pytest.approx(rows["player"])
        assert first.gain.difference.value == pytest.approx(first.after.mean - first.before.mean)


def test_helpers_that_help_in_most_seeds_are_counted(chess_run, make_record, make_shares):
    bad = make_record("verdict", off=make_shares(0.802, 0.667, 0.78, 0.962, 0.77))
    broken = replace_node(chess_run, "verdict", rounds=(bad,))
    result = over_seeds(*[shift(chess_run, by) for by in jitter(9)], broken)
    worth = next(node for node in analyse_seeds(result).nodes if node.name == "verdict").off.worth
    assert worth.better == tuple(range(9))
    assert (worth.verdict, worth.base) == ("helps", "alone")


def test_differences_of_seeds_that_agree_are_no_surer_than_their_pairs():
    same = {seed: estimate_share(Share(right=54, pairs=60)) for seed in range(3)}
    mean = average_estimates(same, is_share=True)
    gap = pair(mean, mean, subtract_each(same, same)).difference
    alone = subtract(same[0], same[0])
    assert (gap.low, gap.high) == pytest.approx((alone.low / 3**0.5, alone.high / 3**0.5))


# --- words -------------------------------------------------------------------------------------


def test_the_verdict_speaks_of_all_seeds(chess_run):
    assert verdict_of(seeds_of(chess_run, 10)) == (
        "In all 10 seeds helpers raise `player`, in the mean from 0.78 to 0.94 (and 3 more nodes); `player`"
        " reaches a mean truth of 0.89 (95% over 10 seeds: 0.88 to 0.90; proposals 0.03; simple rule 0.12;"
        " trained on truth 0.90), above its proposals in all 10 seeds; weakest link in all 10 seeds:"
        " `verdict`, which adds 0.06 of error, most of it the judge's own."
    )


def test_a_failing_seed_is_named_with_its_node_and_its_reason(chess_run):
    failed = replace_node(chess_run, "verdict", state="failed", rounds=(), reason="the judge raised")
    failed = replace_node(failed, "player", state="waiting", rounds=(), reason="waits for verdict")
    result = over_seeds(*[chess_run] * 9, failed)
    assert verdict_of(result).startswith("9 of 10 seeds are finished: `verdict` failed in seed 9. In all 9 ")
    assert notes_of(result)[:2] == [
        "failed: `player` waits in seed 9: waits for verdict",
        "failed: `verdict` failed in seed 9: the judge raised",
    ]


def test_nothing_is_said_of_seeds_that_have_no_interval(chess_run):
    result = seeds_of(chess_run, 2)
    assert "(0.89 and 0.91: fewer than 3 seeds give no interval;" in verdict_of(result)
    assert "helpers change most `player`" in verdict_of(result).replace("Helpers", "helpers")
    assert notes_of(result)[0].startswith("warning: 2 seeds: no intervals over fewer than 3 seeds")


def test_no_seed_finished_says_so(chess_run):
    waits = chess_run.model_copy(
        update={
            "nodes": tuple(
                node.model_copy(update={"state": "stopped", "rounds": ()}) for node in chess_run.nodes
            )
        }
    )
    text = verdict_of(over_seeds(waits, waits))
    assert text.startswith("0 of 2 seeds are finished: `player` was stopped in seeds 0 and 1")
    assert text.endswith("Nothing is measured yet.")


def test_a_single_node_is_told_without_helpers(make_run, make_node, make_record, make_shares):
    def spin(mean, distilled):
        shares = make_shares(0.97, 0.6, 0.97, None, distilled)
        record = make_record("spin", off=shares, agent_truth=truth(mean), proposal_truth=truth(-1220.0))
        return make_run(make_node("spin", rounds=(record,)))

    result = over_seeds(spin(-150.0, 0.9), spin(-170.0, 0.92), spin(-1300.0, 0.6))
    assert verdict_of(result) == (
        "`spin` reaches a mean truth of −540.0 (95% over 3 seeds: −2175 to 1095; proposals −1220), above its"
        " proposals in 2 of 3 seeds; its reward model orders 0.81 of pairs right, and most of the error is"
        " from distilling."
    )


def test_warnings_that_differ_in_numbers_alone_are_told_once(make_run, make_node, make_record):
    def warned(number):
        return make_run(make_node("a", rounds=(make_record("a", warnings=(f"only {number} pairs differ",)),)))

    notes = notes_of(over_seeds(warned(3), warned(4), make_run(make_node("a"))))
    assert [note for note in notes if "pairs differ" in note] == [
        "warning: `a` in seeds 0 and 1: only 3 pairs differ (round 1 of 1) (of seed 0)"
    ]


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ((3,), "seed 3"),
        ((3, 4, 5), "seeds 3 to 5"),
        ((3, 5, 9), "seeds 3, 5 and 9"),
        ((0, 1), "seeds 0 and 1"),
    ],
)
def test_seeds_are_named_as_people_would(seeds, words):
    assert name_seeds(seeds) == words


# --- the files ---------------------------------------------------------------------------------


def compare_with_golden(text: str, name: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), "if this is meant: UPDATE_GOLDEN=1 pytest tests/report"


def _with_judges(node):
    """The same node, judged by two, and by people with advice and without."""
    last = node.rounds[-1]
    whole = PeoplePart(
        answers=100, told=95, seconds=3.0, right=Share(right=80, pairs=95), right_advice=None,
        wrong_advice=None, agreed=Share(right=30, pairs=40), trusted=None,
    )  # fmt: skip
    hidden = whole.model_copy(update={"right": Share(right=60, pairs=95)})
    facts = last.facts.model_copy(
        update={
            "judges": tuple(JudgeFacts(answers=100, error=error, lean=0.02) for error in (0.05, 0.2)),
            "agreement": AgreementFacts(alpha=0.6, low=0.4, high=0.8, questions=100),
            "reasons": {"too dark": 7},
        }
    )
    people = PeopleFacts(people=2, whole=whole, shown=whole, hidden=hidden, reasons={})
    told = last.model_copy(update={"facts": facts, "people": people})
    return node.model_copy(update={"rounds": (*node.rounds[:-1], told)})


@pytest.fixture
def small_seeds(chess_run):
    """A root and its only helper, with an arm, in four seeds."""
    kept = [node for node in chess_run.nodes if node.name in ("verdict", "defended")]
    kept = [
        node.model_copy(update={"helpers": ("defended",) if node.name == "verdict" else ()}) for node in kept
    ]
    kept[1] = _with_judges(kept[1])
    alone = kept[0].model_copy(update={"name": "verdict~alone", "arm": "alone", "judge_sees": ("outcome",)})
    return seeds_of(chess_run.model_copy(update={"root": "verdict", "nodes": (*kept, alone)}), 4)


def test_the_markdown_of_a_small_tree_over_seeds(small_seeds, tmp_path):
    write_reports(small_seeds, tmp_path)
    compare_with_golden((tmp_path / "report.md").read_text(encoding="utf-8"), "seeds.md")


def test_the_terminal_report_of_a_small_tree_over_seeds(small_seeds):
    compare_with_golden(terminal_report(small_seeds), "seeds.txt")


def test_the_json_keeps_to_its_schema_and_is_not_taken_for_that_of_one_seed(chess_run, tmp_path):
    write_reports(seeds_of(chess_run, 3), tmp_path)
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(written, seeds_report_schema(), cls=jsonschema.Draft202012Validator)
    assert written["seeds_report"] == 1
    assert "report" not in written
    assert [one["seed"] for one in written["result"]["results"]] == [0, 1, 2]


def test_the_page_leads_to_every_section_and_every_seed(chess_run, tmp_path):
    page = write_reports(seeds_of(chess_run, 3), tmp_path).read_text(encoding="utf-8")
    ids, links = set(re.findall(r' id="([^"]+)"', page)), re.findall(r'href="([^"]+)"', page)
    assert {link.removeprefix("#") for link in links if link.startswith("#")} <= ids
    assert [link for link in links if not link.startswith("#")] == [
        f"seed-{seed}/report.html" for seed in range(3)
    ]
    assert not re.search(r"<script|url\((?!#)|@import|https?:", page)
    assert page.count("<details>") == len(chess_run.nodes)


def test_hostile_words_are_only_shown(chess_run, tmp_path):
    hostile = "</style><script>alert(1)</script>\"'><img src=x onerror=alert(2)> | `x` \u202eevil\x1b[31m"
    spoiled = replace_node(chess_run, "verdict", state="failed", reason=hostile, doc=hostile, judge=hostile)
    spoiled = spoiled.model_copy(update={"name": hostile, "command": hostile})
    write_reports(over_seeds(spoiled, spoiled), tmp_path)
    for kind in ("html", "md", "svg"):
        text = (tmp_path / f"report.{kind}").read_text(encoding="utf-8")
        assert not set("\u202e\x1b") & set(text)
        assert "<script" not in re.sub(r"`[^`]*`|\\<", "", text)
        assert "<img src=x" not in re.sub(r"`[^`]*`|\\<", "", text)


def test_a_run_of_ten_seeds_stays_a_page(chess_run, tmp_path):
    assert write_reports(seeds_of(chess_run, 10), tmp_path).stat().st_size < 400_000


def test_a_report_of_seeds_that_learned_nothing_can_be_written(make_run, make_node, tmp_path):
    empty = make_run(make_node("a", state="failed", rounds=(), costs=(), reason="no"))
    page = write_reports(over_seeds(empty, empty, empty), tmp_path).read_text(encoding="utf-8")
    assert "`a` failed in seeds 0 to 2" in terminal_report(over_seeds(empty, empty, empty))
    assert not re.search(r"\bnan\b|None|Undefined", page)


def test_the_report_is_worked_out_from_the_records_alone(chess_run):
    result = seeds_of(chess_run, 3)
    again = type(result).model_validate_json(result.model_dump_json())
    assert build_seeds_report(again) == build_seeds_report(result)


def causes_of(node, own, helper=None, size=0.0):
    def part(kind, value, name=None):
        return Cause(kind=kind, helper=name, size=Estimate(value=value, low=value, high=value, count=300))

    parts = (part("slips", own), *([part("helper", size, helper)] if helper else []))
    error = Estimate(value=own + size, low=own + size, high=own + size, count=300)
    off = ErrorCauses(error=error, causes=parts, orders=1)
    return NodeStudy(name=node, causes=NodeCauses(node=node, off=off, on=None))


def studies_of(*sizes):
    """Of each seed: what the root slips, and what its helper, whose only error is its own, costs it."""
    return {
        seed: (causes_of("player", own, "verdict", inherited), causes_of("verdict", 0.1))
        for seed, (own, inherited) in enumerate(sizes)
    }


def test_causes_are_averaged_over_seeds_and_followed_down_in_each(chess_run):
    studies = studies_of((0.02, 0.06), (0.03, 0.08), (0.05, 0.01))
    report = build_seeds_report(seeds_of(chess_run, 3), studies)
    player = next(one for one in report.studies if one.name == "player")
    sizes = {cause.helper: cause.size for cause in player.causes}
    assert sizes["verdict"].mean == pytest.approx(0.05)
    assert sizes["verdict"].by_seed == {0: 0.06, 1: 0.08, 2: 0.01}
    first, second = report.origins
    assert (first.node, first.largest, second.largest) == ("verdict", (0, 1), (2,))
    assert first.size.mean == pytest.approx(0.05) and second.size.mean == pytest.approx(0.1 / 3)
    assert "; mend `verdict`: 0.050 of the root's mean error of 0.083 off policy goes back" in report.verdict
    mend = next(one.answer for one in report.answers if "fix" in one.question)
    assert "Off policy `verdict`: 0.050" in mend and "in 2 of 3 seeds" in mend


def test_the_page_over_seeds_shows_what_was_measured_beside_the_records(chess_run, tmp_path):
    studies = studies_of((0.02, 0.06), (0.03, 0.08), (0.05, 0.01))
    text = write_reports(seeds_of(chess_run, 3), tmp_path, by_seed=studies).read_text(encoding="utf-8")
    assert "2 of 3 seeds" in text and "helper <code>verdict</code>" in text
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(written, seeds_report_schema(), cls=jsonschema.Draft202012Validator)
    assert "Causes, found by making helpers ideal" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_rounds_are_told_over_the_seeds_that_have_them(chess_run):
    def twice(run):
        nodes = [
            node.model_copy(
                update={"rounds": (node.rounds[0], node.rounds[0].model_copy(update={"round": 1}))}
            )
            for node in run.nodes
        ]
        return run.model_copy(update={"nodes": tuple(nodes)})

    report = build_seeds_report(over_seeds(twice(chess_run), twice(chess_run), chess_run))
    player = next(one for one in report.studies if one.name == "player")
    assert [(one.round, len(one.judgments.by_seed)) for one in player.rounds] == [(0, 3), (1, 2)]


def test_a_root_that_every_seed_speaks_for_is_trusted_as_far_as_they_go(chess_run):
    trust = build_seeds_report(seeds_of(chess_run, 3)).answers[0].answer
    assert trust.startswith("Not as it is: its reward models put 0.96 of pairs right, but on their agents'")
    [root] = [node for node in chess_run.nodes if node.name == "player"]
    same = root.rounds[0].model_copy(update={"on": root.rounds[0].off})
    sound = replace_node(chess_run, "player", rounds=(same,))
    trust = build_seeds_report(seeds_of(sound, 3)).answers[0].answer
    assert trust.startswith("As far as all 3 seeds can tell: its agents reach 0.89")
    assert trust.endswith("A claim needs 10 seeds.")


def test_earlier_sweeps_stand_beside_their_nodes_in_the_tables_of_every_seed(chess_run, tmp_path):
    earlier = chess_run.nodes[0].model_copy(update={"name": f"{chess_run.nodes[0].node}^1"})
    swept = chess_run.model_copy(update={"nodes": (*chess_run.nodes, earlier)})
    write_reports(over_seeds(swept, shift(swept, 0.01)), tmp_path)
    assert earlier.name in (tmp_path / "report.md").read_text(encoding="utf-8")
