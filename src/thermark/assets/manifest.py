"""Manifests: which files a data set consists of, by size and sha256, and where its archive comes from."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field

from thermark.assets import cache, extract
from thermark.assets.mirrors import Mirrors
from thermark.assets.obtain import Store, at_hand, obtain, this_store
from thermark.assets.request import Remote, plain
from thermark.core import files
from thermark.core.config import Section, parse
from thermark.core.errors import ConfigError, DataError, NetworkError
from thermark.core.progress import track


def _inside(path: str) -> str:
    if extract.safe_parts(path, "the manifest") != path.split("/"):
        raise ValueError("must be a plain relative path")
    return path


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Size = Annotated[int, Field(ge=0)]


class Config(Section):
    """A fetch entry of params.yaml: the manifest's path below the project root, and the largest download in MB."""

    manifest: str
    max_mb: float


class Origin(Section):
    """Where the archive is published; `size` (bytes) and `sha256` are null until a verified download told them."""

    url: str
    size: Size | None = None
    sha256: Sha256 | None = None
    licence: str


class Entry(Section):
    """One file: path below the data set's root with `/`, size in bytes, sha256."""

    path: Annotated[str, AfterValidator(_inside)]
    size: Size
    sha256: Sha256


class Manifest(Section):
    """The files of a data set and their origin."""

    name: str
    origin: Origin
    files: Annotated[list[Entry], Field(min_length=1)]


def read(path: Path) -> Manifest:
    """Read a manifest; raises DataError when it is absent, damaged or names a file twice."""
    try:
        manifest = parse(files.read_json(path), Manifest, path.name)
    except (OSError, ValueError, ConfigError) as error:
        raise DataError(f"{path} is no manifest: {error}", "restore it with `git checkout`") from error
    if len({entry.path.casefold() for entry in manifest.files}) < len(manifest.files):
        raise DataError(f"{path} names a file twice", "restore it with `git checkout`")
    return manifest


def write(manifest: Manifest, path: Path) -> None:
    """Write a manifest as JSON with one line per file, so that git shows which ones changed."""
    head = json.dumps({"name": manifest.name, "origin": manifest.origin.model_dump()}, indent=2)
    lines = ",\n".join(f"    {json.dumps(entry.model_dump())}" for entry in manifest.files)
    files.write_text(path, f'{head.removesuffix("}").rstrip()},\n  "files": [\n{lines}\n  ]\n}}\n')


