"""Small plug-ins for the broken specs beside it."""

from rrm_tree.contracts import declare


@declare(version="1", subject=None, advice=None, accepts={"logic.claim": "logic.position"})
def root():
    """Starts by itself and hears claims."""


@declare(version="1", subject="logic.position", advice=None, accepts={})
def silent():
    """Gives no advice."""


@declare(version="1", subject="elsewhere", advice="chess.ray", accepts={})
def place():
    """Is asked about something else."""


@declare(version="1", kinds=("label",), direct=True, tasks=None)
def person(look_error: float = 0.1):
    """Knows all tasks."""


@declare(version="1", kinds=("label",), direct=False, tasks=None)
def reader():
    """Reads advice only."""


def undeclared():
    """Declares nothing."""
