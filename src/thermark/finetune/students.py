"""Smaller students of a head's predictions, beside heads, controls and a constant, on whole frames."""

from collections.abc import Sequence

from thermark.bakeoff.showing import cells, shown, titles
from thermark.finetune import compare, constant, cost
from thermark.finetune.compare import Comparison
from thermark.finetune.inputs import Numbers, Study
from thermark.finetune.roles import Roles, ran
from thermark.report.markdown import code, escaped, table

ACCURACY = ("error_px_mean", "error_px_median", "pck@5px", "pck@10px")
CONSTANT = ("native_mean", "native_median", "native_pck@5", "native_pck@10")
LABELS = ("native_mean", "native_median")
BOXES = "labelled"  # those of the posts' crops
LEGEND = (
    "On whole frames, the test noses of the leaderboard, in px of the frame. *Answered* is the part of them that "
    "got an answer, right or wrong; *recall* is that of who finds faces itself, where an answer must be near. "
    "Means are over found noses, PCK counts a miss as a failure; only rows with the same boxes compare. *95 %* is "
    "of the mean: over subjects and seeds where there are several, over subjects only where there is one."
)
PNG = (
    "The heads have learned from 8-bit pictures ({}), and whole frames here are as prepared: heads "
    "and students are shown the same frames, which are the students' own domain and not the heads'."
)


def section(study: Study, roles: Roles, made: Sequence[Comparison]) -> str:
    """Return what the students can do and cost, beside their head and the large backbone, and the verdicts."""
    parts = ["## Distilled into smaller networks"]
    parts += _accuracy(study, roles, made)
    parts += _opinions(study)
    return "\n\n".join([*parts, cost.section(study, roles, made)])


def _accuracy(study: Study, roles: Roles, made: Sequence[Comparison]) -> list[str]:
    """Return the accuracy of heads, students and controls, with their cost where it was measured."""
    if not study.contestants:
        return ["This profile has no students."]
    names, parts = ran(study, roles), []
    if names:
        rows = [_line(name, study, roles) for name in names]
        if plain := constant.of_noses(study.ran):
            start = [constant.TITLE, "no network", BOXES, "–", shown("crops", plain.get("crops"))]
            first, *rest = cells(plain, CONSTANT)
            rows.append([*start, "–", "–", first, "–", *rest, *["–"] * 3])
        if roles.large in study.timed and roles.large not in map(roles.row, study.contestants):
            empty = ["–"] * (6 + len(ACCURACY))
            rows.append([code(roles.large), "compared with", *empty, *cost.size(study.timed[roles.large])])
        first, *rest = titles(ACCURACY)
        header = ["contestant", "what", "boxes", "seeds", "noses", "answered, %", *titles(("recall",))]
        header += [first, "95 %", *rest, "parameters", "GMACs", "fp32, ms"]
        parts += [LEGEND, table(header, rows, texts=3)]
        parts += [PNG.format(", ".join(map(code, study.pngs)))] if study.pngs else []
        said = compare.lines(made, study, roles)
        parts += [each for each in (_standing(study, roles), "\n".join(said), compare.LEGEND * bool(said)) if each]
    idle = [
        [code(name), roles.what(name), escaped(f"{own['status']}: {own.get('reason', '')}")]
        for name, own in study.contestants.items()
        if name not in names
    ]
    return [*parts, *([table(["not run", "what", "why"], idle, texts=3)] if idle else [])]


def _line(name: str, study: Study, roles: Roles) -> list[str]:
    own = study.contestants[name]
    answered = 1 - own["missed"] / own["faces"] if own.get("faces") else None
    found = [shown("crops", own.get("faces")), shown("detection", answered), shown("recall", own.get("recall"))]
    start = [code(name), roles.what(name), escaped(str(own.get("boxes") or "–")), str(own.get("seeds", 1)), *found]
    ends = [
        None if (end := own.get(f"{ACCURACY[0]}_{each}")) is None else f"{end:.2f}" for each in ("low", "high")
    ]
    bounds = "–" if None in ends else "–".join(map(str, ends))
    first, *rest = cells(own, ACCURACY)
    return [*start, first, bounds, *rest, *cost.size(study.timed.get(roles.row(name), {}))]


def standing(study: Study, roles: Roles) -> dict[str, str]:
    """Return the verdict on each contestant in labelled boxes against an answer that looks at nothing."""
    plain = constant.of_noses(study.ran)
    return {name: constant.verdict(own, plain) for name, own in _means(study, roles).items()}


def _standing(study: Study, roles: Roles) -> str:
    """Return the same in words."""
    plain, means = constant.of_noses(study.ran), _means(study, roles)
    said, noses = constant.standing(means, plain, "over subjects and seeds"), plain.get("crops")
    same = all(study.contestants[name].get("faces") == noses for name in means)
    return said if same or not said else f"{said} Its numbers are of {noses:.0f} noses."


def _means(study: Study, roles: Roles) -> dict[str, constant.Mean]:
    """Return the mean errors of those in labelled boxes."""
    own = {name: study.contestants[name] for name in ran(study, roles)}
    return {name: constant.of_contestant(each) for name, each in own.items() if each.get("boxes") == BOXES}


def _opinions(study: Study) -> list[str]:
    """Return how far the labels that the students learned from are from true ones."""
    parts = ["### How good the pseudo-labels were, in px of the frame"]
    if not study.pseudo_labels:
        return [*parts, "No pseudo-labels in this profile."]
    said = (
        "What the head says of the crops that its students learn from, against the true labels of these. "
        "*Unseen*: by the head, which has learned from the post's split."
    )
    rows = [row for key, own in study.pseudo_labels.items() for row in _opinion_rows(key, own)]
    header = ["pseudo-labels", "face set", "by", "crops", "points", "labels", *titles(LABELS)]
    return [*parts, said, table(header, rows, texts=4)]


def _opinion_rows(key: str, own: Numbers) -> list[list[str]]:
    """Return a line for all points, and one for those of which the head has seen no label, if there are any."""
    if own["status"] != "ok":
        return [[code(key), "–", "–", escaped(f"{own['status']}: {own['reason']}"), *["–"] * (2 + len(LABELS))]]
    by = code(own["head"]) if own["source"] == "head" else "its true labels"
    rows = [[code(key), code(own["faces"]), by, "all", *_opinion(own)]]
    unseen = own.get("unseen") or {}
    return [*rows, ["", "", "", "unseen", *_opinion(unseen)]] if unseen.get("points") else rows


def _opinion(own: Numbers) -> list[str]:
    return [*(str(own.get(each, "–")) for each in ("points", "labels")), *cells(own, LABELS)]
