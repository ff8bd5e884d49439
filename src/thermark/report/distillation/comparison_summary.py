"""Does distillation help here? What the declared comparisons of these runs show, and how they are listed."""

from collections.abc import Sequence

from thermark.report.distillation.distillation_data import DistillationData
from thermark.report.markdown import escaped
from thermark.report.results import printed
from thermark.report.results.comparisons import EXPLORATORY, Family, Pair
from thermark.report.too_few_seeds import undecided

NOBODY = "This profile compares no distilled run with a run of the same size that was trained on labels alone."


def families(study: DistillationData) -> list[Family]:
    """Return the families that compare runs of this study alone."""
    return study.comparisons.among(study.runs)


def thermal(study: DistillationData, family: Family) -> list[Pair]:
    """Return the comparisons of a family that count in an answer: on thermal faces, of contestants that ran."""
    return [pair for pair in family.pairs if pair.dataset in study.thermal and pair.difference is not None]


def headline(study: DistillationData, answers: Sequence[str]) -> str:
    """Return what the families called `answers`, those with labels alone, show together on thermal faces."""
    pairs = [pair for family in families(study) if family.name in answers for pair in thermal(study, family)]
    lower, higher, none, without = printed.tally(pairs)
    if not pairs:
        return NOBODY
    if without == len(pairs):
        few = all(undecided(pair.verdict) for pair in pairs)
        return f"**Against labels alone, there is no verdict{': that takes three seeds of both' * few}.**"
    if lower and higher:
        return "**Against labels alone, it depends: some comparisons show a lower error, others a higher one.**"
    if not lower and not higher:
        return "**Against labels alone, no difference is shown.**"
    sentence = f"the distilled network has the {'lower' if lower else 'higher'} error where a difference is shown."
    return f"**Against labels alone, {sentence}{' Most often none is shown.' * (none >= lower + higher)}**"


def limits(study: DistillationData) -> str:
    """Return what the answer is about, where that is less than the question."""
    datasets = {pair.dataset for family in families(study) for pair in thermal(study, family)}
    origins = {study.sets[name].data_set.origin for name in datasets}
    if not origins or "real" in origins:
        return ""
    return f"These results are on {' and '.join(sorted(origins))} faces only."


def counts(study: DistillationData) -> list[str]:
    """Return a sentence for each family that has an answer: its question and its counts."""
    sentences = []
    for family in families(study):
        if pairs := thermal(study, family):
            with_caveat = sum(bool(pair.caveat) for pair in pairs)
            more = f"; {with_caveat} of the {len(pairs)} have a *caveat*" * bool(with_caveat)
            sentences.append(f"{escaped(family.question)} On thermal faces {printed.counted(pairs)}{more}.")
    return sentences


def listed(study: DistillationData, family: Family) -> list[Pair]:
    """Return the comparisons of a family, and after them those of its pairs on all other data sets."""
    declared = {(pair.dataset, *pair.names) for pair in family.pairs}
    combinations = [
        (name, *pair) for pair in dict.fromkeys(pair.names for pair in family.pairs) for name in study.sets
    ]
    others = [
        study.comparisons.explored(*combination) for combination in combinations if combination not in declared
    ]
    return [*family.pairs, *(pair for pair in others if pair)]


def explored(study: DistillationData) -> int:
    """Return how many intervals are listed of comparisons that were not declared."""
    pairs = [pair for family in families(study) for pair in listed(study, family)]
    return sum(pair.verdict == EXPLORATORY and pair.low is not None for pair in pairs)
