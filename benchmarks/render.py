"""How fast the embedded data set is rendered: pairs of colour and temperature per second, and where time goes.

`python benchmarks/render.py [--pixels 256] [--pairs 24] [--processes 2]`

The last line is the set `cameras`: varied people, one to three of them, in full imaging, files and all.
"""

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

from thermark.core import seeds
from thermark.synth.render.person import sample_person, sample_pose
from thermark.synth.render.scene import Camera, render_scene
from thermark.synth.render.sensor import observe
from thermark.synth.writers import cameras


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pixels", type=int, default=256)
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with context.Pool(chosen.processes) as pool:
        warm_up = [(chosen.pixels, 1, number) for number in range(chosen.processes)]
        pool.starmap(pairs, warm_up, chunksize=1)
        start = time.perf_counter()
        jobs = [(chosen.pixels, 1, number) for number in range(chosen.pairs)]
        seconds = pool.starmap(pairs, jobs, chunksize=1)
        rate = chosen.pairs / (time.perf_counter() - start)
    print(f"pairs {chosen.pixels}x{chosen.pixels}, {chosen.processes} processes: {rate:.1f} pairs/s", end="")
    print(f" (one pair: fastest {1000 * min(seconds):.0f} ms, mean {1000 * sum(seconds) / len(seconds):.0f} ms)")
    pairs(512, 2, 0)
    unit = min(pairs(512, 2, number) for number in range(6))
    print(f"one T-FAKE unit (512x512 colour, warm, cold), one process: {1000 * unit:.0f} ms")
    for colour in (True, False):
        seconds = made_up_cameras(chosen.pixels, 4 * chosen.pairs, chosen.processes, colour)
        what = "pairs" if colour else "thermal pictures"
        print(f"{what} of made-up cameras, {chosen.pixels}x{chosen.pixels}: {1 / seconds:.1f} a second")


def made_up_cameras(pixels: int, count: int, processes: int, colour: bool) -> float:
    """Return the seconds that a picture of the set `cameras` takes, the start of the processes left out."""
    with tempfile.TemporaryDirectory() as folder:
        config = cameras.Config(seed=1, width=pixels, height=pixels, visible=colour, count=processes)
        start = time.perf_counter()
        cameras.write(Path(folder) / "warm", config, processes)
        middle = time.perf_counter()
        cameras.write(Path(folder) / "all", config.model_copy(update={"count": count + processes}), processes)
        return ((time.perf_counter() - middle) - (middle - start)) / count


def pairs(pixels: int, rooms: int, number: int) -> float:
    """Render one person nobody has seen before in colour and in `rooms` temperatures; return the seconds."""
    start = time.perf_counter()
    rng = seeds.rng(0, "benchmark", number)
    person = sample_person(rng)
    pose = sample_pose(rng, position=(0.0, 0.0, 0.7))
    scene = render_scene([(person, pose)], Camera(pixels, pixels, 1.75 * pixels), (27.0, 18.0)[:rooms], rng)
    for celsius in scene.celsius:
        observe(celsius, rng)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
