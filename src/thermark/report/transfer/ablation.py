"""What each part of a recipe brings on a real camera: one training a variant, each with one thing left out.

Work is kept by what it depends on, settings and code: variants share what they do not change, and a second call
makes what is missing. The commands are those of the pipeline, which depends on nothing here.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import Field

from thermark.core import code, files
from thermark.core.config import Section, nearest
from thermark.core.errors import ConfigError, SetupError
from thermark.core.profiles import text

Params = Mapping[str, Any]
Changes = dict[str, Any]
BASE = "base"
NO_TEACHER = "none"


class AblationPlan(Section):
    """An ablation of a profile: `run` is trained in every variant.

    `profile`: the name of the profile whose params these are. `base`: changes of all variants, such as a shorter
    training. `variants`: name -> what differs from the base, dotted key -> value; the base is one of them.
    """

    profile: str
    run: str
    base: Changes = Field(default_factory=dict)
    variants: dict[str, Changes]


@dataclass(frozen=True)
class AblationCommand:
    """One command: `kind` render, prepare or train, of `name`; `needs` are made before it.

    `folder`, below the folder of all work, is named after what it depends on. `options` follow the script.
    """

    kind: str
    name: str
    folder: str
    options: tuple[str, ...]
    needs: tuple["AblationCommand", ...] = ()


def variants(plan: AblationPlan, params: Params) -> dict[str, Params]:
    """Return variant -> its params, the base first.

    Raises ConfigError for another profile, an unknown key, and a variant with seeds of its own.
    """
    if params.get("profile") != plan.profile:
        raise ConfigError(
            f"params.yaml is the profile {params.get('profile')}, the ablation is of {plan.profile}",
            f"make profile P={plan.profile}",
        )
    if plan.run not in params["runs"]:
        raise ConfigError(f"there is no run {plan.run}", nearest(plan.run, list(params["runs"])))
    base = changed(params, plan.base)
    every = {BASE: base} | {name: changed(base, changes) for name, changes in plan.variants.items()}
    seeds = {name: made["runs"][plan.run].get("seeds") for name, made in every.items()}
    if others := [name for name in every if seeds[name] != seeds[BASE]]:
        raise ConfigError(f"{others[0]} has other seeds than the base", "set them in `base`, for all variants")
    return every


def changed(params: Params, changes: Changes) -> Params:
    """Return params with other values at dotted keys; raises ConfigError if the first two names do not exist."""
    copy = deepcopy(dict(params))
    for dotted, value in changes.items():
        *above, last = dotted.split(".")
        node: Any = copy
        for depth, name in enumerate(above):
            if depth < 2 and name not in node:
                raise ConfigError(f"params.yaml has no {'.'.join(above[: depth + 1])}", nearest(name, list(node)))
            node = node.setdefault(name, {})
        node[last] = value
    return copy


def training(params: Params, run: str) -> AblationCommand:
    """Return the training of a run, with all that it needs: its teacher, its face sets, their rendered files.

    Raises ConfigError for a face set whose files are not rendered: an ablation fetches nothing.
    """
    section = params["runs"][run]
    sets = dict.fromkeys(section[name] for name in ("train", "extra_data", "teacher_data"))
    needs = [_preparation(params, name) for name in sets]
    if section["teacher"] != NO_TEACHER:
        needs.append(training(params, section["teacher"]))
    modules = (f"thermark.train.recipes.{section['recipe']}", f"thermark.train.losses.{section['objective']}")
    folder = _folder(run, [section, _arithmetic(params)], modules, needs)
    options = ("--recipe", section["recipe"], "--params", f"runs.{run}")
    return AblationCommand("train", run, folder, options, tuple(needs))


def in_order(job: AblationCommand) -> Iterator[AblationCommand]:
    """Yield a job after all that it needs."""
    for need in job.needs:
        yield from in_order(need)
    yield job


def finish(job: AblationCommand, params: Params, work: Path, stages: Path) -> Path:
    """Run what is missing of a job and return its output; `stages` is the folder of the scripts.

    Raises SetupError naming the command that failed; what is finished stays.
    """
    for step in in_order(job):
        out = output(step, work)
        if out.exists():
            continue
        folder = work / step.folder
        folder.mkdir(parents=True, exist_ok=True)
        files.write_text(folder / "params.yaml", text(dict(params)))
        command = [sys.executable, str(stages.resolve() / f"{step.kind}.py"), *step.options, *_paths(step, work)]
        environment = os.environ | {"PYTHONPATH": str(code.SOURCE), "THERMARK_ARITHMETIC": _arithmetic(params)}
        ended = subprocess.run(command, cwd=folder, env=environment, check=False)
        if ended.returncode or not out.exists():
            raise SetupError(
                f"{step.kind} of {step.name} ended with {ended.returncode}",
                f"look at what it said; it ran in {folder}",
            )
    return output(job, work)


def output(job: AblationCommand, work: Path) -> Path:
    """Return the folder that a job leaves: it is there when the job is done."""
    return work / job.folder / "made" / job.name


def _preparation(params: Params, name: str) -> AblationCommand:
    section = params["datasets"][name]
    raw, loader = section["raw"], section["loader"]
    if raw not in params["render"]:
        raise ConfigError(f"{name} is not rendered, an ablation fetches nothing", "train on rendered faces alone")
    source = _folder(raw, [params["render"][raw]], (f"thermark.synth.writers.{raw}",), [])
    rendering = AblationCommand("render", raw, source, ("--layout", raw, "--params", f"render.{raw}"))
    folder = _folder(name, [section, params["prepare"]], (f"thermark.datasets.{loader}",), [rendering])
    return AblationCommand(
        "prepare", name, folder, ("--loader", loader, "--params", f"datasets.{name}"), (rendering,)
    )


def _folder(name: str, settings: list[Any], modules: tuple[str, ...], needs: list[AblationCommand]) -> str:
    behind = [json.dumps(settings, sort_keys=True), code.key(*modules), *(need.folder for need in needs)]
    return f"{name}-{sha256(chr(10).join(behind).encode()).hexdigest()[:12]}"


def _arithmetic(params: Params) -> str:
    return os.environ.get("THERMARK_ARITHMETIC", str(params["arithmetic"]))


def _paths(job: AblationCommand, work: Path) -> list[str]:
    """Return the options about paths, relative to the job's own folder; inputs are linked into it by name."""
    for kind, name in (("prepare", "faces"), ("train", "models")):
        folder = work / job.folder / name
        folder.mkdir(exist_ok=True)
        for need in job.needs:
            link = folder / need.name
            if need.kind == kind and not link.is_symlink():
                link.symlink_to(output(need, work).resolve(), target_is_directory=True)
    paths = {"out": f"made/{job.name}"}
    if job.kind == "prepare":
        raw = str(output(job.needs[0], work).resolve())
        paths |= {"raw": raw, "report": "report.json", "splits": "splits.csv", "shards": "shards"}
    if job.kind == "train":
        paths |= {name: name for name in ("faces", "models", "checkpoint")}
        paths |= {name: f"{name}.csv" for name in ("history", "gradients")}
    return [word for name, path in paths.items() for word in (f"--{name}", path)]
