"""What a killed process leaves beside its output."""

import os
import shutil
from pathlib import Path


def clear(out: Path) -> None:
    """Remove the temporary folders of processes of this machine that died while they made `out`.

    They may be as large as the data set. One that another machine is making on a shared disk looks alike: two
    machines must not make one output at a time.
    """
    for folder in [*out.parent.glob(f"{out.name}.tmp-*"), *out.parent.glob(f"{out.name}.old-*")]:
        pid = folder.name.rpartition("-")[2]
        if pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
