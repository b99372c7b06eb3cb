"""A round as bytes, and back: what one attempt leaves for the next one and for the parents.

In: RoundStates, or the objects of stored rounds. Out: the other of the two.
Touches the store that it is given.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeVar

from rrm_tree.errors import StoreError
from rrm_tree.measured import NodeMeasurement, PairSettings
from rrm_tree.outcomes import Judged
from rrm_tree.packing import pack, pack_judged, unpack, unpack_judged
from rrm_tree.plan import Plan, Ticket, canonical_json, digest_of
from rrm_tree.records import Done, Manifest, Measurement, Picture, RoundRecord, Stored
from rrm_tree.rounds import Artifacts, RoundState, Setup
from rrm_tree.store import Store

ARTIFACTS = ("agent", "reward")
"""The objects of a last round that parents load."""
BESIDE = "judgments-"
"""Begins the names of objects that hold judgments of further kinds, and ends in their place."""

Study = TypeVar("Study", bound=Stored)

SHOWN = "shown"
"""The object of a batch of questions."""

PAIRS = "pairs"
"""The kind of measurement that keeps every pair, and the name of its object."""


def pack_round(state: RoundState) -> dict[str, bytes]:
    """The objects that a round is stored as."""
    pictures = [picture.model_dump(mode="json") for picture in state.pictures]
    beside = {f"{BESIDE}{place:02}": pack_judged(judged) for place, judged in enumerate(state.beside, 2)}
    return {
        **beside,
        "agent": pack(state.agent),
        "reward": pack(state.reward),
        "judgments": pack_judged(state.judged),
        "record": canonical_json(state.record.model_dump(mode="json")).encode(),
        "pictures": canonical_json(pictures).encode(),
    }


def load_rounds(store: Store, key: str) -> tuple[RoundState, ...]:
    """The stored rounds of a key, from the first to the first that is missing or corrupt."""
    states: list[RoundState] = []
    for manifest in store.manifests(key):
        whole = _objects_of(store, manifest)
        if whole is None:
            break
        states.append(_unpack_round(manifest, whole))
    return tuple(states)


def load_all_rounds(store: Store, key: str) -> tuple[RoundState, ...]:
    """The stored rounds of a key, for whoever must not do with some of them.

    Raises:
        StoreError: one of them is missing or corrupt.
    """
    rounds, manifests = load_rounds(store, key), store.manifests(key)
    if len(rounds) < len(manifests):
        raise _lost(store, manifests[len(rounds)])
    return rounds


def take_over(store: Store, key: str, earlier: str) -> None:
    """Let a key have the rounds of the sweep before as its first ones: the same objects, at no cost.

    Raises:
        StoreError: an object of the sweep before is missing or corrupt.
    """
    known = len(store.manifests(key))
    for index, manifest in enumerate(store.manifests(earlier)):
        whole = _objects_of(store, manifest)
        if whole is None:
            raise _lost(store, manifest)
        if index >= known:
            store.commit_round(key, index, whole, store.cost(earlier, index))


def _objects_of(store: Store, manifest: Manifest) -> dict[str, bytes] | None:
    """The objects of a round; None where one of them is missing or corrupt."""
    found = {name: store.get(digest) for name, digest in manifest.objects.items()}
    whole = {name: data for name, data in found.items() if data is not None}
    return whole if len(whole) == len(found) else None


def _lost(store: Store, manifest: Manifest) -> StoreError:
    """What to say of a round that is not whole; its key is not done any more, so that it is trained again."""
    store.reopen(manifest.key)
    return StoreError(
        f"{store.address}: round {manifest.round + 1} of {manifest.key} is missing or corrupt;"
        " the command that trained it trains it again"
    )


def _unpack_round(manifest: Manifest, objects: Mapping[str, bytes]) -> RoundState:
    return RoundState(
        manifest.round,
        unpack(objects["agent"])[0],
        unpack(objects["reward"])[0],
        unpack_judged(objects["judgments"]),
        RoundRecord.model_validate(json.loads(objects["record"])),
        tuple(Picture.model_validate(picture) for picture in json.loads(objects["pictures"])),
        beside=tuple(unpack_judged(objects[name]) for name in sorted(objects) if name.startswith(BESIDE)),
    )


def load_setup(store: Store, plan: Plan, ticket: Ticket) -> Setup:
    """What a node is trained from: its entry in the plan, and what its helpers have learned.

    Raises:
        StoreError: an object of a helper is missing or corrupt.
    """
    entry, helpers = plan.by_name[ticket.entry], ticket.inputs["helpers"]
    before, goes_on = ticket.inputs.get("before", {}), ticket.inputs.get("goes_on")
    return Setup(
        # By name: where a node stands in the file must not change what is trained.
        tree=plan.tree.model_copy(update={"nodes": dict(sorted(plan.tree.nodes.items()))}),
        entry=entry.name,
        node=entry.spec,
        key=ticket.key,
        fingerprint=ticket.fingerprint,
        artifacts={name: load_artifacts(store, digests) for name, digests in helpers.items()},
        before={name: load_artifacts(store, digests) for name, digests in before.items()},
        inherited=0 if goes_on is None else len(store.manifests(goes_on)),
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


def commit_pending(store: Store, key: str, number: int, judged: Judged) -> None:
    """Store what people are shown: outcomes, advice and items, none of which is answered."""
    store.commit_pending(key, number, {SHOWN: pack_judged(judged)})


def load_pending(store: Store, key: str, number: int) -> Judged | None:
    """What people are shown in a batch of questions; None where it is not stored, or corrupt."""
    pending = store.pending(key, number)
    data = None if pending is None else store.get(pending.objects[SHOWN])
    return None if data is None else unpack_judged(data)


def commit_pairs(store: Store, key: str, measured: NodeMeasurement) -> None:
    """Store every pair of a measurement beside the key that was measured."""
    about = measured.settings.model_dump(mode="json")
    store.commit_measurement(key, PAIRS, about, {PAIRS: pack(measured.arrays())})


def load_pairs(store: Store, key: str, settings: PairSettings | None = None) -> NodeMeasurement | None:
    """Every pair of the measurement with these settings, or of the one that rests on most; None without."""
    found = _find(store, key, PAIRS, settings)
    data = None if found is None else store.get(found.objects[PAIRS])
    if found is None or data is None:
        return None
    return NodeMeasurement.from_arrays(PairSettings.model_validate(found.settings), unpack(data)[0])


def commit_study(store: Store, key: str, what: str, found: Stored, settings: PairSettings) -> None:
    """Store what a study of a trained key has found."""
    about = settings.model_dump(mode="json")
    store.commit_measurement(key, what, about, {what: canonical_json(found.model_dump(mode="json")).encode()})


def load_study(
    store: Store, key: str, what: str, model: type[Study], settings: PairSettings | None = None
) -> Study | None:
    """What a study with these settings has found, or that which rests on most pairs; None without."""
    found = _find(store, key, what, settings)
    data = None if found is None else store.get(found.objects[what])
    return None if data is None else model.model_validate_json(data)


def _find(store: Store, key: str, what: str, settings: PairSettings | None) -> Measurement | None:
    """The measurement with these settings; without any, the best of those that there are."""
    if settings is not None:
        return store.measurement(key, what, settings.model_dump(mode="json"))
    found = store.measurements(key, what)
    return _best(found) if found else None


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
