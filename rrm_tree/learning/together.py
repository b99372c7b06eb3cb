"""Several fits at once, step by step side by side, with equal bits as one after the other.

In: coroutines that stop at every pass through a network. Out: what each of them returns.
Touches nothing.

Passes of the same shapes go through the network as one batched computation. Each fit's bits stay
those that it has alone, because nothing but the network is shared:

- Matrix products are batched, and torch computes each matrix of a batch of two or more by itself,
  the same whatever the number. A batch of one takes another way: a lone member is never stacked.
- Sums, products and rectifiers have the same bits wherever a number lies in memory. Exponentials and
  sigmoids do not (the last few numbers of a tensor take another way than those in full vectors of the
  processor). So only networks that say that they `stack` are stacked, and losses, gradient norms and
  the optimiser, which need more, are computed fit by fit.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from rrm_tree.learning.ensemble import Ensemble
from rrm_tree.learning.fit import Pass

MOST_ROWS = 8192
"""Rows of all members in one stacked pass; more would no longer stay in the processor's cache."""

Result = TypeVar("Result")
Steps = Generator[Pass, None, Result]


def finish(steps: Steps[Result]) -> Result:
    """What one coroutine returns, its passes run as they come."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            found: Result = end.value
            return found
        step.run()


def finish_together(every: Sequence[Steps[Result]]) -> list[Result | Exception]:
    """What each coroutine returns or raises, in order; passes that agree in shape are run as one."""
    found: dict[int, Result | Exception] = {}
    waiting: dict[int, Pass] = {}
    architectures: dict[int, str] = {}
    for place, steps in enumerate(every):
        _advance(place, steps, waiting, found)
    while waiting:
        failed: dict[int, Exception] = {}
        for group in _group(waiting, architectures):
            failed |= _run(group)
        moving, waiting = waiting, {}
        for place in moving:
            _advance(place, every[place], waiting, found, failed.get(place))
    return [found[place] for place in range(len(every))]


def _advance(
    place: int,
    steps: Steps[Result],
    waiting: dict[int, Pass],
    found: dict[int, Result | Exception],
    error: Exception | None = None,
) -> None:
    """To the next pass, or to the end."""
    try:
        waiting[place] = next(steps) if error is None else steps.throw(error)
    except StopIteration as end:
        found[place] = end.value
    # One fit's trouble, whatever a user's network raises, must not stop the others.
    except Exception as trouble:
        found[place] = trouble


def _group(waiting: dict[int, Pass], architectures: dict[int, str]) -> list[dict[int, Pass]]:
    """Passes that can be run as one, in lots that stay in the cache; others by themselves.

    Args:
        waiting: passes by their fits.
        architectures: what has been found out of modules, by `id`; the fits keep them alive.
    """
    alike: dict[Hashable, list[dict[int, Pass]]] = {}
    for place, one in waiting.items():
        module, members = one.ensemble.module, one.ensemble.members
        rows = members * one.shown.outcomes.shape[1] * one.shown.steps
        key: Hashable = place
        if members > 1 and getattr(module, "stacks", False):
            key = (_describe(module, architectures), members, rows)
        lots = alike.setdefault(key, [])
        if not lots or (len(lots[-1]) + 1) * rows > MOST_ROWS:
            lots.append({})
        lots[-1][place] = one
    return [lot for lots in alike.values() for lot in lots]


def _describe(module: nn.Module, architectures: dict[int, str]) -> str:
    if id(module) not in architectures:
        architectures[id(module)] = repr(module)
    return architectures[id(module)]


def _run(group: dict[int, Pass]) -> dict[int, Exception]:
    """Gradients for every pass of a group; the errors of those that failed."""
    if len(group) == 1:
        ((place, one),) = group.items()
        try:
            one.run()
        except Exception as error:
            return {place: error}
        return {}
    passes = list(group.values())
    stack = _stack([one.ensemble for one in passes])
    seen = [one.shown.inputs() for one in passes]
    table = stack.scores({name: torch.cat([one[name] for one in seen]) for name in seen[0]}, shared=False)
    failed: dict[int, Exception] = {}
    gradients: list[Tensor] = []
    for place, part in zip(group, torch.split(table.detach(), passes[0].ensemble.members), strict=True):
        leaf = part.requires_grad_()
        try:
            group[place].loss(leaf).backward()  # type: ignore[no-untyped-call]
            gradients.append(leaf.grad if leaf.grad is not None else torch.zeros_like(leaf))
        except Exception as error:
            failed[place] = error
            gradients.append(torch.zeros_like(leaf))
    table.backward(torch.cat(gradients))  # type: ignore[no-untyped-call]
    for name, weights in stack.weights.items():
        if weights.grad is not None:
            pieces = torch.split(weights.grad, passes[0].ensemble.members)
            for one, piece in zip(passes, pieces, strict=True):
                one.ensemble.weights[name].grad = piece.clone()
    return failed


def _stack(ensembles: Sequence[Ensemble]) -> Ensemble:
    """All members as one ensemble, with weights of its own."""
    first = ensembles[0]
    weights = {
        name: torch.cat([one.weights[name].detach() for one in ensembles]).requires_grad_()
        for name in first.weights
    }
    buffers = {name: torch.cat([one.buffers[name] for one in ensembles]) for name in first.buffers}
    return Ensemble(first.module, first.shapes, weights, buffers)
