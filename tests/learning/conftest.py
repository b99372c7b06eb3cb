"""One torch thread, as in an attempt; the small problems by name."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

_spec = importlib.util.spec_from_file_location("learning_helpers", Path(__file__).with_name("helpers.py"))
_helpers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_helpers)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def small():
    """The module `helpers`: `judged`, `preferences`, `VECTOR`, `WEIGHTS`."""
    return _helpers
