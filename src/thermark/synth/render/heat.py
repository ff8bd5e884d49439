"""How one person's skin temperature departs from the mean pattern: what is cold, warm, wet or covered, and why.

Ranges come from published thermography, not from any frames of this project:

- A healthy face at rest indoors: inner canthus 34.3 +- 0.7 deg C, forehead 33.4 +- 0.8, cornea 33.3 +- 0.8, outer
  canthus 32.8 +- 0.7 (Micheletti et al. 2022); forehead 34, cheek 32 (Ariyaratnam and Rood 1990). Sides differ by
  0.1 K (Rustemeyer et al. 2007), sessions by up to 1 K (Christensen et al. 2012): here `warmth` and `side`.
- What cools: a wet towel at 20 deg C took 2.8 K from the forehead, 0.6 from the inner canthus and 0.3 from the
  cornea (Micheletti): eyes stay bright. In wind nose and cheeks cool fastest, orbits and neck slowest (Briggs et
  al. 2017, LeBlanc et al. 1976); noses reached 0 deg C at -10 in wind (Gavhed et al. 2000); cheeks below 15 are
  uncomfortable (Osczevski 1994). Skin lies between the blood and the air, so cooling is a *share* of the way to
  the air that did it: 0.65 takes a nose to 12 deg C in air of 0 and to 32 in air of 31.
- Evaporation cools wet lips and sweat by 1-2 K, one-sided sun or a vent warms or cools by some K.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator


@dataclass(frozen=True)
class Heat:
    """One person's departures; shares are 0..1 of the way to the air, differences in K.

    `nose`, `cheeks`, `ears`, `chin`, `face`: shares by which blood flow falls short. `outside`: how much colder
    than the room the air was that cooled them. `flush`: K of the whole face; `side`: K from the middle to
    image-right; `inner_eye`, `sockets`: factors on their excess; `eyes`, `lips`, `mouth`: K; `patches`,
    `vessels`: standard deviation and height of random patterns, K; `sweat`: share of the forehead and nose;
    `brow`, `beard`: insulation, shares; `hair`, `clothes`: how far from the air to the skin (0..1), `sun`: K
    that they gain; `soft`: mm over which the hairline fades; `breath`: strength 0..1; `seed`: of the patterns.
    """

    nose: float = 0.0
    cheeks: float = 0.0
    ears: float = 0.0
    chin: float = 0.0
    face: float = 0.0
    outside: float = 0.0
    flush: float = 0.0
    side: float = 0.0
    inner_eye: float = 1.0
    sockets: float = 1.0
    eyes: float = 0.0
    lips: float = 0.0
    mouth: float = 0.0
    patches: float = 0.0
    vessels: float = 0.0
    sweat: float = 0.0
    brow: float = 0.3
    beard: float = 0.38
    hair: float = 0.38
    sun: float = 0.0
    clothes: float = 0.42
    soft: float = 0.0
    breath: float = 0.75
    seed: int = 0


def sample_heat(rng: Generator) -> Heat:
    """Draw a person's pattern: extremities cool together, in many hardly at all, and a sixth are flushed."""
    flushed = rng.random() < 0.17
    tight = 0.15 * rng.random() if flushed else rng.beta(1.0, 1.7)  # vasoconstriction
    nose, cheeks, ears, chin = tight * np.array([0.65, 0.42, 0.60, 0.35]) * rng.uniform(0.3, 1.0, 4)
    sun = rng.random() < 0.2
    return Heat(
        nose=float(nose),
        cheeks=float(cheeks),
        ears=float(ears),
        chin=float(chin),
        face=float(0.14 * tight * rng.random()),
        outside=float(rng.uniform(3, 15)) if rng.random() < 0.25 else 0.0,
        flush=float(rng.uniform(0.4, 1.5)) if flushed else float(rng.normal(0, 0.3)),
        side=float(rng.normal(0, 1.2 if sun else 0.15)),
        inner_eye=float(rng.uniform(0.6, 1.5)),
        sockets=float(rng.uniform(0.3, 2.6)),
        eyes=float(rng.normal(0, 0.4)),
        lips=float(rng.normal(-0.2, 0.6)),
        mouth=float(rng.uniform(-1.5, 0.4)),
        patches=float(rng.uniform(0.08, 0.35)),
        vessels=float(max(rng.normal(0.1, 0.25), 0.0)),
        sweat=float(rng.uniform(0.02, 0.12)) if rng.random() < 0.12 else 0.0,
        brow=float(rng.uniform(0.0, 0.6)),
        beard=float(rng.uniform(0.2, 0.65)),
        hair=float(rng.uniform(0.12, 0.68)),
        sun=float(rng.uniform(2, 14)) if sun else 0.0,
        clothes=float(rng.uniform(0.15, 0.85)),
        soft=float(rng.uniform(3, 20)),
        breath=float(rng.uniform(0.25, 1.0)),
        seed=int(rng.integers(2**31)),
    )
