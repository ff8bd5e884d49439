"""An entry `fetch.<key>` of params.yaml: the pieces of a data set, and the publisher of each."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, model_validator

from thermark.core.config import Section
from thermark.core.errors import ConfigError
from thermark.download import drive, hub, kaggle
from thermark.download.listing import inside
from thermark.download.request import without_secrets
from thermark.download.weights import Commit, Hub, Text, Web

PACKED = (".zip", ".tar", ".tar.gz", ".tgz")
# Whether upstream offers one file of fixed content, which can be pinned, or a tree.
Kind = Literal["url", "drive", "hub", "drive_folder", "kaggle", "hub_tree"]
FIELDS: tuple[Kind, ...] = ("url", "drive", "hub", "drive_folder", "kaggle")


def _plain(name: str) -> str:
    if "/" in inside(name):
        raise ValueError("must be the name of a file, without folders")
    return name


def _below(path: str) -> str:
    return path if path == "." else inside(path)


DriveId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{10,}$")]
Handle = Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
Key = Annotated[str, Field(pattern=r"^\w[\w-]*$")]


class Piece(Section):
    """A piece of a data set: exactly one of `url`, `drive`, `drive_folder`, `kaggle` and `hub`.

    `hub` without `file` is a whole repository. `name`: its file's name, which Google Drive does not tell. `into`:
    its folder below the data set's, by default called like the piece. `unpack`: by default what the name's suffix
    says, and for a repository true: whether the archives in it are unpacked. `licence`: a sheet's name.
    """

    url: Web | None = None
    drive: DriveId | None = None
    drive_folder: DriveId | None = None
    kaggle: Handle | None = None
    version: Annotated[int, Field(ge=1)] | None = None
    hub: Handle | None = None
    revision: Commit | None = None
    file: Annotated[Text, AfterValidator(inside)] | None = None
    name: Annotated[Text, AfterValidator(_plain)] | None = None
    into: Annotated[Text, AfterValidator(_below)] | None = None
    unpack: bool | None = None
    licence: Key

    @model_validator(mode="after")
    def _sound(self) -> "Piece":
        if sum(getattr(self, kind) is not None for kind in FIELDS) != 1:
            raise ValueError("wants exactly one of url, drive, drive_folder, kaggle, hub")
        if (self.kaggle is None) != (self.version is None):
            raise ValueError("version belongs to kaggle, which wants it")
        if self.hub is None and (self.file or self.revision):
            raise ValueError("file and revision belong to hub")
        if self.drive and self.name is None:
            raise ValueError("drive wants a name")
        if self.url and self.name is None:
            _plain(_last(self.url))
        if self.unpack is False and (self.kaggle or self.drive_folder):
            raise ValueError("kaggle and drive_folder are trees: there is nothing to leave packed")
        return self


class Config(Section):
    """An entry of `fetch`: `max_mb` is the most that may be downloaded for the whole set, in 10^6 bytes.

    `optional`: whether a set that cannot be had is left out with the reason, where otherwise it is an error. Not
    for a set that `crops` or `zeroshot` names, which have no place for a reason.
    """

    max_mb: Annotated[float, Field(ge=0)]
    optional: bool = False
    pieces: Annotated[dict[Key, Piece], Field(min_length=1)]


@dataclass(frozen=True)
class ResolvedPiece:
    """A piece with its defaults filled in; `source` is an address that a person can open, without secrets.

    `name`: of the file, or of an archive that somebody may have placed. `into`: below the data set's root.
    `unpack`: whether that archive is unpacked, as in place of a tree it always is; `inner`: archives of a tree.
    """

    key: str
    kind: Kind
    piece: Piece
    source: str
    name: str
    into: PurePosixPath
    unpack: bool
    inner: bool

    @property
    def newest(self) -> str:
        """Where it was published before a revision was written down: what a pin from then still names."""
        return _source(self.piece.model_copy(update={"revision": None}))

    @property
    def stable(self) -> bool:
        """Whether upstream offers a file of fixed bytes, not a tree that is packed anew for everyone."""
        return self.kind in ("url", "drive", "hub")


def resolve_pieces(config: Config) -> list[ResolvedPiece]:
    """Return the pieces of a data set; raises ConfigError when two have one name where they would be placed."""
    pieces = [_filled(key, piece) for key, piece in config.pieces.items()]
    for names, remedy in (
        ([piece.key for piece in pieces], "rename one"),
        ([piece.name for piece in pieces], "give one another `name`"),
    ):
        if len({name.casefold() for name in names}) < len(names):
            raise ConfigError(f"two pieces have one name: {', '.join(names)}", f"{remedy} in params.yaml")
    return pieces


def hub_file(piece: Piece) -> Hub:
    """Return the Hub's file of a piece of that kind."""
    assert piece.hub and piece.file
    return Hub(repo=piece.hub, revision=piece.revision, file=piece.file, type="dataset")


def _filled(key: str, piece: Piece) -> ResolvedPiece:
    kind = next(kind for kind in FIELDS if getattr(piece, kind) is not None)
    if kind == "hub" and piece.file is None:
        kind = "hub_tree"
    name = piece.name or _default_name(key, piece)
    unpack = name.lower().endswith(PACKED) if piece.unpack is None else piece.unpack
    tree = kind in ("drive_folder", "kaggle", "hub_tree")
    inner = kind == "hub_tree" and piece.unpack is not False
    return ResolvedPiece(
        key, kind, piece, _source(piece), name, PurePosixPath(piece.into or key), tree or unpack, inner
    )


def _default_name(key: str, piece: Piece) -> str:
    if piece.url:
        return _last(piece.url)
    if piece.file:
        return PurePosixPath(piece.file).name
    return f"{piece.kaggle.partition('/')[2] if piece.kaggle else key}.zip"


def _source(piece: Piece) -> str:
    if piece.url:
        return without_secrets(piece.url)
    if piece.drive:
        return drive.address(piece.drive)
    if piece.drive_folder:
        return drive.folder_address(piece.drive_folder)
    if piece.kaggle and piece.version:
        return kaggle.address(piece.kaggle, piece.version)
    if piece.hub and piece.file is None:
        return hub.dataset_address(piece.hub, piece.revision)
    return hub.address(hub_file(piece))


def _last(url: str) -> str:
    return unquote(PurePosixPath(urlsplit(url).path).name)
