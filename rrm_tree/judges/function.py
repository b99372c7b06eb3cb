"""A function as a judge.

In: a function of a Request. Out: a judge with everything that a judge declares.
Touches what the function touches; what it raises comes out as PluginError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from rrm_tree.contracts import Request
from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Answers, Ints


@dataclass
class FunctionJudge:
    """Answers as a function does; where it does not count its looks, they are the steps shown."""

    function: Callable[..., object]
    name: str
    options: Mapping[str, object]
    version: str
    kinds: tuple[str, ...]
    direct: bool
    tasks: tuple[str, ...] | None

    def answer(self, request: Request) -> Answers:
        """One answer an item.

        Raises:
            PluginError: the function raised, or gave something else than Answers or one number an item.
        """
        try:
            said = self.function(request, **self.options)
        except PluginError:
            raise
        except Exception as error:
            raise PluginError(f"judge {self.name} raised {type(error).__name__}: {error}") from error
        if isinstance(said, Answers):
            return said
        try:
            values = np.asarray(said, np.float64)
        except (TypeError, ValueError) as error:
            raise PluginError(
                f"judge {self.name} returned a {type(said).__name__}; return one number an item, or Answers"
            ) from error
        return Answers(values, count_looks(request, request.outcomes.lengths))


def count_looks(request: Request, looks: Ints) -> Ints:
    """Looks of each answer, given those that each outcome takes: of all that an item is about."""
    return np.asarray(looks[request.items.places[0]].sum(axis=1), np.int64)
