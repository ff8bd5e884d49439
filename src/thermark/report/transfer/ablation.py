"""What each part of a recipe brings on a real camera: one training a variant, each with one thing left out.

Work is kept by what it depends on, settings and code: variants share what they do not change, and a second call
makes what is missing. Nothing here is a stage; the commands are those of the pipeline.
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
ALONE = "none"  # the teacher of a run that has none


class Plan(Section):
    """An ablation of a profile: `run` is trained in every variant.

    `profile`: the name of the profile whose params these are. `base`: changes of all variants, such as a shorter
    training. `variants`: name -> what differs from the base, dotted key -> value; the base is one of them.
    """

    profile: str
    run: str
    base: Changes = Field(default_factory=dict)
    variants: dict[str, Changes]


@dataclass(frozen=True)
class Job:
    """One command: `kind` render, prepare or train, of `name`; `needs` are made before it.

    `folder`, below the folder of all work, is named after what it depends on. `options` follow the script.
    """

    kind: str
    name: str
    folder: str
    options: tuple[str, ...]
    needs: tuple["Job", ...] = ()


def variants(plan: Plan, params: Params) -> dict[str, Params]:
    """Return variant -> its params, the base first; raises ConfigError for another profile or an unknown key."""
    if params.get("profile") != plan.profile:
        raise ConfigError(
            f"params.yaml is the profile {params.get('profile')}, the ablation is of {plan.profile}",
            f"make profile P={plan.profile}",
        )
    if plan.run not in params["runs"]:
        raise ConfigError(f"there is no run {plan.run}", nearest(plan.run, list(params["runs"])))
    base = changed(params, plan.base)
    return {BASE: base} | {name: changed(base, own) for name, own in plan.variants.items()}


def changed(params: Params, changes: Changes) -> Params:
    """Return params with other values at dotted keys; raises ConfigError if the first two names do not exist."""
    made = deepcopy(dict(params))
    for dotted, value in changes.items():
        *above, last = dotted.split(".")
        node: Any = made
        for depth, name in enumerate(above):
            if depth < 2 and name not in node:
                raise ConfigError(f"params.yaml has no {'.'.join(above[: depth + 1])}", nearest(name, list(node)))
            node = node.setdefault(name, {})
        node[last] = value
    return made


def job(params: Params, run: str) -> Job:
    """Return the training of a run, with all that it needs: its teacher, its face sets, their rendered files.

    Raises ConfigError for a face set whose files are not rendered: an ablation fetches nothing.
    """
    own = params["runs"][run]
    sets = dict.fromkeys(own[name] for name in ("train", "extra_data", "teacher_data"))
    needs = [_prepared(params, name) for name in sets]
    if own["teacher"] != ALONE:
        needs.append(job(params, own["teacher"]))
    computed = os.environ.get("THERMARK_ARITHMETIC", params["arithmetic"])
    modules = (f"thermark.train.recipes.{own['recipe']}", f"thermark.train.losses.{own['objective']}")
    folder = _folder(run, [own, computed], modules, needs)
    options = ("--recipe", own["recipe"], "--params", f"runs.{run}")
    return Job("train", run, folder, options, tuple(needs))


def _prepared(params: Params, name: str) -> Job:
    own = params["datasets"][name]
    if own["raw"] not in params["render"]:
        raise ConfigError(f"{name} is not rendered, an ablation fetches nothing", "train on rendered faces alone")
    rendered = params["render"][own["raw"]]
    source = _folder(own["raw"], [rendered], (f"thermark.synth.writers.{own['raw']}",), [])
    raw = Job("render", own["raw"], source, ("--layout", own["raw"], "--params", f"render.{own['raw']}"))
    folder = _folder(name, [own, params["prepare"]], (f"thermark.datasets.{own['loader']}",), [raw])
    return Job("prepare", name, folder, ("--loader", own["loader"], "--params", f"datasets.{name}"), (raw,))


def _folder(name: str, settings: list[Any], modules: tuple[str, ...], needs: list[Job]) -> str:
    behind = [json.dumps(settings, sort_keys=True), code.key(*modules), *(each.folder for each in needs)]
    return f"{name}-{sha256(chr(10).join(behind).encode()).hexdigest()[:12]}"


def in_order(wanted: Job) -> Iterator[Job]:
    """Yield a job after all that it needs."""
    for each in wanted.needs:
        yield from in_order(each)
    yield wanted


def made(wanted: Job, params: Params, work: Path, stages: Path) -> Path:
    """Make what is missing of a job and return its output; `stages` is the folder of the scripts.

    Raises SetupError naming the command that failed; what is finished stays.
    """
    for each in in_order(wanted):
        out = output(each, work)
        if out.exists():
            continue
        folder = work / each.folder
        folder.mkdir(parents=True, exist_ok=True)
        files.write_text(folder / "params.yaml", text(dict(params)))
        command = [sys.executable, str(stages.resolve() / f"{each.kind}.py"), *each.options, *_paths(each, work)]
        environment = os.environ | {"PYTHONPATH": str(code.SOURCE), "THERMARK_ARITHMETIC": _arithmetic(params)}
        done = subprocess.run(command, cwd=folder, env=environment, check=False)
        if done.returncode or not out.exists():
            raise SetupError(
                f"{each.kind} of {each.name} ended with {done.returncode}",
                f"look at what it said; it ran in {folder}",
            )
    return output(wanted, work)


def output(each: Job, work: Path) -> Path:
    """Return the folder that a job leaves: it is there when the job is done."""
    return work / each.folder / "made" / each.name


def _arithmetic(params: Params) -> str:
    return os.environ.get("THERMARK_ARITHMETIC", str(params["arithmetic"]))


def _paths(each: Job, work: Path) -> list[str]:
    """Return the options about paths, relative to the job's own folder; inputs are linked into it by name."""
    here = work / each.folder
    for kind, name in (("prepare", "faces"), ("train", "models")):
        (here / name).mkdir(exist_ok=True)
        for need in each.needs:
            link = here / name / need.name
            if need.kind == kind and not link.is_symlink():
                link.symlink_to(output(need, work).resolve(), target_is_directory=True)
    out = f"made/{each.name}"
    if each.kind == "render":
        return ["--out", out]
    if each.kind == "prepare":
        raw = str(output(each.needs[0], work).resolve())
        return [
            "--raw",
            raw,
            "--out",
            out,
            "--report",
            "report.json",
            "--splits",
            "splits.csv",
            "--shards",
            "shards",
        ]
    told = ["--faces", "faces", "--models", "models", "--checkpoint", "checkpoint", "--out", out]
    return [*told, "--history", "history.csv", "--gradients", "gradients.csv"]
