"""The distillation study on small fake results: every number, every comparison, no more than they say."""

import json
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from thermark.core import files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.metrics.names import describe
from thermark.metrics.stability import stability
from thermark.mlcmkd import against, build, compare, drawing, steadiness
from thermark.mlcmkd.inputs import Places, read, sections
from thermark.published import Cell, load

FACES = 40
METRICS = {"tfake": "nme_io", "facesynthetics": "nme_io", "charlotte": "nme_diag", "thermeval": "error_px_mean"}
COLUMNS = {"nme_io": "nme_io", "nme_diag": "nme_diag", "error_px_mean": "error_px"}
RUNS = {
    "pretrain": {"s": {"epochs": 9}},
    "supervised": {"s": {"epochs": 9, "batch": 16}, "t": {"epochs": 9, "batch": 16}},
    "tuned": {"s": {"epochs": 9, "batch": 16}},
    "ktl": {"s": {"epochs": 9, "batch": 16}, "s_fi": {"epochs": 5, "batch": 16}},
    "mcl": {"st": {"epochs": 9, "batch": 16}},
    "kd": {"st": {"epochs": 9, "batch": 16}},
    "imported": {},
}
# True gaps to 0.05, in the unit of the error: clear ones, and none.
SHIFTS = {"mcl_st": -0.01, "kd_st": 0.01, "ktl_s": -0.01, "tuned_s": -0.01, "ktl_s_fi": 0.0}


def write_set(places: Places, dataset: str, rendered: bool) -> None:
    modality = "rgb" if dataset == "facesynthetics" else "thermal"
    said = {"card": {"title": dataset.upper()}, "origin": "rendered" if rendered else "real", "modality": modality}
    files.write_json(places.reports / f"{dataset}.json", said)


def write_result(places: Places, run: str, dataset: str, per_seed: np.ndarray) -> None:
    """Write what an evaluation leaves behind, from the main error of each seed (S, N)."""
    ids = np.array([f"{row:03}" for row in range(per_seed.shape[1])])
    metric = METRICS[dataset]
    table = {"ids": ids, "subjects": ids, "per_seed": per_seed} | dict.fromkeys(
        COLUMNS.values(), np.ones(len(ids))
    )
    table |= {COLUMNS[metric]: per_seed.mean(axis=0)}
    found = per_seed[:, np.isfinite(per_seed).all(axis=0)]
    means = found.mean(axis=1)
    summary = {"status": "ok", "metric": metric, metric: means.mean()}
    summary |= {f"{metric}_low": 0.9 * means.mean(), f"{metric}_high": 1.1 * means.mean()}
    if len(means) > 1:
        summary[f"{metric}_seed_std"] = means.std(ddof=1)
    subsets = {"view": {"Side": summary | {metric: 2 * means.mean()}}}
    files.write_arrays(places.errors / run / f"{dataset}.npz", table)
    files.write_json(
        places.details / run / f"{dataset}.json", {"summary": summary, "subsets": subsets, "predictions": []}
    )


def write_log(places: Places, run: str, seeds: int, steps: int = 20) -> None:
    rows = [
        f"{seed},{step},{1 / step + 0.1 * (step % 3) + 0.01 * seed:.6g}"
        for seed in range(seeds)
        for step in range(1, steps + 1)
    ]
    files.write_text(places.gradients / f"{run}.csv", "\n".join(["seed,step,grad_norm", *rows]) + "\n")


def made(root: Path, runs=RUNS, rendered=True, seeds=1, datasets=tuple(METRICS)) -> Places:
    places = Places(*(root / kind for kind in ("reports", "details", "errors", "gradients")))
    rng = np.random.default_rng(0)
    hard = rng.gamma(4, 0.01, FACES)
    for dataset in datasets:
        write_set(places, dataset, rendered)
        for run in sections(runs):
            noise = rng.normal(0, 1e-4, (seeds, 1)) + rng.normal(0, 1e-3, (seeds, FACES))
            write_result(places, run, dataset, hard + 0.02 + SHIFTS.get(run, 0.0) + noise)
    for run in sections(runs):
        write_log(places, run, seeds)
    return places


