"""The `thermark` command: a table of commands in groups, each with its options, an example and what it runs."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from thermark.calibrate.options import describe_calibrate, describe_predict
from thermark.core import errors, profiles
from thermark.core.config import parse
from thermark.core.errors import ConfigError, SetupError
from thermark.core.files import write_text
from thermark.report.gate.options import describe_compare

MARKER = "<!-- leaderboard -->"
EXIT_CODES = "Exit codes: 0 ok, 1 a finding, 2 wrong usage or settings, 3 data, 4 set-up, 5 network or licences."
Parser = argparse.ArgumentParser


@dataclass(frozen=True)
class Command:
    """One command: `describe` adds its options to a parser, `run` does it; `example` is a line for a shell."""

    name: str
    summary: str
    example: str
    describe: Callable[[Parser], None]
    run: Callable[[argparse.Namespace], None]


def main() -> None:
    """Run the command line and exit with 0 ok, 1 finding, 2 usage, 3 data, 4 set-up, 5 network."""
    errors.run(_main)


def _main(arguments: Sequence[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith(__package__):
            raise  # a fault of ours
        remedy = "run `make setup` in a clone; the packages in docs/landmarker.md are enough for `predict` alone"
        raise SetupError(f"`thermark {options.command}` needs {error.name}", remedy) from error


def parser() -> Parser:
    """Return the parser of all commands; `docs/reference.py` makes a page of it."""
    listed = [f"{group}:\n" + "".join(map(_line, grouped)) for group, grouped in GROUPS.items()]
    made = Parser(
        prog="thermark",
        description="A reproducible benchmark of facial landmarks on thermal images.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join([*listed, "`thermark COMMAND --help` has options and an example.", EXIT_CODES]),
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND", help="one of those below")
    for command in chain.from_iterable(GROUPS.values()):
        described = commands.add_parser(command.name, description=command.summary)
        command.describe(described)
        described.formatter_class = argparse.RawDescriptionHelpFormatter
        described.epilog = f"example:\n  {command.example}\n" + (
            f"\n{described.epilog}" if described.epilog else ""
        )
        described.set_defaults(run=command.run)
    return made


def _line(command: Command) -> str:
    return f"  {command.name:<20}{command.summary}\n"


def _describe_doctor(parser: Parser) -> None:
    default = Path("requirements.txt")
    parser.add_argument(
        "--requirements", type=Path, default=default, help="requirements file with the expected versions"
    )
    parser.add_argument("--quiet", action="store_true", help="print only what fails")


def _doctor(options: argparse.Namespace) -> None:
    from thermark.portability.doctor import report

    report(options.requirements, quiet=options.quiet)


def _describe_profile(parser: Parser) -> None:
    parser.add_argument("name", help="`default`, or a file of profiles/ without its ending")
    parser.add_argument("--profiles", type=Path, default=Path("profiles"), help="the folder of profiles")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="params file to overwrite")


def _profile(options: argparse.Namespace) -> None:
    profiles.switch(options.name, options.profiles, options.params)


def _describe_readme(parser: Parser) -> None:
    parser.add_argument("readme", type=Path, help="a Markdown file that holds the marker twice")
    parser.add_argument("results", type=Path, help="the records of one data set: metrics/results/<data set>.json")


def _readme(options: argparse.Namespace) -> None:
    renew(options.readme, options.results)


def renew(readme: Path, results: Path) -> None:
    """Put ten rows of one data set's results between the README's two markers.

    Raises ConfigError when a marker is missing, DataError where there are no results.
    """
    parts = readme.read_text(encoding="utf-8").split(MARKER)
    if len(parts) != 3:
        raise ConfigError(f"{readme} does not hold {MARKER} twice", "put one before and one after the leaderboard")
    write_text(readme, MARKER.join([parts[0], f"\n{overview(results)}\n", parts[2]]))


def overview(results: Path) -> str:
    """Return the ten rows of a file of results, and the rule that chose them, as Markdown."""
    from thermark.report.leaderboard.ten_rows import ten_rows
    from thermark.report.results.record import open_set

    return ten_rows(open_set(results))


def _describe_licence(parser: Parser) -> None:
    parser.add_argument("name", nargs="?", help="without it, all are listed")
    parser.add_argument(
        "--manifests", type=Path, default=Path("data/manifests/weights"), help="the folder of bundles of weights"
    )
    parser.add_argument(
        "--licences", type=Path, default=Path("data/licences"), help="the folder of licences of data sets"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _accept_licence(options: argparse.Namespace) -> None:
    accept_licence(options.name, options.manifests, options.licences, yes=options.yes)


def accept_licence(name: str | None, manifests: Path, sheets: Path, yes: bool) -> None:
    """Show a licence of weights (`manifests`) or data (`sheets`) and, on confirmation, note that it is accepted.

    Without a name all of them are listed. Raises ConfigError for an unknown name, without a confirmation, and
    where the folders are absent.
    """
    from thermark.download import cache, licences

    for folder in (manifests, sheets):
        if not folder.is_dir():
            raise ConfigError(f"{folder} is not here", "run it in the repository")
    listed = licences.of_weights(manifests) | licences.of_data(sheets)
    if name is None:
        for licence in listed.values():
            state = "accepted" if licences.accepted(licence, cache.location()) else "not accepted"
            print(
                f"{licence.name}: {licence.title}, {state}"
                + (f"; covers {licence.covers}" if licence.covers else "")
            )
        return
    licence = licences.find(name, listed)
    print(f"{licence.name}: {licence.title}\n{licence.terms}\n{licence.url}".replace("\n\n", "\n"))
    if not yes and not sys.stdin.isatty():
        raise ConfigError("no terminal to confirm on", "read the licence, then add --yes")
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
    other = "pixels; a size other than the checkpoint's re-initialises the head"
    parser.add_argument("--input-size", type=int, default=256, help=other)
    parser.add_argument("--padding", type=float, default=1.25, help="the model sees PADDING times the face box")
    parser.add_argument("--seed", type=int, default=0, help="random seed for layers that the checkpoint lacks")
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


def _calibrate(options: argparse.Namespace) -> None:
    from thermark.calibrate.calibrate import calibrate

    calibrate(options)


def _predict(options: argparse.Namespace) -> None:
    if options.predictor is None:
        from thermark.calibrate.find import find  # needs no PyTorch, for which the other waits

        if options.weights:
            raise ConfigError("--weights are those of a predictor", "say --predictor or --landmarker")
        find(options)
        return
    for name in ("landmarker", "overlays", "temperatures", "threshold", "longest", "no-flip"):
        if getattr(options, name.replace("-", "_")) not in (None, False):
            raise ConfigError(f"--{name} is for the landmarker alone", "leave it out, or --predictor")
    from thermark.calibrate.predict import predict

    predict(options)


def _compare(options: argparse.Namespace) -> None:
    from thermark.report.gate.command import compare

    compare(options)


CONVERT = "thermark convert-checkpoint rtmpose-m.pth --size m --out data/models/imported_m"
CALIBRATE = (
    "thermark calibrate --images pictures --labels labels.csv --head data/models/head_teacher \\\n"
    "    --weights data/exported/teacher_onnx --out mycamera"
)
PREDICT = "thermark predict --images pictures --overlays drawn --out predictions.csv"
GROUPS: dict[str, tuple[Command, ...]] = {
    "Set up": (
        Command(
            "doctor", "Is this machine fit to run the pipeline?", "thermark doctor", _describe_doctor, _doctor
        ),
        Command(
            "profile",
            "Choose what is benchmarked: merge profiles/NAME.yaml into the default.",
            "thermark profile tfake100",
            _describe_profile,
            _profile,
        ),
    ),
    "Your own pictures": (
        Command(
            "calibrate", "Adapt a trained head to your own camera.", CALIBRATE, describe_calibrate, _calibrate
        ),
        Command("predict", "Find landmarks on your own pictures.", PREDICT, describe_predict, _predict),
    ),
    "Data and weights": (
        Command(
            "accept-licence",
            "List the licences of data sets and weights, or accept one.",
            "thermark accept-licence tfake",
            _describe_licence,
            _accept_licence,
        ),
        Command(
            "convert-checkpoint",
            "Turn an official RTMPose checkpoint into a model folder.",
            CONVERT,
            _describe_conversion,
            convert,
        ),
    ),
    "Results": (
        Command(
            "compare",
            "Are results worse? Exit code 0 no, 1 yes, 2 they cannot be compared.",
            "thermark compare HEAD~1 --markdown gate.md",
            describe_compare,
            _compare,
        ),
        Command(
            "readme",
            "Renew the ten rows between the markers of a README.",
            "thermark readme README.md metrics/results/tfake.json",
            _describe_readme,
            _readme,
        ),
    ),
}


if __name__ == "__main__":
    main()
