"""The one place that opens folders and files of a log: by handle, and without following a link.

The log root is the user's word: it may be a link, and tree.find_root resolves it once. From the session's folder (`log_*`)
down every part of a path is opened from the handle of the folder above it, and a link in any place is an error, also one
that took a folder's place after it was looked at: there is no moment between check and use. Where the system has no such
calls (Windows) the folders are checked right before and after each use instead, which leaves a moment.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from pathlib import Path

from msgspec import Struct

SESSION = re.compile(r"log_\d{8}_\d{6}(_\d{1,6})?")
_SESSION_IN = re.compile(rf"(?:^|{re.escape(os.sep)}){SESSION.pattern}(?={re.escape(os.sep)}|\Z)")
BY_HANDLE = {os.open, os.stat, os.link, os.rename, os.unlink} <= os.supports_dir_fd and os.scandir in os.supports_fd
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NO_LINK
_THROUGH = _FOLDER | getattr(os, "O_PATH", 0)
"""For a folder that is only passed through: the right to list it is not needed then."""
_FILE = os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK | getattr(os, "O_BINARY", 0)


def below(base: Path, *parts: str) -> Path | None:
    """The path of these names below `base`; None if one of them is no plain name (a log may call an agent `../x`)."""
    return base.joinpath(*parts) if all(_is_plain(part) for part in parts) else None


def _is_plain(name: str) -> bool:
    if name in {"", ".", ".."} or "/" in name or "\0" in name or os.sep in name or os.path.splitdrive(name)[0]:
        return False
    try:
        return len(os.fsencode(name)) < 256
    except UnicodeEncodeError:
        return False


def entries(folder: Path) -> list[tuple[str, bool]]:
    """(name, is a folder) of everything in a folder but links, sorted; an unreadable or absent folder is empty."""
    try:
        with open_folder(folder) as opened, opened.scan() as found:
            return sorted((e.name, e.is_dir(follow_symlinks=False)) for e in found if not e.is_symlink())
    except OSError:
        return []


def names_in(folder: str) -> list[str]:
    """Of everything in a folder, also links; none for an unreadable or absent one. Good to see that something is not there."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def listing(folder: Path) -> list[tuple[str, os.stat_result]]:
    """(name, status) of everything in a folder but links, sorted; an unreadable or absent folder is empty."""
    try:
        with open_folder(folder) as opened, opened.scan() as found:
            return sorted((e.name, e.stat(follow_symlinks=False)) for e in found if not e.is_symlink())
    except OSError:
        return []


def status(path: Path | str) -> os.stat_result | None:
    """Of what has this path, also if it is a link; None if nothing has. Good to see a change, not to trust a path."""
    try:
        return os.lstat(path)
    except (OSError, ValueError):
        return None


def file_status(path: Path) -> os.stat_result | None:
    """Of a regular file that is reached without a link; None for anything else."""
    try:
        with _parent(path) as parent:
            info = parent.status(path.name)
    except OSError:
        return None
    return info if stat.S_ISREG(info.st_mode) else None


def is_file(path: Path) -> bool:
    """True for a regular file that is reached without a link."""
    return file_status(path) is not None


def open_file(path: Path) -> int:
    """A read-only descriptor of a regular file.

    Raises:
        OSError: for a link anywhere below the log root, a folder, a pipe, a device, or what can't be opened.
    """
    with _parent(path) as parent:
        return parent.open(path.name)


