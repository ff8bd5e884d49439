"""The options of `thermark compare`, without what takes more than the standard library to import."""

import argparse
from pathlib import Path


def describe_compare(parser: argparse.ArgumentParser) -> None:
    """Add the options of `thermark compare`."""
    parser.add_argument("base", help="a git revision, an experiment of DVC, or a folder")
    parser.add_argument("head", nargs="?", default=".", help="as base; default: the working tree")
    parser.add_argument(
        "--params", type=Path, default=Path("params.yaml"), help="params file with the section `gate`"
    )
    parser.add_argument("--strict", action="store_true", help="also fail on inconclusive comparisons")
    for kind in ("markdown", "json", "junit"):
        parser.add_argument(f"--{kind}", type=Path, help=f"write a {kind} report to this file")
