"""Does distillation help here? What the declared comparisons of these runs show, and how they are listed."""

from collections.abc import Sequence

from thermark.report.distillation.inputs import Study
from thermark.report.markdown import escaped
from thermark.report.results import printed
from thermark.report.results.comparisons import EXPLORATORY, Family, Pair
from thermark.report.verdicts import undecided

NOBODY = "This profile compares no distilled run with one of the same size that was trained on labels alone."


def families(study: Study) -> list[Family]:
    """Return the families that ask about runs of this study alone."""
    return study.comparisons.among(study.runs)


def thermal(study: Study, family: Family) -> list[Pair]:
    """Return the comparisons of a family that count in an answer: those on thermal faces, of who ran."""
    return [pair for pair in family.pairs if pair.dataset in study.thermal and pair.difference is not None]


def headline(study: Study, answers: Sequence[str]) -> str:
    """Return what the families called `answers`, those with labels alone, show together on thermal faces."""
    asked = [pair for own in families(study) if own.name in answers for pair in thermal(study, own)]
    lower, higher, none, without = printed.tally(asked)
    if not asked:
        return NOBODY
    if without == len(asked):
        few = all(undecided(pair.verdict) for pair in asked)
        return f"**Against labels alone, there is no verdict{': that takes three seeds of both' * few}.**"
    if lower and higher:
        return "**Against labels alone, it depends: some comparisons show a lower error, others a higher one.**"
    if not lower and not higher:
        return "**Against labels alone, no difference is shown.**"
    said = f"the distilled network has the {'lower' if lower else 'higher'} error where a difference is shown."
    return f"**Against labels alone, {said}{' Most often none is shown.' * (none >= lower + higher)}**"


def limits(study: Study) -> str:
    """Return what the answer is about, where that is less than the question."""
    named = {pair.dataset for own in families(study) for pair in thermal(study, own)}
    origins = {study.sets[name].data_set.origin for name in named}
    if not origins or "real" in origins:
        return ""
    return f"What is said here is said on {' and '.join(sorted(origins))} faces only."


def counts(study: Study) -> list[str]:
    """Return a sentence for each family that has an answer: its question and its counts."""
    said = []
    for own in families(study):
        if made := thermal(study, own):
            other = sum(bool(pair.caveat) for pair in made)
            more = f"; {other} of the {len(made)} have a *caveat*" * bool(other)
            said.append(f"{escaped(own.question)} On thermal faces {printed.counted(made)}{more}.")
    return said


def listed(study: Study, family: Family) -> list[Pair]:
    """Return the comparisons of a family, and after them those of its pairs on all other data sets."""
    told = {(pair.dataset, *pair.names) for pair in family.pairs}
    asked = [(name, *pair) for pair in dict.fromkeys(pair.names for pair in family.pairs) for name in study.sets]
    others = [study.comparisons.explored(*each) for each in asked if each not in told]
    return [*family.pairs, *(pair for pair in others if pair)]


def explored(study: Study) -> int:
    """Return how many intervals are listed that nobody declared."""
    made = [pair for own in families(study) for pair in listed(study, own)]
    return sum(pair.verdict == EXPLORATORY and pair.low is not None for pair in made)
