"""What each broken spec's author is told, word for word.

`RRM_UPDATE_GOLDEN=1 pytest tests/spec/test_golden.py` writes the messages anew; read them then.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rrm_tree.errors import SpecError
from rrm_tree.graph import load_graph

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.yaml")))
def test_a_broken_spec_gets_the_message_that_was_agreed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN)
    with pytest.raises(SpecError) as caught:
        load_graph(f"{name}.yaml")
    said = str(caught.value).replace(str(GOLDEN), "…") + "\n"
    wanted = GOLDEN / f"{name}.txt"
    if os.environ.get("RRM_UPDATE_GOLDEN"):
        wanted.write_text(said, encoding="utf-8")
    assert said == wanted.read_text(encoding="utf-8")
