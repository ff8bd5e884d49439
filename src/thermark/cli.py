"""The `thermark` command: doctor, profile, readme."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from thermark.core import errors
from thermark.core.config import nearest, read
from thermark.core.errors import ConfigError
from thermark.core.files import write_text

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
    profile = commands.add_parser("profile", help="make profiles/NAME.yaml the params.yaml")
    profile.add_argument("name")
    profile.add_argument("--profiles", type=Path, default=Path("profiles"))
    profile.add_argument("--params", type=Path, default=Path("params.yaml"))
    readme = commands.add_parser("readme", help="renew the leaderboard between the markers of a README")
    readme.add_argument("readme", type=Path)
    readme.add_argument("leaderboard", type=Path)
    options = parser.parse_args(arguments)
    if options.command == "doctor":
        from thermark.doctor import report

        report(options.requirements, quiet=options.quiet)
    elif options.command == "profile":
        switch(options.name, options.profiles, options.params)
    else:
        renew(options.readme, options.leaderboard)


def switch(name: str, profiles: Path, params: Path) -> None:
    """Make a profile the params file; parameters that are in no profile are first kept as `<params>.bak`.

    Raises ConfigError for an unknown profile and for one that is not YAML.
    """
    known = {path.stem: path.read_text(encoding="utf-8") for path in sorted(profiles.glob("*.yaml"))}
    if name not in known:
        raise ConfigError(f"there is no profile {name!r} in {profiles}", nearest(name, list(known)))
    read(profiles / f"{name}.yaml")
    if params.exists() and params.read_text(encoding="utf-8") not in known.values():
        backup = params.with_name(params.name + ".bak")
        write_text(backup, params.read_text(encoding="utf-8"))
        print(f"your own {params} was kept as {backup}")
    write_text(params, known[name])
    print(f"{params} is now the profile {name}; `make repro` runs it")


def renew(readme: Path, leaderboard: Path) -> None:
    """Put the leaderboard's overview (what stands before its parts) between the README's two markers.

    Raises ConfigError when a marker is missing.
    """
    parts = readme.read_text(encoding="utf-8").split(MARKER)
    if len(parts) != 3:
        raise ConfigError(f"{readme} does not hold {MARKER} twice", "put one before and one after the leaderboard")
    write_text(readme, MARKER.join([parts[0], f"\n{overview(leaderboard)}\n", parts[2]]))


def overview(leaderboard: Path) -> str:
    """Return the text between the leaderboard's title and its first part."""
    return leaderboard.read_text(encoding="utf-8").split("\n## ")[0].partition("\n")[2].strip()


if __name__ == "__main__":
    main()
