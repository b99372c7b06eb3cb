"""A small world of blocks that people teach by showing: a spec, and somebody who knows how."""

import numpy as np

from rrm_tree.asking import SHOWN, Said
from rrm_tree.states import load_pending
from rrm_tree.steering import follow

SPEC = """
version: 1
name: shown
measure: {{pairs: 6, agent_outcomes: 6}}
nodes:
  build:
    doc: Does it build a square?
    task: {{use: blocks, with: {{size: 3, steps: 4}}}}
    criteria: {{square: {{question: Show how a square of four blocks is built.}}}}
    judge: {judge}
    reward_model: {{network: {{use: mlp, with: {{hidden: [16]}}}}, ensemble: 1, epochs: 10}}
    agent: {{use: ppo, with: {{episodes: 8, n_steps: 64, batch_size: 64, n_epochs: 1}}}}
    budget: {{judgments: {judgments}, steps: 1500, rounds: 1}}
"""


def write_blocks(folder, judge, judgments=8):
    spec = folder / "shown.yaml"
    spec.write_text(SPEC.format(judge=judge, judgments=judgments), encoding="utf-8")
    return spec


def best_moves(task, subjects, *, enough=0):
    """Every move that mends a cell; then waiting, up to so many."""
    grids, moves = np.asarray(subjects["grid"], np.int8), []
    while task.world.wrong(grids)[0] or len(moves) < enough:
        moves.append(int(task.world.best(grids)[0]))
        grids = task.world.act(grids, np.array(moves[-1:]))
    return tuple(moves) or (task.world.cells,)


def show(person, asked):
    """A person's moves to the nearest square: as many as an episode has, or to the goal."""
    task = person.task("build")
    judged = load_pending(person.store, asked.key, asked.batch)
    row = int(judged.items.first[asked.item])
    subjects = {name: values[row : row + 1] for name, values in judged.outcomes.subjects.items()}
    moves = best_moves(task, subjects, enough=4 if asked.kind == "demonstration" else 0)
    moves = moves[:4] if asked.kind == "demonstration" else moves
    assert follow(task, asked.kind, subjects, moves).enough
    return Said(SHOWN, seconds=3.0, moves=moves)
