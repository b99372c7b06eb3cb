"""Files of demonstrations, known by their content: found, and refused if they are not what a spec says.

In: the options of an agent. Out: a path, or why there is none.
Reads the file that the options name; loads nothing heavy.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

from rrm_tree.contracts import JUDGED
from rrm_tree.errors import TrainingError


def find_demonstrations(name: str) -> Path | None:
    """The file, from the working directory or from wherever modules are found: beside the spec."""
    places = [Path(), *map(Path, sys.path)]
    return next((place / name for place in places if (place / name).is_file()), None)


def digest_file(file: Path) -> str:
    """SHA-256 of the file's content, 64 hexadecimal digits."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def refuse_demonstrations(options: Mapping[str, object]) -> str | None:
    """What is wrong with the demonstrations that an agent's options name; None if nothing is.

    The content's digest stands in the spec, so that it is part of a node's key: other
    demonstrations under the same name are another node, on every machine.
    """
    name, said = options.get("demonstrations"), options.get("demonstrations_sha256")
    if name is None or name == JUDGED:
        return None if said is None else "demonstrations_sha256 is given, but no file of demonstrations"
    file = find_demonstrations(str(name))
    if file is None:
        return f"demonstrations: there is no file {name}, in the working directory or beside the spec"
    found = digest_file(file)
    if said == found:
        return None
    what = "its digest is missing" if said is None else f"the file's content is not {said}"
    return f"demonstrations: {file}: {what}; write `demonstrations_sha256: {found}` if it is the right one"


def open_demonstrations(options: Mapping[str, object]) -> Path:
    """The file that the options name.

    Raises:
        TrainingError: it is missing, or has another content.
    """
    refusal = refuse_demonstrations(options)
    if refusal:
        raise TrainingError(refusal)
    found = find_demonstrations(str(options["demonstrations"]))
    assert found is not None  # or it would have been refused
    return found
