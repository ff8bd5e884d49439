"""The records of all scored data sets, from files to files."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from thermark.core import arithmetic, files
from thermark.core.progress import track
from thermark.metrics.evaluate import Config
from thermark.metrics.outputs import relatives
from thermark.report.contestants import Sections, networks
from thermark.report.contestants import kinds as of_kind
from thermark.report.contestants import trained as trained_here
from thermark.report.inputs import left_out
from thermark.report.results import collect, compare, errors
from thermark.report.results.caveats import few_teachers
from thermark.report.results.collect import Known, Places
from thermark.report.results.comparisons import write_comparisons
from thermark.report.results.costs import costs
from thermark.report.results.errors import Errors
from thermark.report.results.record import Made, ResultSet, write_set
from thermark.report.results.reproduced import reproductions

SUFFIXES = (".json", ".parquet")


def build(
    configs: Mapping[str, Config],
    known: Mapping[str, Known],
    places: Places,
    made: Made,
    compared: compare.Config,
    out: Path,
    comparisons: Path,
) -> None:
    """Write `out`/<set>.json and `out`/<set>.parquet of every data set that is here; those of others go.

    `known` says of each contestant what its scores do not; what follows from comparing them is written to the JSON
    `comparisons`. Raises DataError where scores are missing, ConfigError for a family that names nobody we know.
    """
    compare.require_known(compared, known, configs)
    absent = left_out(configs, places.reports)
    here = [name for name in configs if name not in absent]
    reports = {path.stem: files.read_json(path) for path in sorted(places.reports.glob("*.json"))}
    modalities = {name: str(report.get("modality", "")) for name, report in reports.items()}
    sets: dict[str, ResultSet] = {}
    beside: dict[str, dict[str, Errors]] = {}
    for name in track(here, len(here), "results", "data sets"):
        told = collect.details(list(known), name, places)
        per_face = collect.errors(name, told, places)
        config = configs[name]
        how = collect.protocol(name, config, _main(told), places)
        on = collect.data_set(name, config, places)
        kin = relatives(name, modalities, places.reports)
        records = tuple(
            collect.record(
                on, how, contestant, known[contestant], own, per_face.get(contestant), config, modalities, kin
            )
            for contestant, own in told.items()
        )
        sets[name] = ResultSet(data_set=on, protocol=how, made=made, records=records)
        beside[name] = per_face
        errors.write(out / f"{name}.parquet", per_face)
    sets = reproductions(sets)
    for name, results in sets.items():
        write_set(out / f"{name}.json", results)
    made_of = compare.comparisons(sets, beside, compared, known)
    write_comparisons(comparisons, made_of.model_copy(update={"left_out": absent}))
    for path in out.glob("*"):
        if path.suffix in SUFFIXES and path.stem not in here:
            path.unlink()


def known(contestants: Sections, runs: Sections, models: Path) -> dict[str, Known]:
    """Return what is known of each contestant beside its scores; `models` holds the folders of runs."""
    kinds, nets = of_kind(contestants, runs), networks(contestants)
    trained = trained_here(contestants, runs)
    asked = {name: runs.get(str(own.get("run", nets.get(name))), {}) for name, own in contestants.items()}
    return {
        name: Known(
            kinds[name],
            str(own.get("family")),
            costs(models / nets[name]) if name in nets else {},
            asked[name],
            few_teachers(asked[name], runs),
            trained.get(name, ""),
        )
        for name, own in contestants.items()
    }


def made_by(code: Mapping[str, Any], environment: Mapping[str, str]) -> Made:
    """Return what made the records, from code.json and env.json."""
    predict = sha256(json.dumps(code.get("predict", {}), sort_keys=True).encode()).hexdigest()
    return Made(
        code={"predict": predict, "evaluate": str(code.get("evaluate", ""))},
        environment=dict(environment),
        arithmetic=arithmetic.mode(),
    )


def _main(told: Mapping[str, Mapping[str, Any]]) -> str:
    ran = (own["summary"]["metric"] for own in told.values() if own["summary"]["status"] == "ok")
    return next(ran, "nme_io")
