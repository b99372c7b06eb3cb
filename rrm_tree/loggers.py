"""Where else a run's numbers may go: TensorBoard, MLflow, or any logger that a distribution announces.

In: a Run and a place. Out: what that place holds afterwards.
Touches what the logger touches. Built-in ones need their extras.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from rrm_tree.errors import UsageError
from rrm_tree.mistakes import suggest
from rrm_tree.registry import load_attribute

if TYPE_CHECKING:
    from rrm_tree.opened import Row, Run

Logger: TypeAlias = "Callable[[Run, str], None]"
"""Takes a run and where to: a folder, or an address."""

GROUP: Final = "rrm_tree.loggers"
"""Entry points under which distributions announce loggers."""
BUILT_IN: Final = {"tensorboard": "rrm_tree.loggers:log_tensorboard", "mlflow": "rrm_tree.loggers:log_mlflow"}
MLFLOW_BATCH: Final = 1000


def find_logger(name: str) -> Logger:
    """The logger of that name.

    Raises:
        UsageError: there is none.
    """
    known = BUILT_IN | {point.name: point.value for point in entry_points(group=GROUP)}
    if name not in known:
        raise UsageError(f"no logger is named '{name}'{suggest(name, known)}")
    return cast(Logger, load_attribute("logger", known[name]))


def log_tensorboard(run: Run, place: str) -> None:
    """Scalars by round, a folder for each seed; the same run again makes another event file.

    Raises:
        UsageError: tensorboardX is not installed.
    """
    try:
        from tensorboardX import SummaryWriter  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError("TensorBoard needs tensorboardX: `pip install 'rrm-tree[tensorboard]'`") from error
    for one in run.by_seed:
        writer = SummaryWriter(f"{place}/seed-{one.seed}", write_to_disk=True)
        for row in (row for row in run.rows() if row["seed"] == one.seed):
            for part, value in _parts(row):
                writer.add_scalar(f"{_tag(row)}{part}", value, row["round"])
        writer.close()


def log_mlflow(run: Run, place: str) -> None:
    """A run for each seed, in the experiment of the tree's name.

    Args:
        run: what to log.
        place: MLflow's tracking URI, such as sqlite:///mlflow.db.

    Raises:
        UsageError: mlflow is not installed.
    """
    try:
        from mlflow.entities import Metric, Param  # noqa: PLC0415 - an extra
        from mlflow.tracking import MlflowClient  # noqa: PLC0415
    except ImportError as error:
        raise UsageError("MLflow needs mlflow-skinny: `pip install 'rrm-tree[mlflow]'`") from error
    client, name = MlflowClient(tracking_uri=place), run.result.name
    known = client.get_experiment_by_name(name)
    experiment = known.experiment_id if known else client.create_experiment(name)
    for one in run.by_seed:
        tags = {"mlflow.runName": f"{one.run.rpartition('/')[2]}-seed-{one.seed}", "rrm.command": one.command}
        made = client.create_run(experiment, tags=tags)
        now = int(time.time() * 1000)
        metrics = [
            Metric(f"{_tag(row)}{part}", value, now, row["round"])
            for row in run.rows()
            if row["seed"] == one.seed
            for part, value in _parts(row)
        ]
        client.log_batch(made.info.run_id, params=[Param("seed", str(one.seed))])
        # One by one each would be a transaction of its own; more than these MLflow refuses at once.
        for start in range(0, len(metrics), MLFLOW_BATCH):
            client.log_batch(made.info.run_id, metrics=metrics[start : start + MLFLOW_BATCH])
        client.set_terminated(made.info.run_id)


def _tag(row: Row) -> str:
    entry = row["node"] if row["arm"] is None else f"{row['node']}/arm-{row['arm']}"
    return "/".join(filter(None, (entry, row["policy"], row["measure"])))


def _parts(row: Row) -> Iterator[tuple[str, float]]:
    yield "", row["value"]
    yield "/low", row["low"]
    yield "/high", row["high"]
