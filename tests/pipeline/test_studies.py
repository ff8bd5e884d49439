"""studies/README.md, and pages about what is shipped, hold the numbers of the files of studies."""

import hashlib
import json
import re
import statistics
from pathlib import Path
from typing import Any

import pytest
import yaml

from checkout import ROOT
from thermark.landmarker import card as cards

STUDIES = ROOT / "studies"
KINDS = ("given", "tight", "shift10", "scale10")


def read(path: str) -> Any:
    return json.loads((STUDIES / path).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sections() -> dict[str, str]:
    """Return heading -> text of a section, its subsections left out."""
    text = (STUDIES / "README.md").read_text(encoding="utf-8")
    parts = re.split(r"^##+ (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> dict[str, list[str]]:
    """Return the name that begins each row of the tables in a text -> its other cells, all without Markdown."""
    lines = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    cells = [[cell.strip(" *").replace("`", "") for cell in line.strip("|").split("|")] for line in lines]
    named = {re.split(",|:| of | itself", first)[0]: others for first, *others in cells}
    assert len(named) == len(cells)
    return named


def percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}"


def spread(summary: dict[str, Any], metric: str) -> str:
    std = f"{metric}_seed_std"
    return percent(summary[metric]) + (f" ± {percent(summary[std])}" if std in summary else "")


def of_seeds(values: list[float]) -> str:
    return f"{percent(statistics.mean(values))} ± {percent(statistics.stdev(values))}"


def signed(paired: dict[str, float] | None) -> str:
    """Return a difference with its interval, in percentage points; nothing for that of the base from itself."""
    if paired is None:
        return ""
    return "{:+.2f} ({:+.2f} to {:+.2f})".format(*(100 * paired[name] for name in ("difference", "low", "high")))


KTL = ("Does KTL help on real faces?", "ktl", ("pretrain_s", "tuned_s", "ktl_s"))
PROFILE = (
    "Does MCL help a small student on real faces?",
    "profile",
    ("mean_of_others", "pretrain_s", "tuned_s", "ktl_s", "supervised_t", "mcl_st"),
)

SHORT = ("What does the profile `transfer` take and give?", "profile_3000", PROFILE[2])
RESEARCH = (
    "Do a FaceSynthetics teacher or conventional distillation do better?",
    "profile_3000",
    ("pretrain_s_ruda", "ktl_s_ruda", "kd_st"),
)
DISTILLED = (("mcl_st", "supervised_t"), ("ktl_s", "tuned_s"))


@pytest.mark.parametrize(
    ("title", "folder", "run"),
    [(title, folder, run) for title, folder, runs in (KTL, PROFILE, SHORT, RESEARCH) for run in runs],
)
def test_distillation_on_real_faces(sections, title, folder, run):
    cells = rows(sections[title])[run]
    scores = read(f"transfer/{folder}/car.json")["contestants"][run]
    assert cells == [spread(scores[kind]["all"], "nme") for kind in KINDS]
    assert all(scores[kind]["all"]["missed"] == 0 for kind in KINDS)


@pytest.mark.parametrize(("groups", "label"), [("persons", "ktl_s − tuned_s"), ("recordings", "the same")])
def test_ktl_against_its_start(sections, groups, label):
    cells = rows(sections["Does KTL help on real faces?"])[label]
    differences = [read("transfer/ktl/car.json")["paired"][kind][groups] for kind in KINDS]
    assert [cell.replace("−", "-") for cell in cells] == [signed(each) for each in differences]


ABLATION = "What does each part of the renderer bring?"


@pytest.mark.parametrize(
    ("title", "folder", "wanted"),
    [
        (*PROFILE[:2], DISTILLED),
        (*SHORT[:2], DISTILLED),
        (*RESEARCH[:2], (("ktl_s_ruda", "ktl_s"), ("ktl_s_ruda", "tuned_s"), ("kd_st", "supervised_t"))),
    ],
)
def test_paired_differences_on_real_faces(sections, title, folder, wanted):
    prose = " ".join(sections[title].split()).replace("−", "-")
    families = read(f"transfer/{folder}/comparisons.json")["families"]
    pairs = [pair for family in families for pair in family["pairs"] if (pair["a"], pair["b"]) in wanted]
    real = [pair for pair in pairs if pair["dataset"].startswith("thermal_in_car")]
    assert len(real) == 2 * len(wanted)
    for pair in real:
        assert signed(pair) in prose


def test_the_ablation(sections):
    """Every variant that ran is in the table, and nothing else."""
    table = rows(sections[ABLATION])
    measured = read("transfer/ablation/table.json")
    start = read("transfer/ablation/start.json")["start"]
    assert {*table} == {*measured} - {"mean_of_others", "base"} | {"nothing", "start", "left out"}
    for variant, numbers in measured.items():
        if variant == "mean_of_others":
            continue
        expected = [of_seeds(numbers["rendered"])]
        for kind in ("given", "tight"):
            expected += [of_seeds(numbers[kind]["seeds"]), signed(numbers[kind].get("recordings"))]
        assert [cell.replace("−", "-") for cell in table[variant.replace("base", "nothing")]] == expected
    plan = yaml.safe_load((STUDIES / "transfer/ablation.yaml").read_text(encoding="utf-8"))["variants"]
    assert {*measured} == {*plan, "base", "mean_of_others"}
    intervals = [
        numbers[kind]["recordings"]
        for numbers in measured.values()
        for kind in ("given", "tight")
        if "recordings" in numbers[kind]
    ]
    decided = sum(one["low"] > 0 or one["high"] < 0 for one in intervals)
    assert (len(intervals), decided) == (66, 8)
    assert "Of 66 intervals of this table some three leave out zero by chance; eight do." in " ".join(
        sections[ABLATION].split()
    )
    assert table["start"][1::2] == [of_seeds(start[kind]["all"]["seeds"]) for kind in ("given", "tight")]


def test_the_first_ablation(sections):
    """Its rows are in prose: networks from nothing."""
    prose = " ".join(sections[ABLATION].split())
    for variant, label in (
        ("base", "a base at {} in the"),
        ("without_variety", "`without_variety` {} ("),
        ("without_imaging", "`without_imaging` {} ("),
    ):
        errors = read(f"transfer/ablation/from_nothing/{variant}.json")["given"]
        assert label.format(of_seeds([statistics.mean(seed) for seed in errors])) in prose


def test_the_end_of_a_long_training(sections):
    """One seed each: a number without a deviation."""
    table = rows(sections["What does the simulated camera cost at the end of a long training?"])
    measured = read("transfer/finish/table.json")
    for label, variant in (("as before", "base"), ("before a perfect camera", "without_imaging")):
        numbers = measured[variant]
        expected = [percent(value) for value in numbers["rendered"]]
        errors = read(f"transfer/finish/{variant}.json")
        for kind in ("given", "tight"):
            means = [statistics.mean(seed) for seed in errors[kind]]
            assert numbers[kind]["seeds"] == pytest.approx(means, abs=1e-6)
            expected += [percent(numbers[kind]["seeds"][0]), signed(numbers[kind].get("recordings"))]
        assert [cell.replace("−", "-") for cell in table[label]] == expected


@pytest.mark.parametrize(
    ("label", "contestant"),
    [
        ("mean_of_others", "mean_of_others"),
        ("FaceMesh", "facemesh_given"),
        ("supervised_t", "supervised_t"),
        ("long_t", "long_t"),
        ("long_s", "long_s"),
        ("Landmarker()", "landmarker"),
    ],
)
def test_what_is_shipped(sections, label, contestant):
    cells = rows(sections["From rendered heads to a real camera"])[label]
    scores = read("transfer/shipped/car.json")["contestants"][contestant]
    last_kind = "detected" if contestant == "landmarker" else "surest"
    for cell, kind in zip(cells, (*KINDS, last_kind), strict=True):
        if kind in scores:
            assert cell.partition(",")[0] == spread(scores[kind]["all"], "nme"), kind
            assert int((re.findall(r"(\d+) missed", cell) or ["0"])[0]) == scores[kind]["all"]["missed"], kind


def test_what_the_last_epochs_brought(sections):
    """The networks before their last epochs, and after them."""
    prose = " ".join(sections["From rendered heads to a real camera"].split())
    before, after = (read(f"transfer/shipped/{name}.json")["contestants"] for name in ("strong", "car"))

    def error(contestants, run, kind):
        return contestants[run][kind]["all"]["nme"]

    given_t, tight_t, given_s, tight_s = (
        percent(error(before, run, kind)) for run in ("strong_t", "strong_s") for kind in ("given", "tight")
    )
    assert f"come to {given_t} in the publisher's boxes and {tight_t} in tight ones" in prose
    assert f"to {given_s} and {tight_s} ([numbers]" in prose
    gains = {
        kind: [
            f"{100 * (error(before, f'strong_{size}', kind) - error(after, f'long_{size}', kind)):.1f}"
            for size in "ts"
        ]
        for kind in ("given", "tight")
    }
    assert gains["given"] == ["0.4", "0.4"]
    assert f"take 0.4 points more ({gains['tight'][0]} and {gains['tight'][1]} in tight boxes)" in prose


def test_labels_along_the_visible_edge(sections):
    prose = " ".join(sections["From rendered heads to a real camera"].split())
    ((_, scores),) = [
        one for one in read("transfer/contour/car.json")["contestants"].items() if one[0] != "mean_of_others"
    ]
    given, tight, shifted = (percent(scores[kind]["all"]["nme"]) for kind in ("given", "tight", "shift10"))
    assert f"comes to {given} in the publisher's boxes, {tight} in tight and {shifted} in shifted ones" in prose


def section(page: str, title: str) -> str:
    """Return the text of a page below a heading of the second level."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_detector_s_page_has_the_numbers_of_what_is_shipped():
    text = section("detector.md", "How good the shipped one is")
    ((_, of_seed),) = [
        (key, value) for key, value in read("transfer/shipped/detection.json").items() if key != "status"
    ]
    heights = {"20 to 32 px": "20-32", "32 to 64 px": "32-64", "64 to 128 px": "64-128"}
    heights |= {"over 128 px": "over 128", "all": "all"}
    table = rows(text)
    for label, key in heights.items():
        scores = of_seed["both"][key]
        rates = [f"{100 * scores[name]:.1f}" for name in ("recall", "precision", "ap50")]
        assert table[label] == [f"{scores['faces']:,}", *rates], label
    small, every = (f"{100 - float(table[label][1]):.1f} %" for label in ("20 to 32 px", "all"))
    prose = " ".join(text.split())
    assert f"So {small} of the faces below 32 px are missed, and {every} of all" in prose
    real = read("transfer/shipped/car.json")["detection"]["as it is"]
    assert f"On {real['faces']} pictures of a real camera" in prose
    rates = f"recall is {100 * real['recall']:.1f} % and precision {100 * real['precision']:.1f} %"
    assert f"{rates} against machine labels" in prose
    other = read("real/scores.json")["thermal_in_car"]["blazeface_short"]["recall"]
    assert f"BlazeFace short range finds {100 * other:.1f} % there, against the same machine labels" in prose


def test_the_detector_s_page_has_the_numbers_of_reduced_pictures():
    table = rows(section("detector.md", "How good the shipped one is"))
    for scores in read("transfer/shipped/reduced.json").values():
        size = f"{scores['width']} x {scores['height']}"
        low, _, high = scores["faces_px"]
        rates = [
            f"{100 * scores[name][rate]:.1f}"
            for name in ("as it is", "inverted")
            for rate in ("recall", "precision")
        ]
        assert table[size] == [f"{low:.0f} to {high:.0f}", *rates]


def test_the_landmarker_s_page_has_the_numbers_of_what_is_shipped():
    prose = " ".join(section("landmarker.md", "How good it is").split())
    car = read("transfer/shipped/car.json")
    ours = car["contestants"]["landmarker"]["detected"]["all"]
    found = 100 * (1 - ours["missed"] / ours["faces"])
    low, high = (100 * bound for bound in ours["subjects"])
    assert f"On {ours['faces']} pictures of {car['subjects']} people" in prose
    assert f"finds {found:.0f} % of the faces" in prose
    assert (
        f"off by {100 * ours['nme']:.0f} % of the distance" in prose
        and f"(95 %: {low:.0f} to {high:.0f})" in prose
    )
    assert "machine labels" in prose
    jitter = car["noise"]["jitter of labels on heads at rest"]["nme"]
    assert f"own error is at least {100 * jitter:.1f} % (their jitter" in prose
    given = {name: car["contestants"][name]["given"] for name in ("long_t", "mean_of_others")}
    lips = 100 * given["long_t"]["points"]["midline"]["nme"]
    assert f"midline of the lips are off by {lips:.0f} %" in prose
    old = 100 * given["long_t"]["yaw"]["above 30"]["nme"]
    limits = " ".join(section("landmarker.md", "Limits").split())
    assert f"beyond 30 it is off by {old:.1f} % ({given['long_t']['yaw']['above 30']['faces']} faces)" in limits
    mesh = [car["contestants"]["facemesh_given"][kind]["all"] for kind in ("given", "tight")]
    errors = sorted(100 * scores["nme"] for scores in mesh)
    missed = sorted(100 * scores["missed"] / scores["faces"] for scores in mesh)
    assert f"is off by {errors[0]:.0f} to {errors[1]:.0f} % on the faces that it finds" in prose
    assert f"misses {missed[0]:.0f} to {missed[1]:.0f} % of them" in prose


def test_what_looks_at_no_picture_is_set_against_what_is_shipped(sections):
    """The front pages say by how little the network beats a guess from the box, and where it does not."""
    contestants = read("transfer/shipped/car.json")["contestants"]
    ours, blind = (contestants[name] for name in ("long_t", "mean_of_others"))
    study = " ".join(sections["From rendered heads to a real camera"].split())
    page = " ".join(section("landmarker.md", "How good it is").split())

    def gap(run, kind):
        numbers = contestants[run][kind]["less_mean_of_others"]["recordings"]
        return [f"{100 * numbers[key]:+.2f}" for key in ("difference", "low", "high")]

    for run in ("long_t", "long_s"):
        for kind in ("given", "shift10"):
            assert "{} ({} to {}".format(*gap(run, kind)).replace("-", "−") in study, (run, kind)
    assert "a difference of {} points (95 % by recording: {} to {})".format(*gap("long_t", "given")) in page
    assert contestants["long_t"]["given"]["less_mean_of_others"]["recordings"]["high"] > 0  # so none is shown
    for words, part, better in (
        ("jaw {}", "jaw", False),
        ("brows {}", "brows", True),
        ("eyes {}", "eyes", True),
        ("nose {}", "nose", True),
        ("corners of the mouth {}", "corners", False),
        ("midline of the lips {}", "midline", False),
    ):
        without, seen = (100 * scores["given"]["points"][part]["nme"] for scores in (blind, ours))
        assert words.format(f"{without:.1f} ({seen:.1f})") in study and (seen < without) == better
    people = [
        f"{100 * blind['given']['person'][one]['nme']:.1f} ({100 * ours['given']['person'][one]['nme']:.1f})"
        for one in ("person_1", "person_2", "person_3")
    ]
    assert "by person {}, {} and {}".format(*people) in study
    shifted = [f"{100 * scores['shift10']['all']['nme']:.1f}" for scores in (ours, blind)]
    assert "far ahead: {} against {} %".format(*shifted) in page
    within = [f"{100 * scores['given']['all']['nme']:.1f} %" for scores in (blind, ours)]
    assert "is off by {}, the network in the same boxes by {}".format(*within) in page
    card = " ".join((cards.FOLDER / "MODEL_CARD.md").read_text(encoding="utf-8").split())
    assert "not shown to be better than the mean face of the other two people" in card
    assert "{} points ({} to {} by recording)".format(*gap("long_t", "given")) in card


def test_the_goal_of_detection_is_met_as_is_said(sections):
    prose = " ".join(sections["From rendered heads to a real camera"].split())
    detection = read("transfer/shipped/car.json")["detection"]
    reduced = read("transfer/shipped/reduced.json")
    assert {name: reduced["1"][name] for name in detection} == detection
    met = [
        all(of_one[name][rate] >= 0.95 for name in detection for rate in ("recall", "precision"))
        for of_one in reduced.values()
    ]
    assert "is met on these people, in pictures reduced to 80 x 60 px as well**" in prose
    assert met == [True, True, True, True, False] and (reduced["4"]["width"], reduced["4"]["height"]) == (80, 60)
    table = rows(sections["From rendered heads to a real camera"])
    for label, key in (("pictures as they are", "as it is"), ("inverted", "inverted")):
        assert table[label] == [f"{100 * detection[key][rate]:.1f}" for rate in ("recall", "precision", "ap50")]


def test_the_lock_of_what_is_shipped_is_of_these_files():
    """DVC's hash of a folder is that of the list of its files."""
    lock = yaml.safe_load((STUDIES / "transfer/shipped/lock.yaml").read_text(encoding="utf-8"))["stages"]
    package = lock["package@landmarker"]
    kept = [*sorted(cards.FOLDER.glob("*.*"))]
    listing = [{"md5": md5(path), "relpath": path.name} for path in kept if path.suffix != ".py"]
    folder = hashlib.md5(json.dumps(listing, sort_keys=True).encode()).hexdigest()
    assert [out["md5"] for out in package["outs"]] == [f"{folder}.dir"]
    dependencies = {dep["path"]: dep["md5"] for dep in package["deps"]}
    assert dependencies["studies/transfer/measured.json"] == md5(STUDIES / "transfer/measured.json")


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def test_contestants_on_the_real_camera(sections):
    table = rows(sections["What do the contestants do on a real thermal camera?"])
    scores, compared = read("real/scores.json"), 0
    for name, cells in table.items():
        for cell, dataset in zip(cells, ("thermal_in_car", "thermal_in_car_tight"), strict=True):
            if name in scores[dataset] and cell and not cell.startswith("all"):
                summary = scores[dataset][name]
                assert cell.partition(",")[0] == spread(summary, "nme_io"), (name, dataset)
                assert int((re.findall(r"(\d+)(?: of \d+)? missed", cell) or ["0"])[0]) == summary["missed"]
                compared += 1
    assert compared > 15


def test_longer_training(sections):
    table = rows(sections["What does longer training bring? (profile `standard`, rendered data)"])
    for place, dataset in enumerate(("tfake", "charlotte")):
        records = read(f"standard/results/{dataset}.json")["records"]
        for name in ("supervised_t", "mcl_st", "kd_st", "supervised_s", "ktl_s"):
            (record,) = [each for each in records if each["contestant"] == name]
            assert table[name][place].replace("*", "") == ", ".join(map(percent, record["per_seed"]))


@pytest.mark.parametrize("study", ["default", "standard"])
def test_what_is_said_of_another_arithmetic_is_what_was_counted(study):
    """Of a verdict that a second training does not repeat, nobody may read that it held."""
    compared = read(f"{study}/portability.json")
    states = [row["state"] for row in compared["verdicts"]]
    held, lost = states.count("held"), states.count("turned") + states.count("vanished")
    kinds = ("equal", "inside", "outside")
    ranged = [row["state"] for row in compared["numbers"] if row["state"] in kinds and row["low"] is not None]
    outside = {1: "one", 2: "two"}[ranged.count("outside")]
    text = " ".join((STUDIES / "README.md").read_text(encoding="utf-8").replace("*", "").split()).lower()
    text = text[text.index(f"({study}/portability.md)") :]
    assert (f"{held} of {held + lost} verdicts held" if lost else f"all {held} verdicts held") in text[:1000]
    assert f"all but {outside} of {len(ranged)} numbers stayed in their intervals" in text[:1000]


def test_what_both_runs_show_together_is_what_was_compared():
    turned = [row for row in read("standard/portability.json")["verdicts"] if row["state"] == "turned"]
    assert len(turned) == 3 and all(row["together"] == row["base"] for row in turned)
    assert "**Both runs together show all three**" in (STUDIES / "README.md").read_text(encoding="utf-8")