class Folder(Struct):
    """An open folder. Its entries are named relative to its handle (None where the system has no such calls), so that it
    stays the same folder whatever happens to its path. Every method raises OSError. kept: its handle outlives it."""

    path: Path
    handle: int | None
    kept: bool = False

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        if self.handle is not None and not self.kept:
            os.close(self.handle)

    def _at(self, name: str) -> str:
        if not _is_plain(name):
            raise OSError(errno.EINVAL, "not a plain name")
        if self.handle is not None:
            return name
        _check(self.path)
        return str(self.path / name)

    def status(self, name: str) -> os.stat_result:
        """Of an entry itself, also if it is a link."""
        return os.stat(self._at(name), dir_fd=self.handle, follow_symlinks=False)

    def open(self, name: str) -> int:
        """A read-only descriptor of a regular file."""
        descriptor = os.open(self._at(name), _FILE, dir_fd=self.handle)
        opened = os.fstat(descriptor)
        if not stat.S_ISREG(opened.st_mode) or (self.handle is None and not self._is_still(name, opened)):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "not a regular file")
        return descriptor

    def _is_still(self, name: str, opened: os.stat_result) -> bool:
        try:
            return os.path.samestat(opened, self.status(name))
        except OSError:
            return False

    def read(self, name: str, limit: int) -> bytes:
        """The first `limit` bytes of a regular file."""
        with os.fdopen(self.open(name), "rb") as file:
            return file.read(limit)

    def create(self, name: str, content: bytes) -> None:
        """A new file, on the disk when this returns."""
        with os.fdopen(os.open(self._at(name), _NEW, 0o644, dir_fd=self.handle), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def link(self, name: str, new: str) -> None:
        """A second name for a file; FileExistsError if something has it."""
        os.link(self._at(name), self._at(new), src_dir_fd=self.handle, dst_dir_fd=self.handle, follow_symlinks=False)

    def replace(self, name: str, new: str) -> None:
        """Rename a file, over the one that had its new name."""
        os.replace(self._at(name), self._at(new), src_dir_fd=self.handle, dst_dir_fd=self.handle)

    def remove(self, name: str) -> None:
        """Remove a file."""
        os.unlink(self._at(name), dir_fd=self.handle)

    def scan(self) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        """All entries."""
        return os.scandir(self.path if self.handle is None else self.handle)

    def sync(self) -> None:
        """Bring the folder's entries to the disk."""
        if self.handle is not None:
            os.fsync(self.handle)


def open_folder(path: Path) -> Folder:
    """A folder, to read and write in; `with` closes it.

    Raises:
        OSError: if it is no folder, or a link is in the way.
    """
    return Folder(path, _enter(path, _FOLDER))


def is_open(folder: Path) -> bool:
    """True for a real folder that may be listed and entered."""
    try:
        with open_folder(folder) as opened:
            return os.access(folder if opened.handle is None else ".", os.R_OK | os.X_OK, dir_fd=opened.handle)
    except OSError:
        return False


_kept: ContextVar[dict[str, int] | None] = ContextVar("kept", default=None)
_MOST_KEPT = 64


@contextmanager
def kept_open() -> Generator[None]:
    """Inside, the folders of files stay open: one run asks for hundreds of files in few folders. What takes a folder's place meanwhile
    is not seen before the end."""
    if not BY_HANDLE or _kept.get() is not None:
        yield
        return
    kept: dict[str, int] = {}
    token = _kept.set(kept)
    try:
        yield
    finally:
        _kept.reset(token)
        for handle in kept.values():
            os.close(handle)


def _parent(path: Path) -> Folder:
    folder, kept = path.parent, _kept.get()
    if kept is None:
        return Folder(folder, _enter(folder, _THROUGH))
    name = str(folder)
    handle = kept.get(name)
    if handle is None:
        handle = _enter(folder, _THROUGH)
        if handle is None or len(kept) >= _MOST_KEPT:
            return Folder(folder, handle)
        kept[name] = handle
    return Folder(folder, handle, kept=True)


def _enter(path: Path, flags: int) -> int | None:
    """Descriptor of a folder, opened part by part from the session on; None where the system can't."""
    if not BY_HANDLE:
        _check(path)
        return None
    first, rest = _split(path)
    if rest is None:
        return _open(first, flags & ~_NO_LINK)
    handle = _open(first, _THROUGH if rest else flags)
    for place, name in enumerate(rest, 1):
        above = handle
        try:
            handle = _open(name, flags if place == len(rest) else _THROUGH, above)
        finally:
            os.close(above)
    return handle


def _open(path: str, flags: int, above: int | None = None) -> int:
    try:
        return os.open(path, flags, dir_fd=above)
    except ValueError as error:  # a NUL, or a lone surrogate
        raise OSError(errno.EINVAL, "not a file name") from error


def _split(path: Path) -> tuple[str, list[str] | None]:
    """The outermost session's folder and the names below it; the path itself and None for one outside a session."""
    text = str(path)
    match = _SESSION_IN.search(text)
    if match is None:
        return text, None
    rest = text[match.end() + 1 :].split(os.sep) if match.end() < len(text) else []
    if ".." in rest:
        raise OSError(errno.EINVAL, "leads out of its session")
    return text[: match.end()], rest


def _check(path: Path) -> None:
    """Where folders can't be opened by handle: each one from the session on must be a real one."""
    folder, rest = _split(path)
    for name in () if rest is None else ("", *rest):
        folder = os.path.join(folder, name) if name else folder
        info = os.lstat(folder)
        link = getattr(info, "st_file_attributes", 0) & stat.FILE_ATTRIBUTE_REPARSE_POINT
        if link or not stat.S_ISDIR(info.st_mode):
            raise OSError(errno.ENOTDIR, "no real folder")
