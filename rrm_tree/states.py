"""A round as bytes, and back: what one attempt leaves for the next one and for the parents.

In: RoundStates, or the objects of stored rounds. Out: the other of the two.
Touches the store that it is given.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from rrm_tree.errors import PluginError, StoreError
from rrm_tree.measured import NodeMeasurement, PairSettings
from rrm_tree.outcomes import Advice, Answers, Array, Arrays, Items, Judged, Outcomes
from rrm_tree.plan import Plan, Ticket, canonical_json, digest_of
from rrm_tree.records import Done, Manifest, Measurement, Picture, RoundRecord, Stored
from rrm_tree.rounds import Artifacts, RoundState, Setup
from rrm_tree.store import Store

ARTIFACTS = ("agent", "reward")
"""The objects of a last round that parents load."""
BESIDE = "judgments-"
"""Begins the names of objects that hold judgments of further kinds, and ends in their place."""

Study = TypeVar("Study", bound=Stored)

PAIRS = "pairs"
"""The kind of measurement that keeps every pair, and the name of its object."""


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


def _pack_judged(judged: Judged) -> bytes:
    items, answers = judged.items, judged.answers
    arrays = {f"outcomes.{name}": values for name, values in judged.outcomes.arrays().items()}
    arrays |= {f"advice.{name}": values for name, values in judged.advice.values.items()}
    arrays |= {"items.first": items.first, "items.part": items.part, "items.criterion": items.criterion}
    arrays |= {} if items.second is None else {"items.second": items.second}
    arrays |= {} if items.more is None else {"items.more": items.more}
    arrays |= {"answers.values": answers.values, "answers.looks": answers.looks}
    arrays |= {f"answers.{name}": values for name, values in answers.notes.items()}
    about = {"kind": judged.kind, "advice": list(judged.advice.kinds.items())}
    return pack(arrays, about | ({"judges": list(judged.judges)} if judged.judges else {}))


def _unpack_judged(data: bytes) -> Judged:
    arrays, about = unpack(data)

    def part(name: str) -> dict[str, Array]:
        return {key.removeprefix(name): arrays[key] for key in arrays if key.startswith(name)}

    items, answers = part("items."), part("answers.")
    return Judged(
        Outcomes.from_arrays(part("outcomes.")),
        Advice(part("advice."), dict(about["advice"])),
        about["kind"],
        Items(items["first"], items.get("second"), items["part"], items["criterion"], items.get("more")),
        Answers(**answers),
        tuple(about.get("judges", ())),
    )


def pack_round(state: RoundState) -> dict[str, bytes]:
    """The objects that a round is stored as."""
    pictures = [picture.model_dump(mode="json") for picture in state.pictures]
    beside = {f"{BESIDE}{place:02}": _pack_judged(judged) for place, judged in enumerate(state.beside, 2)}
    return {
        **beside,
        "agent": pack(state.agent),
        "reward": pack(state.reward),
        "judgments": _pack_judged(state.judged),
        "record": canonical_json(state.record.model_dump(mode="json")).encode(),
        "pictures": canonical_json(pictures).encode(),
    }


def load_rounds(store: Store, key: str) -> tuple[RoundState, ...]:
    """The stored rounds of a key, from the first to the first that is missing or corrupt."""
    states: list[RoundState] = []
    for manifest in store.manifests(key):
        objects = {name: store.get(digest) for name, digest in manifest.objects.items()}
        if any(data is None for data in objects.values()):
            break
        whole = {name: data for name, data in objects.items() if data is not None}
        states.append(_unpack_round(manifest, whole))
    return tuple(states)


def _unpack_round(manifest: Manifest, objects: Mapping[str, bytes]) -> RoundState:
    return RoundState(
        manifest.round,
        unpack(objects["agent"])[0],
        unpack(objects["reward"])[0],
        _unpack_judged(objects["judgments"]),
        RoundRecord.model_validate(json.loads(objects["record"])),
        tuple(Picture.model_validate(picture) for picture in json.loads(objects["pictures"])),
        beside=tuple(_unpack_judged(objects[name]) for name in sorted(objects) if name.startswith(BESIDE)),
    )


def load_setup(store: Store, plan: Plan, ticket: Ticket) -> Setup:
    """What a node is trained from: its entry in the plan, and what its helpers have learned.

    Raises:
        StoreError: an object of a helper is missing or corrupt.
    """
    entry, helpers = plan.by_name[ticket.entry], ticket.inputs["helpers"]
    return Setup(
        # By name: where a node stands in the file must not change what is trained.
        tree=plan.tree.model_copy(update={"nodes": dict(sorted(plan.tree.nodes.items()))}),
        entry=entry.name,
        node=entry.spec,
        key=ticket.key,
        fingerprint=ticket.fingerprint,
        artifacts={name: load_artifacts(store, digests) for name, digests in helpers.items()},
        looks_limit=ticket.inputs["looks_limit"],
    )


def load_artifacts(store: Store, digests: Mapping[str, str]) -> Artifacts:
    """What a helper has learned, by the digests of its objects.

    Raises:
        StoreError: an object is missing or corrupt.
    """
    found = {name: store.get(digests[name]) for name in ARTIFACTS}
    agent, reward = found["agent"], found["reward"]
    if agent is None or reward is None:
        raise StoreError(
            f"{store.address}: a helper's artifacts are missing; the same command trains it again"
        )
    return Artifacts(unpack(agent)[0], unpack(reward)[0])


def commit_pairs(store: Store, key: str, measured: NodeMeasurement) -> None:
    """Store every pair of a measurement beside the key that was measured."""
    about = measured.settings.model_dump(mode="json")
    store.commit_measurement(key, PAIRS, about, {PAIRS: pack(measured.arrays())})


def load_pairs(store: Store, key: str, settings: PairSettings | None = None) -> NodeMeasurement | None:
    """Every pair of the measurement with these settings, or of the one that rests on most; None without."""
    if settings is not None:
        asked = store.measurement(key, PAIRS, settings.model_dump(mode="json"))
        found = [] if asked is None else [asked]
    else:
        found = list(store.measurements(key, PAIRS))
    if not found:
        return None
    best = _best(found)
    data = store.get(best.objects[PAIRS])
    known = PairSettings.model_validate(best.settings)
    return None if data is None else NodeMeasurement.from_arrays(known, unpack(data)[0])


def commit_study(store: Store, key: str, what: str, found: Stored, settings: PairSettings) -> None:
    """Store what a study of a trained key has found."""
    about = settings.model_dump(mode="json")
    store.commit_measurement(key, what, about, {what: canonical_json(found.model_dump(mode="json")).encode()})


def load_study(
    store: Store, key: str, what: str, model: type[Study], settings: PairSettings | None = None
) -> Study | None:
    """What a study with these settings has found, or that which rests on most pairs; None without."""
    if settings is not None:
        asked = store.measurement(key, what, settings.model_dump(mode="json"))
        found = [] if asked is None else [asked]
    else:
        found = list(store.measurements(key, what))
    if not found:
        return None
    data = store.get(_best(found).objects[what])
    return None if data is None else model.model_validate_json(data)


def _best(found: Sequence[Measurement]) -> Measurement:
    """The newest version's; of these what rests on most pairs, the node's own draw first."""

    def rank(one: Measurement) -> tuple[int, int, int]:
        return int(one.settings["version"]), one.settings["pairs"], -one.settings["draw"]

    return max(found, key=rank)


def sum_up(ticket: Ticket, manifest: Manifest, records: Sequence[RoundRecord], *, has_gate: bool) -> Done:
    """What a key's training ended with, from its records and the manifest of its last round."""
    gates = [record.gate for record in records if record.gate is not None]
    facts = records[-1].facts
    objects = {name: manifest.objects[name] for name in ARTIFACTS}
    return Done(
        key=ticket.key,
        node=ticket.entry,
        fingerprint=ticket.fingerprint,
        rounds=len(records),
        judgments=facts.judgments,
        looks=facts.looks + sum(gate.looks for gate in gates),
        gate_passed=bool(gates and gates[-1].accepted) if has_gate else None,
        objects=objects,
        content=digest_of(objects),
    )
