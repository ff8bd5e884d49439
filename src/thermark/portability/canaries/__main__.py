"""`python -m thermark.portability.canaries [NAME ...]`: compute canaries, print, compare or write."""

import argparse
import sys
from pathlib import Path

from thermark.core import arithmetic, errors
from thermark.core.errors import ConfigError, Finding
from thermark.portability.canaries import expected


def main() -> None:
    """Print `name hash libraries` of each canary; exit 1 when one differs from `--against` on equal versions."""
    parser = argparse.ArgumentParser(prog="python -m thermark.portability.canaries", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(expected.CANARIES)}; default: all"
    )
    parser.add_argument("--against", type=Path, help="compare with the hashes in this file")
    parser.add_argument("--write", type=Path, help="write the hashes of all canaries to this file")
    options = parser.parse_args()
    if not arithmetic.portable():
        raise ConfigError("canaries are of the portable arithmetic", f"unset {arithmetic.VARIABLE}")
    if options.write and options.names:
        raise ConfigError("a file of hashes must hold all canaries", "give no names with --write")
    baseline = expected.read(options.against) if options.against else {}
    print(f"# {expected.cpu()}", file=sys.stderr)
    results, wrong = {}, []
    for name in options.names or expected.CANARIES:
        results[name] = result = expected.run(name)
        print(name, result.hash, " ".join(f"{key}={value}" for key, value in result.versions.items()), flush=True)
        if name not in baseline:
            continue
        mark, sentence = expected.verdict(name, baseline[name], result)
        if mark != "ok":
            print(sentence, file=sys.stderr)
        if mark == "wrong":
            wrong.append(name)
    if options.write:
        expected.write(options.write, results)
    if wrong:
        raise Finding(f"other bytes: {', '.join(wrong)}", "see above; docs/portable.md says what to do")


if __name__ == "__main__":
    errors.run(main)