def built(root: Path, places: Places, runs=RUNS, datasets=tuple(METRICS), drawn=False) -> tuple[str, dict]:
    config = build.Config(start=3, stop=13, bootstrap=200)
    outs = [root / name for name in ("mlcmkd.md", "mlcmkd.json", "stability.json", "gradients.svg")]
    with nullcontext() if drawn else patch.object(build.drawing, "draw"):  # most of the time
        build.build(runs, datasets, places, *outs, config)
    return outs[0].read_text(), files.read_json(outs[1])


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    root = tmp_path_factory.mktemp("small")
    return root, *built(root, made(root), drawn=True)


def line(text: str, start: str) -> str:
    return next(each for each in text.splitlines() if each.startswith(start))


def test_who_is_compared_with_whom():
    runs = sections(RUNS | {"kd": {"st": {}, "ms": {}}, "mcl": {"st": {}, "lm": {}}, "head": {"s": {}}})
    assert "head_s" not in runs
    assert set(compare.pairs(runs)) == {
        ("labels alone", "kd_st", "supervised_t"),
        ("labels alone", "kd_ms", "supervised_s"),
        ("labels alone", "mcl_st", "supervised_t"),
        ("labels alone", "ktl_s", "supervised_s"),
        ("labels alone, same start", "ktl_s", "tuned_s"),
        ("start", "tuned_s", "supervised_s"),
        ("conventional", "mcl_st", "kd_st"),
        ("ablation", "ktl_s_fi", "ktl_s"),
    }
    assert compare.pairs(["pretrain_s", "supervised_t", "ktl_s_none"]) == []


def test_all_comparisons_are_made_and_right(small):
    _, _, numbers = small
    found = {(each["a"], each["b"], each["dataset"]): each for each in numbers["comparisons"]}
    assert len(found) == 7 * len(METRICS)
    verdicts = {
        ("mcl_st", "supervised_t"): "lower error",
        ("kd_st", "supervised_t"): "higher error",
        ("mcl_st", "kd_st"): "lower error",
        ("ktl_s", "tuned_s"): None,
        ("ktl_s_fi", "ktl_s"): "higher error",
    }
    for (a, b), verdict in verdicts.items():
        for dataset in METRICS:
            each = found[a, b, dataset]
            assert each["difference"] == pytest.approx(SHIFTS.get(a, 0) - SHIFTS.get(b, 0), abs=1e-3)
            assert each["low"] <= each["difference"] <= each["high"]
            assert verdict is None or each["verdict"] == verdict
            assert (each["metric"], each["faces"], each["varied"]) == (METRICS[dataset], FACES, "subjects")


def test_the_answer_counts_thermal_faces_only(small):
    _, text, numbers = small
    asked = [
        each
        for each in numbers["comparisons"]
        if each["group"] == "labels alone" and each["dataset"] != "facesynthetics"
    ]
    assert len(asked) == 9  # kd_st, mcl_st, ktl_s on three thermal sets
    assert "6 of 9 comparisons show a lower error, 3 a higher one, 0 no difference" in text
    assert "**Against labels alone, it depends:" in text
    assert "of these weights on rendered faces only" in text
    assert "FACESYNTHETICS, rendered: RGB faces, listed but not counted" in text
    assert "no evidence about real thermal cameras" in text
    assert "Of 28 intervals, about 1.4 leave out zero by chance" in text
    assert line(text, "| lower, higher, none").count("2, 1, 0") == 4


def test_the_answer_counts_every_kind_of_comparison_on_thermal_faces(small):
    _, text, numbers = small
    sentence = "{}, on thermal faces: {} of {} comparisons show a lower error, {} a higher one, {} no difference"
    for group, subject in compare.COUNTED.items():
        rows = [
            each["verdict"]
            for each in numbers["comparisons"]
            if each["group"] == group and each["dataset"] != "facesynthetics"
        ]
        counts = [rows.count(verdict) for verdict in compare.WORDS]
        assert rows and sentence.format(subject, counts[0], len(rows), *counts[1:]) in text, group
    assert sentence.format("MCL against conventional distillation", 3, 3, 0, 0) in text
    assert sentence.format("Ablations against the whole of KTL", 0, 3, 3, 0) in text
    assert set(compare.COUNTED) == set(compare.GROUPS)


