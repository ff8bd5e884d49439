"""From a local copy of a piece to verified files in a new folder of the data set."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from thermark.core.errors import DataError
from thermark.core.progress import track
from thermark.download import extract, listing
from thermark.download.fetch_config import PACKED, ResolvedPiece
from thermark.download.listing import ListedFile
from thermark.download.local_copy import Folder, LocalCopy, SingleFile
from thermark.download.manifest import Pin
from thermark.download.mirrors import Mirrors
from thermark.download.request import Changed


def unpack_piece(
    piece: ResolvedPiece, copy: LocalCopy, pin: Pin | None, listed: list[ListedFile] | None, stage: Path
) -> list[ListedFile]:
    """Fill the new folder `stage` with a piece's files and return their listing, of what lies there now.

    The archives of a repository are unpacked beside where they lay, and left out: its pin is of what is in them.
    `listed` is the pinned listing where there is one. Raises Changed for files that differ from the pin, and
    DataError for an archive that `extract` refuses, an empty piece and a full disk. Names beside `stage` are used.
    """
    _fill(piece, copy, stage)
    entries = listing.list_files(stage)
    if not entries:
        raise DataError(f"{piece.key} from {piece.source} holds no files", "look at what is published there")
    if path := listing.colliding(entry.path for entry in entries):
        raise DataError(f"{piece.key} holds {path} twice for some file systems", "rename one of them")
    if pin is None or listing.digest(entries) == pin.tree:
        return entries
    # An archive may have other folders than the listing, and more files: where git has the listing, it decides.
    if pin.listing and isinstance(copy, SingleFile) and _sort(pin.listing, stage):
        return pin.listing
    raise _mismatch(piece, copy, pin, listed, entries)


def move_into_place(piece: ResolvedPiece, stage: Path, folder: Path, taken: dict[str, str]) -> None:
    """Move the files of an unpacked piece to their places below the data set's new `folder`.

    `taken`: the paths of earlier pieces and whose they are; it grows. Raises DataError when two pieces have the
    same file.
    """
    sources = {(piece.into / name).as_posix(): path for name, path in listing.files_below(stage).items()}
    if clash := listing.colliding([*taken, *sources]):
        raise DataError(
            f"{piece.key} and {_owners(clash, taken)} both have {clash}", "give one another `into` in params.yaml"
        )
    taken |= dict.fromkeys(sources, piece.key)
    target = folder / piece.into
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        stage.rename(target)
        return
    for name, path in sources.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        path.rename(folder / name)
    shutil.rmtree(stage)


def _owners(clash: str, taken: dict[str, str]) -> str:
    """Return which pieces have a path, or one that lies above or below it."""
    near = {key for name, key in taken.items() if f"{clash}/".startswith(f"{listing.folded(name)}/")}
    near |= {key for name, key in taken.items() if listing.folded(name).startswith(f"{clash}/")}
    return ", ".join(sorted(near))


def _fill(piece: ResolvedPiece, copy: LocalCopy, stage: Path) -> None:
    if isinstance(copy, SingleFile):
        if piece.unpack:
            extract.extract(copy.path, stage)
            return
        sources, linked = {piece.name: copy.path}, None
    elif isinstance(copy, Folder):
        sources = listing.files_below(copy.path, litter=copy.ours)
        if piece.kind == "hub_tree":  # without what `hf download --local-dir` notes for itself
            sources = {name: path for name, path in sources.items() if not name.startswith(".cache/huggingface/")}
        linked = copy.path if copy.ours else None
    else:
        sources, linked = copy.files, copy.ours
    archives = _archives(piece, sources) if isinstance(copy, Folder) and piece.inner else {}
    _gather(piece.key, {name: path for name, path in sources.items() if name not in archives}, linked, stage)
    for name, folder in archives.items():
        extract.extract(sources[name], stage / folder)
    if isinstance(copy, Folder) and copy.ours:
        for path in listing.files_below(stage).values():
            path.chmod(0o444)  # an edit must not reach what the cache holds


def _archives(piece: ResolvedPiece, sources: dict[str, Path]) -> dict[str, str]:
    """Return archive -> the folder beside it into which it is unpacked; raises DataError when that is taken."""
    endings = {name: next((end for end in PACKED if name.lower().endswith(end)), "") for name in sources}
    folders = {name: name[: -len(end)] for name, end in endings.items() if end}
    # Of `...zip` nothing is left but a way out of the folder: such files stay as they are.
    folders = {
        name: folder for name, folder in folders.items() if folder.rpartition("/")[2] not in ("", ".", "..")
    }
    if clash := listing.colliding(folders.get(name, name) for name in sources):
        raise DataError(
            f"{piece.key} holds an archive whose folder {clash} has other files as well",
            "write `unpack: false` in params.yaml, or place the unpacked files by hand",
        )
    return folders


def _gather(key: str, sources: dict[str, Path], ours: Path | None, stage: Path) -> None:
    """Bring files together in `stage`: those below `ours` by a link where that is possible, else copied."""
    needed = sum(path.stat().st_size for path in sources.values() if not _linkable(path, ours, stage))
    with extract.room(key, stage.parent, needed):
        for name, path in track(list(sources.items()), len(sources), f"copying {key}", "files"):
            target = stage / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if _linkable(path, ours, stage):
                with suppress(OSError):  # a file system without hard links
                    os.link(path, target)
                    continue
            shutil.copyfile(path, target)


def _linkable(path: Path, ours: Path | None, stage: Path) -> bool:
    return ours is not None and path.is_relative_to(ours) and path.stat().st_dev == stage.parent.stat().st_dev


def _sort(listed: list[ListedFile], stage: Path) -> bool:
    """Make `stage` hold exactly the listed files, found in it by content; tell whether all were there."""
    inside = Mirrors((stage,))
    places = {entry.path: inside.find(entry.sha256, entry.size, Path(entry.path).name) for entry in listed}
    if None in places.values():
        return False
    aside = stage.with_name(f"{stage.name}-unsorted")
    stage.rename(aside)
    for name, path in places.items():
        assert path is not None
        target = stage / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # Copied, as two entries may be one file in the archive.
        shutil.copyfile(aside / path.relative_to(stage), target)
    shutil.rmtree(aside)
    return True


def _mismatch(
    piece: ResolvedPiece, copy: LocalCopy, pin: Pin, listed: list[ListedFile] | None, entries: list[ListedFile]
) -> Changed:
    tree = listing.digest(entries)
    details = f": {listing.differences(listed, entries)}" if listed else ""
    remedy = "find out what changed upstream"
    if isinstance(copy, Folder | SingleFile):
        remedy = f"remove {copy.path}, and the next run looks elsewhere; {remedy}"
    return Changed(
        f"{piece.key} from {piece.source} is not what was pinned: its listing has sha256 {tree.sha256} "
        f"({tree.files} files, {tree.bytes} bytes), expected {pin.tree.sha256} ({pin.tree.files} files, "
        f"{pin.tree.bytes} bytes){details}",
        remedy,
    )
