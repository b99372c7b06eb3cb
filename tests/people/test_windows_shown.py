"""Windows of episodes that people judge can be played again; what is learned from keeps none of that."""

import pytest
from answering import Person, call

from rrm_tree.contracts import Clip
from rrm_tree.states import load_pending, load_rounds
from rrm_tree.store import Store
from rrm_tree.team import Team

pytestmark = pytest.mark.slow

SPEC = """
version: 1
name: swings
measure: {{pairs: 4, agent_outcomes: 4}}
nodes:
  swing:
    doc: Swing up and stay there.
    task: {{use: Pendulum-v1, with: {{segment: 9, max_episode_steps: 30}}}}
    criteria: {{better: {{question: Which is better?}}}}
    judge: {judge}
    reward_model: {{network: {{use: mlp, with: {{hidden: [8]}}}}, ensemble: 1, epochs: 2}}
    agent: ppo
    budget: {{judgments: 12, steps: 1000}}
"""


def run(folder, judge, code=0):
    spec = folder / "swings.yaml"
    spec.write_text(SPEC.format(judge=judge), encoding="utf-8")
    call("run", spec, "--store", folder / "store", "--executor", "inline", "--no-wait", code=code)
    store = Store(str(folder / "store"))
    return store, store.referred(store.runs()[-1])["swing"]


@pytest.mark.parametrize("kind", ["preference", "rating", "best", "critique"])
def test_every_window_that_people_are_shown_is_played_from_the_middle_of_its_episode(tmp_path, kind):
    pytest.importorskip("pygame")
    store, key = run(tmp_path, f"{{use: person, kind: {kind}}}", code=4)
    outcomes = load_pending(store, key, 0).outcomes
    assert outcomes.origin.starts.max() > 9
    task = Team(store.plan(store.runs()[-1]).tree, {}).task("swing")
    clips = [task.film(outcomes, row) for row in range(len(outcomes))]
    assert all(isinstance(clip, Clip) for clip in clips)


def test_what_is_learned_from_keeps_nothing_of_how_it_is_played_again(tmp_path):
    store, key = run(tmp_path, "{use: person, kind: preference}", code=4)
    Person(store.address).answer()
    run(tmp_path, "{use: person, kind: preference}")
    assert load_rounds(store, key)[0].judged.outcomes.origin is None
    (tmp_path / "other").mkdir()
    store, key = run(tmp_path / "other", "{use: teacher, kind: preference}")
    assert load_rounds(store, key)[0].judged.outcomes.origin is None
