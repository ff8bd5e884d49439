"""Licences that a person has to accept before weights under them are used."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from thermark.assets import weights
from thermark.core import files
from thermark.core.config import nearest
from thermark.core.errors import ConfigError

VARIABLE = "THERMARK_ACCEPT_LICENCES"


@dataclass(frozen=True)
class Licence:
    """A licence by the name that a command line knows it by, its title and its text's address."""

    name: str
    title: str
    url: str


def gated(manifest: weights.Manifest) -> list[Licence]:
    """Return the licences that must be accepted before a bundle is used, sorted by name."""
    cards = [entry.card for entry in manifest.files if entry.card.gated]
    found = {_name(card.licence): Licence(_name(card.licence), card.licence, card.licence_url) for card in cards}
    return [found[name] for name in sorted(found)]


def known(manifests: Path) -> dict[str, Licence]:
    """Return all licences of the manifests in a folder that must be accepted, by name."""
    bundles = [weights.read(path) for path in sorted(manifests.glob("*.yaml"))]
    return {licence.name: licence for bundle in bundles for licence in gated(bundle)}


def find(name: str, among: dict[str, Licence]) -> Licence:
    """Return the licence called `name`; raises ConfigError naming the nearest."""
    if name not in among:
        raise ConfigError(f"no weights are under a licence {name!r}", nearest(name, sorted(among)))
    return among[name]


def missing(wanted: Iterable[Licence], cache: Path, manifests: Path) -> list[Licence]:
    """Return which of the licences were accepted neither in the cache folder nor in THERMARK_ACCEPT_LICENCES.

    Raises ConfigError for a name in that variable which no manifest of the folder knows.
    """
    lacking = [licence for licence in wanted if not _note(cache, licence.name).is_file()]
    if not lacking:
        return []
    named = [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
    among = known(manifests) if named else {}
    accepted = {find(name, among).name for name in named}
    return [licence for licence in lacking if licence.name not in accepted]


def accept(licence: Licence, cache: Path) -> Path:
    """Note in the cache folder that its user has accepted a licence, and return the note's path."""
    path = _note(cache, licence.name)
    files.write_json(path, {"licence": licence.title, "url": licence.url})
    return path


def _note(cache: Path, name: str) -> Path:
    return cache / "licences" / f"{name}.json"


def _name(title: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", title.lower()).strip("-")
