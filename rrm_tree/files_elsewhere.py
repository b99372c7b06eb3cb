"""A folder of files on another machine or in an object store, through fsspec.

In: an address such as `s3://bucket/store`, names, bytes. Out: bytes.
Touches that folder alone. Object stores write a file whole or not at all.
"""

from __future__ import annotations

from pathlib import Path

import fsspec

from rrm_tree.errors import StoreError
from rrm_tree.files import CORRUPT, explained


class FilesElsewhere:
    """A folder that fsspec can reach."""

    folder: Path | None = None

    def __init__(self, address: str) -> None:
        try:
            self._system, root = fsspec.core.url_to_fs(address)
        except (ImportError, ValueError) as error:
            raise StoreError(f"{address}: cannot open: {error}") from error
        self._root = str(root).rstrip("/")

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def read(self, name: str) -> bytes | None:
        """The file's bytes; None where there is no such file."""
        with explained("read", self._path(name)):
            try:
                return bytes(self._system.cat_file(self._path(name)))
            except FileNotFoundError:
                return None

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        with explained("read", self._path(name)):
            return bool(self._system.exists(self._path(name)))

    def create(self, name: str, data: bytes) -> bool:
        """Write a file that is not there yet; False, and nothing written, where it is."""
        if self.exists(name):
            return False
        self.replace(name, data)
        return True

    def replace(self, name: str, data: bytes) -> None:
        """Write a file in place of what may be there: for what is not a result."""
        with explained("write", self._path(name)):
            self._system.pipe_file(self._path(name), data)

    def set_aside(self, name: str) -> None:
        """Rename a file that does not hold what it should, for whoever wants to look at it."""
        with explained("set aside", self._path(name)):
            self._system.mv(self._path(name), self._path(name + CORRUPT))

    def remove(self, name: str) -> None:
        """Delete a file or a whole folder."""
        with explained("delete", self._path(name)):
            self._system.rm(self._path(name), recursive=True)

    def names(self, folder: str) -> list[str]:
        """What stands directly in a folder, sorted; empty where there is no such folder."""
        with explained("list", self._path(folder)):
            # A listing kept from before would hide what other processes have written since.
            self._system.invalidate_cache()
            try:
                found = self._system.ls(self._path(folder), detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
        names = (str(path).rstrip("/").rsplit("/", 1)[-1] for path in found)
        return sorted(name for name in names if not name.startswith("."))

    def size(self, name: str) -> int:
        """Bytes that a file or folder takes."""
        with explained("read", self._path(name)):
            return int(self._system.du(self._path(name)))

    def modified(self, name: str) -> float:
        """When a file was written, seconds since 1970; 0 where that is not known."""
        with explained("read", self._path(name)):
            try:
                return float(self._system.modified(self._path(name)).timestamp())
            except (NotImplementedError, FileNotFoundError):
                return 0.0
