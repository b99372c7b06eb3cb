"""What a plug-in must offer: tasks, judges, networks, algorithms, agents.

A plug-in is a class, or a *door*: a light function with the same facts as attributes (see
`declare`) that imports the heavy class when it is called. Its keyword arguments are its options
in the spec (`with:`), checked against their annotations before anything trains.

Loads neither NumPy nor torch nor gymnasium.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rrm_tree.contracts.judges import MOST_RANKED, Deferred, Demonstrator, Judge, Request, Solver, Taped
from rrm_tree.contracts.learning import JUDGED, Agent, Algorithm, Improved, Network, Problem, Shapes
from rrm_tree.contracts.tasks import (
    Absorbing,
    Arrangeable,
    Clip,
    Correctable,
    Factorised,
    Filmed,
    Imaginable,
    Listed,
    Measurable,
    Noted,
    Perfect,
    Pointed,
    Ruled,
    Segmented,
    Split,
    Steered,
    Steering,
    Stepwise,
    Still,
    Task,
    Worded,
)

__all__ = [
    "JUDGED",
    "MOST_RANKED",
    "Absorbing",
    "Agent",
    "Algorithm",
    "Arrangeable",
    "Clip",
    "Correctable",
    "Deferred",
    "Demonstrator",
    "Factorised",
    "Filmed",
    "Imaginable",
    "Improved",
    "Judge",
    "Listed",
    "Measurable",
    "Network",
    "Noted",
    "Perfect",
    "Pointed",
    "Problem",
    "Request",
    "Ruled",
    "Segmented",
    "Shapes",
    "Solver",
    "Split",
    "Steered",
    "Steering",
    "Stepwise",
    "Still",
    "Taped",
    "Task",
    "Worded",
    "declare",
]

Plugin = TypeVar("Plugin")


def declare(**facts: object) -> Callable[[Plugin], Plugin]:
    """Put the facts that validation reads on a door, as attributes."""

    def put(door: Plugin) -> Plugin:
        for name, fact in facts.items():
            setattr(door, name, fact)
        return door

    return put
