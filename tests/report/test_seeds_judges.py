"""What reports over seeds say of judges one by one, of agreement, and of people with help and without."""

import pytest
from seeds_runs import over_seeds

from rrm_tree.propagation import analyse_seeds
from rrm_tree.records import (
    AgreementFacts,
    JudgeFacts,
    JudgeRight,
    JudgmentFacts,
    PeopleFacts,
    PeoplePart,
    Share,
)
from rrm_tree.report.chosen import choose_nodes
from rrm_tree.report.seeds import judge_tables
from rrm_tree.report.seeds.document import build_seeds_report
from rrm_tree.report.seeds.page import write_seeds_html

PLAIN = {"looks": 1000, "ties": 0, "positive": 0.5, "entropy": 1.0, "informative": True}
HELD_OUT = {"held_out_accuracy": None, "held_out_chance": None, "held_out_count": 0}


def facts(**more):
    return JudgmentFacts.model_validate({"judgments": 200, "cannot_tell": 0, **PLAIN, **HELD_OUT, **more})


def part(right, wrong=None, answers=100):
    share = Share(right=right, pairs=100)
    of_wrong = None if wrong is None else Share(right=wrong, pairs=40)
    return PeoplePart(
        answers=answers, told=90, seconds=4.0, right=share, right_advice=None, wrong_advice=of_wrong,
        agreed=None, trusted=None,
    )  # fmt: skip


@pytest.fixture
def seeds_of(make_node, make_record, make_run):
    """A run of several seeds and one node; what is known of its judgments in each."""

    def build(*each, judge="people"):
        runs = [
            make_run(make_node("bit", judge=judge, rounds=(make_record("bit", **known),))) for known in each
        ]
        return over_seeds(*runs)

    return build


def rows_of(table, result):
    return table(result, choose_nodes(analyse_seeds(result))).rows


def test_each_judge_has_means_over_seeds_with_intervals_from_three_seeds_on(seeds_of):
    def judged(wrong):
        right = Share(right=100.0 - wrong, pairs=100)
        judges = (JudgeFacts(answers=80, error=wrong / 100, lean=0.0),) * 2
        by_judge = tuple(
            JudgeRight(judge=name, kind="label", asked=100, told=80, right=right) for name in ("1", "2")
        )
        return {"facts": facts(judges=judges), "by_judge": by_judge}

    (first, second) = rows_of(judge_tables.judges_table, seeds_of(*(judged(n) for n in (5, 10, 15))))
    assert first[:5] == ("`bit`", "1", "3", "100", "0.800 (0.749–0.838)") and second[1] == "2"
    # Student's t with two degrees of freedom: .05 / √3 · 4.303 = .124 around a mean of .1.
    assert first[5] == "0.100 (0.000–0.224)" and first[6] == "0.100 (0.000–0.224)"
    (few, _) = rows_of(judge_tables.judges_table, seeds_of(judged(5), judged(15)))
    assert few[2] == "2" and few[5] == "0.100"


def test_agreement_says_in_how_many_seeds_it_is_beyond_chance(seeds_of):
    def agreed(alpha, low):
        return {"facts": facts(agreement=AgreementFacts(alpha=alpha, low=low, high=0.9, questions=50))}

    result = seeds_of(agreed(0.5, 0.3), agreed(0.3, 0.1), agreed(0.1, -0.1))
    (row,) = rows_of(judge_tables.agreement_table, result)
    assert row[2].startswith("0.300 (") and row[3:] == ("2 of 3", "50")


def test_reasons_that_a_seed_does_not_know_count_as_none_there(seeds_of):
    each = [{"cannot_tell": 20, "reasons": {"too dark": 20}}, {"reasons": {"too dark": 10, "blurred": 40}}]
    rows = rows_of(judge_tables.reasons_table, seeds_of(*({"facts": facts(**one)} for one in each)))
    assert rows == (("`bit`", "blurred", "40", "0.100"), ("`bit`", "too dark", "30", "0.075"))


def test_people_with_help_and_without_are_compared_seed_by_seed(seeds_of):
    def people(shown, hidden):
        known = PeopleFacts(people=2, whole=part(80), shown=shown, hidden=hidden, reasons={})
        return {"people": known}

    result = seeds_of(*(people(part(80 + n, 10), part(60, 30)) for n in (0, 5, 10)))
    worth, wrong = judge_tables.say_people(result, choose_nodes(analyse_seeds(result)))
    assert "were right in 0.850 (" in worth and "the helpers were worth +0.25 (" in worth
    assert "in 0.250 (" in wrong and "that cost +0.50" in wrong
    rows = rows_of(judge_tables.people_table, result)
    assert [row[1] for row in rows] == ["all", "advice shown", "advice hidden"]
    assert rows[0][2:4] == ("3", "300") and rows[1][8] == "4.00 (4.00 to 4.00)"
    one = seeds_of(people(part(80), part(60)))
    (few,) = judge_tables.say_people(one, choose_nodes(analyse_seeds(one)))
    assert few.endswith("without it in 0.600.")


def test_the_page_has_these_sections_only_where_there_is_something_to_say(seeds_of):
    known = PeopleFacts(people=1, whole=part(80), shown=None, hidden=None, reasons={})
    said = seeds_of({"facts": facts(reasons={"<b>": 5}, cannot_tell=5), "people": known}, {})
    silent = seeds_of({}, {})
    page = write_seeds_html(build_seeds_report(said), said)
    assert '<section id="judges">' in page and '<a href="#people">' in page and "&lt;b&gt;" in page
    assert 'id="judges"' not in write_seeds_html(build_seeds_report(silent), silent)