def test_without_labels_alone_the_answer_still_counts_the_rest(tmp_path):
    runs = {"kd": {"st": {}}, "mcl": {"st": {}}}
    places = made(tmp_path, runs, datasets=["tfake"])
    hard = np.random.default_rng(0).gamma(4, 0.01, (1, FACES))
    write_result(places, "kd_st", "tfake", hard)
    write_result(places, "mcl_st", "tfake", hard + 0.01 + np.arange(FACES) * 1e-5)
    text, _ = built(tmp_path, places, runs, ["tfake"])
    assert "This profile has no distilled run beside one" in text
    assert (
        "MCL against conventional distillation, on thermal faces: 0 of 1 comparisons show a lower error, 1 a"
        in text
    )


@pytest.mark.parametrize(
    ("shift", "said"),
    [
        (-0.01, "the distilled network has the lower error where a difference is shown.**"),
        (0.01, "the distilled network has the higher error where a difference is shown.**"),
        (None, "no difference is shown.**"),
    ],
)
def test_the_answer_follows_the_numbers(tmp_path, shift, said):
    runs = {"supervised": {"t": {}}, "kd": {"st": {}}}
    places = made(tmp_path, runs, rendered=False, datasets=["tfake"])
    hard = np.random.default_rng(0).gamma(4, 0.01, (1, FACES))
    gap = np.where(np.arange(FACES) % 2, 0.001, -0.001) if shift is None else shift
    write_result(places, "supervised_t", "tfake", hard)
    write_result(places, "kd_st", "tfake", hard + gap)
    text, _ = built(tmp_path, places, runs, ["tfake"])
    assert f"**Against labels alone, {said}" in text
    assert "of these weights only" in text and "endered" not in text


def test_units_are_percentage_points_or_px(small):
    _, text, _ = small
    row = line(text, "| `mcl_st` − `supervised_t`")
    cells = [cell.strip() for cell in row.split("|")[2:-1]]
    assert cells[0].startswith("−1.0") and cells[3].startswith("−0.01")
    assert all(cell.endswith("lower") for cell in cells)


def test_what_was_not_trained_alike_is_marked(small):
    _, text, _ = small
    assert "`ktl_s_fi` − `ktl_s` †" in text and "`ktl_s` − `tuned_s` |" in text
    assert "`ktl_s_fi` − `ktl_s`: epochs 5 and 9" in text


def test_the_answer_tells_how_many_were_not_trained_alike(tmp_path, small):
    assert small[1].count("more than the method differs (†)") == 1
    assert "3 a higher one, 0 no difference; in 3 of the 3 more than the method differs (†)." in small[1]
    runs = {"supervised": {"t": {"batch": 16}}, "kd": {"st": {"batch": 32}}}
    text, _ = built(tmp_path, made(tmp_path, runs, datasets=["tfake"]), runs, ["tfake"])
    assert "; in 1 of the 1 more than the method differs (†)." in text
    assert "`kd_st` − `supervised_t`: batch 32 and 16" in text


def test_missed_faces_are_left_out_and_said(tmp_path):
    runs = {"supervised": {"t": {}}, "kd": {"st": {}}}
    places = made(tmp_path, runs, datasets=["tfake"])
    errors = np.full((1, FACES), 0.03)
    errors[:, :3] = np.inf
    write_result(places, "kd_st", "tfake", errors)
    text, numbers = built(tmp_path, places, runs, ["tfake"])
    assert ", 3 left out |" in line(text, "| `kd_st` − `supervised_t`")
    assert numbers["comparisons"][0]["faces"] == FACES - 3


