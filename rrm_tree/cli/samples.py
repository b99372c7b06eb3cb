"""Sample specs: where they are, and copying one.

In: a sample's name. Out: files in the user's folder.
Touches the packaged samples (read) and the user's folder (write, never over a file).
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import rrm_tree
from rrm_tree.errors import UsageError
from rrm_tree.mistakes import suggest
from rrm_tree.schema import SCHEMA_FILE, write_schema

PACKAGE: Final = Path(rrm_tree.__file__).parent


def find_samples() -> Path:
    """The folder of sample specs: packaged in a wheel, beside the package in a checkout."""
    for folder in (PACKAGE / "task_specs", PACKAGE.parent / "task_specs"):
        if folder.is_dir():
            return folder
    raise UsageError("this installation has no sample specs; install rrm-tree again")


def copy_sample(name: str, folder: Path) -> list[Path]:
    """Copy a sample's spec, its data folder if it has one, and the schema; the spec comes first.

    Raises:
        UsageError: for an unknown name, and where a file would be overwritten.
    """
    samples = find_samples()
    stem = name.removesuffix(".yaml").replace("-", "_")
    known = sorted(path.stem for path in samples.glob("*.yaml"))
    if stem not in known:
        raise UsageError(f"no sample is named '{name}'{suggest(stem, known)}")
    spec, data, schema = folder / f"{stem}.yaml", folder / stem, folder / SCHEMA_FILE
    has_data = (samples / stem).is_dir()
    for path in (spec, *([data] if has_data else [])):
        if path.exists():
            raise UsageError(f"{path} exists already; name another folder, or move it away")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = [Path(shutil.copyfile(samples / spec.name, spec))]
        if has_data:
            written.append(Path(shutil.copytree(samples / stem, data)))
        # A schema of an earlier sample is the same for all specs, and is brought up to date.
        schema.write_text(write_schema(), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    return [*written, schema]
