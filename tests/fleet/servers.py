"""A RabbitMQ node and a PostgreSQL cluster that a test may kill: own names, ports and folders."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import psycopg
import pytest
from kombu import Connection

GET_RABBITMQ = "install it: `apt-get install rabbitmq-server`, or `brew install rabbitmq`"
GET_POSTGRESQL = "install it: `apt-get install postgresql`, or `brew install postgresql`"


def missing(what, cure):
    """Without a server the tests prove nothing: an error where it counts, else said in the summary."""
    text = f"{what} is not installed, so fleets were not tested; {cure}"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def unprivileged(user):
    """Who runs a server that refuses to run as root; nobody in particular where we are not root."""
    return {"user": user, "group": user} if os.getuid() == 0 else {}


def wait_for(what, seconds, ready):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.05)


def make_certificates(folder):
    """An authority of its own, and what it signed: `broker`, `worker`; `stranger` signed itself."""

    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], cwd=folder, check=True, capture_output=True)

    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    for name in ("ca", "stranger"):
        openssl(*new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    for name in ("broker", "worker"):
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:localhost")
        files = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
        openssl(
            *new, *signed, "-addext", "basicConstraints=critical,CA:FALSE", "-subj", f"/CN={name}", *files
        )


class Broker:
    """A RabbitMQ node."""

    program = shutil.which("rabbitmq-server", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")

    def __init__(self, folder, consumer_timeout_seconds=1800):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self.port, self.tls_port, distribution = free_port(), free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self.tls_url = f"amqps://guest:guest@localhost:{self.tls_port}//"
        make_certificates(self.folder)
        settings = [
            f"consumer_timeout = {1000 * consumer_timeout_seconds}",
            f"listeners.ssl.default = 127.0.0.1:{self.tls_port}",
            f"ssl_options.cacertfile = {self.folder / 'ca.pem'}",
            f"ssl_options.certfile = {self.folder / 'broker.pem'}",
            f"ssl_options.keyfile = {self.folder / 'broker.key'}",
            "ssl_options.verify = verify_peer",
            "ssl_options.fail_if_no_peer_cert = true",
        ]
        (self.folder / "rabbitmq.conf").write_text("\n".join(settings) + "\n")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"rrm-test-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none"
            # How often it looks for messages that were not acknowledged in time: by default once a minute.
            " -rabbit channel_tick_interval 1000",
        }
        self.process = None

    def start(self):
        assert self.process is None
        log = (self.folder / "out").open("ab")
        # Not the script of Debian that insists on its own user: the program itself.
        program = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
        command = [str(program if program.exists() else self.program)]
        self.process = subprocess.Popen(
            command, env=self.environment, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        wait_for("RabbitMQ's start", 300, self.answers)

    def answers(self):
        assert self.process.poll() is None, (self.folder / "out").read_text()[-2000:]
        try:
            with Connection(self.url, connect_timeout=2) as connection:
                connection.connect()
                return True
        except Exception:
            return False

    def stop(self):
        """As an administrator would."""
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def _end(self, number):
        if self.process is None:
            return
        family = [psutil.Process(self.process.pid)]
        family += family[0].children(recursive=True)
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                if number == signal.SIGKILL or "beam" in one.name():
                    one.send_signal(number)
        self.process.wait(60)
        psutil.wait_procs(family[1:], timeout=30)
        self.process = None

    def delete_queue(self, name):
        with Connection(self.url) as connection, connection.channel() as channel:
            channel.queue_delete(name)

    def depth(self, name):
        with Connection(self.url) as connection, connection.channel() as channel:
            return channel.queue_declare(name, passive=True).message_count


class Database:
    """A PostgreSQL cluster."""

    programs = next(
        (
            path
            for path in [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
            if (path / "initdb").exists()
        ),
        Path(shutil.which("initdb") or "/nowhere/initdb").parent,
    )

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self.who = unprivileged("postgres")
        if self.who:
            shutil.chown(self.folder, **self.who)
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        who = ("-U", "postgres", "-A", "trust")
        self._run("initdb", "-D", "data", *who, "--no-sync", "--locale=C", "-E", "UTF8")

    def _run(self, program, *arguments):
        subprocess.run(
            [str(self.programs / program), *arguments],
            cwd=self.folder,
            check=True,
            capture_output=True,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            **self.who,
        )

    def start(self):
        settings = f"-p {self.port} -k '' -c listen_addresses=127.0.0.1 -c shared_buffers=16MB"
        self._run("pg_ctl", "-D", "data", "-w", "-o", settings, "-l", "log", "start")

    def stop(self, mode="fast"):
        self._run("pg_ctl", "-D", "data", "-w", "-m", mode, "stop")

    @property
    def pid(self):
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def make(self, name):
        """The address of a new, empty database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url.removesuffix("postgres") + name


@contextlib.contextmanager
def a_database():
    """A PostgreSQL cluster that runs for as long as this."""
    if not (Database.programs / "initdb").exists():
        missing("PostgreSQL", GET_POSTGRESQL)
    # Not pytest's folder: where tests run as root the server runs as its own user, who may not enter.
    with tempfile.TemporaryDirectory(prefix="rrm-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        one = Database(Path(folder) / "cluster")
        one.start()
        yield one
        one.stop("immediate")
