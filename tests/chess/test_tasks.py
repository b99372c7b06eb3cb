"""The chess tasks keep the contract of tasks, and their environments that of gymnasium."""

import subprocess
import sys

import numpy as np
import pytest
from chess_worlds import HELPERS, MAPS, moves_made, perfect_advice, proposals
from gymnasium.error import ResetNeeded

from rrm_tree.contracts import Factorised, Listed, Measurable, Perfect, Ruled
from rrm_tree.domains import chess
from rrm_tree.domains.chess import facts
from rrm_tree.errors import PluginError

NAMES = ["ray", "attacked", "defended", "verdict", "player"]


@pytest.mark.parametrize("name", NAMES)
def test_a_door_and_its_task_tell_the_same_facts(name: str) -> None:
    door = getattr(chess, name)
    for fact in vars(facts.RAY):
        assert getattr(door, fact) == getattr(door(), fact)


def test_doors_stay_doors_after_what_is_behind_them_was_loaded() -> None:
    for name in [*NAMES, "person"]:
        assert type(getattr(chess, name)()).__name__.lower() == name
    assert all(callable(getattr(chess, name)) for name in chess.__all__)


def test_doors_load_nothing_heavy() -> None:
    code = (
        "import sys, rrm_tree.domains.chess;"
        "sys.exit(bool({'numpy', 'gymnasium', 'torch', 'chess'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_what_is_imagined_is_what_a_rollout_leaves(name: str) -> None:
    task, rng = getattr(chess, name)(), np.random.default_rng(0)
    subjects = task.starts(300, "train", rng)
    env = task.make_vec(len(subjects["board"]))
    before, _ = env.reset(options={"subject": subjects})
    env.action_space.seed(1)
    sampled = env.action_space.sample()
    actions = np.where(rng.random(300)[:, None] < 0.5, sampled, task.propose(before, subjects, rng))
    after, _, over, _, _ = env.step(actions)
    imagined = task.imagine(before, actions, subjects)
    for seen, values in imagined.observations.items():
        assert (values == np.stack([before[seen], after[seen]], axis=1)).all()
    assert over.all() and (imagined.actions[:, 0] == actions).all()


@pytest.mark.parametrize("name", NAMES)
def test_environments_keep_to_their_spaces_and_can_start_from_shipped_positions(name: str) -> None:
    env = getattr(chess, name)().make_vec(5)
    observations, _ = env.reset(seed=3)
    again, _ = env.reset(seed=3)
    assert all((observations[key] == again[key]).all() for key in observations)
    observations, rewards, ended, cut, _ = env.step(env.action_space.sample())
    assert env.observation_space.contains(observations)
    assert ended.all() and not cut.any() and not rewards.any()
    assert rewards.dtype == np.float64 and ended.dtype == np.bool_


def test_an_environment_says_what_is_wrong_with_its_subjects() -> None:
    env = chess.ray().make_vec(2)
    with pytest.raises(ResetNeeded):
        env.step(env.action_space.sample())
    with pytest.raises(PluginError, match=r"'board' has shape \(3, 64\), expected \(2, 64\)"):
        env.reset(options={"subject": {"board": np.zeros((3, 64), np.int8)}})


@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_agent_is_right_everywhere_and_a_proposal_is_not(name: str) -> None:
    task = getattr(chess, name)()
    subjects = task.starts(200, "measure", np.random.default_rng(0))
    outcomes = moves_made(200) if name == "player" else proposals(name, 200)
    assert task.truth(task.ideal(subjects)).shape == (200, task.parts)
    assert task.truth(task.ideal(subjects)).all()
    assert 0.3 < task.truth(outcomes).mean() < 0.7


def test_tasks_offer_what_agents_and_measurement_need() -> None:
    for name in NAMES:
        task = getattr(chess, name)()
        assert isinstance(task, Measurable) and isinstance(task, Perfect) and isinstance(task, Ruled)
        assert isinstance(task, Listed) == (name == "player")
        assert isinstance(task, Factorised) == (name != "player")


def test_an_illegal_move_is_not_made_and_is_no_mate() -> None:
    task, starts = chess.player(), chess.player().starts(20, "train", np.random.default_rng(0))
    stays = task.imagine({"board": starts["board"]}, np.zeros((20, 3), np.int64), starts)
    assert (stays.observations["board"][:, 1] == starts["board"]).all()
    assert not task.truth(stays).any()


def test_exact_tiles_follow_from_what_each_piece_reaches() -> None:
    outcomes = proposals("attacked", 100)
    advice = perfect_advice("attacked", outcomes, ["chess.reach"])
    any_piece = advice.values["chess.reach"].any(axis=1).reshape(-1, 64)
    assert (any_piece == chess.attacked().answers(outcomes.subjects)).all()


def test_advice_is_raw_and_about_the_board_after_the_move() -> None:
    outcomes = moves_made(100)
    advice = perfect_advice("player", outcomes, [*MAPS, "chess.verdict"])
    board = {"board": outcomes.observations["board"][:, 1]}
    for kind, values in advice.values.items():
        assert values.shape == (100, 1, 8, 8) and values.dtype == np.uint8
        assert (values.reshape(100, 64) == HELPERS[kind]().answers(board)).all()


def test_networks_see_pieces_and_nothing_worked_out() -> None:
    outcomes = proposals("ray", 50)
    planes = chess.ray().encode(outcomes)["board"]
    boards = outcomes.observations["board"][:, 0]
    assert planes.shape == (50, 1, 24, 8, 8)
    assert (planes[:, 0, :12].sum(axis=1).reshape(50, 64) == (boards != 0)).all()
    # The piece in question stands alone on a second board.
    alone = planes[:, 0, 12:].reshape(50, 12, 64)
    assert (alone.sum(axis=1).argmax(1) == outcomes.subjects["square"]).all()
    assert (alone.sum(axis=(1, 2)) == 1).all()


def test_a_proposal_mates_as_often_as_declared() -> None:
    rng = np.random.default_rng(0)
    for share in (0.0, 1.0):
        task = chess.player(proposal_mates=share)
        starts = task.starts(1000, "train", rng)
        outcomes = task.imagine({"board": starts["board"]}, task.propose(starts, starts, rng), starts)
        assert abs(task.truth(outcomes).mean() - (share or 0.03)) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least"), [("ray", 0.97), ("attacked", 0.9), ("defended", 0.88), ("verdict", 0.93)]
)
def test_simple_rules_are_about_as_right_as_their_page_says(name: str, least: float) -> None:
    outcomes = proposals(name)
    task = getattr(chess, name)()
    agreement = (task.heuristic(outcomes) == task.truth(outcomes)).mean()
    assert least < agreement < 0.995


def test_pictures_are_small_and_name_their_colours() -> None:
    for name in NAMES:
        task = getattr(chess, name)()
        outcomes = moves_made(3) if name == "player" else proposals(name, 3)
        advice = perfect_advice(name, outcomes, task.accepts)
        svg = task.picture(outcomes, 2, advice)
        assert svg.startswith("<svg") and len(svg.encode()) < 20_000
        assert (">red: " in svg) == (name not in ("ray", "defended"))
        assert "script" not in svg
