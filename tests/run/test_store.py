"""What the store promises: whole or not at all, verified, never overwritten."""

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import numpy as np
import pytest
from bucket_double import Bucket
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from small_trees import make_plan, make_tree, open_store

from rrm_tree.errors import PluginError, StoreError, TrainingError
from rrm_tree.files import LocalFiles
from rrm_tree.files_elsewhere import FilesElsewhere
from rrm_tree.packing import pack, unpack
from rrm_tree.plan import canonical_json, key_of
from rrm_tree.records import Cost, Done
from rrm_tree.states import load_rounds, pack_round
from rrm_tree.store import Store, seal, unseal
from rrm_tree.tidy import find_garbage

KEY = "leaf@0123456789abcdef"
COST = Cost(cpu_seconds=1.0, wall_seconds=2.0, peak_bytes=3)

arrays = hnp.arrays(
    st.sampled_from([np.bool_, np.uint8, np.int64, np.float32, np.float64]),
    hnp.array_shapes(min_dims=0, min_side=0),
)
texts = st.text(max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
)


@settings(deadline=None)
@given(st.dictionaries(st.text("abcz.", min_size=1, max_size=4), arrays, max_size=4), values)
def test_arrays_come_back_as_they_were_in_their_order(batch, about):
    found, note = unpack(pack({name: array.T for name, array in batch.items()}, about))
    assert list(found) == list(batch)
    assert canonical_json(note) == canonical_json(about)
    assert all(found[name].dtype == batch[name].dtype for name in batch)
    assert all(
        np.array_equal(found[name], batch[name].T, equal_nan=batch[name].dtype.kind == "f") for name in batch
    )


@given(values, st.data())
def test_sealed_json_torn_at_any_byte_does_not_open(value, data):
    sealed = seal(value)
    assert unseal(sealed) == value
    with pytest.raises(ValueError):
        unseal(sealed[: data.draw(st.integers(0, len(sealed) - 1))])


@given(values, st.data())
def test_sealed_json_with_any_bit_flipped_does_not_open(value, data):
    sealed = bytearray(seal(value))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ValueError):
        unseal(bytes(sealed))


def a_round(index=0):
    from fake_trainer import one_round

    from rrm_tree.rounds import Setup

    tree = make_tree({"leaf": []})
    setup = Setup(tree, "leaf", tree.nodes["leaf"], KEY, "ab" * 32, {})
    return one_round(setup, index, [])


def test_a_round_comes_back_with_every_byte(store):
    state = a_round()
    store.commit_round(KEY, 0, pack_round(state), COST)
    (found,) = load_rounds(store, KEY)
    assert (found.index, found.record, found.pictures) == (0, state.record, state.pictures)
    assert pack_round(found) == pack_round(state)
    assert list(found.judged.advice.kinds) == ["z", "y"]
    assert store.costs(KEY, 1) == (COST,)


def test_equal_rounds_are_one_and_a_cost_is_not_part_of_them(store):
    store.commit_round(KEY, 0, pack_round(a_round()), COST)
    store.commit_round(KEY, 0, pack_round(a_round()), COST.model_copy(update={"cpu_seconds": 9.0}))
    assert len(store.manifests(KEY)) == 1


def test_a_second_commit_with_other_bytes_is_loud_and_changes_nothing(tmp_path):
    heard = []
    store = Store(str(tmp_path / "store"), lambda kind, text: heard.append(kind))
    first = store.commit_round(KEY, 0, pack_round(a_round()), COST)
    with pytest.raises(TrainingError, match="already stored with other bytes"):
        store.commit_round(KEY, 0, pack_round(a_round(1)), COST)
    assert heard == ["nondeterminism"]
    assert store.manifests(KEY) == (first,)


@pytest.mark.parametrize("name", ["agent", "judgments", "record", "pictures"])
def test_a_corrupt_object_is_set_aside_and_its_round_counts_as_missing(store, name):
    stored = [store.commit_round(KEY, index, pack_round(a_round(index)), COST) for index in range(3)]
    digest = stored[1].objects[name]
    damage(Path(store.address, "objects", digest[:2], digest))
    assert [state.index for state in load_rounds(store, KEY)] == [0]
    assert list(Path(store.address).rglob("*.corrupt"))
    store.commit_round(KEY, 1, pack_round(a_round(1)), COST)
    assert len(load_rounds(store, KEY)) == 3


