"""Arrays and judgments as bytes, and back: one safetensors file each, in which nothing executes.

In: arrays, judgments. Out: bytes; equal arrays give equal bytes.
Touches nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Advice, Answers, Array, Arrays, Items, Judged, Outcomes
from rrm_tree.plan import canonical_json


def pack(arrays: Arrays, about: object = None) -> bytes:
    """Arrays and a little JSON as one safetensors file; equal arrays give equal bytes."""
    # One metadata entry: safetensors writes several in no fixed order.
    note = canonical_json({"about": about, "order": list(arrays)})
    try:
        # C order: safetensors writes the memory of a transposed array as it lies.
        return save({name: np.array(values, order="C") for name, values in arrays.items()}, {"rrm": note})
    except SafetensorError as error:
        raise PluginError(f"arrays {sorted(arrays)} cannot be stored: {error}") from error


def unpack(data: bytes) -> tuple[dict[str, Array], Any]:
    """The arrays, in their order, and the JSON that `pack` was given."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    note = json.loads(header["__metadata__"]["rrm"])
    arrays = load(data)
    return {name: arrays[name] for name in note["order"]}, note["about"]


def judged_to(judged: Judged) -> tuple[dict[str, Array], dict[str, Any]]:
    """Judgments as flat arrays and a little JSON; `judged_from` is the way back."""
    items, answers = judged.items, judged.answers
    arrays = {f"outcomes.{name}": values for name, values in judged.outcomes.arrays().items()}
    arrays |= {f"advice.{name}": values for name, values in judged.advice.values.items()}
    arrays |= {"items.first": items.first, "items.part": items.part, "items.criterion": items.criterion}
    arrays |= {} if items.second is None else {"items.second": items.second}
    arrays |= {} if items.more is None else {"items.more": items.more}
    arrays |= {} if items.parts is None else {"items.parts": items.parts}
    arrays |= {"answers.values": answers.values, "answers.looks": answers.looks}
    arrays |= {f"answers.{name}": values for name, values in answers.notes.items()}
    about: dict[str, Any] = {"kind": judged.kind, "advice": list(judged.advice.kinds.items())}
    return arrays, about | ({"judges": list(judged.judges)} if judged.judges else {})


def judged_from(arrays: Arrays, about: Mapping[str, Any]) -> Judged:
    """The judgments that `judged_to` took apart."""

    def part(name: str) -> dict[str, Array]:
        return {key.removeprefix(name): arrays[key] for key in arrays if key.startswith(name)}

    items, answers = part("items."), part("answers.")
    return Judged(
        Outcomes.from_arrays(part("outcomes.")),
        Advice(part("advice."), dict(about["advice"])),
        about["kind"],
        Items(
            items["first"],
            items.get("second"),
            items["part"],
            items["criterion"],
            items.get("more"),
            items.get("parts"),
        ),
        Answers(**answers),
        tuple(about.get("judges", ())),
    )


def pack_judged(judged: Judged) -> bytes:
    """Judgments with the outcomes and the advice that they are about, as one safetensors file."""
    return pack(*judged_to(judged))


def unpack_judged(data: bytes) -> Judged:
    """The judgments that `pack_judged` was given."""
    return judged_from(*unpack(data))
