"""What comes of a run: its seeds, or the reason why there are none. Weak training is a result and no error."""

from collections.abc import Callable
from pathlib import Path

from thermark.core import files
from thermark.core.runs import LABELLER, Untrained, matching, skipped
from thermark.train import data, side_by_side
from thermark.train.run import Finished, Run

AGAIN = "mend what is said there, then run `dvc repro`"
READ = ("train", "extra_data", "teacher_data")  # the settings of all recipes that name a face set


def every_seed(config: Run, faces: Path, models: Path, train: Callable[[int], Finished]) -> dict[int, Finished]:
    """Return what `train(seed)` gives for each seed of a run, of a Job side by side.

    Raises Untrained as `require` does, and when training with a seed fails to learn: the mean over the others
    would hide it.
    """
    require(config, faces, models)
    return side_by_side.train_all(config, train)


def require(config: Run, faces: Path, models: Path) -> None:
    """Raise Untrained with the reason when there is nothing to learn from and earlier training is why.

    That is when one of its face sets under `faces`, or its teacher under `models`, was left out with a reason, and
    when a head's pseudo-labels fill no batch.
    """
    options = config.model_dump()
    sets = [options[name] for name in READ if options.get(name)]
    for name in sets:
        if reason := skipped(faces / name):
            raise Untrained(reason, AGAIN)
    teacher = models / str(options.get("teacher", ""))
    if options.get("teacher") and (reason := skipped(teacher)):
        raise Untrained(f"{teacher.name} was not trained: {reason}", AGAIN)
    for seed in config.seeds:
        folder = matching(faces / config.train, seed)
        if not (folder / LABELLER).is_file():
            continue
        count = data.count(folder, "train", config.vocabulary)
        if count < config.batch:
            head = files.read_json(folder / LABELLER)["head"]
            raise Untrained(
                f"{head} labelled {count} training faces, fewer than the {config.batch} of a batch",
                "train the head better, or set a smaller `batch`",
            )
