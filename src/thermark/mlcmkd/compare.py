"""Does distillation help here? Every comparison that the runs allow, on the same faces."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from thermark.metrics.paired import Paired, paired
from thermark.mlcmkd.inputs import Study
from thermark.mlcmkd.pairs import GROUPS, LABELS_ALONE, SAME_START, pairs
from thermark.report.inputs import column
from thermark.report.markdown import code, escaped, table
from thermark.report.numbers import LABELS
from thermark.report.verdicts import undecided, withheld

# How the answer counts them.
COUNTED = {
    LABELS_ALONE: "Against labels alone",
    SAME_START: "Against labels alone, same start",
    "start": "Labels from the teacher's weights against labels from random ones",
    "conventional": "MCL against conventional distillation",
    "ablation": "Ablations against the whole of KTL",
}
LEGEND = (
    "All comparisons that the runs allow are listed: the mean of first minus second over the faces that both "
    "found, in percentage points (px where the error is in px), and its 95 % interval over subjects and seeds. "
    "Negative, *lower*: the first has the lower error; *none*: the interval holds zero. Of fewer than three seeds "
    "of either there is the number and no verdict: another seed may turn it."
)
# What two runs must share for their difference to be that of the method.
BUDGET = ("train", "input_size", "epochs", "batch")
WORDS = {"lower error": "lower", "higher error": "higher", "no difference shown": "none"}
SHORT = ", ".join([*WORDS.values(), "no verdict"])


@dataclass(frozen=True)
class Comparison:
    """Run `a` against run `b` on a data set, in its main metric."""

    group: str
    a: str
    b: str
    dataset: str
    metric: str
    result: Paired


def compare(study: Study, replicates: int, seed: int) -> list[Comparison]:
    """Compare all pairs on all data sets on which both ran."""
    made = []
    for group, a, b in pairs(study.runs, study.teachers):
        for each in study.sets:
            first, second = (study.results[run, each.name] for run in (a, b))
            if first.ran and second.ran:
                metric = study.metric(each.name)
                result = paired(first.errors, second.errors, column(metric), replicates, seed)
                made.append(Comparison(group, a, b, each.name, metric, result))
    return made


def section(made: Sequence[Comparison], study: Study) -> str:
    """Return all comparisons as Markdown, after the answer that their counts give."""
    parts = ["## Does distillation help here?", answer(made, study)]
    if made:
        parts.append(cautions(made, study))
    for group, title in GROUPS.items():
        if rows := [each for each in made if each.group == group]:
            parts.append(f"**{title}**\n\n{_table(rows, study)}")
            parts += _unequal(rows, study)
    return "\n\n".join(parts)


def answer(made: Sequence[Comparison], study: Study) -> str:
    """Return what the comparisons on thermal faces show, in sentences that their counts write."""
    thermal = {each.name for each in study.sets if each.thermal}
    counted = [each for each in made if each.dataset in thermal]
    said = [_headline([each for each in counted if each.group in (LABELS_ALONE, SAME_START)])]
    said += _limits(counted, study)
    for group, subject in COUNTED.items():
        if rows := [each for each in counted if each.group == group]:
            said.append(f"{subject}, on thermal faces: {_counted(rows, study)}.")
    return " ".join(said)


def _headline(asked: Sequence[Comparison]) -> str:
    """Return what the comparisons with labels alone show together."""
    lower, higher, none, withheld = tally(asked)
    if not asked:
        return "This profile has no distilled run beside one of the same size that was trained on labels alone."
    if withheld == len(asked):
        return "**Against labels alone, there is no verdict: that takes three seeds of both.**"
    if lower and higher:
        return "**Against labels alone, it depends: some comparisons show a lower error, others a higher one.**"
    if not lower and not higher:
        return "**Against labels alone, no difference is shown.**"
    said = f"the distilled network has the {'lower' if lower else 'higher'} error where a difference is shown."
    return f"**Against labels alone, {said}{' Most often none is shown.' * (none >= lower + higher)}**"


def _limits(counted: Sequence[Comparison], study: Study) -> list[str]:
    """Return what the answer is about, where that is less than the question."""
    if not counted:
        return []
    limits = []
    named = {each.dataset for each in counted}
    origins = {each.origin for each in study.sets if each.name in named}
    if "real" not in origins:
        limits.append(f"on {' and '.join(sorted(origins))} faces")
    return [f"What is said here is said {' '.join(limits)} only."] if limits else []


def cautions(made: Sequence[Comparison], study: Study) -> str:
    """Return how to read the tables, and what these numbers cannot tell."""
    said = [LEGEND]
    if count := sum(not undecided(each.result.verdict) for each in made):
        chance = f"about {0.05 * count:.1f} leave out zero by chance where nothing differs."
        said.append(f"Of {count} intervals, {chance}")
    said += _few_teachers(made, study)
    if colour := [each.title for each in study.sets if not each.thermal]:
        said.append(f"{escaped(', '.join(colour))}: RGB faces, listed but not counted in the answer.")
    if ours := [each.title for each in study.sets if each.origin != "real"]:
        said.append(f"What we made is no evidence about real thermal cameras ({escaped('; '.join(ours))}).")
    return "\n".join(f"- {each}" for each in said)


def _few_teachers(made: Sequence[Comparison], study: Study) -> list[str]:
    """Return a note on the students of so few teachers that another teacher may turn what is said of them."""
    taught: dict[str, str] = {}
    for name in dict.fromkeys(name for each in made for name in (each.a, each.b)):
        above = str(study.runs[name].get("teacher"))
        while above in study.teachers:
            own = study.teachers[above]
            if (said := withheld(len(own.get("seeds", [0])))) and own.get("recipe") != "imported":
                taught[name] = f"{code(name)} by {said.partition(':')[0]} of {code(above)}"
            above = str(own.get("teacher"))
    return [f"Taught {', '.join(taught.values())}: another teacher may turn what is said."] if taught else []


def tally(made: Sequence[Comparison]) -> tuple[int, int, int, int]:
    """Return how many comparisons show a lower error, a higher one, no difference, and how many have no say."""
    found = Counter(str(each.result.verdict) for each in made)
    lower, higher, none = (found[verdict] for verdict in WORDS)
    return lower, higher, none, len(made) - lower - higher - none


def _counted(made: Sequence[Comparison], study: Study) -> str:
    lower, higher, none, without = tally(made)
    said = f"{lower} of {len(made)} comparisons show a lower error, {higher} a higher one, {none} no difference, "
    said += f"{without} have no verdict"
    unequal = sum(bool(_differing(each.a, each.b, study)) for each in made)
    return said + f"; in {unequal} of the {len(made)} more than the method differs (†)" * bool(unequal)


def _unequal(made: Sequence[Comparison], study: Study) -> list[str]:
    """Return a note on the pairs that were not trained within the same budget."""
    pairs_made = dict.fromkeys((row.a, row.b) for row in made)
    notes = [f"{code(a)} − {code(b)}: {said}" for a, b in pairs_made if (said := _differing(a, b, study))]
    return [f"† Not the same budget, so that more than the method differs: {'; '.join(notes)}."] if notes else []


def _differing(a: str, b: str, study: Study) -> str:
    first, second = study.runs[a], study.runs[b]
    unequal = [name for name in BUDGET if first.get(name) != second.get(name)]
    return ", ".join(f"{name} {first.get(name)} and {second.get(name)}" for name in unequal)


def _table(made: Sequence[Comparison], study: Study) -> str:
    sets = [each for each in study.sets if any(row.dataset == each.name for row in made)]
    cells = {(row.a, row.b, row.dataset): _cell(row) for row in made}
    rows = [
        [
            f"{code(a)} − {code(b)}{' †' * bool(_differing(a, b, study))}",
            *(cells.get((a, b, each.name), "–") for each in sets),
        ]
        for a, b in dict.fromkeys((row.a, row.b) for row in made)
    ]
    counts = [tally([row for row in made if row.dataset == each.name]) for each in sets]
    last = [SHORT, *(", ".join(map(str, count)) for count in counts)]
    header = [f"{escaped(each.title)}: {LABELS[study.metric(each.name)]}" for each in sets]
    return table(["difference", *header], [*rows, last])


def _cell(row: Comparison) -> str:
    found = row.result
    if found.difference is None:
        return "no face in common"
    scale = 1 if row.metric == "error_px_mean" else 100
    left_out = f", {found.left_out} left out" if found.left_out else ""
    if undecided(found.verdict):
        return f"{scale * found.difference:+.2f}, {found.verdict}{left_out}".replace("-", "−")
    low, high = (None if bound is None else f"{scale * bound:+.2f}" for bound in (found.low, found.high))
    bounds = f" ({low} to {high})" if low else ""
    text = f"{scale * found.difference:+.2f}{bounds}".replace("-", "−")
    return f"{text} {WORDS[found.verdict]}{left_out}"
