"""Seeds that derive from what they are for, and from nothing else: no order, no clock, no worker.

In: all that a seed shall depend on. Out: a whole number.
Touches nothing.
"""

from __future__ import annotations

import hashlib


def seed_from(*parts: object) -> int:
    """A seed that depends on these parts alone, the same on every machine; 63 bits."""
    digest = hashlib.sha256("\n".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
