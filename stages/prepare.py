"""Read one data set as it lies on disk and pack its faces into a few memory-mapped files.

--shard i/n makes only every n-th shard, on this machine, in the folder of --shards or of THERMARK_SHARDS; --merge
joins what is there and makes nothing. Without either, what is missing is made and joined.
"""

import argparse
import os
from importlib import import_module
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section
from thermark.core.runs import skipped
from thermark.datasets.checks import arrival
from thermark.datasets.prepare import packing, sharding


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loader", required=True)
    parser.add_argument("--params", required=True)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--splits", type=Path, required=True)
    parser.add_argument("--shards", type=Path, required=True, help="where unfinished shards are kept")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--shard", metavar="i/n", help="make these shards, and no face set")
    how.add_argument("--merge", action="store_true", help="join the shards, make none")
    options = parser.parse_args()
    params = Path("params.yaml")
    dataset = import_module(f"thermark.datasets.{options.loader}")
    config = section(params, options.params, dataset.Config)
    if reason := skipped(options.raw):
        packing.leave_out(dataset, config, reason, options.out, options.report, options.splits)
        print(f"{options.out.name} is left out: {reason}")
        return
    crop = section(params, "prepare", packing.CropConfig)
    shared = os.environ.get("THERMARK_SHARDS")
    folder = Path(shared) / options.out.name if shared else options.shards
    if text := options.shard or crop.part:
        part = sharding.parse_part(text)
        if not (options.shard or shared):
            raise errors.ConfigError(
                f"prepare.part is {crop.part}, but nobody keeps its shards", "set THERMARK_SHARDS"
            )
        plan = packing.make_part(dataset, options.raw, config, crop, part, folder)
        print(
            f"{options.out.name}: {len(plan.missing())} of {len(plan.spans)} shards are missing in {plan.folder}"
        )
        if not options.shard:
            packing.leave_note(text, options.out, options.report, options.splits)
        return
    sharing = packing.Sharing(folder, keep=bool(shared), merge=options.merge)
    content = packing.pack(
        dataset, options.raw, config, crop, options.out, options.report, options.splits, sharing=sharing
    )
    print("\n".join(arrival.lines(content)))


if __name__ == "__main__":
    errors.run(main)
