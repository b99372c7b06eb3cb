"""Whether gymnasium knows an id, found out without importing gymnasium.

In: options of the task `gym`. Out: a complaint, or none.
Touches the text of gymnasium's own registrations, as long as nobody has imported it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from rrm_tree.mistakes import suggest

_REGISTERED = re.compile(r'\bid="([^"]+)"')
_VERSION = re.compile(r"-v\d+$")


def refuse_unknown(options: Mapping[str, object]) -> str | None:
    """Why there is no environment of this id; None if there is one, or only its module can tell."""
    id = options.get("id")
    if not isinstance(id, str) or ":" in id:
        return None
    known = known_ids()
    if not known or id in known or id in {_VERSION.sub("", one) for one in known}:
        return None
    return (
        f"gymnasium knows no environment '{id}'{suggest(id, known)}; if a package brings it, name the module"
        " that registers it under `imports:`"
    )


def known_ids() -> frozenset[str]:
    """Every registered id. Only who has imported gymnasium can have registered more than its own."""
    loaded = sys.modules.get("gymnasium")
    registry = getattr(loaded, "registry", None)
    return _own_ids() if registry is None else frozenset(registry)


@cache
def _own_ids() -> frozenset[str]:
    package = find_spec("gymnasium")
    if package is None or package.origin is None:
        return frozenset()
    written = Path(package.origin).parent / "envs" / "__init__.py"
    return frozenset(_REGISTERED.findall(written.read_text())) if written.exists() else frozenset()
