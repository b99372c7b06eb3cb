"""Every animal here breaks one promise; the kit must name it, and nothing must slip through."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import nn

from rrm_tree.contracts import Improved
from rrm_tree.domains import gym, logic
from rrm_tree.domains.logic.task import LogicTask
from rrm_tree.domains.logic.world import Circuit
from rrm_tree.domains.one_step import OneStep
from rrm_tree.errors import PluginError
from rrm_tree.judges.flawless import Truth
from rrm_tree.learning.best_action import Greedy
from rrm_tree.outcomes import Answers, Questions
from rrm_tree.testing import check_algorithm, check_judge, check_network, check_task


class Good(LogicTask):
    """What the broken ones are derived from; it passes."""

    def __init__(self):
        super().__init__(Circuit(12, gates=("majority",)))


class Versionless(Good):
    version = 1


class PartsOfNone(Good):
    parts = 0


class Overlapping(Good):
    def starts(self, count, split, rng):
        return {"bits": np.ones((count, 12), np.int8), "index": np.zeros(count, np.int64)}


class TooMany(Good):
    def starts(self, count, split, rng):
        return super().starts(count + 1, split, rng)


class Unseeded(Good):
    def starts(self, count, split, rng):
        return super().starts(count, split, np.random.default_rng())


class OutOfBounds(Good):
    def propose(self, observations, subjects, rng):
        return super().propose(observations, subjects, rng) + 5


class NotANumber(Good):
    def encode(self, outcomes):
        return {"bits": super().encode(outcomes)["bits"] * np.nan}


class Stepless(Good):
    def encode(self, outcomes):
        return {"bits": super().encode(outcomes)["bits"][:, 0]}


class Batchwise(Good):
    def encode(self, outcomes):
        bits = super().encode(outcomes)["bits"]
        return {"bits": bits - bits.mean(axis=0)}


class Peeking(Good):
    def encode(self, outcomes):
        seen = super().encode(outcomes)
        return seen | {"truth": np.zeros((len(outcomes), 1)) + ("rewards" in outcomes.hidden)}

    def imagine(self, observations, actions, subjects):
        return replace(
            super().imagine(observations, actions, subjects), hidden={"rewards": np.zeros((len(actions), 1))}
        )


class Scripted(Good):
    def picture(self, outcomes, row, advice):
        return '<svg xmlns="http://www.w3.org/2000/svg"><rect onclick="alert(1)"/></svg>'


class Torn(Good):
    def picture(self, outcomes, row, advice):
        return "<svg><rect></svg>"


class Daydreaming(Good):
    def imagine(self, observations, actions, subjects):
        return super().imagine({**observations, "bits": 1 - observations["bits"]}, actions, subjects)


class Flat(Good):
    def truth(self, outcomes):
        return super().truth(outcomes)[:, 0]


class TwoRights(Good):
    def truth(self, outcomes):
        return np.ones((len(outcomes), 1))


class Imperfect(Good):
    def ideal(self, subjects):
        right = super().ideal(subjects)
        return self.imagine(subjects, 1 - right.actions[:, 0], subjects)


class Misowned(Good):
    def questions(self, outcomes, criterion, advice):
        return replace(super().questions(outcomes, criterion, advice), owner=np.arange(18) - 3)


class Leading(Good):
    def questions(self, outcomes, criterion, advice):
        asked = super().questions(outcomes, criterion, advice)
        index = (asked.subjects["index"] + outcomes.actions[asked.owner, 0, 0]) % 12
        return Questions(asked.subjects | {"index": index}, asked.owner)


class Misplaced(Good):
    def lay_out(self, advice, questions, answers, count):
        return super().lay_out(advice, questions, answers, count).reshape(-1)


class Vandal(Good):
    def encode(self, outcomes):
        outcomes.subjects["bits"][:] = 0
        return super().encode(outcomes)


class Mistyped(Good):
    def __init__(self):
        super().__init__()
        self.accepts = {"logic.claim": "logic.place"}


class Shapeless(OneStep):
    def step(self, actions):
        seen, rewards, ended, cut, info = super().step(actions)
        return seen, rewards[:, None], ended.astype(int), cut, info


class BadSteps(Good):
    def make_vec(self, num_envs):
        seen = spaces.Dict({"bits": spaces.MultiBinary(12), "index": spaces.Discrete(12)})
        return Shapeless(num_envs, seen, spaces.MultiDiscrete([2]))


class Endless(Good):
    def make_vec(self, num_envs):
        raise RuntimeError("no more environments")


TASKS = [
    (Versionless, "version: must be a text"),
    (PartsOfNone, "parts: must be a whole number from 1"),
    (Overlapping, "starts: gives the same start in two splits"),
    (TooMany, r"starts\(…, 'train'\): gave 7 rows when asked for 6"),
    (Unseeded, r"starts\(…, 'train'\): differs under equal generators; draw from `rng` alone"),
    (OutOfBounds, "propose: gave actions outside the action space MultiDiscrete"),
    (NotANumber, "encode: 'bits' holds NaN"),
    (Stepless, r"encode: 'bits' has shape \(6, 12\), expected \[6, 1, ...\]"),
    (Batchwise, "encode: of one outcome depends on the others"),
    (Peeking, "encode: reads `hidden`"),
    (Scripted, "picture: holds <rect> with onclick"),
    (Torn, "picture: is not well-formed XML"),
    (Daydreaming, "imagine: differs from running the environment in observations.bits"),
    (Flat, r"truth: has shape \(6,\), expected \[n, parts\] = \(6, 1\)"),
    (TwoRights, "exclusive: is declared, but not exactly one value"),
    (Imperfect, "ideal: is beaten by another action"),
    (Misowned, r"questions\(…, 'logic.claim'\): `owner` must be integers in range\(6\)"),
    (Leading, r"questions\(…, 'logic.claim'\): depends on the action"),
    (Misplaced, r"lay_out\('logic.claim', …\): gave shape \(18,\)"),
    (Vandal, "encode: changes the outcomes in place"),
    (
        Mistyped,
        "accepts: asks 'logic.claim' about 'logic.place', but such a helper is about 'logic.position'",
    ),
    (BadSteps, r"step: gave terminated of shape \(6,\) and type int64, expected \[6\] Booleans"),
    (BadSteps, r"step: gave rewards of shape \(6, 1\)"),
    (Endless, "make_vec: raised RuntimeError: no more environments"),
]


@pytest.mark.parametrize(("broken", "said"), TASKS, ids=lambda case: getattr(case, "__name__", ""))
def test_a_broken_task_is_told_where_and_what(broken, said):
    with pytest.raises(
        PluginError, match=f"{broken.__name__} does not keep its contract:\n(.*\n)*  - {said}"
    ):
        check_task(broken(), helpers=[logic.bit()])


def test_the_task_that_they_all_spoil_passes():
    check_task(Good(), helpers=[logic.bit()])


def test_a_task_with_two_faults_is_told_both_at_once():
    class Both(Scripted, Flat):
        pass

    with pytest.raises(PluginError) as told:
        check_task(Both())
    assert "picture: holds" in str(told.value)
    assert "truth: has shape" in str(told.value)


def test_an_environment_whose_chance_is_not_its_subjects_is_found():
    class Shuffled(type(gym.environment(id="CartPole-v1"))):
        def starts(self, count, split, rng):
            return {"seed": super().starts(count, split, rng)["seed"], "wind": np.zeros(count)}

        def make_vec(self, num_envs):
            envs = super().make_vec(num_envs)
            reset = envs.reset
            envs.reset = lambda seed=None, options=None: reset(seed=None)
            return envs

    with pytest.raises(PluginError, match="make_vec: gives another episode for the same subjects"):
        check_task(Shuffled("CartPole-v1"))


def test_a_task_about_subjects_says_that_it_needs_some():
    class Startless(Good):
        subject = "logic.position"

        def starts(self, count, split, rng):
            raise NotImplementedError

    with pytest.raises(
        PluginError, match=r"is about 'logic.position' and does not start by itself; give the"
    ):
        check_task(Startless())


# --- judges ------------------------------------------------------------------------------------


class Talkative(Truth):
    kinds = ("label", "essay")


class Undecided(Truth):
    direct = "sometimes"


class Fickle(Truth):
    def answer(self, request):
        answers = super().answer(request)
        return replace(answers, values=np.random.default_rng().integers(0, 2, len(answers.values)) * 1.0)


class Certain(Truth):
    def answer(self, request):
        return replace(super().answer(request), values=np.full(len(request.items), 2.0))


class Whole(Truth):
    def answer(self, request):
        answers = super().answer(request)
        return Answers(answers.values.astype(np.int64), answers.looks)


class Refund(Truth):
    def answer(self, request):
        answers = super().answer(request)
        return Answers(answers.values, answers.looks - 1)


class Forgetful(Truth):
    def answer(self, request):
        return super().answer(request).take(np.arange(2))


class Scribbler(Truth):
    def answer(self, request):
        request.outcomes.subjects["bits"][:] = 0
        return super().answer(request)


class Crashing(Truth):
    def answer(self, request):
        raise KeyError("mood")


JUDGES = [
    (Talkative, r"kinds: is \('label', 'essay'\), expected"),
    (Undecided, "direct: must say whether"),
    (Fickle, "differs under equal generators; draw from `request.rng` alone"),
    (Certain, "gave 2.0 to 2.0, expected 0 or 1, or NaN"),
    (Whole, r"gave int64 values of shape \(12,\), expected floats \(12,\)"),
    (Refund, "gave looks that are not"),
    (Forgetful, r"gave float64 values of shape \(2,\)"),
    (Scribbler, "changes the outcomes or the advice in place"),
    (Crashing, "answer, kind label, without advice: raised KeyError: 'mood'"),
]


@pytest.mark.parametrize(("broken", "said"), JUDGES, ids=lambda case: getattr(case, "__name__", ""))
def test_a_broken_judge_is_told_where_and_what(broken, said):
    with pytest.raises(
        PluginError, match=f"{broken.__name__} does not keep its contract:\n(.*\n)*  - .*{said}"
    ):
        check_judge(broken(), logic.bit())


# --- networks and algorithms -------------------------------------------------------------------


class Module(nn.Module):
    """A linear map of one input, spoilt in one way."""

    def __init__(self, shapes, fault):
        super().__init__()
        self.fault, self.out = fault, (shapes.parts, shapes.values, shapes.criteria)
        width = int(np.prod(self.out))
        self.layer = nn.Linear(5, width)
        self.register_buffer("calls", torch.zeros(()))
        if fault == "own seed":
            self.layer.weight.data.copy_(torch.from_numpy(np.random.default_rng().random((width, 5))))

    def forward(self, inputs):
        flat = inputs["flat"]
        if self.fault == "mean":
            flat = flat - flat.mean(0)
        if self.fault == "counts":
            self.calls += 1
        scores = self.layer(flat)
        if self.fault == "constant":
            scores = (scores * 0).detach() + self.layer.weight.sum() * 0
        if self.fault == "logarithm":
            scores = torch.log(-scores.abs())
        return scores if self.fault == "flat" else scores.reshape(-1, *self.out)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("own seed", "network: draws other weights from an equal seed"),
        ("mean", "scores: of one outcome depend on the others in the batch"),
        ("counts", "network: changes its buffers in place"),
        ("constant", "scores: do not depend on the weights"),
        ("logarithm", "scores: hold NaN or infinities"),
        ("flat", r"network: raised PluginError: network Module: scores have shape \[4, 4\]"),
    ],
)
def test_a_broken_network_is_told_where_and_what(fault, said):
    class Broken:
        version = "1"

        def __call__(self, shapes):
            return Module(shapes, fault)

    with pytest.raises(PluginError, match=f"Broken does not keep its contract:\n(.*\n)*  - {said}"):
        check_network(Broken())


def test_a_sound_network_of_ones_own_passes():
    class Sound:
        version = "1"

        def __call__(self, shapes):
            return Module(shapes, None)

    check_network(Sound())


class Spendthrift(Greedy):
    def improve(self, problem, previous):
        return Improved({}, steps=problem.steps + 1, optimiser_steps=0)


class Restless(Greedy):
    def improve(self, problem, previous):
        return Improved({"weights": np.random.default_rng().random(3)}, steps=0, optimiser_steps=0)


class Spoiler(Greedy):
    def improve(self, problem, previous):
        arrays = previous or {"weights": np.zeros(3)}
        arrays["weights"][:] += 1
        return Improved(arrays if previous else {"weights": np.ones(3)}, steps=0, optimiser_steps=0)


class Boxed(Greedy):
    def improve(self, problem, previous):
        return Improved({"weights": np.array([{}])}, steps=0, optimiser_steps=0)


class Tipsy(Greedy):
    def load(self, problem, arrays):
        class Agent:
            def act(self, observations, subjects, rng, explore):
                return rng.integers(0, 2, (len(observations["bits"]), 1))

        return Agent()


class Refusing(Greedy):
    def check(self, task):
        return "not today"


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (Spendthrift, "improve: executed 2001 environment steps where 2000 were allowed"),
        (Restless, "improve: gives other arrays from an equal seed"),
        (Spoiler, "improve: changes `previous` in place"),
        (Boxed, "improve: must return the agent as a mapping of names to arrays of numbers"),
        (Tipsy, "act: differs without exploring"),
        (Refusing, "check: refuses this task: not today"),
    ],
)
def test_a_broken_algorithm_is_told_where_and_what(broken, said):
    with pytest.raises(
        PluginError, match=f"{broken.__name__} does not keep its contract:\n(.*\n)*  - {said}"
    ):
        check_algorithm(broken(), logic.bit())


def test_the_kit_leaves_the_given_subjects_as_they_were():
    task = logic.bit()
    subjects = task.starts(4, "train", np.random.default_rng(0))
    before = {name: values.copy() for name, values in subjects.items()}
    check_task(task, subjects=subjects)
    assert all(np.array_equal(before[name], subjects[name]) for name in before)
