"""Makes `small_trees` and `fake_trainer` importable, here and in the attempts that tests start."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from small_trees import open_store


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store")
