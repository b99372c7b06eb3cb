from __future__ import annotations

import subprocess
import sys

import rrm_tree


def test_every_public_name_can_be_imported_and_they_are_sorted() -> None:
    assert rrm_tree.__all__ == sorted(rrm_tree.__all__)
    assert all(callable(getattr(rrm_tree, name)) for name in rrm_tree.__all__)
    assert not hasattr(rrm_tree, "no_such_name")


def test_importing_the_package_imports_nothing_else_of_it() -> None:
    code = "import sys, rrm_tree; print([name for name in sys.modules if name.startswith('rrm_tree.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
