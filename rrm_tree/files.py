"""Bytes under names, in any folder that fsspec can reach: whole or not at all, never overwritten.

In: a folder or URL, names, bytes. Out: bytes.
Touches that folder alone.
"""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from rrm_tree.errors import StoreError

TEMPORARY = ".tmp"
CORRUPT = ".corrupt"

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}


class Files:
    """A folder of small files that appear whole or not at all."""

    def __init__(self, address: str) -> None:
        self.address = address
        try:
            self._system, root = fsspec.core.url_to_fs(address)
        except (ImportError, ValueError) as error:
            raise StoreError(f"{address}: cannot open: {error}") from error
        self._root = str(root).rstrip("/")

    @property
    def folder(self) -> Path | None:
        """The folder itself where it is on this machine; None elsewhere."""
        return Path(self._root) if isinstance(self._system, LocalFileSystem) else None

    def read(self, name: str) -> bytes | None:
        """The file's bytes; None where there is no such file."""
        with self._explained("read", name):
            try:
                return bytes(self._system.cat_file(self._path(name)))
            except FileNotFoundError:
                return None

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        with self._explained("read", name):
            return bool(self._system.exists(self._path(name)))

    def create(self, name: str, data: bytes) -> bool:
        """Write a file that is not there yet; False, and nothing written, where it is."""
        with self._explained("write", name):
            if self._system.exists(self._path(name)):
                return False
            if self.folder is None:
                self._system.pipe_file(self._path(name), data)
                return True
            temporary = self._write_beside(name, data)
            try:
                # A link, not a rename: of two writers only one succeeds, and nothing is overwritten.
                os.link(temporary, self._path(name))
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                temporary.rename(self._path(name))
            finally:
                temporary.unlink(missing_ok=True)
            _flush_folder(temporary.parent)
            return True

    def replace(self, name: str, data: bytes) -> None:
        """Write a file in place of what may be there: for what is not a result."""
        with self._explained("write", name):
            if self.folder is None:
                self._system.pipe_file(self._path(name), data)
            else:
                temporary = self._write_beside(name, data)
                temporary.replace(self._path(name))

    def set_aside(self, name: str) -> None:
        """Rename a file that does not hold what it should, for whoever wants to look at it."""
        with self._explained("set aside", name):
            self._system.mv(self._path(name), self._path(name + CORRUPT))

    def remove(self, name: str) -> None:
        """Delete a file or a whole folder."""
        with self._explained("delete", name):
            self._system.rm(self._path(name), recursive=True)

    def names(self, folder: str) -> list[str]:
        """What stands directly in a folder, sorted; empty where there is no such folder."""
        with self._explained("list", folder):
            try:
                # A listing kept from before would hide what other processes have written since.
                self._system.invalidate_cache()
                found = self._system.ls(self._path(folder), detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
        return sorted(str(path).rstrip("/").rsplit("/", 1)[-1] for path in found)

    def size(self, name: str) -> int:
        """Bytes that a file or folder takes."""
        with self._explained("read", name):
            return int(self._system.du(self._path(name)))

    def modified(self, name: str) -> float:
        """When a file was written, seconds since 1970; 0 where that is not known."""
        with self._explained("read", name):
            try:
                return float(self._system.modified(self._path(name)).timestamp())
            except (NotImplementedError, FileNotFoundError):
                return 0.0

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _write_beside(self, name: str, data: bytes) -> Path:
        target = Path(self._path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex}{TEMPORARY}")
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return temporary

    @contextmanager
    def _explained(self, doing: str, name: str = "") -> Iterator[None]:
        where = f"{self.address}/{name}" if name else self.address
        try:
            yield
        except OSError as error:
            if error.errno in NO_ROOM:
                raise StoreError(
                    f"{where}: no room left to write ({error.strerror}); nothing half-written counts: "
                    "make room and give the same command again, or choose another --store"
                ) from error
            raise StoreError(
                f"{where}: cannot {doing}: {error.strerror or error}; check the path and its permissions"
            ) from error


def _flush_folder(folder: Path) -> None:
    """Make a new name in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
