"""The records of all scored data sets, from files to files."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from thermark.core import arithmetic, files
from thermark.core.progress import track
from thermark.core.runs import seed_folders
from thermark.metrics.evaluate import Config
from thermark.metrics.outputs import relatives
from thermark.nets import card, complexity
from thermark.report.contestants import Sections, networks
from thermark.report.contestants import kinds as of_kind
from thermark.report.contestants import trained as trained_here
from thermark.report.paths import ReportPaths
from thermark.report.results import collect, compare, face_errors
from thermark.report.results.caveats import few_teachers
from thermark.report.results.collect import Contestant
from thermark.report.results.comparisons import write_comparisons
from thermark.report.results.face_errors import Errors
from thermark.report.results.record import Provenance, ResultSet, write_set
from thermark.report.results.reproduced import reproductions
from thermark.report.stage_files import left_out

SUFFIXES = (".json", ".parquet")


def build(
    configs: Mapping[str, Config],
    info: Mapping[str, Contestant],
    paths: ReportPaths,
    made: Provenance,
    compared: compare.Config,
    out: Path,
    comparisons: Path,
) -> None:
    """Write `out`/<set>.json and `out`/<set>.parquet of every prepared data set; those of others are removed.

    Comparisons of contestants are written to the JSON `comparisons`. Raises DataError where scores are missing,
    ConfigError for a family that names an unknown contestant.
    """
    compare.require_known(compared, info, configs)
    missing_sets = left_out(configs, paths.reports)
    prepared = [name for name in configs if name not in missing_sets]
    reports = {path.stem: files.read_json(path) for path in sorted(paths.reports.glob("*.json"))}
    modalities = {name: str(report.get("modality", "")) for name, report in reports.items()}
    sets: dict[str, ResultSet] = {}
    errors_of: dict[str, dict[str, Errors]] = {}
    for name in track(prepared, len(prepared), "results", "data sets"):
        details = collect.details(list(info), name, paths)
        per_face = collect.errors(name, details, paths)
        config = configs[name]
        protocol = collect.protocol(name, config, _main(details), paths)
        data_set = collect.data_set(name, config, paths)
        related = relatives(name, modalities, paths.reports)
        records = tuple(
            collect.record(
                data_set, protocol, who, info[who], of_one, per_face.get(who), config, modalities, related
            )
            for who, of_one in details.items()
        )
        sets[name] = ResultSet(data_set=data_set, protocol=protocol, made=made, records=records)
        errors_of[name] = per_face
        face_errors.write(out / f"{name}.parquet", per_face)
    sets = reproductions(sets)
    for name, results in sets.items():
        write_set(out / f"{name}.json", results)
    pairs = compare.comparisons(sets, errors_of, compared, info)
    write_comparisons(comparisons, pairs.model_copy(update={"left_out": missing_sets}))
    for path in out.glob("*"):
        if path.suffix in SUFFIXES and path.stem not in prepared:
            path.unlink()


def contestant_info(contestants: Sections, runs: Sections, models: Path) -> dict[str, Contestant]:
    """Return what records need of each contestant beside its scores; `models` holds the folders of runs."""
    kinds, nets = of_kind(contestants, runs), networks(contestants)
    trained = trained_here(contestants, runs)
    run_of = {name: str(section.get("run", nets.get(name))) for name, section in contestants.items()}
    training = {name: runs.get(run, {}) for name, run in run_of.items()}
    return {
        name: Contestant(
            kinds[name],
            str(section.get("family")),
            _costs(models / nets[name]) if name in nets else {},
            training[name],
            few_teachers(training[name], runs),
            trained.get(name, ""),
            section.get("weights", "none") == "none",
        )
        for name, section in contestants.items()
    }


def _costs(folder: Path) -> dict[str, int]:
    """Return `parameters` and `macs` (of one crop) of the network of a run's folder, nothing where it has none."""
    trained = seed_folders(folder) or ([folder] if (folder / "model.json").is_file() else [])
    if not trained:
        return {}
    net, about = card.read(trained[0])
    counted = complexity.macs(net, torch.zeros(1, 3, about.input_size, about.input_size))
    return {"parameters": complexity.parameters(net), "macs": counted.total()}


def provenance(code: Mapping[str, Any], environment: Mapping[str, str]) -> Provenance:
    """Return hashes of the code and versions behind the records, from code.json and env.json."""
    predict = sha256(json.dumps(code.get("predict", {}), sort_keys=True).encode()).hexdigest()
    return Provenance(
        code={"predict": predict, "evaluate": str(code.get("evaluate", ""))},
        environment=dict(environment),
        arithmetic=arithmetic.mode(),
    )


def _main(details: Mapping[str, Mapping[str, Any]]) -> str:
    ran = (of_one["summary"]["metric"] for of_one in details.values() if of_one["summary"]["status"] == "ok")
    return next(ran, "nme_io")
