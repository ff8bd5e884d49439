"""Train variants of a recipe, score each on a real camera at once, and say what each part brought.

No stage: hours of work that the profile does not depend on. What is finished is kept in --work; the same command
goes on. --only makes some variants, such as a part for each of several machines.
"""

import argparse
from pathlib import Path

from thermark.core import errors, files
from thermark.core.config import nearest, parse, read
from thermark.report.transfer import ablation, boxes, camera, effects, quick

KINDS = ("given", "tight")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("plan", "raw", "work", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--loader", default="thermal_in_car")
    parser.add_argument("--stride", type=int, help="use every N-th picture of each recording")
    parser.add_argument("--only", nargs="*", default=[], metavar="VARIANT")
    options = parser.parse_args()
    plan = parse(read(options.plan), ablation.AblationPlan, options.plan.name)
    variants = ablation.variants(plan, read(Path("params.yaml")))
    if unknown := [name for name in options.only if name not in variants]:
        raise errors.ConfigError(f"the plan has no variant {unknown[0]}", nearest(unknown[0], list(variants)))
    settings = {} if options.stride is None else {"stride": options.stride}
    pictures = camera.read(options.loader, options.raw, **settings)
    by_kind = {kind: given for kind, given in boxes.kinds(pictures.faces).items() if kind in KINDS}
    floor = {kind: [boxes.mean_of_others(pictures.faces, given)] for kind, given in by_kind.items()}
    floor_errors = effects.errors(pictures.faces, floor)
    results: dict[str, effects.Result] = {}
    for name, params in variants.items():
        job = ablation.training(params, plan.run)
        kept = options.work / job.folder / f"scores-{len(pictures.faces)}.json"
        if not kept.exists() and (not options.only or name in options.only):
            run = ablation.finish(job, params, options.work, Path(__file__).parent)
            predicted = quick.of_run(run, "aligned", pictures, by_kind)
            files.write_json(kept, effects.errors(pictures.faces, predicted))
        if kept.exists():
            val_nme = effects.val_nme(ablation.output(job, options.work))
            by_face = files.read_json(kept)
            base = results.get(ablation.BASE)  # the first of all variants
            less_base = effects.differences(pictures.faces, base.errors, by_face) if base else {}
            results[name] = effects.Result(plan.variants.get(name, {}), val_nme, by_face, less_base)
        if ablation.BASE in results:
            files.write_text(options.out, effects.page(results, floor_errors))
            files.write_json(options.out.with_suffix(".json"), effects.numbers(results, floor_errors))


if __name__ == "__main__":
    errors.run(main)
