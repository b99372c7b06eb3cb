"""A bucket in memory, with the bad habits of real ones and of their clients."""

from typing import ClassVar

from fsspec.implementations.memory import MemoryFileSystem


class Bucket(MemoryFileSystem):
    """Takes a folder's listing for all that is there, and sees what others wrote when it likes."""

    protocol = ("bucket",)
    store, pseudo_dirs = {}, [""]

    hidden: ClassVar[set[str]] = set()
    """What a look does not find though it is there, as when another writes it just after."""
    marked = False
    """Whether a listing holds the folder itself, for which somebody made an empty object."""
    refuses: int | None = None
    """Of a write with a condition: the number of the error."""
    away: Exception | None = None
    """What every call raises."""

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.removeprefix("bucket://"))

    def forget(self):
        self.store.clear()
        self.pseudo_dirs[:] = [""]
        self.hidden.clear()
        self.marked, self.refuses, self.away = False, None, None

    def _reach(self):
        if self.away is not None:
            raise self.away

    def ls(self, path, detail=True, **options):
        self._reach()
        path = self._strip_protocol(path)
        found = self._ls_from_cache(path)
        if found is None:
            found = self.dircache[path] = super().ls(path, detail=True)
        if self.marked:
            found = [{"name": f"{path}/", "size": 0, "type": "file"}, *found]
        return found if detail else [one["name"] for one in found]

    def exists(self, path, **options):
        self._reach()
        path = self._strip_protocol(path)
        if path in self.hidden:
            return False
        try:
            return bool(self._ls_from_cache(path)) or super().exists(path)
        except FileNotFoundError:
            return False

    def cat_file(self, path, start=None, end=None, **options):
        self._reach()
        return super().cat_file(path, start, end, **options)

    def pipe_file(self, path, value, mode="overwrite", **options):
        self._reach()
        if mode == "create" and self.refuses is not None:
            raise OSError(self.refuses, "not implemented")
        if mode == "create" and self._strip_protocol(path) in self.store:
            raise FileExistsError
        super().pipe_file(path, value, **options)

    def rm(self, path, recursive=False, maxdepth=None):
        self._reach()
        super().rm(path, recursive, maxdepth)

    def mv(self, path1, path2, **options):
        self._reach()
        super().mv(path1, path2, **options)
