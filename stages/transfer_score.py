"""Score runs on the pictures of a real camera at once, without the pipeline: for experiments.

No stage: it reads the raw pictures and a folder of weights, and prints one line a run. --run is a folder
data/models/<run> with its seeds, or that of one seed; give it several times. --mesh is the folder of FaceMesh's
weights, whose row and whose disagreement with the labels are printed, too. --detector is a detector.onnx of ours:
what it finds, and the runs in its boxes. --shipped adds `thermark.Landmarker()` as it comes with the package, on
whole pictures. --reduce makes pictures smaller first. --worst draws the faces with the largest errors in the
publisher's boxes; the drawings show people. --rows renews the rows of a card of what is shipped from the first
run, and says of which files they are.
"""

import argparse
from pathlib import Path

from thermark import Landmarker
from thermark.convert import model_card
from thermark.core import errors, files, runs
from thermark.landmarker import card as cards
from thermark.report.transfer import boxes, camera, failures, page, quick, shipped

LOADER = "thermal_in_car"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, action="append", default=[], help="folder of a run or of one seed")
    parser.add_argument("--raw", type=Path, required=True, help="folder of the data set's files")
    parser.add_argument("--loader", default=LOADER)
    parser.add_argument("--stride", type=int, help="use every N-th picture of each recording")
    parser.add_argument("--reduce", type=int, default=1, help="make the pictures so many times smaller first")
    parser.add_argument("--flip", choices=["aligned", "none"], default="aligned")
    parser.add_argument("--kinds", nargs="*", default=[], choices=boxes.KINDS, help="of boxes, by default all")
    parser.add_argument("--mesh", type=Path, help="folder with FaceMesh's weights")
    parser.add_argument("--detector", type=Path, help="a face detector of ours in ONNX")
    parser.add_argument("--shipped", action="store_true", help="the shipped landmarker, in boxes of its own")
    parser.add_argument("--rows", type=Path, help="a JSON file with `rows`, as stages/package.py takes it")
    parser.add_argument("--details", action="store_true", help="print every table")
    parser.add_argument("--worst", type=Path, help="new folder for pictures of the first run's worst faces")
    parser.add_argument("--out", type=Path, help="write all numbers as JSON")
    options = parser.parse_args()
    if options.worst and options.kinds and "given" not in options.kinds:
        parser.error("--worst are those in the publisher's boxes: add given to --kinds")
    for name in ("rows", "worst"):
        if getattr(options, name) and not options.run:
            parser.error(f"--{name} are those of a --run")
    if options.worst and options.worst.exists():
        parser.error("--worst is a new folder")
    as_they_are = options.loader == LOADER and options.flip == "aligned"
    as_they_are &= options.stride is None and options.reduce == 1 and not options.kinds
    if options.rows and not (options.shipped and options.detector and as_they_are):
        parser.error("--rows are those of --shipped and its --detector on all of thermal_in_car, as it is")
    if options.rows and (why := not_shipped(options.run[0], options.detector)):
        parser.error(f"--rows are those of what is shipped: {why}")
    if options.reduce < 1:
        parser.error("--reduce is 1 or more")
    if options.rows:
        model_card.read(options.rows)  # before a minute's work, not after it
    settings = {} if options.stride is None else {"stride": options.stride}
    pictures = camera.read(options.loader, options.raw, **settings)
    if options.reduce > 1:
        pictures = camera.reduced(pictures, options.reduce)
    landmarker = Landmarker() if options.shipped else None
    content = quick.scored(
        pictures, options.run, options.mesh, options.flip, options.kinds, options.detector, landmarker
    )
    print(page.render(content, options.details), end="")
    if options.worst:
        ids = [face["face"] for face in content["worst"][quick.name_of(options.run[0])]]
        failures.draw(options.worst, pictures, options.run[0], options.flip, ids)
    if options.out:
        files.write_json(options.out, content)
    if options.rows:
        data = f"{LOADER}, development half"
        rows = shipped.rows(content, quick.name_of(options.run[0]), data)
        measured = {"rows": [row.model_dump() for row in rows], "sums": model_card.sums(cards.read())}
        files.write_json(options.rows, files.read_json(options.rows) | measured)


def not_shipped(run: Path, detector: Path) -> str:
    """Return why a run and a detector are not what the shipped files were made from, empty where they are."""
    card = cards.read()
    wanted = runs.seed_folder(Path(card.landmarks.run), card.landmarks.seed)
    seeds = runs.seed_folders(run)
    folder = seeds[0] if len(seeds) == 1 else run.resolve()
    if folder.parts[-2:] != wanted.parts:
        return f"the first --run is {folder}, not {wanted}"
    return "" if files.sha256(detector) == card.detector.sha256 else f"{detector} is another detector"


if __name__ == "__main__":
    errors.run(main)
