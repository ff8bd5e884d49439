"""Which code made something that is to be gone on from."""

from hashlib import sha256
from pathlib import Path
from types import ModuleType

from thermark.core import files


def fingerprint(*modules: ModuleType) -> str:
    """Return a hash of the code and tables of packages, and of the files of plain modules."""
    lines = [
        f"{root.name}/{path.relative_to(root).as_posix()} {files.sha256(path)}" for root, path in _files(modules)
    ]
    return sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _files(modules: tuple[ModuleType, ...]) -> list[tuple[Path, Path]]:
    """Return (root, file) of all files that count."""
    found = []
    for module in modules:
        if hasattr(module, "__path__"):
            root = Path(module.__path__[0])
            found += [(root, path) for path in root.rglob("*") if path.suffix in (".py", ".yaml")]
        else:
            path = Path(str(module.__file__))
            found.append((path.parent, path))
    return found
