"""Where the file is that an annotation names: archives unpack at any depth, and not always beside each other."""

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

Index = dict[str, list[PurePosixPath]]


def index(paths: Iterable[str], suffixes: tuple[str, ...]) -> Index:
    """Return plain file name -> relative paths, in their order, of files with one of the lower-case `suffixes`."""
    paths_of: Index = {}
    for path in map(PurePosixPath, paths):
        if path.suffix.lower() in suffixes:
            paths_of.setdefault(_plain(path.name), []).append(path)
    return paths_of


def ending(files: Index, wanted: PurePosixPath, near: PurePosixPath) -> PurePosixPath | None:
    """Return the file whose path ends with `wanted`, whatever its case and blanks; None where there is none.

    Of several it is one that ends with it to the letter, then the one that shares the most leading folders with
    `near`, the annotations that name it, then the first.
    """
    length = len(wanted.parts)
    ends = [(path, path.parts[-length:]) for path in files.get(_plain(wanted.name), [])]
    same = [*map(_plain, wanted.parts)]
    candidates = [(path, end == wanted.parts) for path, end in ends if [*map(_plain, end)] == same]
    return max(candidates, key=lambda pair: (pair[1], _shared(pair[0], near)), default=(None, False))[0]


def trusted(root: Path, copies: Sequence[PurePosixPath], folder: str) -> PurePosixPath | None:
    """Return the one of `copies` (under `root`) to read, None where their bytes differ and none stands out.

    Those that lie in a folder called `folder`, whatever its case, are preferred; of equal ones it is the first.
    """
    inside = [path for path in copies if path.parent.name.lower() == folder.lower()]
    first, *others = inside or copies
    if not others:
        return first
    content = (root / first).read_bytes()
    return first if all((root / path).read_bytes() == content for path in others) else None


def _plain(name: str) -> str:
    """Return a name as it is compared: archives disagree on case, and one of iBUG's has stray blanks."""
    return "".join(name.split()).lower()


def _shared(one: PurePosixPath, two: PurePosixPath) -> int:
    """Return the number of folders that two paths have in common, from the root on."""
    folders = list(zip(one.parts[:-1], two.parts[:-1], strict=False))
    return next((depth for depth, (a, b) in enumerate(folders) if a != b), len(folders))
