"""What was learned, under keys; the only module that writes results.

In: keys, objects as bytes, records. Out: the same, verified.
Touches the store's folder alone:

    format.json                   which version of this layout
    objects/<aa>/<sha256>         arrays, judgments, records, pictures, named by their content
    keys/<key>/inputs.json        all that decides the key's bytes
    keys/<key>/round-000.json     Manifest: the objects of a round, written after them
    keys/<key>/cost-000.json      Cost: what the round took; never part of what must be equal
    keys/<key>/pending-000.json   Pending: what people are shown, before they are asked
    keys/<key>/done.json          Done: written last
    keys/<key>/measured-<what>-<digest>.json
                                  Measurement: added at any time, never part of what a key promises
    runs/<run>/                   tree.yaml, plan.json, command, keys, logs, reports
    runs/<run>/seed-<n>/          the same of one seed, where the run has several

A file is there whole or not at all and is never overwritten. JSON is sealed with a digest, so
that a file torn at any byte counts as missing.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from rrm_tree.errors import StoreError, TrainingError
from rrm_tree.files import TEMPORARY, Files, LocalFiles
from rrm_tree.plan import Inputs, Plan, Ticket, canonical_json, digest_of
from rrm_tree.records import FORMAT, Cost, Done, Manifest, Measurement, Pending, Stored

log = logging.getLogger(__name__)

Trouble = Callable[[str, str], None]
"""Told of what must not pass quietly: its kind ("corrupt", "nondeterminism") and a sentence."""

Value = TypeVar("Value", bound=Stored)


def seal(value: object) -> bytes:
    """Canonical JSON of a value with the digest of it."""
    return (canonical_json({"digest": digest_of(value), "value": value}) + "\n").encode()


def unseal(data: bytes) -> Any:
    """The value that was sealed.

    Raises:
        ValueError: these are not, or not all, of the bytes that `seal` gave.
    """
    sealed = json.loads(data)
    if not isinstance(sealed, dict) or set(sealed) != {"digest", "value"} or data != seal(sealed["value"]):
        raise ValueError("the digest does not fit")
    return sealed["value"]


class Store:
    """One folder of results that serves many runs."""

    def __init__(self, address: str, trouble: Trouble | None = None) -> None:
        """Open a store; an empty or missing folder becomes one.

        Raises:
            StoreError: the folder holds something else, a newer format, or cannot be reached.
        """
        self.address = address
        self.trouble = trouble or _warn
        self.files = _open_files(address)
        self._check_format()

    def _check_format(self) -> None:
        data = self.files.read("format.json")
        if data is None:
            others = [name for name in self.files.names("") if not name.endswith(TEMPORARY)]
            # Somebody else may have made it a store since the first look.
            data = self.files.read("format.json") if others else None
            if others and data is None:
                raise StoreError(
                    f"{self.address} is not a store: it has no format.json but other files; "
                    "choose a new or empty folder with --store"
                )
        if data is None:
            return
        try:
            found = int(json.loads(data)["format"])
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{self.address}/format.json cannot be read; if this is a store, "
                f'write {{"format": {FORMAT}}} into it'
            ) from error
        if found > FORMAT:
            raise StoreError(
                f"{self.address} was written by a newer rrm-tree (store format {found}, this one reads "
                f"{FORMAT}): upgrade rrm-tree, or choose another folder with --store"
            )

    def prepare(self) -> None:
        """Mark the folder as a store of this format, before the first thing is written to it."""
        self.files.create("format.json", (canonical_json({"format": FORMAT}) + "\n").encode())

    @property
    def workplace(self) -> Path:
        """A folder on this machine for logs, reports and the embedded ledger."""
        return self.files.folder or Path("rrm-work") / hashlib.sha256(self.address.encode()).hexdigest()[:8]

    # --- objects ---------------------------------------------------------------------------------

    def put(self, data: bytes) -> str:
        """Store an object under its own digest, which is returned."""
        digest = hashlib.sha256(data).hexdigest()
        self.files.create(_object_name(digest), data)
        return digest

    def get(self, digest: str) -> bytes | None:
        """An object whose bytes are what its name says; None where there is none such."""
        data = self.files.read(_object_name(digest))
        if data is not None and hashlib.sha256(data).hexdigest() != digest:
            self._set_aside(_object_name(digest))
            return None
        return data

    # --- keys ------------------------------------------------------------------------------------

    def all_keys(self) -> list[str]:
        """Every key that anything is stored under."""
        return self.files.names("keys")

    def put_inputs(self, ticket: Ticket) -> None:
        """Store what decides a key's bytes, before anything else under it."""
        self._create(f"keys/{ticket.key}/inputs.json", ticket.inputs)

    def inputs(self, key: str) -> Inputs | None:
        """What decides a key's bytes."""
        found: Inputs | None = self._read(f"keys/{key}/inputs.json")
        return found

    def latest_inputs(self) -> dict[str, Inputs]:
        """Of every entry ever started: the inputs of the key that was started last."""
        latest: dict[str, tuple[float, str]] = {}
        for key in self.all_keys():
            entry, stamp = key.rsplit("@", 1)[0], (self.files.modified(f"keys/{key}/inputs.json"), key)
            latest[entry] = max(latest.get(entry, stamp), stamp)
        found = {entry: self.inputs(key) for entry, (_, key) in latest.items()}
        return {entry: inputs for entry, inputs in found.items() if inputs is not None}

    def commit_round(self, key: str, index: int, objects: Mapping[str, bytes], cost: Cost | None) -> Manifest:
        """Store a round: its objects, its cost where that is known, then the manifest that makes it count.

        Raises:
            TrainingError: the same round is already stored with other bytes.
        """
        digests = {name: self.put(data) for name, data in sorted(objects.items())}
        manifest = Manifest(key=key, round=index, objects=digests)
        if cost is not None:
            self.files.replace(f"keys/{key}/cost-{index:03}.json", seal(cost.model_dump(mode="json")))
        self._create(f"keys/{key}/round-{index:03}.json", manifest.model_dump(mode="json"))
        return manifest

    def manifests(self, key: str) -> tuple[Manifest, ...]:
        """The stored rounds of a key, from the first to the first that is missing."""
        found: list[Manifest] = []
        while (manifest := self._model(f"keys/{key}/round-{len(found):03}.json", Manifest)) is not None:
            found.append(manifest)
        return tuple(found)

    def cost(self, key: str, index: int) -> Cost | None:
        """What a round of a key took."""
        return self._model(f"keys/{key}/cost-{index:03}.json", Cost)

    def costs(self, key: str, rounds: int) -> tuple[Cost, ...]:
        """What the rounds of a key took; those that are known."""
        found = (self.cost(key, index) for index in range(rounds))
        return tuple(cost for cost in found if cost is not None)

    def commit_done(self, done: Done) -> None:
        """Store that a key is done; the last thing written under it."""
        self._create(f"keys/{done.key}/done.json", done.model_dump(mode="json"))

    def done(self, key: str) -> Done | None:
        """What a key's training ended with, if all that parents and reports read of it is whole."""
        done = self._model(f"keys/{key}/done.json", Done)
        if done is None or any(self.get(digest) is None for digest in done.objects.values()):
            return None
        records = [manifest.objects["record"] for manifest in self.manifests(key)]
        whole = len(records) == done.rounds and all(self.get(digest) is not None for digest in records)
        return done if whole else None

    def reopen(self, key: str) -> None:
        """Take it back that a key is done: what its rounds have left behind is to be trained again."""
        self.files.set_aside(f"keys/{key}/done.json")

    # --- questions to people ---------------------------------------------------------------------

    def commit_pending(self, key: str, number: int, objects: Mapping[str, bytes]) -> Pending:
        """Store what people are shown in one batch of questions.

        Raises:
            TrainingError: the same batch is already stored with other bytes.
        """
        digests = {name: self.put(data) for name, data in sorted(objects.items())}
        pending = Pending(key=key, number=number, objects=digests)
        self._create(f"keys/{key}/pending-{number:03}.json", pending.model_dump(mode="json"))
        return pending

    def pending(self, key: str, number: int) -> Pending | None:
        """What people are shown in one batch of questions."""
        return self._model(f"keys/{key}/pending-{number:03}.json", Pending)

    def all_pending(self, key: str) -> tuple[Pending, ...]:
        """Every batch of questions of a key that is whole."""
        names = [name for name in self.files.names(f"keys/{key}") if name.startswith("pending-")]
        names = [name for name in names if name.endswith(".json")]
        found = (self._model(f"keys/{key}/{name}", Pending) for name in names)
        return tuple(one for one in found if one is not None)

    # --- measurements ----------------------------------------------------------------------------

    def commit_measurement(
        self, key: str, what: str, settings: Mapping[str, Any], objects: Mapping[str, bytes]
    ) -> Measurement:
        """Store what was measured of a key, beside all else that was.

        Raises:
            TrainingError: the same measurement is already stored with other bytes.
        """
        digests = {name: self.put(data) for name, data in sorted(objects.items())}
        found = Measurement(key=key, what=what, settings=dict(settings), objects=digests)
        self._create(_measurement_name(key, what, settings), found.model_dump(mode="json"))
        return found

    def measurement(self, key: str, what: str, settings: Mapping[str, Any]) -> Measurement | None:
        """A measurement with these very settings."""
        return self._whole(self._model(_measurement_name(key, what, settings), Measurement))

    def measurements(self, key: str, what: str = "") -> tuple[Measurement, ...]:
        """Every measurement that a key has, or those of one kind."""
        start = f"measured-{what}-" if what else "measured-"
        names = [name for name in self.files.names(f"keys/{key}") if name.startswith(start)]
        names = [name for name in names if name.endswith(".json")]
        found = (self._whole(self._model(f"keys/{key}/{name}", Measurement)) for name in names)
        return tuple(one for one in found if one is not None)

    def _whole(self, found: Measurement | None) -> Measurement | None:
        """The measurement if all its objects are there."""
        if found is None or any(self.get(digest) is None for digest in found.objects.values()):
            return None
        return found

    # --- runs ------------------------------------------------------------------------------------

    def write_run(self, run: str, plan: Plan, tree_text: str, command: str) -> None:
        """Freeze a run: what workers read, and what people will want to see again."""
        self.files.replace(f"runs/{run}/plan.json", plan.to_json().encode())
        self.files.replace(f"runs/{run}/tree.yaml", tree_text.encode())
        self.files.replace(f"runs/{run}/command", f"{command}\n".encode())

    def runs(self) -> list[str]:
        """Runs, the one started last at the end."""
        names = [name for name in self.files.names("runs") if self.files.exists(f"runs/{name}/plan.json")]
        return sorted(names, key=lambda name: (self.files.modified(f"runs/{name}/command"), name))

    def seed_runs(self, run: str) -> list[str]:
        """The parts of a run of several seeds, each a run of its own; none for a run of one seed."""
        parts = [name for name in self.files.names(f"runs/{run}") if name.startswith("seed-")]
        return [f"{run}/{name}" for name in parts]

    def plan(self, run: str) -> Plan:
        """A run's frozen plan."""
        data = self.files.read(f"runs/{run}/plan.json")
        if data is None:
            raise StoreError(f"{self.address}/runs/{run} is not a run: it has no plan.json")
        try:
            return _read_plan(data)
        except ValidationError as error:
            raise StoreError(
                f"{self.address}/runs/{run}/plan.json cannot be read: delete the folder and run again; "
                "what was learned is kept"
            ) from error

    def command(self, run: str) -> str:
        """The command that resumes or repeats a run."""
        return (self.files.read(f"runs/{run}/command") or b"").decode().strip()

    def refer(self, run: str, entry: str, key: str) -> None:
        """Note which key a run means by an entry, so that it is kept."""
        self.files.replace(f"runs/{run}/keys/{entry}.json", seal(key))

    def referred(self, run: str) -> dict[str, str]:
        """Which keys a run means, by entry."""
        names = [name for name in self.files.names(f"runs/{run}/keys") if name.endswith(".json")]
        found = {name.removesuffix(".json"): self._read(f"runs/{run}/keys/{name}") for name in names}
        return {entry: key for entry, key in found.items() if key is not None}

    # --- sealed JSON -----------------------------------------------------------------------------

    def _read(self, name: str) -> Any:
        data = self.files.read(name)
        if data is None:
            return None
        try:
            return unseal(data)
        except ValueError:
            self._set_aside(name)
            return None

    def _model(self, name: str, model: type[Value]) -> Value | None:
        value = self._read(name)
        if value is None:
            return None
        try:
            return model.model_validate(value)
        except ValidationError as error:
            raise StoreError(
                f"{self.address}/{name} is not a {model.__name__} of store format {FORMAT}: "
                "it was written by another rrm-tree; choose another folder with --store"
            ) from error

    def _create(self, name: str, value: object) -> None:
        data = seal(value)
        while not self.files.create(name, data):
            found = self._read(name)
            if found is None:
                continue  # it was corrupt, and is out of the way now
            if seal(found) == data:
                return
            text = f"{name} is already stored with other bytes; the first ones are kept"
            self.trouble("nondeterminism", text)
            raise TrainingError(
                f"{text}: the same inputs ended differently, so something in this tree is not "
                "deterministic (a plug-in that uses the clock, threads or its own randomness?)"
            )

    def _set_aside(self, name: str) -> None:
        self.files.set_aside(name)
        self.trouble("corrupt", f"{self.address}/{name} was corrupt and has been set aside")


def _open_files(address: str) -> Files:
    """The folder at an address: a path, or a URL that fsspec knows."""
    if "://" not in address.removeprefix("file://"):
        return LocalFiles(Path(address.removeprefix("file://")))
    # Importing fsspec takes longer than everything else that `rrm plan` does.
    from rrm_tree.files_elsewhere import FilesElsewhere  # noqa: PLC0415

    return FilesElsewhere(address)


@functools.lru_cache(maxsize=1)
def _read_plan(data: bytes) -> Plan:
    # A plan of 10,000 nodes takes seconds to read: a process, and those forked from it, do so once.
    return Plan.model_validate_json(data)


def _warn(kind: str, text: str) -> None:
    log.warning("%s: %s", kind, text)


def _measurement_name(key: str, what: str, settings: Mapping[str, Any]) -> str:
    return f"keys/{key}/measured-{what}-{digest_of(settings)[:16]}.json"


def _object_name(digest: str) -> str:
    return f"objects/{digest[:2]}/{digest}"
