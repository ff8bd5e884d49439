"""Zip and tar archives, unpacked only when every member is harmless."""

import lzma
import re
import shutil
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from thermark.core import files
from thermark.core.errors import DataError
from thermark.core.progress import track
from thermark.download.request import is_web_page, no_space

REMEDY = "fetch the archive again from its publisher; nothing was unpacked"
BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,  # a compression or encryption that zipfile does not know
)


@dataclass(frozen=True)
class Limits:
    """Bounds beyond which an archive is a bomb: bytes unpacked, members, bytes unpacked per byte stored.

    Small archives of empty images compress well: the ratio counts from `free` unpacked bytes on.
    """

    total: int = 500 * 10**9
    entries: int = 2_000_000
    ratio: float = 200.0
    free: int = 50 * 10**6


LIMITS = Limits()


@dataclass(frozen=True)
class Member:
    """A file or folder that an archive holds: name with `/`, unpacked size in bytes, how to open it."""

    name: str
    size: int
    folder: bool
    open: Callable[[], IO[bytes]]


def extract(archive: Path, out: Path, limits: Limits = LIMITS) -> None:
    """Unpack a zip or tar (plain, gz, bz2, xz) into the folder `out`, which is replaced whole or not at all.

    Raises DataError, before anything is written, for names that leave the folder, links, devices, names that are
    equal or differ in case only, bombs and encryption; and, leaving nothing behind, for damage and a full disk.
    """
    with _opened(archive) as members:
        listed = checked(members, archive, limits)
        needed = sum(member.size for member in listed)
        with room(archive.name, out.parent, needed), files.fresh_directory(out) as folder:
            for member in track(listed, len(listed), f"unpacking {archive.name}", "files"):
                _write(member, folder)


def extract_file(archive: Path, name: str, out: Path, limits: Limits = LIMITS) -> None:
    """Unpack the only file of a zip or tar whose path ends in `name`, at any depth, to the path `out`.

    Raises DataError as `extract` does, for all members, and when none or several of them end in `name`.
    """
    wanted = safe_parts(name, archive.name)
    with _opened(archive) as members:
        listed = [member for member in checked(members, archive, limits) if not member.folder]
        fitting = [member for member in listed if safe_parts(member.name, "")[-len(wanted) :] == wanted]
        if len(fitting) != 1:
            raise DataError(f"{archive.name} holds {len(fitting)} files {name}, expected one", REMEDY)
        with room(archive.name, out.parent, fitting[0].size), files.replacing(out) as temporary:
            _copy(fitting[0], temporary)


def checked(members: Iterable[Member], archive: Path, limits: Limits = LIMITS) -> list[Member]:
    """Return the members when all of them are harmless together; raises DataError at the first that is not."""
    kept: dict[str, Member] = {}
    total, stored = 0, archive.stat().st_size
    for count, member in enumerate(members, start=1):
        total += member.size
        if count > limits.entries or total > limits.total or total > max(limits.free, limits.ratio * stored):
            raise DataError(f"{archive.name} unpacks to suspiciously much: {count} members, {total} bytes", REMEDY)
        parts = safe_parts(member.name, archive.name)
        if not parts and not member.folder:
            raise DataError(f"{archive.name} holds a file without a name", REMEDY)
        # Two names that one file system keeps apart may be one file on another.
        key = unicodedata.normalize("NFC", "/".join(parts)).casefold()
        if key in kept and not (member.folder and kept[key].folder and _same(member, kept[key])):
            raise DataError(f"{archive.name} holds {member.name!r} and {kept[key].name!r}, which collide", REMEDY)
        kept[key] = member
    for key, member in kept.items():
        for parent in _parents(key):
            if parent in kept and not kept[parent].folder:
                raise DataError(f"{archive.name} holds {member.name!r} inside a file", REMEDY)
    return list(kept.values())


def safe_parts(name: str, archive: str) -> list[str]:
    """Split a member's name into its folders and file; raises DataError when it may lead out of the target."""
    parts = [part for part in name.removesuffix("/").split("/") if part != "."]
    if (
        {"", ".."} & set(parts)
        or "\\" in name
        or re.match(r"[A-Za-z]:", name)
        or re.search(r"[\x00-\x1f\x7f]", name)
    ):
        raise DataError(f"{archive} holds the unsafe name {name!r}", REMEDY)
    return parts


@contextmanager
def room(name: str, folder: Path, needed: int) -> Iterator[None]:
    """Report a full disk, foreseen or met, as a DataError."""
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < needed:
        raise no_space(name, folder, needed)
    try:
        yield
    except OSError as error:
        if error.errno != 28:
            raise
        raise no_space(name, folder, needed) from error


@contextmanager
def _opened(archive: Path) -> Iterator[Iterator[Member]]:
    with archive.open("rb") as file:
        head = file.read(512)
    try:
        if head.startswith(b"PK"):
            with zipfile.ZipFile(archive) as opened:
                yield _zip_members(opened, archive.name)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as opened:
                yield _tar_members(opened, archive.name)
        else:
            kind = "a web page" if is_web_page(head) else "neither a zip nor a tar archive"
            raise DataError(f"{archive} is {kind}", REMEDY)
    except (*BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault; gzip and bz2 report damage as an OSError without a number
        raise DataError(f"{archive} is damaged or not supported: {error}", REMEDY) from error


def _zip_members(archive: zipfile.ZipFile, name: str) -> Iterator[Member]:
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise DataError(f"{name} holds {info.filename!r}, a link or device", REMEDY)
        if info.flag_bits & 0x1:
            raise DataError(f"{name} is encrypted", "unpack it by hand, and place its files")
        yield Member(info.orig_filename, info.file_size, info.is_dir(), partial(archive.open, info))


def _tar_members(archive: tarfile.TarFile, name: str) -> Iterator[Member]:
    for info in archive:
        if not (info.isreg() or info.isdir()) or info.issparse():
            raise DataError(f"{name} holds {info.name!r}, a link, device or sparse file", REMEDY)
        yield Member(info.name, info.size if info.isreg() else 0, info.isdir(), partial(_tar_open, archive, info))
    _require_end(archive)


def _require_end(archive: tarfile.TarFile) -> None:
    # tarfile takes a damaged header, or the end of a truncated file, for the end of the archive.
    if archive.fileobj is None:
        return
    archive.fileobj.seek(archive.offset)
    if archive.fileobj.read(512) != bytes(512):
        raise tarfile.ReadError("it breaks off without an end mark")
    archive.fileobj.read(1 << 20)  # the padding: its end is where gzip compares its checksum


def _tar_open(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(info)
    if file is None:
        raise tarfile.ExtractError(f"{info.name} has no content")
    return file


def _write(member: Member, folder: Path) -> None:
    target = folder.joinpath(*safe_parts(member.name, ""))
    if member.folder:
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    _copy(member, target)


def _copy(member: Member, target: Path) -> None:
    with member.open() as source, target.open("xb") as file:
        shutil.copyfileobj(source, file, 1 << 20)


def _same(one: Member, other: Member) -> bool:
    return one.name.strip("/") == other.name.strip("/")


def _parents(key: str) -> Iterator[str]:
    parts = key.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))
