"""What holds in a bit string: rules over neighbouring bits, and gates over such places.

In: bits and places, whole batches at once. Out: Booleans.
Touches nothing: pure NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Array, Ints

Bools: TypeAlias = NDArray[np.bool_]

RULES: Mapping[str, Callable[[Array], Bools]] = MappingProxyType(
    {
        "majority": lambda inputs: 2 * inputs.sum(-1) > inputs.shape[-1],
        "and": lambda inputs: np.asarray(inputs.all(-1)),
        "or": lambda inputs: np.asarray(inputs.any(-1)),
        "parity": lambda inputs: inputs.sum(-1) % 2 == 1,
    }
)
"""Each from Booleans [..., inputs] to Booleans [...]; a majority is more than half."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """A rule over `window` bits, and the gates above it, the topmost first.

    The gate at place i has the places i·fan_in … i·fan_in + fan_in − 1 below it, counted round the
    string's end; a place of the lowest gate's inputs is where a window of bits starts.
    """

    width: int
    window: int = 2
    rule: str = "parity"
    gates: tuple[str, ...] = ()
    fan_in: int = 3

    def __post_init__(self) -> None:
        if self.window > self.width:
            raise PluginError(
                f"logic: a window of {self.window} does not fit into {self.width} bits; "
                "make `width` larger or `window` smaller"
            )
        if self.leaves > self.width:
            raise PluginError(
                f"logic: {len(self.gates)} gates of {self.fan_in} inputs need {self.leaves} places, "
                f"but a string has {self.width}; make `width` larger or `gates` shorter"
            )

    @property
    def leaves(self) -> int:
        """Places where a window starts, under one place of this circuit."""
        return int(self.fan_in ** len(self.gates))

    def raw_bits(self, bits: Array, index: Ints) -> Bools:
        """The bits that decide, leaf by leaf: [n, leaves, window]."""
        start = index[:, None] * self.leaves + np.arange(self.leaves)
        columns = (start[:, :, None] + np.arange(self.window)) % self.width
        rows = np.arange(len(bits))[:, None, None]
        return np.asarray(bits[rows, columns] != 0)

    def leaf_values(self, raw: Bools) -> Bools:
        """Whether the rule holds at each leaf, [n, leaves]."""
        return RULES[self.rule](raw)

    def climb(self, values: Bools) -> Bools:
        """From leaf values [n, leaves] to the topmost gate's [n]."""
        for gate in reversed(self.gates):
            values = RULES[gate](values.reshape(len(values), -1, self.fan_in))
        return values.reshape(len(values))

    def top(self, inputs: Bools) -> Bools:
        """What the topmost gate says of its own inputs [n, fan_in]: [n]."""
        return RULES[self.gates[0]](inputs)

    def value(self, bits: Array, index: Ints) -> Bools:
        """What is true of each place, [n]."""
        return self.climb(self.leaf_values(self.raw_bits(bits, index)))

    def children(self, index: Ints) -> Ints:
        """The places below each place, [n, fan_in]."""
        return (index[:, None] * self.fan_in + np.arange(self.fan_in)) % self.width

    def first_input_rule(self, bits: Array, index: Ints) -> Bools:
        """What is more likely than not once the first input alone was looked at, [n].

        The first input of a place is its first bit, of a gate what holds at the first place below;
        the others count as fair coins. Where both are as likely, the input's own value.
        """
        if self.gates:
            below = Circuit(self.width, self.window, self.rule, self.gates[1:], self.fan_in)
            first = below.value(bits, self.children(index)[:, 0])
        else:
            first = self.raw_bits(bits, index)[:, 0, 0]
        return np.where(first, _yes_is_likely(self, True), _yes_is_likely(self, False)).astype(bool)


def _yes_is_likely(circuit: Circuit, first: bool) -> bool:
    """Whether the topmost rule says yes more often than no, given its first input."""
    rule, inputs = (circuit.gates[0], circuit.fan_in) if circuit.gates else (circuit.rule, circuit.window)
    cases = np.array([(first, *rest) for rest in product((False, True), repeat=inputs - 1)])
    share = float(RULES[rule](cases).mean())
    return first if share == 0.5 else share > 0.5
