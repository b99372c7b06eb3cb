"""What everybody asks of a report: trust the root, fix which node, gain what."""

import pytest

from rrm_tree.propagation import analyse
from rrm_tree.propagation.best_of_n import BestOfN, NodeBestOfN, root_divergence
from rrm_tree.propagation.causes import Cause, ErrorCauses, NodeCauses
from rrm_tree.propagation.hacking import watch
from rrm_tree.propagation.intervals import Estimate
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.records import Promise
from rrm_tree.report.answers import answer_questions
from rrm_tree.report.cause_tables import say_largest


def answers_of(run, studies=()):
    return {one.question: one.answer for one in answer_questions(run, analyse(run), studies)}


@pytest.fixture
def root_run(make_run, make_node, make_record, make_shares):
    """A run of one node with these fields in its record."""

    def make(state="trained", **fields):
        defaults = {"off": make_shares(0.7, 0.6, 0.9, 0.95, 0.9), "on": make_shares(0.7, 0.6, 0.9, 0.95, 0.9)}
        return make_run(make_node("root", rounds=(make_record("root", **(defaults | fields)),), state=state))

    return make


def test_a_root_with_nothing_against_it_is_trusted_as_far_as_one_seed_goes(root_run, make_mates):
    truths = {"agent_truth": 0.9, "proposal_truth": 0.5, "heuristic_truth": 0.6}
    said = answers_of(root_run(**{name: make_mates(value) for name, value in truths.items()}))
    trust = said["Can I trust the root?"]
    assert trust.startswith("As far as one seed can tell: its agent reaches 0.90 (0.87 to 0.93; n = 400)")
    assert trust.endswith("A claim needs at least ten seeds.")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"agent_truth": 0.41, "heuristic_truth": 0.71}, "its agent is worse than the simple rule"),
        ({"agent_truth": 0.5, "proposal_truth": 0.49}, "its agent is not shown to be better than proposals"),
        ({"on": 0.52}, "on its agent's own outcomes its reward model is not shown to be better than a coin"),
        ({"on": 0.4}, "on its agent's own outcomes its reward model is worse than a coin"),
        ({"on": 0.7}, "puts 0.90 of pairs right, but on its agent's own outcomes 0.700"),
        ({"state": "stopped"}, "`root` is not finished"),
    ],
)
def test_what_speaks_against_a_root_is_said(root_run, make_shares, make_mates, fields, words):
    kinds = {"on": lambda value: make_shares(0.7, 0.6, 0.9, 0.95, value), "state": str}
    given = {name: kinds.get(name, make_mates)(value) for name, value in fields.items()}
    trust = answers_of(root_run(**given))["Can I trust the root?"]
    assert trust.startswith("Not as it is: ") and words in trust


def test_an_alarm_in_the_last_round_and_a_missed_gate_speak_against_it(root_run, make_gate):
    fresh = Promise(
        expected=0.9, right=0.5, expected_variance=0.01, right_variance=0.25, covariance=0, count=400
    )
    run = root_run(fresh=fresh, gate=make_gate(False, 60, 120))
    assert watch(run.nodes[0].rounds)[-1].raised
    trust = answers_of(run)["Can I trust the root?"]
    assert "the alarm rings in its last round" in trust and "its gate is missed" in trust


def test_a_curve_that_falls_beyond_doubt_speaks_against_it(root_run):
    def point(n, truth):
        one = Estimate(value=truth, low=truth - 0.04, high=truth + 0.04, count=100)
        return BestOfN(n=n, root_kl=root_divergence(n), score=one, truth=one, regret=one)

    def curve(*truths):
        points = tuple(point(n, truth) for n, truth in zip((1, 4, 64), truths, strict=True))
        end = points[-1].truth
        found = NodeBestOfN(
            node="root", subjects=100, pool=64, points=points, fit=None, agent_score=end, agent_truth=end
        )
        return answers_of(root_run(), [NodeStudy(name="root", best_of_n=found)])["Can I trust the root?"]

    assert "loses truth (0.80 at the best of 4, 0.47 of 64)" in curve(0.5, 0.8, 0.47)
    assert "loses truth" not in curve(0.5, 0.8, 0.75)


def test_a_run_of_which_nothing_was_measured_answers_nothing(make_run, make_node):
    assert answers_of(make_run(make_node("root"))) == {}


def causes(node, **policies):
    def parts(shares):
        made = [
            Cause(kind=kind, size=Estimate(value=v, low=v, high=v, count=9)) for kind, v in shares.items()
        ]
        total = sum(shares.values())
        return ErrorCauses(
            error=Estimate(value=total, low=total, high=total, count=9), causes=tuple(made), orders=1
        )

    off, on = (parts(policies[name]) if name in policies else None for name in ("off", "on"))
    return NodeStudy(name=node, causes=NodeCauses(node=node, off=off, on=on))


def test_off_and_on_policy_each_name_their_node_and_the_verdict_the_larger_error(root_run):
    studies = [causes("root", off={"slips": 0.1, "distilling": 0.02}, on={"slips": 0.1, "distilling": 0.3})]
    mend = answers_of(root_run(), studies)["Which node should I fix?"]
    assert "Off policy `root` itself: 0.120 of the root's error of 0.120" in mend
    assert "On policy `root` itself: 0.400 of the root's error of 0.400 goes back to it, most to" in mend
    assert "0.40 of the root's error of 0.40 on policy" in say_largest("root", studies)


def test_what_there_is_to_gain_is_told_from_perfect_help_and_from_the_arms(chess_run):
    gain = answers_of(chess_run)["What would I gain?"]
    assert "0.950 (0.924–0.967) of pairs right off policy instead of 0.938" in gain
    assert "Its agent reaches 0.89; trained with perfect helpers 0.91" in gain
    assert "truth in the judge's place 0.90" in gain
    assert "whatif" in gain


def test_a_notebook_shows_trees_plans_and_records_as_tables_with_everything_escaped(chess_run):
    from rrm_tree.spec import TreeSpec

    node = {
        "doc": "is <b>it</b> right?",
        "task": "logic.bit",
        "criteria": {"right": {"question": "is it right?"}},
        "judge": "logic.person",
    }
    tree = TreeSpec.model_validate({"version": 1, "name": "one", "nodes": {"bit": node}})
    shown = tree._repr_html_()
    assert shown.count("<tr>") == 2 and "is &lt;b&gt;it&lt;/b&gt; right?" in shown
    record = chess_run.nodes[0].rounds[0]._repr_html_()
    assert "<caption>RoundRecord</caption>" in record and "<td>agent_truth</td>" in record
    assert "<td>gate</td>" not in record
