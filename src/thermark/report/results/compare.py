"""Declared families of comparisons and the matrix of all pairs, from records and per-face errors."""

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from string import ascii_uppercase

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PositiveInt

from thermark.core.config import Section, nearest
from thermark.core.errors import ConfigError
from thermark.metrics import family
from thermark.metrics.compared import Comparison, compare, pairwise
from thermark.metrics.compared import Config as Doubt
from thermark.metrics.paired import NEEDED
from thermark.report.results.caveats import caveat
from thermark.report.results.collect import Known
from thermark.report.results.comparisons import Comparisons, Family, Matrix, Pair
from thermark.report.results.errors import Errors, mean_error
from thermark.report.results.ranking import ranked, whole
from thermark.report.results.record import Record, ResultSet
from thermark.report.verdicts import withheld_alone

Named = tuple[str, str]
CONSTANT = {"mean_shape"}  # kinds whose answer is one and the same for every picture


class Declared(Section):
    """A family: the `question` that it answers, on which `datasets`, and its `pairs` of contestants.

    Its p are adjusted together, over all its pairs on all its data sets.
    """

    question: str
    datasets: tuple[str, ...] = Field(min_length=1)
    pairs: tuple[Named, ...] = Field(min_length=1)


class Config(Section):
    """What is compared: `families`, declared before looking; `bootstrap` and `flips` of each comparison."""

    families: dict[str, Declared] = Field(default_factory=dict)
    bootstrap: PositiveInt = 1000
    flips: PositiveInt = 10_000
    seed: NonNegativeInt = 0


def require_known(config: Config, contestants: Collection[str], datasets: Collection[str]) -> None:
    """Raise ConfigError for a family that names a data set or a contestant that is not in the profile."""
    for name, declared in config.families.items():
        where = f"comparisons.families.{name}"
        for kind, named, known in (
            ("contestant", [each for pair in declared.pairs for each in pair], contestants),
            ("data set", list(declared.datasets), datasets),
        ):
            for each in named:
                if each not in known:
                    raise ConfigError(f"{where} names the unknown {kind} {each!r}", nearest(each, sorted(known)))


def comparisons(
    sets: Mapping[str, ResultSet],
    errors: Mapping[str, Mapping[str, Errors]],
    config: Config,
    known: Mapping[str, Known],
) -> Comparisons:
    """Return all declared families and, of each data set, the matrix of all who ran.

    A declared pair of which one did not run has a verdict that says so and no numbers; data sets that are not here
    are left out. `known`: contestant -> how it was trained, for the caveats of declared pairs.
    """
    same = {name: aligned(errors[name]) for name in sets}
    return Comparisons(
        families=tuple(
            _family(name, declared, sets, same, config, known) for name, declared in config.families.items()
        ),
        matrices={name: _matrix(results, same[name], config) for name, results in sets.items()},
    )


def aligned(errors: Mapping[str, Errors]) -> dict[str, Errors]:
    """Return the errors of all contestants on the same faces: NaN for one that a contestant cannot be told of.

    Such a face labels no landmark that the contestant answers.
    """
    owners = {face: who for own in errors.values() for face, who in zip(own["ids"], own["subjects"], strict=True)}
    ids, subjects = np.array([*owners]), np.array([*owners.values()])
    place = {face: index for index, face in enumerate(owners)}
    return {
        name: own
        if np.array_equal(own["ids"], ids)
        else {**own, "ids": ids, "subjects": subjects, "per_seed": _spread_out(own, place)}
        for name, own in errors.items()
    }


def _spread_out(own: Errors, place: Mapping[str, int]) -> NDArray[np.float64]:
    """Return the errors (S, M) of a contestant at the places of its faces, NaN elsewhere."""
    values = np.full((len(own["per_seed"]), len(place)), np.nan)
    values[:, [place[face] for face in own["ids"]]] = own["per_seed"]
    return values


def _family(
    name: str,
    declared: Declared,
    sets: Mapping[str, ResultSet],
    errors: Mapping[str, Mapping[str, Errors]],
    config: Config,
    known: Mapping[str, Known],
) -> Family:
    here = [dataset for dataset in declared.datasets if dataset in sets]
    made = [
        _pair(sets[dataset], errors[dataset], pair, config, known) for dataset in here for pair in declared.pairs
    ]
    adjusted = family.holm(np.array([pair.p for pair in made], np.float64))
    told = [
        pair.model_copy(update={"p_holm": None if np.isnan(p) else float(p), "verdict": _verdict(pair, p)})
        for pair, p in zip(made, adjusted.tolist(), strict=True)
    ]
    return Family(name=name, question=declared.question, pairs=tuple(told))


def _verdict(pair: Pair, adjusted: float) -> str:
    """Return a pair's verdict after the adjustment: what Holm leaves in doubt is not shown."""
    told = pair.verdict in ("lower error", "higher error")
    return "no difference shown" if told and not (adjusted <= 0.05 and not pair.grey) else pair.verdict


