"""Whose code a plan may load on a machine that takes plans from others.

In: a plan, the packages that the machine's owner allows. Out: nothing, or an error that names what
is not allowed.
Touches the environment of this process and the metadata of installed packages; imports nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Final

from rrm_tree.errors import PluginError
from rrm_tree.node_spec import NodeSpec
from rrm_tree.plan import TRAINER, Plan
from rrm_tree.registry import BUILT_IN, GROUPS, PluginKind

VARIABLE: Final = "RRM_ALLOW"
"""Packages with commas between; unset for all, empty for none but ours."""

_ADDRESS = re.compile(r"^\s*([A-Za-z_]\w*)[\w.]*:[^/\s]")
"""What something would import: `module:attr`."""


def allowed_packages() -> frozenset[str] | None:
    """Packages whose code plans may load here; None for any."""
    written = os.environ.get(VARIABLE)
    if written is None:
        return None
    return frozenset(name.strip() for name in written.split(",") if name.strip())


def check_allowed(plan: Plan, allowed: frozenset[str]) -> None:
    """See that a plan loads no code but ours and that of allowed packages.

    Raises:
        PluginError: it names other code.
    """
    for module, why in _loaded(plan):
        package = module.partition(".")[0]
        if package != "rrm_tree" and package not in allowed:
            raise PluginError(
                f"{why} loads '{module}', and this worker may load rrm_tree and "
                f"{', '.join(sorted(allowed)) or 'nothing else'}: "
                f"start workers with --allow {package} if its code is to be trusted"
            )


def _loaded(plan: Plan) -> Iterator[tuple[str, str]]:
    """Modules that a plan names, each with where."""
    if plan.trainer != TRAINER:
        yield plan.trainer.partition(":")[0], "the plan's trainer"
    for module in plan.tree.imports:
        yield module, "imports"
    specs = {**plan.tree.nodes, **{entry.name: entry.spec for entry in plan.entries}}
    for name, spec in specs.items():
        for module in _of_node(spec):
            yield module, f"node {name}"


def _of_node(spec: NodeSpec) -> Iterator[str]:
    plugins: list[tuple[PluginKind, str, object]] = [
        ("task", spec.task.use, spec.task.options),
        ("judge", spec.judge.use, spec.judge.options),
        ("network", spec.reward_model.network.use, spec.reward_model.network.options),
        ("algorithm", spec.agent.use, spec.agent.options),
    ]
    for kind, name, options in plugins:
        yield from _addresses(options)
        if name in BUILT_IN[kind]:
            continue
        announced = [one.value for one in entry_points(group=GROUPS[kind]) if one.name == name]
        yield from _addresses([name, *announced])


def _addresses(value: object) -> Iterator[str]:
    """Modules that any text in a value would import: gymnasium imports `module:Class`, too."""
    if isinstance(value, str):
        if _ADDRESS.match(value):
            yield value.strip().partition(":")[0]
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _addresses(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _addresses(inner)
