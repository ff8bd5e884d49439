"""Where whole folders lie in the cache: `trees/<hash of the address>`, each complete or absent."""

import hashlib
from pathlib import Path


def path(root: Path, address: str) -> Path:
    """Return where the folder that was published at `address` lies below the cache `root`; it need not exist."""
    return root / "trees" / hashlib.sha256(address.encode()).hexdigest()[:16]
