"""Records and boards written by hand."""

from records import result_set
from thermark.report.leaderboard.board import Board
from thermark.report.results.record import Estimate, PartResult, Record

FACES = 9


def record(name: str, metrics: dict[str, float | tuple[float | None, ...]], **more) -> Record:
    """Return a record of one who ran on FACES faces; a metric: value, and perhaps `low`, `high`, `seed_std`."""
    values = {key: value if isinstance(value, tuple) else (value,) for key, value in metrics.items()}
    made = {
        key: Estimate(
            **dict(zip(("value", "low", "high", "seed_std"), value, strict=False)), faces=FACES, subjects=FACES
        )
        for key, value in values.items()
    }
    common = {"dataset": "d", "kind": name, "tier": "measured", "trained_on": "RGB", "status": "ok"}
    common |= {"points": 1, "faces": FACES, "subjects": FACES, "boxes": "prompt"}
    return Record(**common | {"contestant": name, "metrics": made} | more)


def idle(name: str, reason: str = "x", **more) -> Record:
    """Return a record of one who did not run."""
    return record(name, {}, status="skipped", reason=reason, points=0, faces=0, boxes="", **more)


def part(value: float | None, missed: int = 0) -> PartResult:
    return PartResult(value=value, faces=FACES, missed=missed)


def board(*records: Record, main: str = "error_px_mean", groups: dict[str, str] | None = None, **about) -> Board:
    """Return a board of real pictures with labels by hand, unless `about` says otherwise."""
    about = {"faces": FACES, "subjects": FACES, "boxes": ""} | about
    return Board(result_set(records, main, miss=50.0, **about), groups or {})
