"""The model card for people: what the shipped networks are, what was measured with them, and what was not."""

from pathlib import Path
from typing import Literal

from thermark.core import files
from thermark.core.config import Section, parse
from thermark.core.errors import ConfigError, DataError, in_one_line
from thermark.core.templates import render
from thermark.landmarker.card import LandmarkerCard
from thermark.nets.card import ModelCard

TEMPLATE = Path(__file__).parent / "model_card.md"
# The origin of the labels that a number was measured against, for readers.
LABELS = {"rendered": "rendered, exact", "machine": "made by a machine", "human": "made by people"}


class CardRow(Section):
    """One number: `metric` of `what` on `faces` faces of `data`, whose `labels` come from there, in such `boxes`.

    `value` is a fraction, `low`..`high` its 95 % interval by person, null without one.
    """

    data: str
    labels: Literal["rendered", "machine", "human"]
    what: str
    boxes: str
    faces: int
    metric: str
    value: float
    low: float | None = None
    high: float | None = None


class Measured(Section):
    """What was measured with two networks.

    `sums`: network -> the sha256 of its file, which the rest is about; `origin`: what went into them, a sentence;
    `rows`: the numbers; `failures`: where they fail, a sentence each;
    `reproduce`: how to get them.
    """

    sums: dict[str, str]
    origin: str
    rows: list[CardRow]
    failures: list[str]
    reproduce: str


def read(path: Path) -> Measured:
    """Read what was measured; raises DataError when it is absent or damaged."""
    try:
        return parse(files.read_json(path), Measured, path.name)
    except OSError as error:
        raise DataError(f"{path} cannot be read", "name the JSON file of what was measured as `scores`") from error
    except (ConfigError, ValueError) as error:
        cause = f"{path} is damaged: {in_one_line(error)}"
        raise DataError(cause, "compare it with convert/model_card.py") from error


def about_these(measured: Measured, card: LandmarkerCard) -> bool:
    """Tell whether these very files were measured, and not those of another training."""
    return measured.sums == sums(card)


def sums(card: LandmarkerCard) -> dict[str, str]:
    """Return network -> the sha256 of its file."""
    return {"detector": card.detector.sha256, "landmarks": card.landmarks.sha256}


def text(card: LandmarkerCard, about: ModelCard, measured: Measured, folder: Path) -> str:
    """Return the card of the networks in `folder`, as Markdown; numbers of other files are left out."""
    networks = (card.detector, card.landmarks)
    sizes = {network.file: (folder / network.file).stat().st_size for network in networks}
    filters = {
        "number": lambda value: f"{value:.4g}",
        "percent": lambda value: f"{100 * value:.4g}",
        "mb": lambda size: f"{size / 1e6:.2f} MB",
    }
    return render(
        TEMPLATE,
        filters,
        card=card,
        about=about,
        measured=measured,
        known=about_these(measured, card),
        sizes=sizes,
        labels=LABELS,
    )