def test_seeds_enter_the_intervals(tmp_path):
    places = made(tmp_path, seeds=3, datasets=["tfake"])
    text, numbers = built(tmp_path, places, datasets=["tfake"])
    assert all(each["varied"] == "subjects and seeds" for each in numbers["comparisons"])
    assert all(each["seeds"] == [3, 3] for each in numbers["comparisons"])
    assert "of these weights" not in text
    measured = files.read_json(tmp_path / "stability.json")
    assert measured["ktl_s"]["std_seed_std"] >= 0 and "std_seed_std" in measured["mcl_st"]


def test_rendered_data_reproduce_nothing(small):
    _, text, numbers = small
    ran = [each for each in numbers["published"] if each["reproduced"] is not None]
    assert {each["run"] for each in ran} == {"supervised_s", "supervised_t"}
    assert {each["verdict"] for each in ran} == {"not comparable: rendered data"}
    rest = [each for each in numbers["published"] if each["reproduced"] is None]
    assert {each["verdict"] for each in rest} == {"not run"}
    assert "Not run in this profile: `ktl_m_fdld`, `ktl_m_ri`, `ktl_m_fi`, `ktl_m`." in text


def test_verdicts_on_real_data(tmp_path):
    runs = {"supervised": {size: {} for size in "tsml"}, "ktl": {"l_ld": {}, "m": {}}}
    places = made(tmp_path, runs, rendered=False, datasets=["tfake", "charlotte"])
    flat = np.ones((1, FACES))
    write_result(places, "supervised_t", "tfake", 0.0416 * flat)  # at the tolerance of 0.001
    write_result(places, "supervised_s", "tfake", 0.0388 * flat)  # beyond it
    write_result(places, "supervised_m", "tfake", np.array([[0.032], [0.036], [0.040]]) * flat)  # std 0.004
    write_result(places, "supervised_l", "tfake", np.array([[0.04], [0.0401]]) * flat)
    write_result(places, "ktl_l_ld", "charlotte", 0.0742 * flat)  # its Side is twice that
    _, numbers = built(tmp_path, places, runs, ["tfake", "charlotte"])
    found = {(each["run"], each["dataset"], each["level"], each["table"]): each for each in numbers["published"]}
    assert [found[f"supervised_{size}", "tfake", "", "I"]["verdict"] for size in "tsml"] == [
        *("reproduced", "outside", "reproduced", "outside")
    ]
    assert found["supervised_m", "tfake", "", "I"]["tolerance"] == pytest.approx(0.003)
    assert found["supervised_t", "tfake", "", "I"]["difference"] == pytest.approx(0.001)
    side = found["ktl_l_ld", "charlotte", "Side", "III"]
    assert (side["reproduced"], side["published"], side["verdict"]) == (0.1484, 0.1483, "reproduced")
    table_v = found["ktl_m", "tfake", "", "V"]
    assert table_v["verdict"] == "not comparable: model and window unknown"
    norms = np.array([1 / step + 0.1 * (step % 3) for step in range(3, 13)])
    assert table_v["reproduced"] == pytest.approx(stability(norms)["std"], rel=1e-4)


@pytest.mark.parametrize(
    ("mean", "std", "verdict"),
    [
        (0.0345 + 0.0012, 0.0, "outside"),
        (0.0345 + 0.0012, 0.0007, "reproduced"),  # within twice the spread
        (0.0345 + 0.0029, 0.004, "reproduced"),  # at most three tolerances
        (0.0345 - 0.0031, 0.004, "undecided: seeds spread"),
        (0.0345 + 0.0079, 0.004, "undecided: seeds spread"),
        (0.0345 + 0.0081, 0.004, "outside"),
        (0.0345 + 0.0031, 0.0015, "outside"),
    ],
)
def test_noise_reproduces_little(tmp_path, mean, std, verdict):
    runs = {"supervised": {"m": {}}}
    places = made(tmp_path, runs, rendered=False, datasets=["tfake"])
    write_result(places, "supervised_m", "tfake", (mean + std * np.array([[-1], [0], [1]])) * np.ones((3, FACES)))
    rows = against.compare(load("mlcmkd"), study := read(runs, ["tfake"], places), {}, 0.001)
    assert [row.verdict for row in rows if row.cell.run == "supervised_m"] == [verdict]
    text = against.section(load("mlcmkd"), rows, study, 0.001)
    assert "at most 0.10 percentage points" in text and "never by more than 0.30. *Undecided*" in text
    assert f"{verdict} |" in line(text, "| RTMPose-m")


