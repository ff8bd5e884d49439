"""The options of `thermark calibrate` and `thermark predict`, without what takes seconds to import."""

import argparse
from pathlib import Path
from typing import Literal, get_args

Unit = Literal["celsius", "fahrenheit", "kelvin"]
UNITS: tuple[Unit, ...] = get_args(Unit)

CONVENTION = """\
Coordinates in CSV are pixels of the picture as stored, x to the right, y down; 0,0 is the CENTRE of the first
pixel, for points and for the corner box_x,box_y alike. COCO counts from the picture's OUTLINE: 0.5 is subtracted.
"""
LABELS = """\
CSV: a header and a row a person, `image,nose_x,nose_y` (two nostrils: right_nostril_x,right_nostril_y,
left_nostril_x,left_nostril_y; right and left are the subject's; the cells of a hidden point are empty), and
optionally box_x,box_y,box_w,box_h, a box around the person or head (else the whole picture is the box), and group,
such as the recording: pictures of one group are never on both sides of a test.
COCO JSON: key points of these names, with the annotation's bbox as the box; or, for one point, boxes of a category
Nose, of which the centre counts, each within the smallest box around it of a category Person.
"""
PICTURES = """\
Pictures: PNG, JPEG or TIFF. 8-bit ones are taken as they are. In float ones a pixel is a temperature (degrees
Celsius, or --unit), in 16-bit ones as a rule, too (centikelvin or 1/64 kelvin), which --tone turns into grey
(--tone=-9,40 below 0).
"""
WRITTEN = """\
Without --predictor, faces and their 68 points are found by the networks that come with the package: no training,
no download, no box; --boxes replaces the detector. Integers in no known unit become grey, without temperatures.
With a predictor, --boxes gives the boxes (default: whole pictures):
  thermark predict --predictor mycamera --images pictures --out predictions.csv
Written is a CSV with a row a face or box: image,box_x,box_y,box_w,box_h, then nose_x,nose_y,nose_score for each
point; cells are empty where a point is missed, and all of them where no face is found. --boxes takes the same
columns, or COCO with boxes of a category Person.
"""
FOLLOWS = """\
The numbers after calibration are those of pictures that were held out: each fold is predicted by a head that was
trained on the others. When the folds show no lower error, the predictor is written only with --force (exit 1
without). An earlier calibration as --head that has learned from any of the pictures is accepted only with
--fresh.
"""


def describe_calibrate(parser: argparse.ArgumentParser) -> None:
    """Add the options of `calibrate`."""
    _explained(parser, LABELS + CONVENTION + PICTURES + FOLLOWS)
    parser.add_argument("--images", type=Path, required=True, help="folder of the labelled pictures")
    parser.add_argument("--labels", type=Path, required=True, help="CSV or COCO JSON, some 30 pictures")
    parser.add_argument("--head", type=Path, required=True, help="a trained head, or an earlier calibration")
    parser.add_argument("--weights", type=Path, help="bundle of its backbone; default HEAD/backbone")
    parser.add_argument("--out", type=Path, required=True, help="the predictor's folder")
    parser.add_argument("--tone", help="LOW,HIGH in deg C that become black and white; minmax, percentile, clahe")
    parser.add_argument("--unit", choices=UNITS, default=UNITS[0], help="unit of float pixels (default celsius)")
    parser.add_argument("--folds", type=int, default=5, help="number of cross-validation folds (default 5)")
    parser.add_argument("--seed", type=int, default=0, help="random seed")
    parser.add_argument(
        "--epochs", type=int, help="maximum epochs; the best is kept (default 60, with --fresh 120)"
    )
    parser.add_argument("--lr", type=float, help="learning rate (default 0.001, with --fresh 0.003)")
    parser.add_argument("--fresh", action="store_true", help="begin at random, not at the head's weights")
    parser.add_argument("--force", action="store_true", help="write the predictor even if nothing was gained")


def describe_predict(parser: argparse.ArgumentParser) -> None:
    """Add the options of `predict`."""
    _explained(parser, WRITTEN + CONVENTION + PICTURES)
    parser.add_argument(
        "--images", type=Path, required=True, help="folder of pictures, searched recursively, or one picture"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("predictions.csv"), help="the CSV to write (default predictions.csv)"
    )
    parser.add_argument(
        "--predictor", type=Path, help="folder written by calibrate, or a trained run; default: the landmarker"
    )
    parser.add_argument("--weights", type=Path, help="bundle of the backbone, where the predictor has none")
    parser.add_argument("--boxes", type=Path, help="CSV (image,box_x,...) or COCO")
    parser.add_argument("--tone", help="as for calibrate; default: that of the calibration or of the landmarker")
    parser.add_argument("--unit", choices=UNITS, default=UNITS[0], help="unit of float pixels, as for calibrate")
    only = parser.add_argument_group("without --predictor")
    only.add_argument("--landmarker", type=Path, help="other weights, as `make package` takes them")
    only.add_argument("--overlays", type=Path, help="folder for the pictures with what was found in them")
    only.add_argument("--temperatures", action="store_true", help="a column nose_celsius for each point, too")
    only.add_argument("--threshold", type=float, help="minimum face score, between 0 and 1")
    only.add_argument(
        "--longest",
        type=int,
        help="longer side in px that pictures get before detection; more for small faces in large pictures",
    )
    only.add_argument("--no-flip", action="store_true", help="do not average with the mirror image: faster")


def _explained(parser: argparse.ArgumentParser, text: str) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = text
