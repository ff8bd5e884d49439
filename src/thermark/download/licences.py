"""Licences that a person has to accept before weights or data under them are used."""

import difflib
import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from thermark.core import files
from thermark.core.config import Section, nearest, parse
from thermark.core.config import read as read_yaml
from thermark.core.errors import ConfigError
from thermark.download import weights

VARIABLE = "THERMARK_ACCEPT_LICENCES"
ALIKE = 0.8


@dataclass(frozen=True)
class Licence:
    """A licence by the name that a command line knows it by, its title and its text's address.

    `terms`: what it allows and demands in a few lines of ours; `covers`: what is under it. Either may be empty.
    """

    name: str
    title: str
    url: str
    terms: str = ""
    covers: str = ""


class LicenceSheet(Section):
    """The content of `<name>.yaml` in the folder of data licences."""

    title: weights.Text
    url: weights.Web
    terms: weights.Text
    covers: weights.Text


def gated(manifest: weights.WeightBundle) -> list[Licence]:
    """Return the licences that must be accepted before a bundle is used, sorted by name."""
    cards = [entry.card for entry in manifest.files if entry.card.gated]
    by_name = {_name(card.licence): Licence(_name(card.licence), card.licence, card.licence_url) for card in cards}
    return [by_name[name] for name in sorted(by_name)]


def of_weights(manifests: Path) -> dict[str, Licence]:
    """Return all licences of the bundles of weights in a folder that must be accepted, by name."""
    bundles = [weights.read(path) for path in sorted(manifests.glob("*.yaml"))]
    return {licence.name: licence for bundle in bundles for licence in gated(bundle)}


def of_data(sheets: Path) -> dict[str, Licence]:
    """Return the licences of data, by name: the sheets of a folder."""
    read = {path.stem: parse(read_yaml(path), LicenceSheet, path.name) for path in sorted(sheets.glob("*.yaml"))}
    return {
        name: Licence(name, sheet.title, sheet.url, sheet.terms.strip(), sheet.covers.strip())
        for name, sheet in read.items()
    }


def find(name: str, among: dict[str, Licence]) -> Licence:
    """Return the licence called `name`; raises ConfigError naming the nearest."""
    if name not in among:
        raise ConfigError(f"there is no licence {name!r} to accept", nearest(name, sorted(among)))
    return among[name]


def missing(required: Iterable[Licence], cache: Path) -> list[Licence]:
    """Return which of the licences were accepted neither in the cache folder nor in THERMARK_ACCEPT_LICENCES.

    Names there that are not wanted belong to something else; one that is nearly a missing one is a ConfigError.
    """
    required = list(required)
    unaccepted = [licence for licence in required if not accepted(licence, cache)]
    for name in sorted(_named() - {licence.name for licence in required}):
        if close := difflib.get_close_matches(name, [licence.name for licence in unaccepted], n=1, cutoff=ALIKE):
            raise ConfigError(f"{VARIABLE} names {name!r}, no licence of this", f"did you mean `{close[0]}`?")
    return unaccepted


def accepted(licence: Licence, cache: Path) -> bool:
    """Tell whether a licence was accepted, in the cache folder or in THERMARK_ACCEPT_LICENCES.

    In the cache folder it was accepted with a title, an address and terms: with others it is another licence.
    """
    return licence.name in _named() or _noted(licence, cache)


def accept(licence: Licence, cache: Path) -> Path:
    """Note in the cache folder that its user has accepted a licence, and return the note's path."""
    path = _note(cache, licence.name)
    files.write_json(path, _content(licence))
    return path


def _noted(licence: Licence, cache: Path) -> bool:
    try:
        note = files.read_json(_note(cache, licence.name))
    except (OSError, ValueError):
        return False
    return bool(note == _content(licence))


def _content(licence: Licence) -> dict[str, str]:
    return {"licence": licence.title, "url": licence.url, "terms": _hash(licence.terms)}


def _hash(terms: str) -> str:
    return hashlib.sha256(terms.encode()).hexdigest()


def _named() -> set[str]:
    return {name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()}


def _note(cache: Path, name: str) -> Path:
    return cache / "licences" / f"{name}.json"


def _name(title: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", title.lower()).strip("-")