def describe(folder: Path, name: str, origin: Origin) -> Manifest:
    """Return the manifest of all files below `folder`, sorted by path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    entries = [
        Entry(path=path.relative_to(folder).as_posix(), size=path.stat().st_size, sha256=files.sha256(path))
        for path in paths
    ]
    return Manifest(name=name, origin=origin, files=entries)


def fetch(config: Config, out: Path) -> Manifest:
    """Fill `out` as a params.yaml entry demands, from cache, mirrors or network; see `bring`."""
    path = Path(config.manifest)
    wanted = read(path)
    brought = bring(wanted, out, this_store(), config.max_mb)
    if brought != wanted:
        origin = brought.origin
        print(
            f"to pin the archive, write into {path}: size {origin.size}, sha256 {origin.sha256}", file=sys.stderr
        )
    return brought


def bring(manifest: Manifest, out: Path, store: Store, max_mb: float | None = None) -> Manifest:
    """Fill the folder `out` with exactly the listed files, whole or not at all, each verified by sha256.

    Sources, in turn: cache and mirrors file by file, the archive there (placed by hand: by its name), the
    archive's URL if it takes at most `max_mb` (10^6 bytes). Returns the manifest, completed with the archive's
    size and sha256 when they were unknown and what the URL sent proved right; writing it is up to the caller.
    Raises NetworkError listing what is missing, DataError for wrong content, ConfigError beyond `max_mb`,
    SetupError for an unwritable cache.
    """
    listed = track(manifest.files, len(manifest.files), f"looking for {manifest.name}", "files")
    found = {entry.path: at_hand(store, entry.sha256, entry.size, _name(entry)) for entry in listed}
    missing = [entry for entry in manifest.files if found[entry.path] is None]
    if not missing:
        _assemble(manifest, found, out)
        return manifest
    # Every file is verified, so that any archive of the right name may be tried.
    for placed in store.mirrors.named(_archive_name(manifest.origin)):
        try:
            _assemble_from(placed, manifest, missing, found, out)
            return manifest  # it may be re-packed: its own hash is not taken for the publisher's
        except DataError as error:
            print(f"{placed} was passed over: {error.cause}", file=sys.stderr)
    archive, sha256 = _published(manifest, missing, store, max_mb)
    try:
        _assemble_from(archive, manifest, missing, found, out)
    except DataError:
        cache.forget(store.cache, manifest.origin.url)
        raise
    return _recorded(manifest, archive, sha256)


def _published(manifest: Manifest, missing: list[Entry], store: Store, max_mb: float | None) -> tuple[Path, str]:
    origin = manifest.origin
    limit = None if max_mb is None else int(max_mb * 1e6)
    try:
        return obtain(Remote(origin.url, _archive_name(origin), origin.size, origin.sha256, limit), store)
    except NetworkError as error:
        raise NetworkError(f"{manifest.name} lacks {_summary(missing)}; {error.cause}", error.remedy) from error


def _archive_name(origin: Origin) -> str:
    return PurePosixPath(plain(origin.url)).name


def _assemble_from(
    archive: Path, manifest: Manifest, missing: list[Entry], found: dict[str, Path | None], out: Path
) -> None:
    with _unpacked(archive, out) as unpacked:
        inside = Mirrors((unpacked,))
        inner = {entry.path: inside.find(entry.sha256, entry.size, _name(entry)) for entry in missing}
        absent = [entry for entry in missing if inner[entry.path] is None]
        if absent:
            raise DataError(
                f"{archive} lacks {_summary(absent)} with the content that the manifest demands",
                f"{plain(manifest.origin.url)} has changed: compare it with the manifest",
            )
        _assemble(manifest, found | inner, out)


@contextmanager
def _unpacked(archive: Path, out: Path) -> Iterator[Path]:
    # Beside `out`, so that hard links can carry the files over without taking their space twice.
    folder = _beside(out)
    try:
        extract.extract(archive, folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _assemble(manifest: Manifest, found: dict[str, Path | None], out: Path) -> None:
    with files.fresh_directory(out) as folder:
        for entry in track(manifest.files, len(manifest.files), f"copying {manifest.name}", "files"):
            target = folder / entry.path
            target.parent.mkdir(parents=True, exist_ok=True)
            source = found[entry.path]
            if source is None:
                raise DataError(f"{entry.path} is missing", "run the same command again")
            _place(source, target, out)
            # The copy is what counts: a mirror may change, and a disk may lie.
            if files.sha256(target) != entry.sha256:
                raise DataError(f"{source} changed while it was copied", "run the same command again")


def _place(source: Path, target: Path, out: Path) -> None:
    if source.is_relative_to(_beside(out)):
        with suppress(OSError):  # a file system without hard links
            os.link(source, target)
            return
    shutil.copyfile(source, target)


def _beside(out: Path) -> Path:
    return out.with_name(f".{out.name}.unpacked")


def _recorded(manifest: Manifest, archive: Path, sha256: str) -> Manifest:
    if manifest.origin.sha256:
        return manifest
    known = {"size": archive.stat().st_size, "sha256": sha256}
    return manifest.model_copy(update={"origin": manifest.origin.model_copy(update=known)})


def _summary(entries: list[Entry]) -> str:
    shown = ", ".join(entry.path for entry in entries[:5])
    return f"{len(entries)} files ({shown}{', ...' if len(entries) > 5 else ''})"


def _name(entry: Entry) -> str:
    return PurePosixPath(entry.path).name
