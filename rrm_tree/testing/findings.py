"""What was found wrong with a plug-in, collected so that all of it is told at once.

In: expectations. Out: nothing, or one PluginError.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Array, Arrays


class Findings:
    """Everything that one plug-in does against its contract."""

    def __init__(self, who: object) -> None:
        self.who = type(who).__name__
        self.found: list[str] = []

    def expect(self, holds: bool, where: str, what: str) -> bool:
        """Note a finding unless it holds; `what` says what is wrong and what to do."""
        if not holds and f"{where}: {what}" not in self.found:
            self.found.append(f"{where}: {what}")
        return bool(holds)

    @contextmanager
    def during(self, where: str) -> Iterator[None]:
        """Whatever raises inside is a finding, and what follows goes on."""
        try:
            yield
        except Exception as error:
            self.expect(False, where, f"raised {type(error).__name__}: {error}")

    def close(self) -> None:
        """Raise if anything was found.

        Raises:
            PluginError: with one line for each finding.
        """
        if self.found:
            lines = "\n".join(f"  - {one}" for one in self.found)
            raise PluginError(f"{self.who} does not keep its contract:\n{lines}")


def same(one: Arrays, other: Arrays) -> bool:
    """Whether two sets of arrays are equal, name by name; NaN equals NaN."""
    return set(one) == set(other) and all(_equal(one[name], other[name]) for name in one)


def _equal(one: Array, other: Array) -> bool:
    return np.array_equal(one, other, equal_nan=np.issubdtype(np.asarray(one).dtype, np.floating))


def copied(arrays: Arrays) -> dict[str, Array]:
    """The same arrays, to see later whether somebody changed them."""
    return {name: np.array(values) for name, values in arrays.items()}


def finite(values: Array) -> bool:
    """Whether these are numbers, and all of them finite."""
    kind = np.asarray(values).dtype.kind
    return kind in "biuf" and bool(np.isfinite(values).all())


def check_arrays(findings: Findings, where: str, arrays: object, rows: int, each: str) -> bool:
    """Whether this is a mapping of names to arrays with that many rows."""
    if not findings.expect(isinstance(arrays, Mapping), where, f"is not a mapping of names to {each}"):
        return False
    assert isinstance(arrays, Mapping)
    fits = [
        findings.expect(
            isinstance(values, np.ndarray) and values.shape[:1] == (rows,),
            where,
            f"'{name}' has shape {np.shape(values)}, expected an array {each} with {rows} rows",
        )
        for name, values in arrays.items()
    ]
    return all(fits)
