"""`rrm label` beside the page: the same questions, the same trust, and nothing that a judge is not shown."""

from click.testing import CliRunner

from rrm_tree.cli import rrm


def label(folder, keys, *more):
    """What a person at a terminal sees who presses these keys."""
    words = ["label", "--store", str(folder), "--as", "ann", *more]
    done = CliRunner().invoke(rrm, words, input=keys, standalone_mode=False, catch_exceptions=False)
    return done.output


def test_a_run_that_shares_a_waiting_node_with_another_can_be_judged_on_the_page_and_in_the_terminal(
    folder, visit, train_people
):
    code, said = train_people(folder, "--set", "name=other")
    assert code == 4 and "done before, reused" in said
    site = visit(folder)
    assert site.run.startswith("other-")
    ann = site.client()
    [open_one, *_] = [one for one in ann.get("/api/work?count=8").json()["questions"] if one["counsel"]]
    trust = open_one["counsel"][0]["trust"]
    assert "right in" in trust
    assert ann.get(open_one["counsel"][0]["evidence"][0]).status_code == 200
    assert ann.post("/api/answer", json={"id": open_one["id"], "choice": "yes"}).json() == {"state": "given"}
    told = label(folder, "ywq")
    assert f"helpers: bit {trust}" in told and "2 answered; 9 answers are still wanted" in told


def test_a_question_of_another_run_is_none_of_this_page_s(folder, visit, train_people):
    first = visit(folder)
    question = first.client().get("/api/work").json()["questions"][0]["id"]
    code, _ = train_people(folder, "--set", "nodes.verdict.budget.judgments=8")
    assert code == 4
    for path in ("/api/question/{}", "/shown/{}/0"):
        refused = visit(folder).client().get(path.format(question))
        assert refused.status_code == 404 and "this page is not about" in refused.text


def test_a_judge_who_does_not_see_advice_is_shown_none_in_the_terminal(folder, train_people):
    alone = ["nodes.verdict.judge.sees=[outcome]", "nodes.verdict.judge.with={}"]
    code, said = train_people(folder, *(word for edit in alone for word in ("--set", edit)))
    assert code == 4, said
    told = label(folder, "yq")
    assert "Is the claim about these three places right?" in told
    assert "helpers:" not in told and "bit" not in told.partition("answered")[0].replace("bits", "")