def test_a_measurement_is_kept_beside_a_key_and_counts_as_missing_when_damaged(store):
    asked, data = {"pairs": 10}, {"pairs": b"numbers"}
    found = store.commit_measurement(KEY, "pairs", asked, data)
    store.commit_measurement(KEY, "pairs", {"pairs": 20}, data)
    assert store.measurement(KEY, "pairs", asked) == found
    assert len(store.measurements(KEY, "pairs")) == len(store.measurements(KEY)) == 2
    assert store.manifests(KEY) == ()
    with pytest.raises(TrainingError, match="already stored with other bytes"):
        store.commit_measurement(KEY, "pairs", asked, {"pairs": b"others"})
    digest = found.objects["pairs"]
    damage(Path(store.address, "objects", digest[:2], digest))
    assert store.measurement(KEY, "pairs", asked) is None
    assert store.commit_measurement(KEY, "pairs", asked, data) == found
    assert store.measurement(KEY, "pairs", asked) == found


def damage(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_a_manifest_torn_at_any_byte_counts_as_missing(tmp_path_factory, data):
    store = open_store(tmp_path_factory.mktemp("torn"))
    store.commit_round(KEY, 0, pack_round(a_round()), COST)
    file = Path(store.address, "keys", KEY, "round-000.json")
    whole = file.read_bytes()
    file.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    assert store.manifests(KEY) == ()
    store.commit_round(KEY, 0, pack_round(a_round()), COST)
    assert file.read_bytes() == whole


def finish(store):
    manifest = store.commit_round(KEY, 0, pack_round(a_round()), COST)
    objects = {name: manifest.objects[name] for name in ("agent", "reward")}
    done = Done(
        key=KEY,
        node="leaf",
        fingerprint="ab" * 32,
        rounds=1,
        judgments=1,
        looks=2,
        gate_passed=None,
        objects=objects,
        content="c",
    )
    store.commit_done(done)
    return done, {**objects, "record": manifest.objects["record"]}


def test_done_is_read_back(store):
    done, _ = finish(store)
    assert store.done(KEY) == done
    assert store.done("leaf@none") is None


@pytest.mark.parametrize("name", ["agent", "reward", "record"])
def test_nothing_is_done_while_anything_that_is_read_of_it_is_corrupt(store, name):
    _, objects = finish(store)
    damage(Path(store.address, "objects", objects[name][:2], objects[name]))
    assert store.done(KEY) is None
    finish(store)
    assert store.done(KEY) is not None


def test_a_killed_writer_leaves_nothing_that_counts(store):
    done, _ = finish(store)
    Path(store.address, "keys", KEY, "done.json.0f.tmp").write_bytes(b"half")
    assert store.done(KEY) == done


def test_a_store_of_a_newer_format_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "format.json").write_text('{"format": 99}')
    with pytest.raises(StoreError, match=r"newer rrm-tree.*upgrade"):
        Store(str(tmp_path))


def test_a_folder_with_other_files_is_no_store(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StoreError, match=r"not a store.*--store"):
        Store(str(tmp_path))


def test_a_store_in_the_way_of_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot read: Not a directory"):
        Store(str(tmp_path / "file" / "store"))


def test_an_address_that_nothing_can_open_is_refused():
    with pytest.raises(StoreError, match="cannot open"):
        Store("nowhere://bucket/store")


def test_what_cannot_be_stored_is_named():
    with pytest.raises(PluginError, match="names"):
        pack({"names": np.array(["a"])})


