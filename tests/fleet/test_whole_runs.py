"""Whole runs through real workers, a real RabbitMQ and a real PostgreSQL."""

import os
import signal

import fsspec
import psutil
import pytest
from fleets import family_of, kill_family
from servers import wait_for
from small_trees import learned, train

from rrm_tree.run import MOST_LOSSES

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("fleet")]

ARMS = {"root": {"arms": ["alone", "ideal"]}}
PAIR = {"root": ["leaf"], "leaf": []}


def fake(**options):
    return {"task": {"use": "fake", "with": options}}


def states_of(fates):
    return {name: fate.state for name, fate in fates.items()}


def test_inline_local_and_fleets_of_1_2_and_4_workers_end_with_the_same_bytes(make_fleet, database, tmp_path):
    seen = {}
    for workers in (1, 2, 4):
        fleet = make_fleet(f"{workers}", database.make(f"same{workers}"))
        plan = fleet.plan(edits=ARMS)
        # Attempts are forked with one worker, started afresh with several.
        for _ in range(workers):
            fleet.worker("--concurrency", "1", RRM_WARM=str(workers == 1))
        assert set(states_of(fleet.train(plan)).values()) == {"trained"}, fleet.logs()
        seen[workers] = learned(fleet.store.address)
        fleet.end()
    train(tmp_path / "inline", plan)
    train(tmp_path / "local", plan, 2)
    assert seen[1] == seen[2] == seen[4] == learned(tmp_path / "inline") == learned(tmp_path / "local")


def test_a_store_behind_a_url_ends_with_the_same_bytes_though_a_worker_is_killed(
    make_fleet, monkeypatch, tmp_path
):
    # As with a bucket: rrm-tree knows of no folder of the machine's. Buckets need none made beforehand.
    monkeypatch.setitem(fsspec.config.conf, "local", {"auto_mkdir": True})
    monkeypatch.setenv("FSSPEC_LOCAL_AUTO_MKDIR", "true")
    fleet = make_fleet(lease_seconds=4.0, store=f"local://{tmp_path}/bucket")
    plan = fleet.plan(edits={"left": fake(sleep=3)})
    hosts = ("host1", "host2")
    workers = {host: fleet.worker("--concurrency", "1", machine=host) for host in hosts}
    scheduler = fleet.schedule(plan)
    fleet.wait_for_event(plan, "phase", "left")
    started = [event for event in fleet.events(plan, "started") if event.entry == "left"]
    kill_family(workers[started[0].data["worker"].partition(":")[0]].pid)
    assert scheduler.wait(120) == 0, fleet.logs()
    assert [event.entry for event in fleet.events(plan, "lost")] == ["left"]
    train(tmp_path / "inline", plan)
    assert learned(tmp_path / "bucket") == learned(tmp_path / "inline")


def test_a_second_run_trains_nothing(calm_fleet):
    plan = calm_fleet.plan(PAIR, seed=1)
    assert set(states_of(calm_fleet.train(plan)).values()) == {"trained"}, calm_fleet.logs()
    assert set(states_of(calm_fleet.train(plan)).values()) == {"reused"}


def test_a_users_error_is_not_tried_again_and_stops_only_what_waits_for_it(calm_fleet):
    plan = calm_fleet.plan(edits={"left": fake(raise_at=1)}, seed=2)
    fates = calm_fleet.train(plan)
    assert states_of(fates) == {"leaf": "trained", "left": "failed", "right": "trained", "root": "waiting"}
    assert "ValueError: the fake was asked to fail" in fates["left"].reason
    assert len(starts(calm_fleet, plan, "left")) == 1


