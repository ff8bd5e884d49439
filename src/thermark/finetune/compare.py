"""What students gain or lose against their head, a control and the large head, on the noses that both found."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from thermark.finetune.inputs import Study
from thermark.finetune.roles import Roles, ran
from thermark.metrics.paired import Paired, paired
from thermark.report.inputs import column
from thermark.report.markdown import code
from thermark.report.verdicts import undecided

HEAD, CONTROL, LARGE = "head", "control", "large"
PIXELS = "error_px_mean"
ANOTHER = " (another network, too: not of the pseudo-labels alone)"
NETWORK = ("recipe", "size", "input_size", "teacher")  # what two runs must share to be of the labels alone
LEGEND = (
    "Differences are of the noses that both found, with the 95 % interval over subjects and seeds; a run of fewer "
    "than three seeds has the number and no verdict. A seed has its own chain: the backbone below a head, "
    "where it was trained here, and the head that wrote a student's labels are of the same seed."
)


@dataclass(frozen=True)
class Comparison:
    """Student `a` against `b`, which is its head, a control or the large head, in the main metric.

    `pck`: the difference of PCK at 5 px, of all noses, None where either has none.
    """

    group: str
    a: str
    b: str
    dataset: str
    metric: str
    pck: float | None
    result: Paired


def compare(study: Study, roles: Roles, replicates: int, seed: int) -> list[Comparison]:
    """Compare each student with its head, each control and the large head, where they ran in the same boxes."""
    names = ran(study, roles)
    wanted = []
    for name in roles.of("student", names):
        head = roles.head(name)
        wanted += [(HEAD, name, head)] if head in names else []
        wanted += [(CONTROL, name, control) for control in roles.of("control", names)]
        large = [each for each in roles.of("head", names) if roles.row(each) == roles.large and each != head]
        wanted += [(LARGE, name, each) for each in large]
    return [
        _compared(study, group, a, b, replicates, seed)
        for group, a, b in wanted
        if study.contestants[a].get("boxes") == study.contestants[b].get("boxes")
    ]


def lines(made: Sequence[Comparison], study: Study, roles: Roles) -> list[str]:
    """Return what each student loses or gains against its head and against each control, a line each."""
    said = []
    for each in made:
        if each.group == HEAD:
            said.append(f"- {code(each.a)} against its head {code(each.b)}: {told(each)}.")
        elif each.group == CONTROL:
            other = ANOTHER if _another(study, roles.row(each.a), roles.row(each.b)) else ""
            start = f"- {code(each.a)} against the control {code(each.b)}"
            said.append(
                f"{start}, what a head's pseudo-labels change over the published labels: {told(each)}{other}."
            )
    return said


def told(each: Comparison) -> str:
    """Return a difference in words: the number, its interval and the verdict, or why there is none."""
    found = each.result
    pck = "" if each.pck is None else f", {100 * each.pck:+.1f} points of PCK@5"
    if found.difference is None:
        return f"no nose in common{pck}".replace("-", "−")
    scale, unit = (1, "px") if each.metric == PIXELS else (100, "points of the error in %")
    value = f"{scale * found.difference:+.2f} {unit} in the mean"
    if not undecided(found.verdict) and found.low is not None and found.high is not None:
        value += f" ({scale * found.low:+.2f} to {scale * found.high:+.2f})"
    return f"{value}{pck}: {found.verdict}".replace("-", "−")


def plain(each: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data, its verdict with it."""
    own = {name: value for name, value in asdict(each).items() if name != "result"}
    return own | asdict(each.result) | {"verdict": each.result.verdict}


def _compared(study: Study, group: str, a: str, b: str, replicates: int, seed: int) -> Comparison:
    own, base = (study.contestants[name] for name in (a, b))
    metric = str(own["metric"])
    found = paired(study.errors[a], study.errors[b], column(metric), replicates, seed)
    both = own.get("pck@5px") is not None and base.get("pck@5px") is not None
    pck = own["pck@5px"] - base["pck@5px"] if both else None
    return Comparison(group, a, b, study.dataset, metric, pck, found)


def _another(study: Study, a: str, b: str) -> bool:
    """Return whether the runs of two rows differ in their network or in what it started from, as far as known."""
    one, two = (study.runs.get(each) for each in (a, b))
    return bool(one and two and any(one.get(name) != two.get(name) for name in NETWORK))
