"""What the report says of people who judged, with advice and without."""

from types import SimpleNamespace

from rrm_tree.records import PeopleFacts, PeoplePart, Share
from rrm_tree.report.people_tables import people_table
from rrm_tree.report.people_words import say_people


def part(hits, of, wrong_right=0.0, wrong_of=0, **more):
    wrong = Share(right=wrong_right, pairs=wrong_of) if wrong_of else None
    given = {"answers": of, "told": of, "seconds": 4.0, "right": Share(right=hits, pairs=of), **more}
    return PeoplePart(
        **{"right_advice": None, "wrong_advice": wrong, "agreed": None, "trusted": None, **given}
    )


def result(shown, hidden):
    facts = PeopleFacts(people=2, whole=part(70, 100), shown=shown, hidden=hidden, reasons={})
    rounds = (SimpleNamespace(people=None), SimpleNamespace(people=facts))
    nodes = SimpleNamespace(name="player", rounds=rounds), SimpleNamespace(name="leaf", rounds=())
    return SimpleNamespace(nodes=nodes)


def test_the_sentence_says_how_much_the_helpers_helped_and_what_wrong_advice_cost():
    told = list(say_people(result(part(90, 100, 10, 40), part(60, 100, 30, 40))))
    assert "right in 0.90 of 100 answers, without it in 0.60 of 100: the helpers were worth +0.30" in told[0]
    assert "that cost +0.50" in told[1] and told[1].endswith("people relied on it too much.")
    (_, helped) = say_people(result(part(90, 100, 38, 40), part(60, 100, 20, 40)))
    assert helped.endswith("it helped all the same.")


def test_where_nobody_knows_the_truth_agreement_stands_in_and_nothing_is_said_without_a_hidden_share():
    agreed = {"right": None, "agreed": Share(right=8, pairs=10)}
    (told,) = say_people(
        result(part(0, 10, **agreed), part(0, 10, **{**agreed, "agreed": Share(right=5, pairs=10)}))
    )
    assert "agreed with others in 0.80 of 10" in told
    assert not list(say_people(result(None, None)))


def test_the_table_has_a_row_for_all_answers_and_one_with_and_without_advice():
    rows = people_table(result(part(90, 100), part(60, 100))).rows
    assert [row[1] for row in rows] == ["all", "advice shown", "advice hidden"]
    assert rows[1][2] == "100" and rows[1][4].startswith("0.900")
