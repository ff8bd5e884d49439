"""Facts on contestants from params.yaml: the run of each, its kind, and which are given whole frames."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thermark.core.config import read
from thermark.core.errors import ConfigError
from thermark.models.inference.families import CROP_FAMILIES

Sections = Mapping[str, Mapping[str, Any]]
LEARNED = "learned"  # the family whose networks are those of runs


def sections(raw: Any, where: str) -> Sections:
    """Return the sections of `where` by name, none where it is empty; raises ConfigError for anything else."""
    raw = raw or {}
    if not isinstance(raw, Mapping) or not all(isinstance(section, Mapping) for section in raw.values()):
        raise ConfigError(f"`{where}` does not map names to sections", f"declare one as {where}.<name>: {{...}}")
    return {str(name): section for name, section in raw.items()}


def read_contestants(path: Path) -> Sections:
    """Return the sections of the contestants that were scored; raises ConfigError for a file of anything else."""
    return sections(read(path), path.name)


def networks(contestants: Sections) -> dict[str, str]:
    """Return contestant -> the run, or the converted checkpoint, whose network it is, of all learned ones."""
    return {
        name: str(section.get("run", name))
        for name, section in contestants.items()
        if section.get("family") == LEARNED
    }


def trained(contestants: Sections, runs: Sections) -> dict[str, str]:
    """Return contestant -> run, of those whose network a run of this profile has trained."""
    return {name: run for name, run in networks(contestants).items() if run in runs}


def kinds(contestants: Sections, runs: Sections) -> dict[str, str]:
    """Return of what kind each contestant is: how its run was trained, or else of which family it is."""
    runs_of = trained(contestants, runs)
    return {
        name: str(runs[runs_of[name]].get("recipe")) if name in runs_of else str(section.get("family"))
        for name, section in contestants.items()
    }


def whole_frames(contestants: Sections) -> dict[str, bool]:
    """Return contestant -> whether it looks at whole frames; raises ConfigError for one without a family."""
    for name, section in contestants.items():
        if not section.get("family"):
            raise ConfigError(f"contestants.{name} has no family", "say which it is of, such as `family: learned`")
    return {name: section["family"] not in CROP_FAMILIES for name, section in contestants.items()}
