"""Write a post with figures, tables and exports from the records of results.

No stage of the pipeline: it names the commit, which no file of that commit can.
"""

import argparse
import shlex
import sys
from pathlib import Path

from thermark.core import errors
from thermark.report.blog.build import TITLE, BundleOptions, build


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="the folder of records and per-face errors")
    parser.add_argument(
        "--comparisons", type=Path, help="declared comparisons; without them no difference is called significant"
    )
    parser.add_argument("--lock", type=Path, default=Path("dvc.lock"))
    parser.add_argument("--template", type=Path, help="the post as a template of your own")
    parser.add_argument("--title", default=TITLE)
    parser.add_argument("--hub", default="your-organisation/thermark", help="data-set repository on Hugging Face")
    parser.add_argument("--url", default="", help="where the benchmark can be found, for Hugging Face")
    parser.add_argument("--out", type=Path, required=True, help="output folder, overwritten")
    options = parser.parse_args()
    command = shlex.join(["python", "stages/blog.py", *sys.argv[1:]])
    for warning in build(BundleOptions(**vars(options), command=command)):
        print(f"warning: {warning}", file=sys.stderr)
    print(f"{options.out}: index.md, figures, tables, results.json, references.bib, huggingface, provenance.json")


if __name__ == "__main__":
    errors.run(main)
