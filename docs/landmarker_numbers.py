"""Write what the shipped card says into the page about the landmarker: `python docs/landmarker_numbers.py`."""

from pathlib import Path

MARKER = "<!-- card -->"
PAGE = Path(__file__).parent / "landmarker.md"


def renewed(text: str) -> str:
    """Return the page with the numbers of the shipped card between its two markers."""
    before, _, after = text.split(MARKER)
    return MARKER.join([before, f"\n{table()}\n", after])


def table() -> str:
    """Return the shipped card as Markdown, or that there is none."""
    from thermark.core.errors import DataError
    from thermark.landmarker import card as cards

    try:
        card = cards.read()
    except DataError:
        return "No weights are shipped yet."
    size = sum((cards.FOLDER / network.file).stat().st_size for network in (card.detector, card.landmarks))
    finder, points = card.detector, card.landmarks
    rows = [
        ("both files", f"{size / 1e6:.2f} MB, {card.licence}"),
        ("detector", f"run `{finder.run}`, seed {finder.seed}, {finder.precision}"),
        ("", f"pictures resized to {finder.longest} px, threshold {finder.threshold:.3g}"),
        ("landmarks", f"RTMPose-{points.size} at {points.input_size} px, {points.precision}"),
        ("", f"run `{points.run}`, seed {points.seed}"),
        ("trained on", ", ".join(f"`{name}`" for name in dict.fromkeys([*finder.trained_on, *points.trained_on]))),
    ]
    if cost := points.compression:
        change = f"{cost.delta:+.2f} % of the error ({cost.low:+.2f} to {cost.high:+.2f}), {cost.faces} faces"
        rows.append(("cost of the precision", change))
    return "\n".join(["| what | value |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)])


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