def test_a_node_that_kills_its_processes_is_given_up_with_the_signal_and_the_memory(calm_fleet, tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    plan = calm_fleet.plan(PAIR, {"leaf": fake(die_at=1, deaths=99, notes=str(notes))}, seed=3)
    leaf = calm_fleet.train(plan)["leaf"]
    assert leaf.state == "failed"
    assert f"given up after {MOST_LOSSES} attempts in a row" in leaf.reason
    assert "SIGKILL" in leaf.reason
    assert "its memory had reached" in leaf.reason
    # The first death loses no round that was not stored: the count begins after it.
    assert len(list(notes.iterdir())) in {MOST_LOSSES, MOST_LOSSES + 1}


def test_an_attempt_killed_after_its_last_commit_is_done_and_not_lost(calm_fleet):
    plan = calm_fleet.plan(PAIR, {"leaf": fake(die_done=True)}, seed=30)
    assert set(states_of(calm_fleet.train(plan)).values()) == {"trained"}, calm_fleet.logs()
    kinds = [event.kind for event in calm_fleet.events(plan) if event.entry == "leaf"]
    assert (kinds.count("started"), kinds.count("done"), kinds.count("lost")) == (1, 1, 0)


def test_an_attempt_that_takes_too_much_memory_is_ended_and_says_so(calm_fleet):
    plan = calm_fleet.plan(PAIR, {"leaf": {**fake(sleep=30), "resources": {"memory": 1_000_000}}}, seed=4)
    leaf = calm_fleet.train(plan)["leaf"]
    assert (leaf.state, leaf.reason.split(":")[0]) == ("failed", "out of memory")
    assert "resources.memory allows 1,000,000" in leaf.reason


def test_a_corrupt_artifact_is_set_aside_and_trained_again(calm_fleet):
    plan = calm_fleet.plan(PAIR, seed=5)
    calm_fleet.train(plan)
    before = learned(calm_fleet.store.address)
    key = calm_fleet.store.referred(plan.run)["leaf"]
    digest = calm_fleet.store.manifests(key)[1].objects["record"]
    (calm_fleet.store.files.folder / "objects" / digest[:2] / digest).write_bytes(b"{")
    assert states_of(calm_fleet.train(plan)) == {"leaf": "trained", "root": "reused"}
    assert learned(calm_fleet.store.address) == before


def test_two_schedulers_at_once_train_each_node_once(calm_fleet):
    plan = calm_fleet.plan(edits={"leaf": fake(sleep=1.0)}, seed=6)
    other = calm_fleet.schedule(plan)
    fates = calm_fleet.train(plan)
    assert other.wait(120) == 0, calm_fleet.logs()
    for found in (fates, calm_fleet.fates(plan)):
        assert set(states_of(found).values()) <= {"trained", "reused"}
    entries = [event.entry for event in calm_fleet.events(plan, "started")]
    assert sorted(entries) == ["leaf", "left", "right", "root"]


def test_a_node_that_fits_no_worker_goes_back_and_says_so(calm_fleet):
    plan = calm_fleet.plan({"leaf": []}, {"leaf": {"resources": {"cpu": 10_000}}}, seed=7)
    scheduler = calm_fleet.schedule(plan)
    calm_fleet.wait_for_event(plan, "warning", "leaf")
    kill_family(scheduler.pid)
    assert "needs 10000 cores, and this worker has" in calm_fleet.events(plan, "warning")[0].data["text"]
    assert not calm_fleet.events(plan, "started")


def test_a_queue_that_nobody_serves_is_said(calm_fleet):
    plan = calm_fleet.plan({"leaf": []}, {"leaf": {"resources": {"queue": "train.nobody"}}}, seed=8)
    scheduler = calm_fleet.schedule(plan)
    calm_fleet.wait_for_event(plan, "warning")
    kill_family(scheduler.pid)
    assert "rrm worker --queues train.nobody" in calm_fleet.events(plan, "warning")[0].data["text"]


def test_a_run_and_a_node_that_are_cancelled_end_within_a_heartbeat_and_can_be_retried(calm_fleet):
    plan = calm_fleet.plan(edits={"left": fake(sleep=60), "right": fake(sleep=0.1)}, seed=9)
    scheduler = calm_fleet.schedule(plan)
    calm_fleet.wait_for_event(plan, "phase", "left")
    assert calm_fleet.rrm("cancel", plan.run, "left").wait(60) == 0
    assert scheduler.wait(60) == 1
    fates = calm_fleet.fates(plan)
    assert fates["left"].reason.startswith("cancelled")
    assert fates["root"].reason == "waits for left"
    again = calm_fleet.rrm("retry", plan.run)
    wait_for("a second start", 60, lambda: len(starts(calm_fleet, plan, "left")) == 2)
    assert calm_fleet.rrm("cancel", plan.run).wait(60) == 0
    assert again.wait(60) == 130, calm_fleet.logs()
    assert calm_fleet.fates(plan)["left"].state == "stopped"


def starts(fleet, plan, entry):
    return [event for event in fleet.events(plan, "started") if event.entry == entry]


def test_the_parent_of_a_worker_and_its_supervisors_load_no_torch(calm_fleet):
    calm_fleet.train(calm_fleet.plan({"leaf": []}, seed=10))
    worker = calm_fleet.processes[0]
    for process in (psutil.Process(worker.pid), *family_of(worker)[0]):
        assert not [one.path for one in process.memory_maps() if "libtorch" in one.path]


def test_a_node_that_takes_whole_workers_with_it_is_given_up(fleet):
    plan = fleet.plan(PAIR, {"leaf": fake(sleep=60)})
    scheduler = fleet.schedule(plan)
    for number in range(MOST_LOSSES):
        worker = fleet.worker("--concurrency", "1", machine=f"host{number}", RRM_WARM="false")
        wait_for("a start", 60, lambda count=number: len(fleet.events(plan, "started")) > count)
        kill_family(worker.pid)
    assert scheduler.wait(60) == 1
    leaf = fleet.fates(plan)["leaf"]
    assert leaf.state == "failed"
    assert "given up after 3 attempts" in leaf.reason
    assert "host2" in leaf.reason


def test_a_worker_that_is_told_to_stop_gives_its_node_to_another_after_the_round(fleet):
    plan = fleet.plan({"leaf": []}, {"leaf": {**fake(sleep=1.0), "budget": {"rounds": 6}}})
    first = fleet.worker("--concurrency", "1", RRM_WARM="false")
    scheduler = fleet.schedule(plan)
    fleet.wait_for_event(plan, "round", "leaf")
    os.kill(first.pid, signal.SIGTERM)
    assert first.wait(30) == 0
    fleet.worker("--concurrency", "1", RRM_WARM="false")
    assert scheduler.wait(90) == 0, fleet.logs()
    assert [event.data["index"] for event in fleet.events(plan, "round")] == list(range(6))
    assert not fleet.events(plan, "lost")


def test_a_node_that_asks_for_a_gpu_goes_to_a_worker_that_has_one(make_fleet):
    fleet = make_fleet()
    on_gpu = {**fake(prints="CUDA_VISIBLE_DEVICES"), "resources": {"gpu": 1, "queue": None}}
    plan = fleet.plan(PAIR, {"leaf": on_gpu})
    fleet.worker("--concurrency", "1", machine="plain", RRM_WARM="false")
    gpu = ("--queues", "train.gpu", "--gpus", "6,7", "--concurrency", "1")
    fleet.worker(*gpu, machine="strong", RRM_WARM="false")
    assert set(states_of(fleet.train(plan)).values()) == {"trained"}, fleet.logs()
    assert [(event.entry, event.data["worker"].split(":")[0]) for event in fleet.events(plan, "started")] == [
        ("leaf", "strong"),
        ("root", "plain"),
    ]
    log = fleet.store.workplace / "runs" / plan.run / "logs" / "leaf.log"
    assert "CUDA_VISIBLE_DEVICES=6" in log.read_text()


def test_tickets_travel_encrypted_between_those_who_show_certificates(make_fleet, broker):
    fleet = make_fleet()
    fleet.environment["RRM_BROKER"] = broker.tls_url
    # The broker's authority is not one that this machine knows.
    assert fleet.rrm("doctor").wait(120) == 5
    files = {"CA": "ca.pem", "CERT": "worker.pem", "KEY": "worker.key"}
    fleet.environment |= {f"RRM_BROKER_{name}": str(broker.folder / file) for name, file in files.items()}
    fleet.worker("--concurrency", "1", RRM_WARM="false")
    plan = fleet.plan({"leaf": []})
    assert fleet.schedule(plan).wait(120) == 0, fleet.logs()
    # Whom the broker's authority did not sign is not let in.
    stranger = {"RRM_BROKER_CERT": "stranger.pem", "RRM_BROKER_KEY": "stranger.key"}
    fleet.environment |= {name: str(broker.folder / file) for name, file in stranger.items()}
    assert fleet.rrm("doctor").wait(120) == 5
    assert fleet.logs().count("cannot be reached") == 2, fleet.logs()


def test_code_of_packages_that_are_not_allowed_is_not_loaded(fleet):
    plan = fleet.plan({"leaf": []})
    fleet.worker("--concurrency", "1", "--allow", "some_package", RRM_WARM="false")
    assert "start workers with --allow fake_trainer" in fleet.train(plan)["leaf"].reason


def test_a_wrong_setting_and_a_ledger_of_one_machine_are_refused(fleet):
    assert fleet.rrm("worker", RRM_CONCURRENCY="none").wait(60) == 2
    assert fleet.rrm("worker", RRM_LEDGER="sqlite:///ledger.sqlite").wait(60) == 2
    assert "which the workers of a fleet cannot share" in fleet.logs()
