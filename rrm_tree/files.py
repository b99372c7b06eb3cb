"""Bytes under names in one folder: whole or not at all, never overwritten.

In: a folder on this machine, names, bytes. Out: bytes. `files_elsewhere` has all other folders.
Touches that folder alone.
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from rrm_tree.errors import StoreError

TEMPORARY = ".tmp"
CORRUPT = ".corrupt"

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}


class Files(Protocol):
    """A folder of small files that appear whole or not at all.

    Every method raises StoreError, saying where and what to do, if the folder cannot be used.
    """

    folder: Path | None
    """The folder itself where it is on this machine."""

    def read(self, name: str) -> bytes | None:
        """The file's bytes; None where there is no such file."""

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""

    def create(self, name: str, data: bytes) -> bool:
        """Write a file that is not there yet; False, and nothing written, where it is."""

    def replace(self, name: str, data: bytes) -> None:
        """Write a file in place of what may be there: for what is not a result."""

    def set_aside(self, name: str) -> None:
        """Rename a file that does not hold what it should, for whoever wants to look at it."""

    def remove(self, name: str) -> None:
        """Delete a file or a whole folder."""

    def names(self, folder: str) -> list[str]:
        """What stands directly in a folder, sorted; empty where there is no such folder.

        Names that begin with a dot are left out: what file managers leave behind is not ours.
        """

    def size(self, name: str) -> int:
        """Bytes that a file or folder takes."""

    def modified(self, name: str) -> float:
        """When a file was written, seconds since 1970; 0 where that is not known."""


@contextmanager
def explained(doing: str, where: object) -> Iterator[None]:
    """Say what could not be done, where, and what to do about it.

    Raises:
        StoreError: instead of any error of the operating system.
    """
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


class LocalFiles:
    """A folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder: Path | None = folder
        self._root = folder

    def read(self, name: str) -> bytes | None:
        """The file's bytes; None where there is no such file."""
        with explained("read", self._root / name):
            try:
                return (self._root / name).read_bytes()
            except FileNotFoundError:
                return None

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        with explained("read", self._root / name):
            return (self._root / name).exists()

    def create(self, name: str, data: bytes) -> bool:
        """Write a file that is not there yet; False, and nothing written, where it is."""
        target = self._root / name
        with explained("write", target):
            if target.exists():
                return False
            temporary = _write_beside(target, data)
            try:
                # A link, not a rename: of two writers only one succeeds, and nothing is overwritten.
                os.link(temporary, target)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                temporary.rename(target)
            finally:
                temporary.unlink(missing_ok=True)
            _flush_folder(target.parent)
            return True

    def replace(self, name: str, data: bytes) -> None:
        """Write a file in place of what may be there: for what is not a result."""
        with explained("write", self._root / name):
            _write_beside(self._root / name, data).replace(self._root / name)

    def set_aside(self, name: str) -> None:
        """Rename a file that does not hold what it should, for whoever wants to look at it."""
        # Of two readers who find it corrupt, one comes second.
        with explained("set aside", self._root / name), suppress(FileNotFoundError):
            (self._root / name).replace(self._root / (name + CORRUPT))

    def remove(self, name: str) -> None:
        """Delete a file or a whole folder."""
        target = self._root / name
        with explained("delete", target):
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)

    def names(self, folder: str) -> list[str]:
        """What stands directly in a folder, sorted; empty where there is no such folder."""
        with explained("list", self._root / folder):
            try:
                found = os.listdir(self._root / folder)  # noqa: PTH208 - names alone, half the time
            except FileNotFoundError:
                return []
        return sorted(name for name in found if not name.startswith("."))

    def size(self, name: str) -> int:
        """Bytes that a file or folder takes."""
        target = self._root / name
        with explained("read", target):
            inner = [path for path in target.rglob("*") if path.is_file()] if target.is_dir() else [target]
            return sum(path.stat().st_size for path in inner)

    def modified(self, name: str) -> float:
        """When a file was written, seconds since 1970; 0 where that is not known."""
        with explained("read", self._root / name):
            try:
                return (self._root / name).stat().st_mtime
            except FileNotFoundError:
                return 0.0


def _write_beside(target: Path, data: bytes) -> Path:
    """The bytes in a file of another name in the same folder, safe on the disk."""
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


def _flush_folder(folder: Path) -> None:
    """Make a new name in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