def test_stability_of_a_run_whose_data_set_is_not_in_the_profile_is_not_run(tmp_path):
    runs = {"ktl": {"m": {"batch": 16}}}
    text, numbers = built(tmp_path, made(tmp_path, runs, datasets=["thermeval"]), runs, ["thermeval"])
    assert "std" in files.read_json(tmp_path / "stability.json")["ktl_m"]
    assert {(each["verdict"], each["reproduced"]) for each in numbers["published"]} == {("not run", None)}
    assert "Not run in this profile: `ktl_m_ri`, `ktl_m_fi`, `ktl_m` on `tfake`." in text


def test_a_run_without_a_data_set_names_it(tmp_path):
    runs = {"mcl": {"xl": {}}}
    text, numbers = built(tmp_path, made(tmp_path, runs, datasets=["tfake"]), runs, ["tfake"])
    assert "`mcl_xl` on `charlotte`" in text
    assert numbers["comparisons"] == []


def test_stability_of_every_run_in_the_window(small):
    root, text, _ = small
    measured = files.read_json(root / "stability.json")
    assert set(measured) == set(sections(RUNS))
    norms = np.array([1 / step + 0.1 * (step % 3) for step in range(3, 13)])
    assert measured["mcl_st"]["cv"] == pytest.approx(stability(norms)["cv"], rel=1e-4)
    assert measured["mcl_st"]["steps"] == 10
    assert "steps 3 to 12" in text
    assert line(text, "| `ktl_s_fi` | 16 | 10 |")


def test_the_default_window_is_the_first_300_steps(tmp_path):
    runs = {"ktl": {"s": {"batch": 4}}}
    places = made(tmp_path, runs, datasets=["tfake"])
    write_log(places, "ktl_s", 1, 320)
    study, config = read(runs, ["tfake"], places), build.Config()
    measured = steadiness.measure(study, config.start, config.stop)
    assert measured["ktl_s"]["steps"] == 300
    text = steadiness.section(measured, study, config.start, config.stop)
    assert "in steps 1 to 300 (the first is 1)" in text and line(text, "| `ktl_s` | 4 | 300 |")


@pytest.mark.parametrize("steps", [0, 4, 9])
def test_logs_shorter_than_the_window(tmp_path, steps):
    runs = {"ktl": {"s": {"batch": 4}}}
    places = made(tmp_path, runs, datasets=["tfake"])
    write_log(places, "ktl_s", 2, steps)
    text, _ = built(tmp_path, places, runs, ["tfake"], drawn=True)
    measured = files.read_json(tmp_path / "stability.json")["ktl_s"]
    assert measured["steps"] == max(0, steps - 2)
    assert ("std" in measured) == (steps == 9)
    assert ("| `ktl_s` | 4 | 7 |" in text) == (steps == 9)
    assert (tmp_path / "gradients.svg").stat().st_size > 0


def test_the_shortest_log_of_a_run_is_what_is_said_of_its_steps(tmp_path):
    runs = {"ktl": {"s": {}}}
    places = made(tmp_path, runs, datasets=["tfake"])
    log = "".join(f"{seed},{step},{1 / step}\n" for seed in (0, 1) for step in range(1, 9 + 3 * seed))
    files.write_text(places.gradients / "ktl_s.csv", "seed,step,grad_norm\n" + log)
    measured = steadiness.measure(read(runs, ["tfake"], places), 3, 13)["ktl_s"]
    each = [stability(1 / np.arange(3, stop)) for stop in (9, 12)]
    assert measured["steps"] == 6
    assert measured["std"] == pytest.approx(np.mean([numbers["std"] for numbers in each]))


