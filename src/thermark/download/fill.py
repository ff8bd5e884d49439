"""The folder of a bundle: all its files, verified, or none and the reason."""

import math
import shutil
import sys
from pathlib import Path
from typing import Any

from thermark.core import bundle, files
from thermark.core.errors import DataError, NetworkError
from thermark.download import cache, hub, licences, sources, weights
from thermark.download.extract import room
from thermark.download.request import Changed, NoClient, TooLarge, WebPage
from thermark.download.resolve import FileStore, LocalFile
from thermark.download.weights import Config, WeightBundle, WeightFile

PLACE = "place the files by hand (see DATA.md)"


class Skip(Exception):
    """A bundle cannot be had here, and why in one line that is the same on every machine."""


def fill(config: Config, out: Path, store: FileStore) -> None:
    """Make `out` the bundle that an entry of params.yaml asks for, whole or not at all; what is right stays.

    Without the network, its permission, the room that `max_mb` grants, an accepted licence or anything that could
    run the files, the bundle is `skipped` with a reason. Raises DataError for wrong content or a wrong manifest,
    ConfigError without one, and SetupError for a cache that cannot be written; then `out` stays as it was.
    """
    manifest = weights.read(Path(config.manifest))
    try:
        if manifest.reason:
            raise Skip(manifest.reason)
        _require_licences(manifest, store)
        if _current(manifest, out):
            return
        copies = _gather(manifest, config, store)
    except Skip as skip:
        print(f"{manifest.name} was left out: {skip}", file=sys.stderr)
        with files.fresh_directory(out) as folder:
            bundle.write(folder, "skipped", str(skip), {})
        return
    _assemble(manifest, copies, out)
    for entry in manifest.files:
        path, sha256 = copies[entry.name]
        if entry.sha256 is None:
            pin = f"size: {path.stat().st_size}, sha256: {sha256}"
            print(f"to pin {entry.name}, write into {config.manifest}: {pin}", file=sys.stderr)


def _require_licences(manifest: WeightBundle, store: FileStore) -> None:
    for licence in licences.missing(licences.gated(manifest), store.cache):
        raise Skip(
            f"{manifest.name} is under the {licence.title}: read {licence.url}, then "
            f"`thermark accept-licence {licence.name}`"
        )


def _current(manifest: WeightBundle, out: Path) -> bool:
    """Tell whether `out` is the bundle already: as described, and with that content."""
    try:
        present = bundle.read(out)
        sums = {name: str(card["sha256"]) for name, card in present.cards.items()}
        cards = {e.name: _card(e, out / e.name, e.sha256 or sums[e.name]) for e in manifest.files}
        same = present.status == "ok" and dict(present.cards) == cards
        return same and all(files.sha256(out / name) == sha256 for name, sha256 in sums.items())
    except (DataError, KeyError, OSError):
        return False


def _gather(manifest: WeightBundle, config: Config, store: FileStore) -> dict[str, LocalFile]:
    """Return a verified local copy of each file."""
    local = {entry.name: sources.local(entry, manifest.name, store) for entry in manifest.files}
    copies = {name: copy for name, copy in local.items() if copy}
    missing = [entry for entry in manifest.files if entry.name not in copies]
    budget = int(config.max_mb * 1e6)
    _require_permission(manifest, missing, config, budget)
    spent: dict[str, int] = {}
    for entry in missing:
        origin = sources.container(entry)
        left = budget - sum(size for other, size in spent.items() if other != origin)
        copies[entry.name] = _fetch(manifest, entry, config, store, left)
        spent[origin] = copies[entry.name][0].stat().st_size
    return copies


def _require_permission(manifest: WeightBundle, missing: list[WeightFile], config: Config, budget: int) -> None:
    """Raise Skip when the missing files must not be fetched; its text counts all, as if nothing were at hand."""
    total, open_ended = sources.size(manifest.files)
    amount = f"{manifest.name} is not here"
    if total:
        amount = f"{manifest.name} needs {'more than' if open_ended else 'about'} {math.ceil(total / 1e6)} MB"
    wanted = "index" if all(entry.package for entry in missing) else "any"
    if missing and (config.network == "none" or (config.network, wanted) == ("index", "any")):
        raise Skip(
            f"{amount}, weights.{manifest.name}.network is {config.network}: set it to {wanted}, or {PLACE}"
        )
    if sources.size(missing)[0] > budget:
        raise Skip(_too_large(amount, manifest, config))


def _fetch(manifest: WeightBundle, entry: WeightFile, config: Config, store: FileStore, budget: int) -> LocalFile:
    try:
        return sources.fetch(entry, store, max(budget, 0))
    except TooLarge as error:
        raise Skip(_too_large(f"{manifest.name} needs {entry.name}", manifest, config)) from error
    except Changed as error:
        remedy = f"{error.remedy}; if it is right, write its size and sha256 into {config.manifest}"
        raise DataError(error.cause, remedy) from error
    except WebPage as error:
        if entry.sha256:
            raise
        # Nothing says what the file is, so this is no wrong content: a quota or a log-in is in the way.
        where = sources.address(entry)
        raise Skip(f"{where} sent a page instead of {entry.name}: open it in a browser, and {PLACE}") from error
    except hub.Refused as error:
        raise Skip(f"{error.cause}: {error.remedy}") from error
    except NoClient as error:
        raise Skip(f"{error.cause}, which would bring {entry.name}: install it, or {PLACE}") from error
    except NetworkError as error:
        # What happened differs between machines; the bundle's reason must not.
        print(f"{error.cause}\n{error.remedy}\n{_by_hand(manifest, entry, store)}", file=sys.stderr)
        raise Skip(
            f"{entry.name} could not be fetched from {sources.host(entry)}: try again when it can, or {PLACE}"
        ) from error


def _by_hand(manifest: WeightBundle, entry: WeightFile, store: FileStore) -> str:
    """Return where a file can be placed, one of unknown sha256 by its folder's name, and what is there instead."""
    folder = "" if entry.sha256 else f"a folder {manifest.name} in "
    others = [f"{path} has sha256 {store.mirrors.sha256(path)}" for path in store.mirrors.named(entry.name)[:1]]
    way = f"or put {entry.name} into {folder}{cache.placed(store.cache)} or a folder of THERMARK_MIRRORS"
    return "; ".join([way, *others])


def _too_large(amount: str, manifest: WeightBundle, config: Config) -> str:
    return f"{amount}, weights.{manifest.name}.max_mb is {config.max_mb:g}: raise it, or {PLACE}"


def _assemble(manifest: WeightBundle, copies: dict[str, LocalFile], out: Path) -> None:
    cards = {entry.name: _card(entry, *copies[entry.name]) for entry in manifest.files}
    needed = sum(card["size"] for card in cards.values())
    with room(manifest.name, out.parent, needed), files.fresh_directory(out) as folder:
        for entry in manifest.files:
            path, sha256 = copies[entry.name]
            shutil.copyfile(path, folder / entry.name)
            # The copy is what counts: a mirror may change, and a disk may lie.
            if files.sha256(folder / entry.name) != sha256:
                raise DataError(f"{entry.name} changed while it was copied", "run the same command again")
        bundle.write(folder, "ok", "", cards)


def _card(entry: WeightFile, path: Path, sha256: str) -> dict[str, Any]:
    facts = {"source": sources.address(entry), "size": path.stat().st_size, "sha256": sha256}
    return entry.card.model_dump(mode="json") | facts
