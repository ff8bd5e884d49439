"""The bake-off as Markdown: what each protocol counts, and a table for each."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from thermark.bakeoff import blog, tone, unified
from thermark.bakeoff.blog import Truth
from thermark.bakeoff.inputs import Contestant, Study
from thermark.bakeoff.measure import ALL, Measured
from thermark.bakeoff.showing import cells, shown, titles
from thermark.core.pictures import BASE
from thermark.heads.posts import split
from thermark.report.markdown import code, escaped, table
from thermark.report.numbers import natural

TRAINED = "†"
PCK = ("pck@3", "pck@5", "pck@10", "pck@20")
FRAME = {
    "part1": ("noses", "predictions", "matched", "detection", "mean", "median", *PCK),
    "part3": ("noses", "predictions", "matched", "detection", "precision", "mean", "median", *PCK),
}
SPACE = ("mean", "median", *PCK)
UNIFIED = ("recall", "precision", "pck@3px", "pck@5px", "pck@10px", "pck@20px", "error_px_mean", "error_px_median")
FAR = ("recall", "pck@5px", "error_px_mean")
TONE = ("recall", "pck@5px", "error_px_median")
OFFSETS = ("found", "offset_x_px", "offset_y_px", "offset_x_face", "offset_y_face", "error", "error_centred")


def protocols(study: Study, picture: str, cap: float) -> str:
    """Return what each protocol counts, on which pictures and in which pixels."""
    seen = f"variant {code(picture)}"
    counted = {
        name: _counted(study, blog.first(study.annotated, part), part.source) for name, part in blog.PARTS.items()
    }
    pairs = split(study.faces, study.sizes, study.annotated)
    scored = _counted(study, blog.labelled(study.scored), *sorted(set(study.scored.strata["source"].tolist())))
    test = f"{len(pairs.test)} crops of {len(pairs.every)}, annotations\\_2"
    most = f"nearest first, up to {blog.CAP:g} px"
    rows = [
        ["**noses**", counted["part1"], test, counted["part3"], scored],
        ["**pictures**", seen, seen, seen, "as prepared"],
        ["**a label**", "x + w / 2", "x + w / 2", "x + w / 2", "0.5 px less: from pixel centres"],
        ["**a median**", "of two the mean", "of two the lower", "of two the mean", "of two the mean"],
        ["**a match**", most, "one answer a crop", most, f"nearest first, up to {cap:g} of the face"],
        ["**errors in**", "frame px", "px of a stretched crop; frame px apart", "frame px", "frame px"],
        ["**a miss**", *["fails PCK, not in means"] * 4],
        ["**false alarms**", "free", "free", "precision", "precision"],
    ]
    said = (
        "Part 1 counts scenes of several people, parts 2 and 3 mostly one person nearby: they measure different "
        "noses, and no number of one may be set against a number of another. *Unified* is the column in which "
        "contestants compare."
    )
    said += (
        " The posts count a label from the frame's outline and hold predictions against it that count from pixel "
        "centres: `blog` does the same, which is up to 0.71 px and may turn a PCK@3; `unified` does not."
    )
    if study.ownerless:
        said += (
            f" {study.ownerless} labelled noses are outside of every person: parts 1 and 3 count them, no face "
            "set has them."
        )
    header = ["", "`blog` part 1", "`blog` part 2", "`blog` part 3", "`unified`"]
    return "\n\n".join(["## What is what", table(header, rows), said])


def overview(study: Study, made: Measured) -> str:
    """Return all contestants under all protocols, and why those that did not run did not."""
    header = [
        "contestant",
        "boxes",
        "seeds",
        *(f"part {part} {each}" for part in (1, 3) for each in ("detected, %", "PCK@10, %")),
    ]
    header += [
        f"unified {each}" for each in titles(("recall", "precision", "pck@5px", "pck@10px", "error_px_mean"))
    ]
    rows = []
    for name in made.order:
        each = _named(study, name)
        old = [cells(made.blog[part].get(name, {}), ("detection", "pck@10")) for part in blog.PARTS]
        own = cells(made.unified[name][ALL], ("recall", "precision", "pck@5px", "pck@10px", "error_px_mean"))
        boxes = escaped(str(each.summary.get("boxes", "")))
        rows.append([_marked(each, study, made.blog["part1"]), boxes, _seeds(each), *old[0], *old[1], *own])
    idle = [[code(each.name), escaped(each.reason)] for each in study.contestants if not each.ran]
    parts = ["## At a glance", table(header, rows) if rows else "No contestant ran."]
    parts += [_trained(study, made)] if _trained(study, made) else []
    return "\n\n".join([*parts, *([table(["not run", "why"], idle, texts=2)] if idle else [])])


def everybody(study: Study, made: Measured) -> str:
    """Return the unified protocol: all test noses, and each distance."""
    rows = [
        [
            *(code(name), _seeds(_named(study, name)), shown("detection", own[ALL].get("detection"))),
            *cells(own[ALL], UNIFIED),
        ]
        for name, own in made.unified.items()
    ]
    said = (
        "The test noses of the leaderboard, in frame px. PCK counts a miss as a failure, means are over found "
        "noses. Precision is that of contestants that find faces themselves. "
        f"*Within {blog.CAP:g} px* is what the posts' match would call detected: what it adds to recall are noses "
        "matched to something that is not there. *Seeds* are those of a run of ours, of which numbers are means: "
        "a row of fewer than three says nothing about how it was trained."
    )
    parts = ["## `unified`: the same noses for everybody", said]
    parts.append(table(["contestant", "seeds", f"within {blog.CAP:g} px, %", *titles(UNIFIED)], rows))
    places = unified.distances(study)
    if places:
        header = ["contestant", *(f"{escaped(place)} {title}" for place in places for title in titles(FAR))]
        lines = [
            [code(name), *(cell for place in places for cell in cells(own.get(place, {}), FAR))]
            for name, own in made.unified.items()
        ]
        parts.append(table(header, lines))
    return "\n\n".join(parts)


def posts(study: Study, made: Measured) -> str:
    """Return parts 1 to 3 of the posts, each with all contestants that saw their pictures."""
    own = made.blog
    parts = ["## `blog`: the posts, to the letter"]
    parts.append("Only contestants that look at whole frames are shown the posts' pictures.")
    parts += ["### Part 1", _frames(study, own["part1"], FRAME["part1"], own["part1"])]
    parts += [_trained(study, made)] if _trained(study, made) else []
    for space, of in (("crop", "px of the stretched 256 x 256 crop, as published"), ("native", "px of the frame")):
        names = ("crops", "answered", *(f"{space}_{each}" for each in SPACE))
        parts += [f"### Part 2, in {of}", _crops(own, names)]
    nearest = (
        "A contestant that was not asked for this person answers with the nose nearest to the label among those "
        "in the crop, which favours whoever says much."
    )
    return "\n\n".join([*parts, nearest, "### Part 3", _frames(study, own["part3"], FRAME["part3"], {})])


def toned(study: Study, made: Measured) -> str:
    """Return the ablation of the tone mapping, and the settings of each variant."""
    parts = [
        "## Tone mapping",
        "Every contestant that looks at whole frames, on the same test noses under each variant.",
    ]
    variants = [BASE, *study.variants]
    parts.append("\n".join(f"- {code(name)}: {escaped(said)}" for name, said in tone.words(study).items()))
    for metric in TONE:
        rows = [
            [code(name), *(shown(metric, numbers.get(variant, {}).get(metric)) for variant in variants)]
            for name, numbers in made.tone.items()
        ]
        if rows:
            parts += [f"**{titles((metric,))[0]}**", table(["contestant", *map(code, variants)], rows)]
    return "\n\n".join(parts)


def called(made: Measured) -> str:
    """Return the offsets of every reading of every contestant: a convention is not an error."""
    said = (
        "Predicted minus labelled on found test noses, by each reading of the contestant's points as one nose; "
        "positive is to the right and downwards. A mean offset is a convention, not an error: *without offset* "
        "takes it away, as a part of the face's size, so that what is left is error. The first reading of each is "
        "the default."
    )
    rows = [
        [
            code(name) if not place else "",
            code(version) if " " not in version else version,
            *cells(numbers, OFFSETS),
        ]
        for name, ways in made.conventions.items()
        for place, (version, numbers) in enumerate(ways.items())
    ]
    parts = ["## Nose conventions", said]
    return "\n\n".join([*parts, table(["contestant", "reading", *titles(OFFSETS)], rows)] if rows else parts)


def _frames(study: Study, own: Mapping[str, Any], names: tuple[str, ...], marked: Mapping[str, Any]) -> str:
    if not own:
        return "No contestant ran on these pictures."
    rows = [[_marked(_named(study, name), study, marked), *cells(numbers, names)] for name, numbers in own.items()]
    return table(["contestant", *titles(names)], rows)


def _crops(own: Mapping[str, Mapping[str, Any]], names: tuple[str, ...]) -> str:
    """Return a line a contestant for the posts' test crops, and one for all of annotations_2 if those are more."""
    if not own["part2"]:
        return "No contestant ran on these pictures."
    rows = []
    for name in own["part2"]:
        rows.append([code(name), *cells(own["part2"][name], names)])
        if own["part2_all"][name]["crops"] != own["part2"][name]["crops"]:
            rows.append(["all of them", *cells(own["part2_all"][name], names)])
    return table(["contestant", *titles(names)], rows)


def _named(study: Study, name: str) -> Contestant:
    return next(each for each in study.contestants if each.name == name)


def _seeds(each: Contestant) -> str:
    return str(each.seeds or "–")


def _learned(each: Contestant, study: Study) -> bool:
    return bool(set(each.trained_on) & study.relatives)


def _marked(each: Contestant, study: Study, part1: Mapping[str, Any]) -> str:
    return code(each.name) + f" {TRAINED}" * (each.name in part1 and _learned(each, study))


def _trained(study: Study, made: Measured) -> str:
    """Return the note on contestants that part 1 would flatter, nothing where there is none."""
    if not any(_learned(each, study) and each.name in made.blog["part1"] for each in study.ran):
        return ""
    return f"{TRAINED} Has learned from frames of annotations\\_1, which part 1 counts: no evidence there."


def _counted(study: Study, truth: Truth, *sources: str) -> str:
    faces = study.faces.take(np.isin(study.faces.frames, truth.frames))
    distances = sorted(set(faces.strata[unified.STRATUM].tolist()) - {""}, key=natural)
    where = f"{escaped(' and '.join(sources))}: {escaped(', '.join(distances))}"
    return f"{len(truth)} in {len(set(truth.frames.tolist()))} frames of {where}"