@pytest.mark.parametrize("runs", [{}, None, {"supervised": {}, "ktl": None}])
def test_a_profile_without_runs_says_so(tmp_path, runs):
    places = made(tmp_path, runs or {})
    text, numbers = built(tmp_path, places, runs, drawn=True)
    assert "This profile has no distilled run" in text
    assert numbers["comparisons"] == [] and {each["verdict"] for each in numbers["published"]} == {"not run"}
    assert files.read_json(tmp_path / "stability.json") == {}
    assert (tmp_path / "gradients.svg").stat().st_size > 0


def test_who_could_not_run_is_in_no_comparison(tmp_path):
    runs = {"supervised": {"t": {}}, "kd": {"st": {}}}
    places = made(tmp_path, runs, datasets=["tfake"])
    gone = {"summary": {"status": "skipped", "reason": "no weights"}, "subsets": {}, "predictions": []}
    files.write_json(places.details / "kd_st" / "tfake.json", gone)
    files.write_arrays(places.errors / "kd_st" / "tfake.npz", {})
    text, numbers = built(tmp_path, places, runs, ["tfake"])
    assert numbers["comparisons"] == [] and "| `kd_st` | 1 | skipped |" in text


def test_the_same_bytes_twice_and_no_path(small, tmp_path):
    root, _, _ = small
    built(tmp_path, Places(*(root / kind for kind in ("reports", "details", "errors", "gradients"))), drawn=True)
    for name in ("mlcmkd.md", "mlcmkd.json", "stability.json", "gradients.svg"):
        assert (tmp_path / name).read_bytes() == (root / name).read_bytes()
        assert str(root).encode() not in (root / name).read_bytes()


def test_tables_have_one_width(small):
    _, text, _ = small
    for block in text.split("\n\n"):
        if block.startswith("|"):
            assert len({row.count("|") for row in block.splitlines()}) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("seed,step,grad_norm\n0,1,x\n", "no table"),
        ("seed,step,grad_norm\n0,1\n", "no table"),
        ("step,grad_norm,seed\n1,2,0\n", "columns"),
        ("", "columns"),
        ("seed,step,grad_norm\n0,1,1\n0,3,1\n", "follow"),
        ("seed,step,grad_norm\n" + "".join(f"0,{step},0.5\n" for step in range(1, 20)), "equal"),
        ("seed,step,grad_norm\n" + "".join(f"0,{step},nan\n" for step in range(1, 20)), "nan"),
    ],
)
def test_broken_logs_are_data_errors(tmp_path, content, said):
    runs = {"ktl": {"s": {}}}
    places = made(tmp_path, runs, datasets=["tfake"])
    files.write_text(places.gradients / "ktl_s.csv", content)
    with pytest.raises(DataError, match=said):
        built(tmp_path, places, runs, ["tfake"])


@pytest.mark.parametrize(
    ("kind", "name", "stage"),
    [
        ("gradients", "mcl_st.csv", "mcl@st"),
        ("details", "mcl_st/tfake.json", "evaluate-mcl@st"),
        ("errors", "ktl_s_fi/tfake.npz", "evaluate-ktl@s_fi"),
        ("reports", "tfake.json", "prepare@tfake"),
    ],
)
def test_a_missing_result_names_its_stage(tmp_path, kind, name, stage):
    places = made(tmp_path, datasets=["tfake"])
    (tmp_path / kind / name).unlink()
    with pytest.raises(DataError, match="missing") as caught:
        read(RUNS, ["tfake"], places)
    assert stage in caught.value.remedy


def test_impossible_settings_are_config_errors():
    for wrong in (
        {"start": 10, "stop": 12},
        {"stop": 3},
        {"start": 0, "stop": 300},
        {"tolerance": -1},
        {"strat": 1},
    ):
        with pytest.raises(ConfigError, match="mlcmkd"):
            parse(wrong, build.Config, "mlcmkd")
    with pytest.raises(ConfigError, match="recipes"):
        sections(["ktl_s"])
    with pytest.raises(ConfigError, match="mlcmk"):
        load("mlcmk")


def cells() -> list[Cell]:
    return [cell for table in load("mlcmkd").tables.values() for cell in table.cells]