def _pair(
    results: ResultSet, errors: Mapping[str, Errors], pair: Named, config: Config, known: Mapping[str, Known]
) -> Pair:
    a, b = pair
    dataset = results.data_set.name
    absent = [name for name in pair if name not in errors]
    if absent:
        verdict = f"not run: {', '.join(absent)}"
        return Pair(
            dataset=dataset,
            a=a,
            b=b,
            difference=None,
            faces=0,
            left_out=0,
            subjects=0,
            seeds=(0, 0),
            verdict=verdict,
        )
    floor = max(_floors(results, pair).values(), default=0.0)
    made = compare(_columns(errors[a]), _columns(errors[b]), "error", _doubt(results, config), floor)
    records = [own for name in pair if (own := results.of(name))]
    told = [known[name] for name in pair]
    limits = caveat(records, [own.training for own in told], [own.taught for own in told])
    few = _against_a_constant(records)
    return _told(dataset, a, b, made).model_copy(update={"caveat": limits, "verdict": few or made.verdict})


def _against_a_constant(records: Sequence[Record]) -> str:
    """Return why there is no verdict on a run of few seeds against an answer that looks at nothing, or nothing."""
    others = [record for record in records if record.kind not in CONSTANT]
    return withheld_alone(others[0].seeds) if len(others) == 1 else ""


def _told(dataset: str, a: str, b: str, made: Comparison) -> Pair:
    return Pair(
        dataset=dataset,
        a=a,
        b=b,
        difference=made.difference,
        low=made.low,
        high=made.high,
        difference_all=made.capped,
        p=made.p,
        mde=made.detectable,
        faces=made.faces,
        left_out=made.left_out,
        subjects=made.subjects,
        seeds=made.seeds,
        verdict=made.verdict,
        grey=made.grey,
    )


def _matrix(results: ResultSet, errors: Mapping[str, Errors], config: Config) -> Matrix:
    names = [record.contestant for record in ranked(results)]
    made = pairwise(
        {name: _columns(errors[name]) for name in names}, "error", _doubt(results, config), _floors(results, names)
    )
    pairs = list(combinations(names, 2))
    adjusted = family.adjusted({"all": pairs}, {pair: made[pair].p for pair in pairs})["all"]
    both = made | {(b, a): own.mirrored() for (a, b), own in made.items()}
    everybody = adjusted | {(b, a): p for (a, b), p in adjusted.items()}

    def table(of: str) -> tuple[tuple[float | None, ...], ...]:
        return tuple(tuple(getattr(both[a, b], of) if a != b else None for b in names) for a in names)

    return Matrix(
        contestants=tuple(names),
        difference=table("difference"),
        low=table("low"),
        high=table("high"),
        p_holm=tuple(tuple(_finite(everybody.get((a, b))) for b in names) for a in names),
        grey=tuple(tuple(both[a, b].grey if a != b else "" for b in names) for a in names),
        groups=_groups(results, errors, names, config),
    )


def _groups(
    results: ResultSet, errors: Mapping[str, Errors], names: Sequence[str], config: Config
) -> dict[str, str]:
    """Return the letter of each of `names`, which are sorted from the best: A for who is not told from the best.

    The family of the A is everybody against the best, over all faces, a miss at its cap; B are those who are not
    told from the best of the others, and so on. In a family of all pairs ten subjects could show nothing. Who has
    not all landmarks of the others has no letter: its error is of other points. Nor has a run of one or two seeds,
    of which nothing can be said.
    """
    doubt, floors = _doubt(results, config), _floors(results, names)
    capped = {name: _capped(errors[name], doubt.cap) for name in names}
    letters: dict[str, str] = {}
    complete = {
        record.contestant for record in results.records if whole(record, results) and not 0 < record.seeds < NEEDED
    }
    left = [name for name in names if name in complete]
    for letter in ascii_uppercase:
        if not left:
            break
        best, others = left[0], left[1:]
        made = pairwise(
            {name: capped[name] for name in left}, "error", doubt, floors, [(each, best) for each in others]
        )
        p = family.holm(np.array([made[each, best].p for each in others], np.float64))
        apart = [each for each, own in zip(others, p.tolist(), strict=True) if made[each, best].shown(own)]
        letters |= {name: letter for name in left if name not in apart}
        left = apart
    return letters | dict.fromkeys(left, ascii_uppercase[-1])


def _capped(errors: Errors, cap: float) -> Errors:
    return _columns({**errors, "per_seed": np.minimum(errors["per_seed"], cap)})


def _columns(errors: Errors) -> Errors:
    """Return the columns that comparisons read; an answer that no training of ours made has no `per_seed`."""
    columns = {"ids": errors["ids"], "subjects": errors["subjects"], "error": mean_error(errors)}
    return columns | ({"per_seed": errors["per_seed"]} if errors["seeded"] else {})


def _doubt(results: ResultSet, config: Config) -> Doubt:
    how = results.protocol
    return Doubt(cap=how.miss, bootstrap=config.bootstrap, flips=config.flips, seed=config.seed)


def _floors(results: ResultSet, names: Sequence[str]) -> dict[str, float]:
    """Return contestant -> its jitter floor in the unit of the main metric, of those whose floor is known."""
    found = {name: results.of(name) for name in names}
    return {name: own.floor.value for name, own in found.items() if own and own.floor and own.floor.value}


def _finite(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else value
