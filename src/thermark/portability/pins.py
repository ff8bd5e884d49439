"""What requirements.txt pins."""

from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from thermark.core.errors import ConfigError

Installed = dict[str, str]

# The packages whose version can move a number, or a page.
MOVERS = (
    "numpy",
    "opencv-python-headless",
    "torch",
    "scipy",
    "numba",
    "pillow",
    "pandas",
    "pyarrow",
    "matplotlib",
    "ai-edge-litert",
    "mediapipe",
    "onnx",
    "onnxruntime",
    "rtmlib",
    "transformers",
    "jinja2",
    "vl-convert-python",
)


def pins(requirements: Path) -> Installed:
    """Return name -> version of the `name==version` lines that apply here, sorted; options are skipped.

    Raises ConfigError for a file that is absent and for a line that pins nothing.
    """
    try:
        lines = requirements.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(
            f"{requirements} cannot be read: {error.strerror}", "run from the project root"
        ) from error
    versions: Installed = {}
    for line in lines:
        text = f" {line}".split(" #")[0].strip()
        if not text or text.startswith("-"):
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise ConfigError(f"{requirements}: {text!r} is no requirement", "write name==version") from error
        exact = [part.version for part in requirement.specifier if part.operator == "=="]
        if len(exact) != 1:
            raise ConfigError(f"{requirements}: {text!r} pins no version", "write name==version")
        if requirement.marker is None or requirement.marker.evaluate():
            versions[canonical(requirement.name)] = exact[0]
    return dict(sorted(versions.items()))


def pinned(requirements: Path, names: Iterable[str] = MOVERS) -> dict[str, str | None]:
    """Return the pinned version of each named package, None where there is no pin: the content of env.json."""
    pinned = pins(requirements)
    return {name: pinned.get(canonical(name)) for name in sorted(names)}


def canonical(name: str) -> str:
    """Return a distribution's name as indexes compare it."""
    return name.lower().replace("_", "-").replace(".", "-")
