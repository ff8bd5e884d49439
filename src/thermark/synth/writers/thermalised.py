"""FaceSynthetics' pictures with temperatures made up from their labels, laid out as T-FAKE, which this is not.

RGB, points and classes are those of the source, byte by byte; only `warm/` and `cold/` are ours. Temperatures are
set down by the very points that are learned from them: these faces may be easier than those of a camera.
"""

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field, model_validator

from thermark.core import files, images, ldmks, origin, seeds, tree, visibility
from thermark.core.config import Section
from thermark.core.errors import ConfigError, DataError
from thermark.core.parallel import ordered
from thermark.core.progress import track
from thermark.synth.render.sensor import observe
from thermark.synth.thermalise import heat
from thermark.synth.writers import stored, write_image

CONDITIONS = ("warm", "cold")
REMEDY = "fetch the file again, or thermalise a FaceSynthetics tree: {id}.png, {id}_seg.png, {id}_ldmks.txt"


class Config(Section):
    """Where from, how many ids (None: all), the rooms (deg C) of the conditions, and the camera.

    `source`: the folder of FaceSynthetics' files under data/raw.
    `netd`: temporal noise, `nonuniformity`: fixed pattern, `vignette`: how much colder corners seem than the
    middle, all in deg C; `blur`: sigma of the optics in pixels.
    """

    source: str
    seed: int = 0
    count: int | None = Field(default=None, gt=0)
    warm: tuple[float, float] = (24.0, 27.0)
    cold: tuple[float, float] = (20.0, 22.0)
    netd: float = Field(default=0.06, ge=0)
    nonuniformity: float = Field(default=0.05, ge=0)
    vignette: float = Field(default=0.25, ge=0)
    blur: float = Field(default=0.6, ge=0)

    @model_validator(mode="after")
    def _order(self) -> Self:
        for low, high in (self.warm, self.cold):
            if low > high:
                raise ValueError("a room's lowest temperature must not be above its highest")
        return self


@dataclass(frozen=True)
class FaceFiles:
    """One id: `labels` is its landmark file, beside which picture and classes lie; `root` is written to."""

    name: str
    labels: Path
    root: Path

    def beside(self, suffix: str) -> Path:
        """Return another file of the same id in the source."""
        return self.labels.with_name(self.name + suffix)


def write(out: Path, source: Path, config: Config, workers: int | None = None) -> None:
    """Write `facesynthetics/`, `warm/` and `cold/` under `out` from the FaceSynthetics tree `source`, any depth.

    The bytes do not depend on `workers`. Raises DataError, naming the file, for one that is missing, damaged or
    does not fit its id, ConfigError when `config.count` is more than there are; then nothing is written.
    """
    labels_by_id = _find(source, config.count)
    with files.fresh_directory(out) as root:
        for folder in ("facesynthetics", *CONDITIONS):
            (root / folder).mkdir()
        faces = [FaceFiles(name, labels, root) for name, labels in labels_by_id.items()]
        work = ordered(partial(_write, config=config), faces, workers)
        for error in track(work, len(faces), "thermalise", "faces"):
            if error:
                raise DataError(error, REMEDY)
        # A source that is itself rendered stays recognisable as such.
        for name in (origin.MARK, visibility.FILE):
            if (source / name).is_file():
                shutil.copyfile(source / name, root / name)
        origin.mark_thermalised(root, config)


def _find(source: Path, count: int | None) -> dict[str, Path]:
    """Return id -> landmark file of the first `count` ids."""
    files_by_id: dict[str, list[Path]] = {}
    for path in (source / relative for relative in tree.files(source) if relative.endswith(ldmks.SUFFIX)):
        files_by_id.setdefault(path.name.removesuffix(ldmks.SUFFIX), []).append(path)
    if not files_by_id:
        raise DataError(f"no *{ldmks.SUFFIX} under {source.name}", REMEDY)
    for copies in files_by_id.values():
        if len(copies) > 1:
            raise DataError(f"{copies[1].name} is there {len(copies)} times", "keep one copy of the tree")
    if count is not None and count > len(files_by_id):
        raise ConfigError(
            f"count is {count}, but the source has {len(files_by_id)} ids", "lower count, or leave it out"
        )
    return {name: files_by_id[name][0] for name in sorted(files_by_id)[:count]}


def _write(face: FaceFiles, config: Config) -> str:
    """Write one id's files; return what is wrong with it, if anything (errors do not travel between processes)."""
    try:
        rgb, seg, points = read(face)
    except DataError as error:
        return error.cause
    person = heat.sample_person(seeds.rng(config.seed, "thermalised", face.name))
    surfaces = heat.surfaces(rgb, seg, points, person)
    for condition, ambient in zip(CONDITIONS, (config.warm, config.cold), strict=True):
        rng = seeds.rng(config.seed, "thermalised", face.name, condition)
        celsius = heat.temperatures(surfaces, person, heat.sample_room(ambient, rng))
        write_image(face.root / condition / f"{face.name}_thermal.png", stored(_observed(celsius, config, rng)))
    for suffix in (".png", "_seg.png", ldmks.SUFFIX):
        path = face.beside(suffix)
        shutil.copyfile(path, face.root / "facesynthetics" / path.name)
    return ""


def read(face: FaceFiles) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
    """Return RGB (H, W, 3), classes (H, W) and points (70, 2) in px; raises DataError naming the file."""
    points = ldmks.read(face.labels)
    if not np.isfinite(points).all():
        raise DataError(f"{face.labels.name} lacks a point", REMEDY)
    for path in (face.beside(".png"), face.beside("_seg.png")):
        if not path.is_file():
            raise DataError(f"{path.name} is missing beside {face.labels.name}", REMEDY)
    rgb = images.rgb(face.beside(".png"))
    seg = images.single(face.beside("_seg.png"), "uint8")
    name, classes = face.beside("_seg.png").name, np.unique(seg)
    if seg.shape != rgb.shape[:2]:
        raise DataError(f"{name} is {_size(seg)}, its picture {_size(rgb)} pixels", REMEDY)
    unknown = classes[(classes > heat.FACEWEAR) & (classes != heat.IGNORED)]
    if len(unknown):
        raise DataError(f"{name} has class {unknown[0]}, which FaceSynthetics has not", REMEDY)
    if not np.isin(seg, heat.SKIN).any():
        raise DataError(f"{name} shows no skin", REMEDY)
    return rgb, seg, points


def _size(image: NDArray[np.uint8]) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"


def _observed(celsius: NDArray[np.float32], config: Config, rng: Generator) -> NDArray[np.float32]:
    """Return what the camera reports: blurred, noisy, and colder towards the corners."""
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in celsius.shape)
    darker = np.float32(config.vignette / 2) * (y[:, None] ** 2 + x**2)
    return observe(celsius - darker, rng, config.netd, config.blur, config.nonuniformity)
