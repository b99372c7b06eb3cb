"""Runs that go on until all that is left waits for people."""

from pathlib import Path

from click.testing import CliRunner

from rrm_tree.cli import rrm

SPEC = Path(__file__).parent / "people.yaml"


def run_tree(folder, *more, spec=SPEC):
    """Train what can be trained without people; the exit code and what was said."""
    arguments = ["run", str(spec), "--store", str(folder), "--executor", "inline", "--no-wait", *more]
    done = CliRunner().invoke(rrm, arguments, standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value, done.output
