"""Bundles of weights: the files that a contestant needs, where each comes from, and what is known of it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from thermark.core.bundle import NAME
from thermark.core.config import Section, parse
from thermark.core.config import read as read_yaml
from thermark.core.errors import ConfigError, DataError


def _plain(name: str) -> str:
    if name in (".", "..", NAME):
        raise ValueError("must be the name of a file")
    return name


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Size = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[\w.-]+$"), AfterValidator(_plain)]
Text = Annotated[str, Field(min_length=1)]
Web = Annotated[str, Field(pattern=r"^https?://\S+$")]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class Config(Section):
    """An entry `weights.<bundle>` of params.yaml.

    `manifest`: path below the project root. `max_mb`: the most that may be downloaded for the bundle, in units of
    10^6 bytes. `network`: `none`; `index`, the package index only; `any`.
    """

    manifest: str
    max_mb: Annotated[float, Field(ge=0)]
    network: Literal["none", "index", "any"]


class Url(Section):
    """A file on a web server, or the only one in a zip or tar there whose path ends in `member`.

    `size` (bytes) and `sha256` are the archive's; without a member the file's own suffice.
    """

    address: Web
    member: Text | None = None
    size: Size | None = None
    sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _archive(self) -> "Url":
        if self.member is None and (self.size, self.sha256) != (None, None):
            raise ValueError("size and sha256 of a plain file belong to the entry")
        return self


class Hub(Section):
    """A file of a repository on the Hugging Face Hub; `revision` null is the newest, until it is pinned."""

    repo: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: Commit | None
    file: Text
    type: Literal["model", "dataset"] = "model"


class Package(Section):
    """A file, `member`, inside a package of an index, of which `size` (bytes) and `sha256` are."""

    name: str
    version: str
    size: Size
    sha256: Sha256
    member: Text


class Wheel(Package):
    """A file inside a wheel of the package index: CPython 3.11 on x86-64 Linux, whatever this machine is."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*$")]
    version: Annotated[str, Field(pattern=r"^[\w.+!-]+$")]


class Npm(Package):
    """A file inside a package of the npm registry; a scoped name is `@scope/name`."""

    name: Annotated[str, Field(pattern=r"^(@[a-z0-9][\w.-]*/)?[a-z0-9][\w.-]*$")]
    version: Annotated[str, Field(pattern=r"^[\w.+-]+$")]


class WeightsCard(Section):
    """What must be known of a model; `gated` asks to accept its licence.

    `input_size` is (width, height) in pixels, null where we do not know it; `vocabulary` is null for what predicts
    no landmarks; `trained_on` names data sets as the publisher does.
    """

    model: Text
    source_page: Web
    licence: Text
    licence_url: Web
    gated: bool = False
    input_size: tuple[int, int] | None
    channels: Literal["rgb", "bgr"]
    vocabulary: str | None
    trained_on: Annotated[list[Text], Field(min_length=1)]
    notes: str = ""


class WeightFile(Section):
    """One file of a bundle, with one source; `size` (bytes) and `sha256` are null until they are known.

    `unpinned` is why nothing fixes the content, where neither a sum nor the revision of a repository does.
    """

    name: Name
    url: Url | None = None
    hub: Hub | None = None
    wheel: Wheel | None = None
    npm: Npm | None = None
    size: Size | None
    sha256: Sha256 | None
    unpinned: Text | None = None
    card: WeightsCard

    @model_validator(mode="after")
    def _sound(self) -> "WeightFile":
        if sum(source is not None for source in (self.url, self.hub, self.wheel, self.npm)) != 1:
            raise ValueError("wants exactly one of url, hub, wheel, npm")
        if self.size is not None and self.sha256 is None:
            raise ValueError("a size is stated together with its sha256: alone it proves nothing")
        return self

    @property
    def package(self) -> Package | None:
        """The package of an index that holds the file, if one does."""
        return self.wheel or self.npm


class WeightBundle(Section):
    """A bundle: its name, which is the file's, and its files; none for contestants that need only runs of ours.

    `reason`: why nothing in this version can run the files, and what can; then none of them is ever brought.
    """

    name: Annotated[str, Field(pattern=r"^\w+$")]  # no dots: it is a key of params.yaml
    reason: Text | None = None
    files: list[WeightFile]


def read(path: Path) -> WeightBundle:
    """Read a bundle's manifest; raises ConfigError when it is absent, DataError when it is not sound."""
    content = read_yaml(path)
    try:
        manifest = parse(content, WeightBundle, path.name)
    except ConfigError as error:
        raise DataError(error.cause, "correct the manifest, or restore it with `git checkout`") from error
    names = [entry.name.casefold() for entry in manifest.files]
    if manifest.name != path.stem or len(set(names)) < len(names):
        raise DataError(f"{path.name} has another name inside, or names a file twice", "correct the manifest")
    return manifest
