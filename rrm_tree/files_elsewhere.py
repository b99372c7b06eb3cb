"""A folder of files on another machine or in an object store, through fsspec.

In: an address such as `s3://bucket/store`, names, bytes. Out: bytes.
Touches that folder alone. Object stores write a file whole or not at all, and take a condition with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import fsspec
from fsspec.dircache import DirCache

from rrm_tree.errors import StoreError
from rrm_tree.files import CORRUPT, NO_LINKS, explained


@contextmanager
def reached(doing: str, where: str) -> Iterator[None]:
    """Say what could not be done, where, and what to do about it.

    Raises:
        StoreError: instead of any error of the client, which has classes of its own for some.
    """
    try:
        with explained(doing, where):
            yield
    except StoreError:
        raise
    except Exception as error:
        raise StoreError(
            f"{where}: cannot {doing}: {error}; check the address, the network and your credentials"
        ) from error


class FilesElsewhere:
    """A folder that fsspec can reach."""

    folder: Path | None = None

    def __init__(self, address: str) -> None:
        try:
            self._system, root = fsspec.core.url_to_fs(address)
        except (ImportError, ValueError) as error:
            raise StoreError(f"{address}: cannot open: {error}") from error
        self._root = str(root).rstrip("/")
        # A listing kept from before would hide what other processes have written since.
        self._system.dircache = DirCache(use_listings_cache=False)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def read(self, name: str) -> bytes | None:
        """The file's bytes; None where there is no such file."""
        with reached("read", self._path(name)):
            try:
                return bytes(self._system.cat_file(self._path(name)))
            except FileNotFoundError:
                return None

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        with reached("read", self._path(name)):
            return bool(self._system.exists(self._path(name)))

    def create(self, name: str, data: bytes) -> bool:
        """Write a file that is not there yet; False, and nothing written, where it is."""
        if self.exists(name):
            return False
        with reached("write", self._path(name)):
            try:
                # The store itself refuses the second of two writers who both saw nothing.
                self._system.pipe_file(self._path(name), data, mode="create")
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                self._system.pipe_file(self._path(name), data)
        return True

    def replace(self, name: str, data: bytes) -> None:
        """Write a file in place of what may be there: for what is not a result."""
        with reached("write", self._path(name)):
            self._system.pipe_file(self._path(name), data)

    def set_aside(self, name: str) -> None:
        """Rename a file that does not hold what it should, for whoever wants to look at it."""
        # Of two readers who find it corrupt, one comes second.
        with reached("set aside", self._path(name)), suppress(FileNotFoundError):
            self._system.mv(self._path(name), self._path(name + CORRUPT))

    def remove(self, name: str) -> None:
        """Delete a file or a whole folder."""
        with reached("delete", self._path(name)), suppress(FileNotFoundError):
            self._system.rm(self._path(name), recursive=True)

    def names(self, folder: str) -> list[str]:
        """What stands directly in a folder, sorted; empty where there is no such folder."""
        with reached("list", self._path(folder)):
            try:
                found = self._system.ls(self._path(folder), detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
        # Some stores hold an empty object that stands for the folder itself.
        inside = (
            str(path).rstrip("/") for path in found if str(path).strip("/") != self._path(folder).strip("/")
        )
        names = (path.rsplit("/", 1)[-1] for path in inside)
        return sorted(name for name in names if not name.startswith("."))

    def size(self, name: str) -> int:
        """Bytes that a file or folder takes."""
        with reached("read", self._path(name)):
            return int(self._system.du(self._path(name)))

    def modified(self, name: str) -> float:
        """When a file was written, seconds since 1970; 0 where that is not known."""
        with reached("read", self._path(name)):
            try:
                return float(self._system.modified(self._path(name)).timestamp())
            except (NotImplementedError, FileNotFoundError):
                return 0.0
