"""A run in a notebook, as a tidy table, as figures, and in other people's loggers."""

import pytest

from rrm_tree.errors import UsageError
from rrm_tree.loggers import find_logger
from rrm_tree.opened import Run
from rrm_tree.report import build_report
from rrm_tree.report.figures import write_figures
from rrm_tree.report.plots import plot_report


def test_every_share_of_every_node_is_a_row_with_its_interval(chess_run):
    rows = Run(chess_run).rows()
    [row] = [
        row
        for row in rows
        if (row["node"], row["arm"], row["policy"], row["measure"]) == ("player", None, "off", "distilled")
    ]
    assert (row["value"], row["count"], row["round"], row["judgments"]) == (0.9625, 400, 1, 2000)
    assert row["low"] < row["value"] < row["high"]
    assert {row["arm"] for row in rows if row["node"] == "player"} > {None, "alone", "truth"}


def test_the_frame_holds_the_rows(chess_run):
    pytest.importorskip("pandas")
    run = Run(chess_run)
    frame = run.frame()
    assert list(frame.columns) == list(run.rows()[0])
    assert len(frame) == len(run.rows())


def test_a_notebook_shows_verdict_and_tables_and_no_script(chess_run):
    cell = Run(chess_run.model_copy(update={"name": "<script>"}))._repr_html_()
    assert cell.count("<table>") == 2 and "helpers raise" in cell.lower()
    assert "<script" not in cell


@pytest.mark.slow
def test_figures_are_written_for_what_was_measured_and_the_same_twice(chess_run, tmp_path):
    pytest.importorskip("matplotlib")
    plots = plot_report(build_report(chess_run))
    one, other = (write_figures(plots, tmp_path / name, "pdf") for name in "ab")
    assert [path.name for path in one] == ["accuracy-by-level.pdf", "where-the-error-comes-from.pdf"]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]
    assert one[0].read_bytes().startswith(b"%PDF-")


@pytest.mark.slow
def test_tensorboard_gets_every_number_by_round(chess_run, tmp_path):
    pytest.importorskip("tensorboardX")
    find_logger("tensorboard")(Run(chess_run), str(tmp_path))
    [events] = (tmp_path / "seed-0").iterdir()
    assert b"player/off/distilled" in events.read_bytes()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow's own, about SQLAlchemy
def test_mlflow_gets_a_run_a_seed_with_every_number(chess_run, tmp_path):
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    place = f"sqlite:///{tmp_path / 'mlflow.db'}"
    find_logger("mlflow")(Run(chess_run), place)
    client = MlflowClient(tracking_uri=place)
    [made] = client.search_runs([client.get_experiment_by_name("chess").experiment_id])
    assert made.data.metrics["player/off/distilled"] == 0.9625
    assert made.info.status == "FINISHED"


def test_a_logger_that_is_not_there_is_named():
    with pytest.raises(UsageError, match="no logger is named 'tensorbord'; did you mean 'tensorboard'"):
        find_logger("tensorbord")
