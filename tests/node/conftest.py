"""Makes `small_nodes` importable."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
