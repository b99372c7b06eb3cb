"""Questions as the page takes them, and what becomes of what is pressed."""

import time

import pytest


def take(client, count=4):
    answer = client.get("/api/work", params={"count": count})
    assert answer.status_code == 200, answer.text
    return answer.json()


def press(client, question, choice="yes", **more):
    return client.post("/api/answer", json={"id": question["id"], "choice": choice, **more})


def test_a_question_shows_words_pictures_and_what_helpers_say(site):
    ann = site.client()
    question = take(ann)["questions"][0]
    assert question["question"] == "Is the claim about these three places right?"
    picture = ann.get(question["panes"][0]["source"])
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.text.startswith("<svg")
    open_ones = [one for one in take(ann, 8)["questions"] if not one["hidden"]]
    assert [one["helper"] for one in open_ones[0]["counsel"]] == ["bit"]
    assert "right in" in open_ones[0]["counsel"][0]["trust"]


def test_a_part_of_what_is_shown_is_what_lies_there(site):
    ann = site.client()
    source = take(ann)["questions"][0]["panes"][0]["source"]
    whole = ann.get(source).content
    for asked, part, said in (
        ("bytes=10-19", whole[10:20], f"bytes 10-19/{len(whole)}"),
        ("bytes=10-", whole[10:], f"bytes 10-{len(whole) - 1}/{len(whole)}"),
    ):
        found = ann.get(source, headers={"range": asked})
        assert (found.status_code, found.content, found.headers["content-range"]) == (206, part, said)
    for asked in (f"bytes={len(whole)}-", "bytes=-5", "bytes=x", "lines=1-2"):
        found = ann.get(source, headers={"range": asked})
        assert (found.status_code, found.content) == (200, whole)


def test_hidden_advice_reaches_nobody(site):
    ann = site.client()
    hidden = next(one for one in every_question(ann) if one["hidden"])
    assert hidden["counsel"] == []
    assert ">bit<" not in ann.get(hidden["panes"][0]["source"]).text
    assert ann.get(f"/evidence/{hidden['id']}/0/bit").status_code == 404
    assert ann.get(f"/witness/{hidden['id']}/0/bit~0").status_code == 404


def every_question(client):
    """All questions, each answered with yes as it comes."""
    while questions := take(client, 8)["questions"]:
        for one in questions:
            yield one
            assert press(client, one).status_code == 200


def test_evidence_is_one_click_down(site):
    ann = site.client()
    shown = next(one for one in take(ann, 8)["questions"] if not one["hidden"])
    page = ann.get(shown["counsel"][0]["evidence"][0])
    assert page.status_code == 200, page.text
    assert page.text.count("<img") == 3  # the claim about each of the three places
    picture = ann.get(f"/witness/{shown['id']}/0/bit~2")
    assert picture.status_code == 200
    assert "<svg" in picture.text
    assert ann.get(f"/witness/{shown['id']}/0/bit~3").status_code == 404
    assert ann.get(f"/evidence/{shown['id']}/0/bit~0/verdict").status_code == 404


def test_helpers_are_loaded_while_the_first_advice_is_looked_at(site):
    assert site.office.witnesses.ready == frozenset()
    assert any(one["counsel"] for one in site.client().get("/api/work?count=8").json()["questions"])
    end = time.monotonic() + 60
    while site.run not in site.office.witnesses.ready:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_an_answer_is_kept_once_and_another_takes_its_place(site):
    ann = site.client()
    question = take(ann)["questions"][0]
    assert press(ann, question, "yes", confidence=2, seconds=1.5).json() == {"state": "given"}
    assert press(ann, question, "yes", confidence=2, seconds=9.0).json() == {"state": "given"}
    assert press(ann, question, "no").json() == {"state": "given"}
    asked = site.desk.look_at("ann", question["id"])
    [given] = site.desk.answers_for(asked.key, asked.batch)
    assert (given.value, given.person) == (0.0, "ann")
    # On a busy machine counting takes long, and is done seldom.
    end = time.monotonic() + 60
    while take(ann)["standing"]["mine"] != 1:
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("choice", "more"),
    [
        ("left", {}),
        ("pick", {"number": 0}),
        ("rate", {"number": 3}),
        ("rank", {"order": [0]}),
        ("yes", {"x": 1}),
    ],
)
def test_what_cannot_be_pressed_is_refused(site, choice, more):
    ann = site.client()
    assert press(ann, take(ann)["questions"][0], choice, **more).status_code in {404, 422}
    assert site.desk.people(site.keys)[0].given == 0


def test_undo_goes_back_answer_by_answer(site):
    ann = site.client()
    first, second = take(ann)["questions"][:2]
    press(ann, first, "yes")
    press(ann, second, "no")
    for expected, before in ((second, "no"), (first, "yes")):
        undone = ann.post("/api/undo", json={}).json()["question"]
        assert (undone["id"], undone["before"]) == (expected["id"], before)
    assert ann.post("/api/undo", json={}).json() == {"question": None}
    assert site.desk.people(site.keys)[0].given == 0


def test_cannot_tell_is_an_answer_with_a_reason(site):
    ann = site.client()
    question = take(ann)["questions"][0]
    assert press(ann, question, "cannot", reason=2).status_code == 200
    asked = site.desk.look_at("ann", question["id"])
    [given] = site.desk.answers_for(asked.key, asked.batch)
    assert (given.value, given.reason) == (None, 2)


def test_two_people_are_never_asked_the_same(site):
    ann, bob = site.client("ann"), site.client("bob")
    hers = {one["id"] for one in take(ann, 6)["questions"]}
    his = {one["id"] for one in take(bob, 8)["questions"]}
    assert len(hers) == 6
    assert len(his) == 6
    assert not hers & his
    assert bob.get(f"/shown/{next(iter(hers))}/0").status_code == 404
    assert press(bob, {"id": next(iter(hers))}).status_code == 404


def test_two_people_who_are_asked_the_same_have_pictures_of_their_own(folder, visit, train_people):
    assert train_people(folder, "--set", "nodes.verdict.judge.overlap=2")[0] == 4
    site = visit(folder)
    seen = [take(site.client(name), 4)["questions"] for name in ("ann", "bob")]
    hers, his = ({one["id"]: one["panes"][0]["source"] for one in questions} for questions in seen)
    # A browser keeps pictures by their addresses, and sides are drawn anew for each person.
    assert set(hers) == set(his) and not set(hers.values()) & set(his.values())


def test_questions_are_held_and_given_back(site):
    ann, bob = site.client("ann"), site.client("bob")
    ids = [one["id"] for one in take(ann, 8)["questions"]]
    assert ann.post("/api/hold", json={"ids": ids}).json()["ids"]
    assert ann.post("/api/release", json={"ids": ids}).status_code == 204
    assert {one["id"] for one in take(bob, 8)["questions"]} & set(ids)
