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
from thermark.metrics.compared import Config as Doubt
from thermark.metrics.compared import compare, pairwise
from thermark.metrics.paired import NEEDED
from thermark.report.results.caveats import caveat
from thermark.report.results.collect import Contestant
from thermark.report.results.comparisons import DECIDED, UNMEASURED, Comparisons, Family, Matrix, Pair
from thermark.report.results.face_errors import Errors, mean_error
from thermark.report.results.ranking import ranked, whole
from thermark.report.results.record import Record, ResultSet
from thermark.report.too_few_seeds import withheld_alone

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
        for kind, named, listed in (
            ("contestant", [member for pair in declared.pairs for member in pair], contestants),
            ("data set", list(declared.datasets), datasets),
        ):
            for unknown in (member for member in named if member not in listed):
                raise ConfigError(
                    f"{where} names the unknown {kind} {unknown!r}", nearest(unknown, sorted(listed))
                )


def comparisons(
    sets: Mapping[str, ResultSet],
    errors: Mapping[str, Mapping[str, Errors]],
    config: Config,
    info: Mapping[str, Contestant],
) -> Comparisons:
    """Return all declared families and, of each data set, the matrix of all contestants that ran.

    A declared pair of which one did not run has a verdict that says so and no numbers; absent data sets are left
    out. `info`: contestant -> how it was trained, for the caveats of declared pairs.
    """
    same = {name: aligned(errors[name]) for name in sets}
    return Comparisons(
        families=families(sets, same, config, info),
        matrices={name: _matrix(results, same[name], config) for name, results in sets.items()},
    )


def families(
    sets: Mapping[str, ResultSet],
    errors: Mapping[str, Mapping[str, Errors]],
    config: Config,
    info: Mapping[str, Contestant],
) -> tuple[Family, ...]:
    """Return all declared families, from errors that are `aligned`; the rest is as in `comparisons`."""
    return tuple(_family(name, declared, sets, errors, config, info) for name, declared in config.families.items())


def aligned(errors: Mapping[str, Errors]) -> dict[str, Errors]:
    """Return the errors of all contestants on the same faces: NaN where a contestant has no error.

    Such a face labels no landmark that the contestant predicts.
    """
    pairs = [zip(of_one["ids"], of_one["subjects"], strict=True) for of_one in errors.values()]
    owners = {face: subject for of_one in pairs for face, subject in of_one}
    ids, subjects = np.array([*owners]), np.array([*owners.values()])
    place = {face: index for index, face in enumerate(owners)}
    return {
        name: of_one
        if np.array_equal(of_one["ids"], ids)
        else {**of_one, "ids": ids, "subjects": subjects, "per_seed": _spread_out(of_one, place)}
        for name, of_one in errors.items()
    }


def _spread_out(of_one: Errors, place: Mapping[str, int]) -> NDArray[np.float64]:
    """Return the errors (S, M) of a contestant at the places of its faces, NaN elsewhere."""
    values = np.full((len(of_one["per_seed"]), len(place)), np.nan)
    values[:, [place[face] for face in of_one["ids"]]] = of_one["per_seed"]
    return values


def _family(
    name: str,
    declared: Declared,
    sets: Mapping[str, ResultSet],
    errors: Mapping[str, Mapping[str, Errors]],
    config: Config,
    info: Mapping[str, Contestant],
) -> Family:
    prepared = [dataset for dataset in declared.datasets if dataset in sets]
    raw = [
        _pair(sets[dataset], errors[dataset], pair, config, info)
        for dataset in prepared
        for pair in declared.pairs
    ]
    adjusted = family.holm(np.array([pair.p for pair in raw], np.float64))
    verdicts = [
        pair.model_copy(update={"p_holm": None if np.isnan(p) else float(p), "verdict": _verdict(pair, p)})
        for pair, p in zip(raw, adjusted.tolist(), strict=True)
    ]
    return Family(name=name, question=declared.question, pairs=tuple(verdicts))


def _verdict(pair: Pair, adjusted: float) -> str:
    """Return the verdict of a pair after Holm's adjustment."""
    lost = pair.verdict in DECIDED and (pair.grey or not adjusted <= 0.05)
    return "no difference shown" if lost else pair.verdict