def test_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path):
    # A limit on file size fails a write in the middle, as a full disk does.
    program = f"""
import resource
from rrm_tree.store import Store
store = Store({str(tmp_path / "store")!r})
store.prepare()
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
store.put(b"x" * 5000)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "StoreError" in ended.stderr
    assert "no room left" in ended.stderr
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["format.json"]


def test_a_store_elsewhere_holds_the_same(tmp_path):
    there, here = Store("memory://elsewhere"), open_store(tmp_path / "store")
    assert finish(there)[0] == finish(here)[0]
    assert there.done(KEY) == here.done(KEY)
    assert "memory" in fsspec.available_protocols()


@pytest.fixture
def bucket():
    """A folder in a bucket, and the bucket behind it."""
    fsspec.register_implementation("bucket", Bucket, clobber=True)
    files, behind = FilesElsewhere("bucket://shared"), fsspec.filesystem("bucket")
    yield files, behind
    behind.forget()


def test_what_another_machine_has_written_is_seen_after_its_folder_was_listed(bucket):
    files, elsewhere = bucket
    files.create("keys/one", b"1")
    assert files.names("keys") == ["one"]
    elsewhere.pipe_file("/shared/keys/two", b"2")
    assert files.exists("keys/two")
    assert not files.create("keys/two", b"other")
    assert files.names("keys") == ["one", "two"]


def test_of_writers_in_a_bucket_who_all_see_nothing_there_one_wins(bucket):
    files, elsewhere = bucket
    elsewhere.hidden.add("/shared/keys/one")
    assert files.create("keys/one", b"1")
    assert not files.create("keys/one", b"other")
    assert files.read("keys/one") == b"1"


def test_two_trainings_in_a_bucket_that_end_differently_are_noticed_though_neither_saw_the_other(bucket):
    store, elsewhere = Store("bucket://shared"), bucket[1]
    store.commit_round(KEY, 0, {"agent": b"1"}, COST)
    elsewhere.hidden.add(f"/shared/keys/{KEY}/round-000.json")
    with pytest.raises(TrainingError, match="other bytes"):
        store.commit_round(KEY, 0, {"agent": b"2"}, COST)
    assert store.get(store.manifests(KEY)[0].objects["agent"]) == b"1"


def test_a_bucket_that_takes_no_conditions_keeps_what_it_shows(bucket):
    files, elsewhere = bucket
    elsewhere.refuses = errno.ENOSYS
    assert files.create("keys/one", b"1")
    assert not files.create("keys/one", b"other")
    assert files.read("keys/one") == b"1"


@pytest.mark.parametrize("error", [OSError("no route"), RuntimeError("could not connect")])
def test_what_a_client_raises_of_its_own_says_where_and_what_to_do(bucket, error):
    files, elsewhere = bucket
    elsewhere.away = error
    for use in (files.read, files.exists, files.names, files.remove, files.set_aside):
        with pytest.raises(StoreError, match=r"shared/keys.*cannot .*; check "):
            use("keys")
    with pytest.raises(StoreError, match="shared/keys/one: cannot"):
        files.create("keys/one", b"1")


def test_an_empty_object_that_stands_for_a_folder_is_not_in_it(bucket):
    files, elsewhere = bucket
    files.create("keys/one", b"1")
    elsewhere.marked = True
    assert files.names("keys") == ["one"]


@pytest.mark.parametrize("make", [LocalFiles, lambda _: FilesElsewhere("memory://gone")])
def test_what_another_process_has_set_aside_or_removed_is_no_error(make, tmp_path):
    files = make(tmp_path / "store")
    files.create("keys/one", b"torn")
    for _ in range(2):
        files.set_aside("keys/one")
    assert files.read("keys/one.corrupt") == b"torn"
    for _ in range(2):
        files.remove("keys/one.corrupt")
    assert not files.exists("keys/one.corrupt")


def test_inputs_are_kept_under_their_key_and_the_latest_is_found(store):
    old, new = (key_of(make_plan(make_tree({"leaf": []}, seed=seed)).by_name["leaf"], {}) for seed in (1, 2))
    for ticket, stamp in ((old, 100), (new, 200)):
        store.put_inputs(ticket)
        os.utime(Path(store.address, "keys", ticket.key, "inputs.json"), (stamp, stamp))
    assert store.inputs(old.key) == old.inputs
    assert store.latest_inputs() == {"leaf": new.inputs}


def test_processes_that_start_one_store_at_once_all_get_it(tmp_path):
    def start(folder):
        store = Store(str(folder))
        store.prepare()
        store.put(b"something")

    # Before, one in a few of these came between another's first look and its second.
    with ThreadPoolExecutor(4) as starters:
        for turn in range(25):
            list(starters.map(start, [tmp_path / str(turn)] * 4))


def test_what_a_killed_first_writer_left_does_not_make_a_folder_somebody_elses(tmp_path):
    (tmp_path / "format.json.0123.tmp").write_bytes(b"{")
    Store(str(tmp_path)).prepare()
    assert Store(str(tmp_path)).runs() == []


def test_what_file_managers_leave_in_a_store_is_not_looked_at(store):
    plan = make_plan(make_tree({"leaf": []}))
    store.write_run(plan.run, plan, "", "rrm run small.yaml")
    store.put_inputs(key_of(plan.entries[0], {}))
    store.put(b"something")
    for folder in ("", "keys", "objects", "runs", f"runs/{plan.run}"):
        Path(store.address, folder, ".DS_Store").write_bytes(b"\0")
    assert store.runs() == [plan.run]
    assert list(store.latest_inputs()) == ["leaf"]
    assert len(find_garbage(store).objects) == 1


def test_a_folder_that_only_a_file_manager_has_been_in_can_become_a_store(tmp_path):
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    assert Store(str(tmp_path)).runs() == []
