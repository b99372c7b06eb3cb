"""An agent that a run has trained, out of its store and ready to act: for your own programs.

In: a store's address, a run, a node. Out: a Trained.
Reads the store alone; randomness comes in as a generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from numpy.random import Generator

from rrm_tree.contracts import Agent, Split, Task
from rrm_tree.errors import StoreError
from rrm_tree.mistakes import suggest
from rrm_tree.outcomes import Arrays
from rrm_tree.registry import import_modules
from rrm_tree.scoring import Scorer
from rrm_tree.states import load_artifacts
from rrm_tree.store import Store
from rrm_tree.team import Team


@dataclass(frozen=True)
class Trained:
    """A node's agent with its task, its reward model, and what its episodes are about."""

    node: str
    task: Task
    agent: Agent
    scorer: Scorer
    team: Team

    def subjects(self, count: int, split: Split, rng: Generator) -> Arrays:
        """What so many episodes may be about; `rollout` and `record_demonstrations` take them."""
        return self.team.subjects(self.node, count, split, rng)


def open_trained(address: str | Path, name: str, run: str | None = None) -> Trained:
    """The trained agent of a node, or of an arm (`node~arm`).

    Args:
        address: of the store, a folder or a URL that fsspec knows.
        name: of the node or the arm.
        run: which run; the latest one if left out.

    Raises:
        StoreError: there is no such run or node in the store, or it is not trained yet.
        PluginError: a plug-in that the tree names is not to be found here.
    """
    store = Store(str(address))
    runs = store.runs()
    if not runs:
        raise StoreError(f"{address} holds no run")
    run = run or runs[-1]
    plan = store.plan(run)
    if name not in plan.by_name:
        raise StoreError(f"run {run} has no node '{name}'{suggest(name, plan.by_name)}")
    entry = plan.by_name[name]
    import_modules(plan.tree.imports, Path(plan.folder))
    key = store.referred(run).get(name)
    done = store.done(key) if key else None
    if key is None or done is None:
        raise StoreError(f"run {run}: {name} is not trained; `rrm status` says how far it is")
    inputs = store.inputs(key) or {}
    artifacts, before = (
        {helper: load_artifacts(store, digests) for helper, digests in inputs.get(part, {}).items()}
        for part in ("helpers", "before")
    )
    learned = load_artifacts(store, done.objects)
    team = Team(plan.tree, artifacts, before)
    scorer = team.scorer(entry.node, entry.spec, learned.reward)
    agent = team.algorithm(entry.spec).load(team.problem(entry.node, scorer), learned.agent)
    return Trained(entry.node, team.task(entry.node), agent, scorer, team)