def test_the_published_numbers():
    """Sums as a second way of writing them down, so that a slip in one digit is seen."""
    tables = load("mlcmkd").tables
    whole = {name: [cell for cell in each.cells if cell.dataset == "tfake"] for name, each in tables.items()}
    sums = {"I": 0.1769 + 0.2096 + 0.2036, "III": 0.2335 + 0.2293 + 0.2238, "IV": 0.1708, "V": 0.1362}
    assert {name: len(rows) for name, rows in whole.items()} == {"I": 17, "III": 12, "IV": 4, "V": 3}
    for name, total in sums.items():
        assert sum(cell.value for cell in whole[name]) == pytest.approx(total), name
    by_run = {cell.run: cell.value for cell in whole["I"]}
    assert (by_run["supervised_t"], by_run["kd_lt"], by_run["mcl_mt"], by_run["mcl_xl"]) == (
        *(0.0406, 0.0368, 0.0365, 0.0304),
    )
    assert [cell.value for cell in whole["IV"]] == [0.0542, 0.0432, 0.0392, 0.0342]


def test_published_cells_are_named_so_that_they_can_be_found():
    for cell in cells():
        assert next(iter(sections({cell.run.split("_")[0]: {cell.run.partition("_")[2]: {}}}))) == cell.run
        assert cell.metric == "std" or describe(cell.metric).unit == "fraction"
        assert (cell.dataset == "charlotte") == (cell.metric == "nme_diag")
        assert bool(cell.stratum) == bool(cell.level)
        assert (cell.stratum, cell.level) in {
            *(("", ""), ("resolution", "High"), ("band", "Mean"), ("view", "Side")),
        }
    keys = [(name, c.run, c.dataset, c.level) for name, t in load("mlcmkd").tables.items() for c in t.cells]
    assert len(keys) == len(set(keys))


def test_no_published_cell_is_lost_on_the_way(small):
    _, _, numbers = small
    assert len(numbers["published"]) == len(cells())
    assert json.dumps(numbers, allow_nan=False)


def test_the_running_median_of_a_short_and_a_long_log():
    steps = np.arange(1, 1001)
    at, (low, middle, high) = drawing.running([(steps, np.full(1000, 2.0)), (steps, np.full(1000, 4.0))])
    assert len(at) == drawing.POINTS and at[0] == 1 and at[-1] == 1000
    assert (low == 2).all() and (middle == 3).all() and (high == 4).all()
    at, (_, middle, _) = drawing.running([(np.array([1]), np.array([5.0]))])
    assert list(at) == [1] and list(middle) == [5]
    spike = np.where(steps == 500, 1e6, 1.0)
    assert drawing.running([(steps, spike)])[1][1].max() == 1


def test_panels_keep_the_variants_of_one_size_together():
    runs = ["pretrain_s", "ktl_s", "ktl_s_fi", "ktl_m", "kd_st"]
    assert drawing.grouped(runs) == {
        "pretrain": ["pretrain_s"],
        "ktl s": ["ktl_s", "ktl_s_fi"],
        "ktl m": ["ktl_m"],
        "kd": ["kd_st"],
    }


def test_spread_over_seeds_stands_beside_the_mean(tmp_path):
    runs = {"ktl": {"s": {"seeds": [0, 1, 2]}}}
    places = made(tmp_path, runs, seeds=3, datasets=["tfake"])
    write_result(places, "ktl_s", "tfake", np.array([[0.03], [0.04], [0.05]]) * np.ones((3, FACES)))
    text, _ = built(tmp_path, places, runs, ["tfake"])
    assert "| `ktl_s` | 3 | 4.00 ± 1.00 (3.60–4.40) |" in text
    study = read(runs, ["tfake"], places)
    measured = steadiness.measure(study, 3, 13)
    assert f"{measured['ktl_s']['std']:.4f} ± " in line(text, "| `ktl_s` | – | 10 |")
    rows = against.compare(load("mlcmkd"), study, measured, 0.001)
    assert all(row.verdict == "not run" for row in rows)
