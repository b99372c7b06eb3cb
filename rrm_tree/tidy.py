"""What the store holds that no run refers to.

In: a store. Out: what could be removed; on request it is removed.
Touches the store; whoever calls this makes sure that no run is going on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rrm_tree.files import CORRUPT, TEMPORARY
from rrm_tree.store import Store

LEFTOVERS = (CORRUPT, TEMPORARY)


@dataclass(frozen=True, slots=True)
class Garbage:
    """What no run refers to, as names in the store."""

    keys: tuple[str, ...]
    objects: tuple[str, ...]
    leftovers: tuple[str, ...]
    """Files set aside as corrupt, and half-written ones of processes that were killed."""
    size: int
    """Bytes, all together."""

    @property
    def names(self) -> tuple[str, ...]:
        """All of it; keys come first, so that no key is left without its objects."""
        return (*(f"keys/{key}" for key in self.keys), *self.objects, *self.leftovers)


def find_garbage(store: Store) -> Garbage:
    """All that can be removed without a run missing it."""
    runs = [one for run in store.runs() for one in (run, *store.seed_runs(run))]
    wanted = {key for run in runs for key in store.referred(run).values()}
    keys = tuple(key for key in store.all_keys() if key not in wanted)
    needed = {digest for key in wanted for digest in _digests(store, key)}
    objects = tuple(name for name, digest in _objects(store) if digest not in needed)
    leftovers = tuple(name for name in _leftovers(store) if name.split("/")[1] not in keys)
    garbage = Garbage(keys, objects, leftovers, 0)
    return Garbage(keys, objects, leftovers, sum(store.files.size(name) for name in garbage.names))


def remove_garbage(store: Store, garbage: Garbage) -> None:
    """Remove it."""
    for name in garbage.names:
        store.files.remove(name)


def _digests(store: Store, key: str) -> Iterator[str]:
    for manifest in store.manifests(key):
        yield from manifest.objects.values()
    for measurement in store.measurements(key):
        yield from measurement.objects.values()
    for pending in store.all_pending(key):
        yield from pending.objects.values()
    for objects in (store.inputs(key) or {}).get("helpers", {}).values():
        yield from objects.values()


def _objects(store: Store) -> Iterator[tuple[str, str]]:
    """Whole objects: name in the store, digest."""
    for folder in store.files.names("objects"):
        for digest in store.files.names(f"objects/{folder}"):
            if not digest.endswith(LEFTOVERS):
                yield f"objects/{folder}/{digest}", digest


def _leftovers(store: Store) -> Iterator[str]:
    for part in ("objects", "keys", "runs"):
        for folder in store.files.names(part):
            for name in store.files.names(f"{part}/{folder}"):
                if name.endswith(LEFTOVERS):
                    yield f"{part}/{folder}/{name}"
