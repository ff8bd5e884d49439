"""Hand-built records, per-face errors and comparisons, as a post is made from."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import records
from thermark.report.blog import figures
from thermark.report.blog.build import BundleOptions
from thermark.report.results import face_errors
from thermark.report.results.comparisons import Comparisons, Family, Matrix, Pair, write_comparisons
from thermark.report.results.record import Estimate, Floor, Record, write_set

EVIL = "a_b & <img onerror=x>"
FORMULA = "=HYPERLINK(1)"
FACE = ((0.2, 0.2), (0.8, 0.2), (0.5, 0.5), (0.3, 0.8), (0.7, 0.8))  # of dlib5
SUBJECTS, EACH = 6, 4


def estimate(value, low=None, high=None, faces=24, subjects=SUBJECTS):
    return Estimate(value=value, low=low, high=high, faces=faces, subjects=subjects)


def record(dataset, name, found, of_all, of_found, tier="rendered data only", **other):
    metrics = {
        "found": estimate(found, max(found - 0.1, 0.0), min(found + 0.05, 1.0)),
        "nme_io": estimate(of_found, of_found and of_found - 0.01, of_found and of_found + 0.01),
        "nme_io_all": estimate(of_all, of_all - 0.0123, of_all + 0.0145),
        "pck@0.1io": estimate(0.5),
    }
    common = {
        "dataset": dataset,
        "contestant": name,
        "kind": name,
        "status": "ok",
        "tier": tier,
        "trained_on": "RGB",
        "points": 5,
        "faces": 24,
        "subjects": SUBJECTS,
        "missed": round(24 * (1 - found)),
        "metrics": metrics,
        "landmarks": tuple(of_all + 0.01 * point for point in range(5)),
    }
    return Record(**common | other)


def result_set(name="tfake", title="T-FAKE, rendered", origin="rendered", labels="rendered", rows=()):
    about = {"name": name, "title": title, "origin": origin, "labels": labels, "face": FACE}
    return records.result_set(rows, vocabulary="dlib5", faces=24, subjects=SUBJECTS, **about)


def per_face(level, missed, seeds=1):
    """Return errors of 24 faces of 6 subjects around a level, of which the last few are missed."""
    drawn = level * (1 + 0.3 * np.random.default_rng(7).normal(size=(seeds, SUBJECTS * EACH)))
    drawn = np.abs(drawn)
    drawn[:, SUBJECTS * EACH - missed :] = np.inf
    names = [f"p{place}" for place in range(SUBJECTS)]
    return {
        "ids": np.array([f"f{face:02d}" for face in range(SUBJECTS * EACH)]),
        "subjects": np.repeat(names, EACH),
        "per_seed": drawn,
        "seeded": np.array(seeds > 1),
    }


def scene(root: Path) -> Path:
    """Write a rendered data set, one of a camera with machine labels, and comparisons; return `root`."""
    floor = Floor(px=1.5, value=0.0211, faces=8, lost=1, flickering=0, views=9)
    exact = {"parameters": 4.0e6, "macs": 7.0e7}
    known = {"ktl_s": 3, "kd_st": 3, EVIL: 1, FORMULA: 1}
    for name, title, origin, labels, tier in (
        ("tfake", "T-FAKE, rendered", "rendered", "rendered", "rendered data only"),
        ("car", "ThermalImagesDataset, machine labels", "real", "machine", "measured"),
    ):
        rows = [
            record(name, "ktl_s", 1.0, 0.0912, 0.0934, tier, kind="ktl", seeds=3, exact=exact, floor=floor),
            record(name, "kd_st", 1.0, 0.0968, 0.0971, tier, kind="kd", seeds=3, exact=exact),
            record(name, EVIL, 0.75, 0.2012, 0.1044, tier, exact={"parameters": 9.0e6}),
            record(name, FORMULA, 0.5, 0.3033, 0.1066, tier, points=2),
            record(name, "blind", 0.0, 0.5, None, tier),
            records.skipped(
                name, "dlib", "needs {{< secret >}} and {{% more %}}, see <b>DATA.md</b>", kind="dlib"
            ),
        ]
        face_errors.write(root / f"{name}.parquet", {who: per_face(0.1, 2, seeds) for who, seeds in known.items()})
        write_set(root / f"{name}.json", result_set(name, title, origin, labels, rows))
    write_comparisons(root.parent / "comparisons.json", comparisons())
    return root


def comparisons() -> Comparisons:
    pair = Pair(
        dataset="tfake",
        a="ktl_s",
        b="kd_st",
        difference=-0.0056,
        low=-0.0101,
        high=-0.0011,
        p=0.0312,
        p_holm=0.0625,
        mde=0.0049,
        faces=22,
        left_out=2,
        subjects=6,
        seeds=(3, 3),
        verdict="lower error",
    )
    grey = pair.model_copy(update={"b": EVIL, "grey": "below the jitter floor", "dataset": "car"})
    without = Pair(
        dataset="tfake",
        a="ktl_s",
        b="dlib",
        difference=None,
        faces=0,
        left_out=24,
        subjects=0,
        seeds=(3, 0),
        verdict="dlib did not run",
    )
    order, nothing = ("ktl_s", "kd_st"), ((None, None), (None, None))
    matrix = Matrix(
        contestants=order,
        difference=nothing,
        low=nothing,
        high=nothing,
        p_holm=nothing,
        grey=(("", ""), ("", "")),
        groups={"ktl_s": "A", "kd_st": "A", EVIL: "B"},
    )
    family = Family(name="recipes", question="Does transfer beat distillation?", pairs=(pair, grey, without))
    return Comparisons(families=(family,), matrices={"tfake": matrix})


@contextmanager
def unpainted() -> Iterator[None]:
    """Have figures written with all their files and numbers, only without a picture in any: painting is slow."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(figures, "svg", lambda spec, width: f'<svg width="{width}"/>')
        patched.setattr(figures.vl_convert, "svg_to_png", lambda svg, scale: svg.encode())
        yield


def options(root: Path, out: Path, **other) -> BundleOptions:
    common = {
        "results": root,
        "comparisons": root.parent / "comparisons.json",
        "lock": root.parent / "dvc.lock",
        "template": None,
        "out": out,
        "hub": "lab/thermark",
        "url": "https://example.org/thermark",
        "command": "python stages/blog.py",
    }
    return BundleOptions(**common | other)
