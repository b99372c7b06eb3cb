"""What reports say of judges who may not tell, of several judges, and of leaves that nothing grounds."""

from __future__ import annotations

import pytest

from rrm_tree.records import AgreementFacts, JudgeFacts, JudgeRight, JudgmentFacts, LinkFacts, Share
from rrm_tree.report import build_report, judge_tables
from rrm_tree.report.chosen import choose_nodes
from rrm_tree.report.html import write_html
from rrm_tree.report.markdown import write_markdown

UNGROUNDED = "bit: nothing grounds this leaf: its judges agree hardly more than by chance"


def facts(judgments=200, **more):
    plain = {"looks": 1000, "cannot_tell": 0, "ties": 0, "positive": 0.5, "entropy": 1.0, "informative": True}
    held_out = {"held_out_accuracy": None, "held_out_chance": None, "held_out_count": 0}
    return JudgmentFacts.model_validate({"judgments": judgments, **plain, **held_out, **more})


@pytest.fixture
def run_of(make_node, make_record, make_run):
    """A run of one node whose judgments are as said."""

    def build(by_judge=None, judge="people", **more):
        last = make_record("bit", facts=facts(**more), by_judge=by_judge)
        return make_run(make_node("bit", judge=judge, rounds=(last,)))

    return build


def rows_of(table, result):
    return table(result, choose_nodes(build_report(result).analysis)).rows


def test_where_questions_are_passed_on_each_judge_has_its_coverage_risk_and_cost(run_of):
    links = (
        LinkFacts(judge="hurried", answers=150, looks=600),
        LinkFacts(judge="expert", answers=40, looks=480),
    )
    right = (
        JudgeRight(judge="hurried", kind="label", asked=200, told=150, right=Share(right=120, pairs=150)),
        JudgeRight(judge="expert", kind="label", asked=50, told=40, right=Share(right=40, pairs=40)),
    )
    first, second = rows_of(judge_tables.judges_table, run_of(right, links=links, cannot_tell=10))
    assert first[:5] == ("`bit`", "`hurried`", "200", "150", "0.750 (0.686–0.805)")
    assert first[5].startswith("0.200 (0.1")
    assert first[-1] == "4.0"
    assert second[:5] == ("`bit`", "then `expert`", "50", "40", "0.800 (0.670–0.888)")
    assert second[5].startswith("0.000 (0.000–0.08")
    # 12 looks: those of the first, who could not tell, are in it.
    assert second[-1] == "12.0"


def test_of_several_judges_errors_and_leanings_are_shown_beside_their_risk(run_of):
    judges = (JudgeFacts(answers=100, error=0.05, lean=-0.01), JudgeFacts(answers=100, error=0.3, lean=0.2))
    agreement = AgreementFacts(alpha=0.41, low=0.3, high=0.52, questions=90)
    right = (JudgeRight(judge="1", kind="label", asked=100, told=100, right=Share(right=94, pairs=100)),)
    result = run_of(right, judges=judges, agreement=agreement)
    first, second = rows_of(judge_tables.judges_table, result)
    assert first[1] == "1"
    assert first[5].startswith("0.060 (")
    assert first[6:] == ("0.05", "−0.01", "–")
    assert second[1:] == ("2", "100", "100", "1.000 (0.963–1.000)", "–", "0.30", "0.20", "–")
    (agreed,) = rows_of(judge_tables.agreement_table, result)
    assert agreed == ("`bit`", "–", "0.41", "0.30 to 0.52", "90", "more than by chance")


def test_kinds_of_judgment_are_told_apart(run_of):
    links = (LinkFacts(judge="one", answers=50, looks=50),)
    by_kind = {"label": facts(50, links=links), "rating": facts(50)}
    (row,) = rows_of(judge_tables.judges_table, run_of(None, kinds=by_kind))
    assert row[:3] == ("`bit`, label", "`one`", "50")


def test_why_a_judge_could_not_tell_is_counted(run_of):
    reasons = {"it takes too long": 30, "they are too much alike": 10}
    result = run_of(None, reasons=reasons, cannot_tell=40, judge="logic.person")
    assert rows_of(judge_tables.reasons_table, result) == (
        ("`bit`", "it takes too long", "30", "0.15"),
        ("`bit`", "they are too much alike", "10", "0.05"),
    )
    ((_, name, asked, told, coverage, *_),) = rows_of(judge_tables.judges_table, result)
    assert (name, asked, told, coverage) == ("`logic.person`", "200", "160", "0.800 (0.739–0.850)")


def test_the_page_and_the_text_have_a_section_on_judges_only_where_there_is_something_to_say(run_of):
    links = (LinkFacts(judge="hurried", answers=150, looks=600),)
    said, silent = build_report(run_of(links=links)), build_report(run_of())
    assert '<section id="judges">' in write_html(said)
    assert '<a href="#judges">' in write_html(said)
    assert "## Judges" in write_markdown(said)
    assert "judges" not in write_html(silent).split("<main")[-1].split("<section")[0]
    assert '<section id="judges">' not in write_html(silent)
    assert "## Judges" not in write_markdown(silent)


def test_a_leaf_that_nothing_grounds_is_said_in_words(make_node, make_run):
    refused = make_node("bit", state="failed", reason=UNGROUNDED, rounds=(), key=None)
    above = make_node("top", 1, ("bit",), state="waiting", reason="waits for bit", rounds=(), key=None)
    report = build_report(make_run(above, refused))
    assert any(UNGROUNDED in note.words for note in report.notes)
    assert UNGROUNDED in write_html(report)
    assert UNGROUNDED in write_markdown(report)
