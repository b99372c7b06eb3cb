from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

LOGIC = """\
version: 1
name: logic
defaults:
  judge: logic.person
nodes:
  top:
    doc: Do most of the places hold?
    task: logic.gate
    criteria:
      right: {question: Is the claim right?, helpers: [low]}
  low:
    doc: Does the rule hold here?
    task: logic.bit
    criteria:
      right: {question: Is the claim right?}
"""


@pytest.fixture
def logic(tmp_path: Path) -> Path:
    """A small valid spec in a folder of its own."""
    file = tmp_path / "logic.yaml"
    file.write_text(LOGIC)
    return file


@pytest.fixture
def write_spec(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        file = tmp_path / "spec.yaml"
        file.write_text(text)
        return file

    return write
