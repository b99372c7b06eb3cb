"""The files in `workers/deploy` name what exists. Docker and systemd themselves are not at hand."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from servers import GET_RABBITMQ, missing

from rrm_tree.cli import COMMANDS
from workers.app import DEAD, EXCHANGE
from workers.settings import FleetSettings

DEPLOY = Path(__file__).parents[2] / "workers" / "deploy"
VARIABLE = re.compile(r"\bRRM_[A-Z_]+\b")
OURS = {"RRM_LEDGER_PASSWORD", "RRM_SCHEDULER_PASSWORD", "RRM_WORKER_PASSWORD", "RRM_VHOST"}


@pytest.fixture
def compose():
    return YAML(typ="safe").load(DEPLOY / "compose.yaml")


def test_every_variable_is_a_setting_or_a_password_of_the_compose_file():
    known = {f"RRM_{name.upper()}" for name in FleetSettings.model_fields} | OURS
    for file in DEPLOY.iterdir():
        assert set(VARIABLE.findall(file.read_text())) <= known, file


def test_every_command_of_a_container_or_a_service_is_a_command(compose):
    commands = [one["command"][0] for name, one in compose["services"].items() if name in {"worker", "ui"}]
    for unit in DEPLOY.glob("*.service"):
        commands += re.findall(r"^ExecStart=\S*/rrm (\S+)", unit.read_text(), flags=re.M)
    assert len(commands) == 4
    assert set(commands) <= set(COMMANDS)


def test_every_service_volume_and_file_that_compose_names_is_there(compose):
    services = compose["services"]
    for one in services.values():
        assert set(one.get("depends_on", {})) <= set(services)
        for mount in one.get("volumes", []):
            source = mount.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in compose["volumes"]
    build = services["worker"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def test_the_image_copies_what_is_there():
    root = DEPLOY.parents[1]
    for line in re.findall(r"^COPY (.*) \S+$", (DEPLOY / "Dockerfile").read_text(), flags=re.M):
        assert all((root / name).exists() for name in line.split())


def test_the_brokers_users_may_do_what_their_processes_do_and_no_more():
    users = re.findall(
        r"^user (\w+) \S+ '(.*)' '(.*)' '(.*)'$", (DEPLOY / "broker-users.sh").read_text(), re.M
    )
    allowed = {name: dict(zip(("configure", "write", "read"), rest, strict=True)) for name, *rest in users}
    needs = {
        "scheduler": {"configure": [EXCHANGE.name], "write": [EXCHANGE.name], "read": []},
        "worker": {
            "configure": [EXCHANGE.name, DEAD, "train.cpu"],
            "write": [DEAD, "train.cpu"],
            "read": [EXCHANGE.name, DEAD, "train.cpu"],
        },
    }
    everything = [EXCHANGE.name, DEAD, "train.cpu", "amq.default", "somebody.elses"]
    for user, rights in needs.items():
        for right, names in rights.items():
            may = [name for name in everything if re.search(allowed[user][right], name)]
            assert may == names, (user, right)


def test_without_a_server_tests_say_how_to_get_it_and_fail_where_it_counts(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install rabbitmq-server"):
        missing("RabbitMQ", GET_RABBITMQ)
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="fleets were not tested"):
        missing("RabbitMQ", GET_RABBITMQ)


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
def test_the_scripts_can_be_read_by_a_shell():
    subprocess.run(["sh", "-n", str(DEPLOY / "broker-users.sh")], check=True)
