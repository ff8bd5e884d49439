"""How PNG files store their pixels, read from their headers: nothing is decoded."""

from collections.abc import Sequence
from pathlib import Path

from thermark.datasets.readers.loaded import Check, spread

HEADER = 26  # bytes up to the colour type: signature, length and name of IHDR, width, height, depth, colour
SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}


def stored(path: Path) -> str:
    """Return depth and kind of a PNG, such as `16-bit grey`; nothing for what is no PNG or cannot be opened."""
    try:
        with path.open("rb") as file:
            header = file.read(HEADER)
    except OSError:
        return ""
    if len(header) < HEADER or not header.startswith(SIGNATURE) or header[12:16] != b"IHDR":
        return ""
    return f"{header[24]}-bit {COLOURS.get(header[25], 'of no known kind')}"


def check(name: str, root: Path, files: Sequence[str], expected: str, tolerated: Sequence[str] = ()) -> Check:
    """Return whether `SAMPLE` files, evenly spread over `files` (relative to `root`), are stored as `expected`.

    Any file that is stored otherwise fails the check, and the first is named; one stored as `tolerated` is worth a
    warning. Damaged files do not count here: they are reported where frames are read.
    """
    kinds = {path: stored(root / path) for path in spread(files)}
    readable = {path: kind for path, kind in kinds.items() if kind}
    other = {path: kind for path, kind in readable.items() if kind != expected}
    wrong = {path: kind for path, kind in other.items() if kind not in tolerated}
    found = f"{expected} in {len(readable) - len(other)} of {len(readable)} files looked at"
    for path, kind in (wrong or other).items():
        remedy = "fetch the archive again: these files were saved anew"
        found = f"{found}; {path} is {kind}"
        return Check(name, f"all {expected}", found, "failed" if wrong else "warning", remedy)
    return Check(name, f"all {expected}", found, "ok")
