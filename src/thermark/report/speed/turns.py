"""Contestants take turns, each with a few pictures, so that a busy minute hurts all alike.

A turn of all of them is one process, in which one contestant at a time is loaded: memory holds it, and what one of
them leaves behind is gone by the next turn. A contestant that dies or hangs has failed; the others go on.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import cv2
import numpy as np

from thermark.core import arithmetic
from thermark.core.errors import in_one_line
from thermark.core.progress import track
from thermark.models.inference.contestant import ContestantAbsent
from thermark.models.inference.contract import Unavailable
from thermark.models.inference.setting import Setting
from thermark.models.inference.watchdog import Beat, Ended, run_watched
from thermark.report.contestants import Sections
from thermark.report.speed import reference, timed
from thermark.report.speed.speed_config import Contestants
from thermark.report.speed.timed import TimedContestant

Timing = dict[str, Any]  # of one contestant in one turn
Work = Callable[..., None]
T = TypeVar("T")
Load = Callable[[str, Mapping[str, Any], Contestants, Setting], TimedContestant]  # as `timed.load`


def measured(options: Contestants, sections: Sections, setting: Setting) -> dict[str, Any]:
    """Return how long contestants take a picture: `rows` by name, and what they have in common.

    A row is `status` ok with times, or skipped or failed with a `reason`. Times are medians and quartiles in ms;
    `times_reference` is a time in units of that of the reference network, which runs before each picture. `found`:
    in how many of the `pictures` a contestant saw somebody; where it did not, a second stage had nothing to do.
    """
    reasons = {name: timed.reason_not_timed(name, section, options, setting) for name, section in sections.items()}
    rows = {name: {"status": "skipped", "reason": why} for name, why in reasons.items() if why}
    timings: dict[str, list[Timing]] = {name: [] for name in sections if name not in rows}
    turns = range(min(options.turns, options.pictures))
    for turn in track(turns, len(turns), "speed", "turns"):
        remaining = {name: sections[name] for name in timings if name not in rows}
        for name, timing in run_turn(remaining, turn, options, setting).items():
            timings[name].append(timing)
            if timing["status"] != "ok":
                rows[name] = timing
    rows |= {name: summarised(timing) for name, timing in timings.items() if name not in rows}
    beside = [ms for timing in timings.values() for turn_timing in timing for ms in turn_timing.get("beside", [])]
    return {
        "dataset": options.dataset,
        "threads": options.threads,
        "arithmetic": arithmetic.mode(),
        "batch": 1,
        "reference": {"network": reference.NAME} | (spread(beside) if beside else {}),
        "rows": {name: rows[name] for name in sections},
    }


def summarised(timings: Sequence[Timing]) -> dict[str, Any]:
    """Return a contestant's row: the summary of all its turns."""
    ms, beside = ([number for timing in timings for number in timing[key]] for key in ("ms", "beside"))
    first = {key: timings[0][key] for key in ("parameters", "dataset", "boxes") if timings[0][key] is not None}
    ratio = float(np.median(ms) / np.median(beside))
    counts = {"pictures": len(ms), "found": sum(timing["found"] for timing in timings)}
    return {"status": "ok", "times_reference": ratio} | counts | spread(ms) | first


def spread(ms: Sequence[float]) -> dict[str, float]:
    """Return the median and the quartiles of times."""
    low, middle, high = np.percentile(ms, [25, 50, 75])
    return {"ms": float(middle), "ms_low": float(low), "ms_high": float(high)}


def run_turn(
    remaining: Sections, turn: int, options: Contestants, setting: Setting, work: Work | None = None
) -> dict[str, Timing]:
    """Return the timing of each contestant in a turn; `work` runs in another process, again for those left."""
    timings: dict[str, Timing] = {}
    while names := [name for name in remaining if name not in timings]:
        reason = "ended without a word"
        with TemporaryDirectory() as folder:
            log = Path(folder) / "timings.jsonl"
            sections = {name: remaining[name] for name in names}
            try:
                run_watched(
                    work or time_contestants, setting.config.silence, sections, turn, options, setting, log
                )
            except Ended as error:
                reason = str(error)
            lines = log.read_text(encoding="utf-8").split("\n")[:-1] if log.exists() else []
        # They come one after the other: the first without a line has ended the process.
        timings |= {name: json.loads(line) for name, line in zip(names, lines, strict=False)}
        if len(lines) < len(names):
            timings[names[len(lines)]] = {"status": "failed", "reason": reason}
    return timings


def time_contestants(
    beat: Beat, sections: Sections, turn: int, options: Contestants, setting: Setting, log: Path
) -> None:
    """Write each contestant's timing in a turn as a line of `log`, in their order."""
    cv2.setNumThreads(options.threads)
    beside = reference.opened(options.threads)
    for name, section in sections.items():
        timing = time_contestant(name, section, turn, options, setting, beside, beat)
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(timing) + "\n")
        beat()


def time_contestant(
    name: str,
    section: Mapping[str, Any],
    turn: int,
    options: Contestants,
    setting: Setting,
    beside: Callable[[], object],
    beat: Beat = lambda: None,
    load: Load = timed.load,
) -> Timing:
    """Return times in ms of a contestant and of what runs `beside` it, or why there are none.

    Of its pictures each `turns`th is of this turn. The first call is not timed: it reads files, grows memory and
    plans. At least one picture is timed, and none after the share of `seconds` that a turn has.
    """
    try:
        loaded = load(name, section, options, setting)
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(options.threads)
        pictures = range(turn, loaded.pictures, options.turns)
        timing: Timing = {"status": "ok", "ms": [], "beside": [], "found": 0}
        timing |= {"dataset": loaded.dataset, "boxes": loaded.boxes}
        timing["parameters"] = loaded.parameters() if turn == 0 else None
        if pictures:
            beside(), loaded.predict(pictures[0])
        for picture in pictures:
            beat()
            timing["beside"].append(milliseconds(beside)[0])
            ms, xy = milliseconds(partial(loaded.predict, picture))
            timing["ms"].append(ms)
            timing["found"] += bool(np.isfinite(xy).all(axis=-1).any())
            if sum(timing["ms"]) >= 1000 * options.seconds / options.turns:
                break
        return timing
    except (ContestantAbsent, Unavailable) as error:
        return {"status": "skipped", "reason": in_one_line(error)}
    except Exception as error:  # noqa: BLE001 - whatever a contestant raises costs it its row, not the others theirs
        return {"status": "failed", "reason": f"{type(error).__name__}: {in_one_line(error)}"}


def milliseconds(call: Callable[[], T]) -> tuple[float, T]:
    """Return how many ms a call takes, and what it returns."""
    start = time.perf_counter()
    result = call()
    return 1000 * (time.perf_counter() - start), result
