"""Train variants of a recipe, score each on a real camera at once, and say what each part brought.

No stage: hours of work that the profile does not depend on. What is finished is kept in --work; the same command
goes on. --only makes some variants, such as a part for each of several machines.
"""

import argparse
from pathlib import Path

from thermark.core import errors, files
from thermark.core.config import parse, read
from thermark.report.transfer import ablation, boxes, brought, camera, quick

KINDS = ("given", "tight")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("plan", "raw", "work", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--loader", default="thermal_in_car")
    parser.add_argument("--stride", type=int, help="use every N-th picture of each recording")
    parser.add_argument("--only", nargs="*", default=[], metavar="VARIANT")
    options = parser.parse_args()
    plan = parse(read(options.plan), ablation.Plan, options.plan.name)
    params = ablation.variants(plan, read(Path("params.yaml")))
    settings = {} if options.stride is None else {"stride": options.stride}
    pictures = camera.read(options.loader, options.raw, **settings)
    results = {}
    for name, own in params.items():
        wanted = ablation.job(own, plan.run)
        kept = options.work / wanted.folder / f"scores-{len(pictures.faces)}.json"
        if not kept.exists() and (not options.only or name in options.only):
            folder = ablation.made(wanted, own, options.work, Path(__file__).parent)
            wanted_boxes = {kind: made for kind, made in boxes.kinds(pictures.faces).items() if kind in KINDS}
            scored = brought.scored(pictures.faces, quick.of_run(folder, "aligned", pictures, wanted_boxes))
            files.write_json(kept, scored)
        if kept.exists():
            results[name] = files.read_json(kept)
        if ablation.BASE in results:
            files.write_text(options.out, brought.page(pictures.faces, results, plan.variants, KINDS))


if __name__ == "__main__":
    errors.run(main)
