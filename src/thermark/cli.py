"""The `thermark` command: doctor, profile, readme, calibrate, predict, compare, and two about weights."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from thermark.calibrate.options import describe_calibrate, describe_predict
from thermark.core import errors, profiles
from thermark.core.config import parse
from thermark.core.errors import ConfigError
from thermark.core.files import write_text
from thermark.report.gate.command import describe_compare

MARKER = "<!-- leaderboard -->"


def main() -> None:
    """Run the command line and exit with 0 ok, 1 finding, 2 usage, 3 data, 4 set-up, 5 network."""
    errors.run(_main)


def _main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="thermark", description="Benchmark of landmarks on thermal faces.")
    commands = parser.add_subparsers(dest="command", required=True)
    doctor = commands.add_parser("doctor", help="is this machine fit to run the pipeline?")
    doctor.add_argument("--requirements", type=Path, default=Path("requirements.txt"))
    doctor.add_argument("--quiet", action="store_true", help="print only what fails")
    profile = commands.add_parser("profile", help="merge profiles/NAME.yaml into the default, as params.yaml")
    profile.add_argument("name")
    profile.add_argument("--profiles", type=Path, default=Path("profiles"))
    profile.add_argument("--params", type=Path, default=Path("params.yaml"))
    readme = commands.add_parser("readme", help="renew the leaderboard between the markers of a README")
    readme.add_argument("readme", type=Path)
    readme.add_argument("leaderboard", type=Path)
    accept = commands.add_parser("accept-licence", help="accept a licence that data or weights are under")
    accept.add_argument("name", nargs="?", help="without it, all are listed")
    accept.add_argument("--manifests", type=Path, default=Path("data/manifests/weights"))
    accept.add_argument("--licences", type=Path, default=Path("data/licences"))
    accept.add_argument("--yes", action="store_true", help="do not ask")
    _describe_conversion(commands.add_parser("convert-checkpoint", help="an official RTMPose as a model folder"))
    describe_calibrate(commands.add_parser("calibrate", help="adapt a trained head to your own camera"))
    describe_predict(commands.add_parser("predict", help="find points on your own pictures"))
    compared = commands.add_parser("compare", help="are results worse? exit 0 no, 1 yes, 2 cannot be compared")
    describe_compare(compared)
    options = parser.parse_args(arguments)
    if options.command == "doctor":
        from thermark.portability.doctor import report

        report(options.requirements, quiet=options.quiet)
    elif options.command == "profile":
        profiles.switch(options.name, options.profiles, options.params)
    elif options.command == "readme":
        renew(options.readme, options.leaderboard)
    elif options.command == "accept-licence":
        accept_licence(options.name, options.manifests, options.licences, yes=options.yes)
    elif options.command == "calibrate":
        from thermark.calibrate.calibrate import calibrate

        calibrate(options)
    elif options.command == "predict":
        from thermark.calibrate.predict import predict

        predict(options)
    elif options.command == "compare":
        from thermark.report.gate.command import compare

        compare(options)
    else:
        convert(options)


def renew(readme: Path, leaderboard: Path) -> None:
    """Put the leaderboard's overview (what stands before its parts) between the README's two markers.

    Raises ConfigError when a marker is missing.
    """
    parts = readme.read_text(encoding="utf-8").split(MARKER)
    if len(parts) != 3:
        raise ConfigError(f"{readme} does not hold {MARKER} twice", "put one before and one after the leaderboard")
    write_text(readme, MARKER.join([parts[0], f"\n{overview(leaderboard)}\n", parts[2]]))


def accept_licence(name: str | None, manifests: Path, sheets: Path, yes: bool) -> None:
    """Show a licence of weights (`manifests`) or data (`sheets`) and, on confirmation, note that it is accepted.

    Without a name all of them are listed. Raises ConfigError for an unknown name, when nobody confirms, and where
    the folders are not.
    """
    from thermark.download import cache, licences

    for folder in (manifests, sheets):
        if not folder.is_dir():
            raise ConfigError(f"{folder} is not here", "run it in the repository")
    known = licences.of_weights(manifests) | licences.of_data(sheets)
    if name is None:
        for each in known.values():
            state = "accepted" if licences.accepted(each, cache.location()) else "not accepted"
            print(f"{each.name}: {each.title}, {state}" + (f"; covers {each.covers}" if each.covers else ""))
        return
    licence = licences.find(name, known)
    print(f"{licence.name}: {licence.title}\n{licence.terms}\n{licence.url}".replace("\n\n", "\n"))
    if not yes and not sys.stdin.isatty():
        raise ConfigError("nobody is there to confirm", "read the licence, then add --yes")
    if not yes and not _agreed():
        remedy = "weights under it are left out, a data set under it is not fetched"
        raise ConfigError(f"{licence.title} was not accepted", remedy)
    cache.writable(cache.location())
    licences.accept(licence, cache.location())
    print("accepted; `make repro` takes it into account")


def _agreed() -> bool:
    try:
        return input("do you accept it? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


def _describe_conversion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", help="a .pth file, read without running any of it, or .safetensors")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder; OUT/seed0 is replaced")
    parser.add_argument("--size", choices=["t", "s", "m", "l", "x"], help="refuse any other size")
    parser.add_argument("--rows", default="same", help="the final layer: same, fresh, face6 or wholebody133")
    parser.add_argument("--vocabulary", default="ibug68", help="the landmarks of the model")
    parser.add_argument(
        "--input-size", type=int, default=256, help="pixels; another than the file's costs the head"
    )
    parser.add_argument("--padding", type=float, default=1.25, help="the model sees PADDING times the face box")
    parser.add_argument("--seed", type=int, default=0, help="of what has to start at random")
    parser.add_argument("--report", type=Path, help="a JSON file with the origin of every weight")


def convert(options: argparse.Namespace) -> None:
    """Convert a checkpoint; print the origin of its weights and, on stderr, why it is no predictor yet."""
    # Imports PyTorch, for which no other command has to wait.
    from thermark.convert.convert import Config
    from thermark.convert.convert import convert as converted

    names = ("checkpoint", "size", "rows", "vocabulary", "input_size", "padding", "seed")
    section = {name: getattr(options, name) for name in names}
    account = converted(parse(section | {"recipe": "imported"}, Config, "options"), options.out, options.report)
    print(account.text())
    for note in account.notes():
        print(f"warning: {note}; fine-tune before use", file=sys.stderr)


def overview(leaderboard: Path) -> str:
    """Return the text between the leaderboard's title and its first part."""
    return leaderboard.read_text(encoding="utf-8").split("\n## ")[0].partition("\n")[2].strip()


if __name__ == "__main__":
    main()