def _pair(
    results: ResultSet, errors: Mapping[str, Errors], pair: Named, config: Config, info: Mapping[str, Contestant]
) -> Pair:
    a, b = pair
    dataset = results.data_set.name
    absent = [name for name in pair if name not in errors]
    if absent:
        return Pair(dataset=dataset, a=a, b=b, **UNMEASURED, verdict=f"not run: {', '.join(absent)}")
    floor = max(_floors(results, pair).values(), default=0.0)
    comparison = compare(_columns(errors[a]), _columns(errors[b]), "error", _doubt(results, config), floor)
    records = [record for name in pair if (record := results.of(name))]
    trained = [info[name] for name in pair]
    limits = caveat(records, [one.training for one in trained], [one.few_seed_teachers for one in trained])
    same = {name: value for name, value in vars(comparison).items() if name in Pair.model_fields}
    return Pair(
        dataset=dataset,
        a=a,
        b=b,
        **same,
        difference_all=comparison.capped,
        mde=comparison.detectable,
        verdict=_against_a_constant(records) or comparison.verdict,
        caveat=limits,
    )


def _against_a_constant(records: Sequence[Record]) -> str:
    """Return why there is no verdict on a run of few seeds against a constant, or an empty text."""
    others = [record for record in records if record.kind not in CONSTANT]
    return withheld_alone(others[0].seeds) if len(others) == 1 else ""


def _matrix(results: ResultSet, errors: Mapping[str, Errors], config: Config) -> Matrix:
    names = [record.contestant for record in ranked(results)]
    compared = pairwise(
        {name: _columns(errors[name]) for name in names}, "error", _doubt(results, config), _floors(results, names)
    )
    pairs = list(combinations(names, 2))
    adjusted = family.holm(np.array([compared[pair].p for pair in pairs], np.float64)).tolist()
    both = compared | {(b, a): comparison.mirrored() for (a, b), comparison in compared.items()}
    p_holm = {ends: p for (a, b), p in zip(pairs, adjusted, strict=True) for ends in ((a, b), (b, a))}

    def table(of: str) -> tuple[tuple[float | None, ...], ...]:
        return tuple(tuple(getattr(both[a, b], of) if a != b else None for b in names) for a in names)

    return Matrix(
        contestants=tuple(names),
        difference=table("difference"),
        low=table("low"),
        high=table("high"),
        p_holm=tuple(tuple(_finite(p_holm.get((a, b))) for b in names) for a in names),
        grey=tuple(tuple(both[a, b].grey if a != b else "" for b in names) for a in names),
        groups=_groups(results, errors, names, config),
    )


def _groups(
    results: ResultSet, errors: Mapping[str, Errors], names: Sequence[str], config: Config
) -> dict[str, str]:
    """Return the letter of each of `names`, sorted from the best: A where no difference from the best is shown.

    The family of A is every contestant against the best, over all faces, a miss at its cap; B are those without a
    shown difference from the best of the others, and so on. In a family of all pairs ten subjects could show
    nothing. A contestant that lacks landmarks has no letter, its error is of other points; nor has a run of one or
    two seeds.
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
        compared = pairwise(
            {name: capped[name] for name in left}, "error", doubt, floors, [(other, best) for other in others]
        )
        p = family.holm(np.array([compared[other, best].p for other in others], np.float64))
        worse = [
            name for name, each_p in zip(others, p.tolist(), strict=True) if compared[name, best].shown(each_p)
        ]
        letters |= {name: letter for name in left if name not in worse}
        left = worse
    return letters | dict.fromkeys(left, ascii_uppercase[-1])


def _capped(errors: Errors, cap: float) -> Errors:
    return _columns({**errors, "per_seed": np.minimum(errors["per_seed"], cap)})


def _columns(errors: Errors) -> Errors:
    """Return the columns that comparisons read; without seeds there is no `per_seed`."""
    columns = {"ids": errors["ids"], "subjects": errors["subjects"], "error": mean_error(errors)}
    return columns | ({"per_seed": errors["per_seed"]} if errors["seeded"] else {})


def _doubt(results: ResultSet, config: Config) -> Doubt:
    how = results.protocol
    return Doubt(cap=how.miss, bootstrap=config.bootstrap, flips=config.flips, seed=config.seed)


def _floors(results: ResultSet, names: Sequence[str]) -> dict[str, float]:
    """Return contestant -> its jitter floor in the unit of the main metric, of those whose floor is known."""
    floors = {record.contestant: record.floor for record in results.records if record.contestant in names}
    return {name: floor.value for name, floor in floors.items() if floor and floor.value}


def _finite(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else value
