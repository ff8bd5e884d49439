"""Smaller students of a head's predictions, beside heads, controls and a constant, on whole frames."""

from thermark.bakeoff.showing import cells, shown, titles
from thermark.finetune import constant, cost
from thermark.finetune.inputs import Numbers, Study
from thermark.finetune.roles import Roles, differences, ran
from thermark.report.markdown import code, escaped, table

ACCURACY = ("error_px_mean", "error_px_median", "pck@5px", "pck@10px")
CONSTANT = ("native_mean", "native_median", "native_pck@5", "native_pck@10")
LABELS = ("native_mean", "native_median")
BOXES = "labelled"  # those of the posts' crops
LEGEND = (
    "On whole frames, the test noses of the leaderboard, in px of the frame. *Answered* is the part of them that "
    "got an answer, right or wrong; *recall* is that of who finds faces itself, where an answer must be near. "
    "Means are over found noses, PCK counts a miss as a failure; only rows with the same boxes compare."
)
PNG = (
    "The heads have learned from 8-bit pictures ({}: `source: png`), and whole frames here are as prepared: heads "
    "and students are shown the same frames, which are the students' own domain and not the heads'."
)


def section(study: Study, roles: Roles) -> str:
    """Return what the students can do and cost, beside their head and the large backbone, and the verdict."""
    parts = ["## Distilled into smaller networks"]
    parts += _accuracy(study, roles)
    parts += _taught(study)
    return "\n\n".join([*parts, cost.section(study, roles)])


def _accuracy(study: Study, roles: Roles) -> list[str]:
    """Return the accuracy of heads, students and controls, with their cost where it was measured."""
    if not study.contestants:
        return ["This profile has no students."]
    names, parts = ran(study, roles), []
    if names:
        rows = [_line(name, study, roles) for name in names]
        if plain := constant.of_noses(study.ran):
            start = [constant.TITLE, "no network", BOXES, shown("crops", plain.get("crops"))]
            rows.append([*start, "–", "–", *cells(plain, CONSTANT), *["–"] * 3])
        if roles.large in study.timed and roles.large not in map(roles.row, study.contestants):
            empty = ["–"] * (4 + len(ACCURACY))
            rows.append([code(roles.large), "compared with", *empty, *cost.size(study.timed[roles.large])])
        header = ["contestant", "what", "boxes", "noses", "answered, %", *titles(("recall", *ACCURACY))]
        parts += [LEGEND, table([*header, "parameters", "GMACs", "fp32, ms"], rows, texts=3)]
        parts += [PNG.format(", ".join(map(code, study.pngs)))] if study.pngs else []
        said = "\n".join(differences(study, roles))
        parts += [each for each in (_unbeaten(study, roles), said) if each]
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
    boxes = escaped(str(own.get("boxes") or "–"))
    start = [code(name), roles.what(name), boxes, *found]
    return [*start, *cells(own, ACCURACY), *cost.size(study.timed.get(roles.row(name), {}))]


def _unbeaten(study: Study, roles: Roles) -> str:
    """Return who in labelled boxes is not better than an answer that looks at nothing."""
    own = {name: study.contestants[name] for name in ran(study, roles)}
    told = {name: each for name, each in own.items() if each.get("boxes") == BOXES}
    errors = {name: constant.pair(each, ("error_px_mean", "error_px_median")) for name, each in told.items()}
    plain = constant.of_noses(study.ran)
    said, noses = constant.unbeaten(errors, plain), plain.get("crops")
    same = all(each.get("faces") == noses for each in told.values())
    return said if same or not said else f"{said} Its numbers are of {noses:.0f} noses."


def _taught(study: Study) -> list[str]:
    """Return how far the labels that the students learned from are from true ones."""
    parts = ["### How good the pseudo-labels were, in px of the frame"]
    if not study.taught:
        return [*parts, "No pseudo-labels in this profile."]
    said = (
        "What the head says of the crops that its students learn from, against the true labels of these. "
        "*Unseen*: by the head, which has learned from the post's split."
    )
    rows = [row for key, own in study.taught.items() for row in _opinions(key, own)]
    header = ["taught", "face set", "by", "crops", "points", "labels", *titles(LABELS)]
    return [*parts, said, table(header, rows, texts=4)]


def _opinions(key: str, own: Numbers) -> list[list[str]]:
    """Return a line for all points, and one for those of which the head has seen no label, if there are any."""
    if own["status"] != "ok":
        return [[code(key), "–", "–", escaped(f"{own['status']}: {own['reason']}"), *["–"] * (2 + len(LABELS))]]
    by = code(own["head"]) if own["source"] == "head" else "its true labels"
    rows = [[code(key), code(own["faces"]), by, "all", *_opinion(own)]]
    unseen = own.get("unseen") or {}
    return [*rows, ["", "", "", "unseen", *_opinion(unseen)]] if unseen.get("points") else rows


def _opinion(own: Numbers) -> list[str]:
    return [*(str(own.get(each, "–")) for each in ("points", "labels")), *cells(own, LABELS)]
