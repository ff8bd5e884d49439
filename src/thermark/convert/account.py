"""Where each weight of a converted checkpoint comes from."""

from dataclasses import dataclass
from typing import Any

from thermark.nets.cspnext import Size

# From the checkpoint as it is; some rows of it; random.
KINDS = ("taken", "selected", "reinitialised")


@dataclass(frozen=True)
class Account:
    """What the checkpoint is, the origin of each weight of the new model, one of `KINDS`, and what was `ignored`.

    `points` and `input_size` (width, height) are the checkpoint's, None without an RTMCC head; `rows` is how the
    final layer was asked for, `wanted` the number of points of the new model.
    """

    name: str
    sha256: str
    size: Size
    points: int | None
    input_size: tuple[int, int] | None
    rows: str
    wanted: int
    origin: dict[str, str]
    ignored: list[str]

    def of(self, kind: str) -> list[str]:
        """Return the names of the weights of one kind."""
        return [name for name, origin in self.origin.items() if origin == kind]

    def notes(self) -> list[str]:
        """Return why the model is a start and no predictor yet, or nothing when it is one."""
        notes = []
        if self.of("selected"):
            # The attention is a sum over points, not a mean: without the others its output is another.
            notes.append(f"{self.rows}: {self.wanted} of {self.points} points")
        if renewed := self.of("reinitialised"):
            parts = dict.fromkeys(name.removeprefix("head.").rpartition(".")[0] for name in renewed)
            kept = any(name.startswith("head.") for name in self.of("taken"))
            notes.append("head re-initialised" + (f" in part: {', '.join(parts)}" if kept else ""))
        return notes

    def text(self) -> str:
        """Return a line about the checkpoint, and a line a kind of weight with the first names."""
        head = "no RTMCC head"
        if self.input_size:
            head = f"{self.points} points, {self.input_size[0]} x {self.input_size[1]} px"
        lines = [f"{self.name}: RTMPose-{self.size}, {head}"]
        for kind, names in self._named().items():
            first = ", ".join([*names[:3], "..."] if len(names) > 3 else names)
            lines.append(f"  {kind:<13} {len(names):>4}  {first}".rstrip())
        return "\n".join(lines)

    def content(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return self._named() | {
            "checkpoint": self.name,
            "sha256": self.sha256,
            "size": self.size,
            "points": self.points,
            "input_size": self.input_size,
            "rows": self.rows,
            "notes": self.notes(),
        }

    def _named(self) -> dict[str, list[str]]:
        return {kind: self.of(kind) for kind in KINDS} | {"ignored": self.ignored}
