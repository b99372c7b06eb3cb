"""One tree with several seeds: which seeds, and the run of each.

In: a Plan and what the user wrote. Out: Plans of one seed each, by the names of their runs.
Touches nothing.
"""

from __future__ import annotations

import re

from rrm_tree.errors import UsageError
from rrm_tree.plan import Plan, seed_run

MOST_SEEDS = 1000


def read_seeds(text: str, first: int) -> tuple[int, ...]:
    """The seeds that `10` (so many, from the first on) or `3,5,9` (these) stands for, in order.

    Raises:
        UsageError: it stands for none, for too many, or names one twice.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch(r"\d{1,18}", part) for part in parts):
        raise UsageError(f"--seeds {text}: write how many (--seeds 10), or which ones (--seeds 3,5,9)")
    numbers = [int(part) for part in parts]
    seeds = numbers if len(parts) > 1 else list(range(first, first + min(numbers[0], MOST_SEEDS + 1)))
    if not 0 < len(seeds) <= MOST_SEEDS:
        raise UsageError(
            f"--seeds {text}: ask for 1 to {MOST_SEEDS} seeds; one certain seed is --set seed={numbers[0]}"
        )
    twice = [seed for seed in seeds if seeds.count(seed) > 1]
    if twice:
        raise UsageError(f"--seeds {text}: seed {twice[0]} stands here twice")
    return tuple(sorted(seeds))


def plan_seeds(plan: Plan, text: str | None) -> Plan:
    """The plan with the seeds that the user asked for; a single one is a plan like any other."""
    if text is None:
        return plan
    seeds = read_seeds(text, plan.tree.seed)
    if len(seeds) == 1:
        return plan.with_seed(seeds[0])
    return plan.model_copy(update={"seeds": seeds})


def runs_of(plan: Plan, name: str | None = None) -> dict[str, Plan]:
    """The runs of one seed each that a plan stands for, by their names, in the order of the seeds.

    Args:
        plan: of one seed or of several.
        name: of the run of the plan; the plan's own if it is not given.
    """
    whole = plan.run if name is None else name
    if not plan.seeds:
        return {whole: plan}
    return {seed_run(whole, seed): plan.with_seed(seed) for seed in plan.seeds}


def split_run(run: str) -> tuple[str, int | None]:
    """The name of the whole run, and the seed if this is one seed's part of it."""
    whole, _, part = run.rpartition("/seed-")
    return (whole, int(part)) if whole else (run, None)
