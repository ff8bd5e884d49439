"""Write every published number beside ours, with a verdict and its reason."""

import argparse
from pathlib import Path

from thermark.core import errors, files
from thermark.report.reference_results.reference_tables import markdown, reference_table
from thermark.report.results.record import open_all
from thermark.report.results.reproduced import everything


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("results", "numbers", "text"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument(
        "--pages", type=Path, nargs="+", required=True, help="JSON of pages, which take precedence"
    )
    options = parser.parse_args()
    pages = [files.read_json(path) for path in options.pages]
    compared = everything(open_all(options.results), pages)
    files.write_json(options.numbers, reference_table(compared))
    files.write_text(options.text, f"# Published and ours\n\n{markdown(compared)}\n")


if __name__ == "__main__":
    errors.run(main)
