"""The entry points of the pipeline and the hash of the code behind each: the content of code.json.

A stage depends on the hashes that it names, not on files: an edit re-runs the stages that it can change, a comment
none. A module that is imported by a computed name is an entry of its own.
"""

from pathlib import Path

from thermark.core import code

# Entry -> the package of whose modules its script imports one, by a name from params.yaml.
FAMILIES = {
    "render": "synth.writers",
    "prepare": "datasets",
    "frames": "datasets",
    "crops": "datasets",
    "train": "train.recipes",
    "features": "fewshot.backbones",
    "predict": "models",
}
# Module -> the packages of whose modules it may import any in its turn.
ALSO = {"predict.cascade": ["fewshot.backbones"]}
PLAIN = (
    "thermalise",
    "detector",
    "export",
    "head",
    "pseudo_labels",
    "evaluate",
    "results",
    "reference",
    "contact",
    "transfer",
)
PAGES = ("leaderboard", "zeroshot", "fewshot", "distillation", "page")

PARTS = (".md", ".html", ".css", ".js", ".txt")  # parts of a page other than Python

Starts = dict[str, list[str | Path]]


def starts(stages: Path) -> Starts:
    """Return entry, or entry.module -> the scripts, modules and tables that its closure begins with."""
    found: Starts = {name: [stages / f"{name}.py", *templates(name)] for name in (*PLAIN, *PAGES)}
    found["convert"] = [stages / "convert.py", *sorted((code.PACKAGE / "convert").rglob("*.yaml"))]
    found["package"] = [stages / "package.py", code.PACKAGE / "convert/model_card.md"]
    for entry, package in FAMILIES.items():
        for name in modules(package):
            others = ALSO.get(f"{entry}.{name}", [])
            also = [f"thermark.{other}.{module}" for other in others for module in modules(other)]
            found[f"{entry}.{name}"] = [stages / f"{entry}.py", f"thermark.{package}.{name}", *also]
    for name in modules("train.losses"):
        found[f"losses.{name}"] = [f"thermark.train.losses.{name}"]
    landmarks, bridges = sorted(code.TABLES.glob("*.yaml")), code.bridges()
    found |= {f"landmarks.{path.stem}": [path] for path in landmarks}
    found |= {f"bridges.{path.parent.name}.{path.stem}": [path] for path in bridges}
    found |= {"tables.landmarks": [*landmarks], "tables.bridges": [*bridges]}
    return found | {"tables.published": [*sorted((code.PACKAGE / "report/reference_results").glob("*.yaml"))]}


def hashes(stages: Path) -> dict[str, object]:
    """Return the hash of each entry as a tree: `train.ktl` is the key `ktl` under `train`."""
    tree: dict[str, object] = {}
    for name, begin in starts(stages).items():
        *above, last = name.split(".")
        node: dict[str, object] = tree
        for key in above:
            node = node.setdefault(key, {})  # type: ignore[assignment]
        node[last] = code.key(*begin)
    return tree


def templates(entry: str) -> list[Path]:
    """Return the templates of the page that an entry writes, its styles and scripts among them, sorted."""
    return sorted(path for path in (code.PACKAGE / "report" / entry).rglob("*.*") if path.suffix in PARTS)


def modules(package: str) -> list[str]:
    """Return the names of the modules of a package below thermark, sorted."""
    folder = code.PACKAGE / package.replace(".", "/")
    return sorted(path.stem for path in folder.glob("[a-z]*.py"))
