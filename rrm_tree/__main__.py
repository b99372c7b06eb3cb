"""`python -m rrm_tree` is `rrm`."""

from __future__ import annotations

from rrm_tree.cli import main

main()
