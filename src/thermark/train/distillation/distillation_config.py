"""The options of a distilled run."""

from typing import ClassVar, Literal, Self

from pydantic import Field, NonNegativeFloat, model_validator

from thermark.core.config import Section
from thermark.train.distillation.injection import InjectionPoint
from thermark.train.run import Run


class Lambdas(Section):
    """The weight of each loss term, as published; a term of weight 0 is not computed.

    `kp`: labels, equation 3 (whatever the objective is); `fm`: feature maps, 1; `lg`: logits, 2; `ri` and `fi`:
    reverse and forward injection, 4 and 5. The last four fade with gamma(t), equation 7.
    """

    kp: NonNegativeFloat = 0.1
    fm: NonNegativeFloat = 1e-3
    lg: NonNegativeFloat = 1e-3
    ri: NonNegativeFloat = 1e-3
    fi: NonNegativeFloat = 1e-3

    @model_validator(mode="after")
    def _not_nothing(self) -> Self:
        if not (self.kp or self.distilled):
            raise ValueError("every lambda is 0")
        return self

    @property
    def distilled(self) -> bool:
        """Whether any term needs the teacher."""
        return any((self.fm, self.lg, self.ri, self.fi))


class Plain(Lambdas):
    """The weights of conventional distillation: nothing is injected."""

    ri: float = Field(0.0, ge=0, le=0)
    fi: float = Field(0.0, ge=0, le=0)


class Config(Run):
    """A run's section of params.yaml.

    `teacher`: the run that teaches, whose seed of the same number is taken, or its only one; `teacher_data`: the
    face set whose images the teacher sees, paired with those of `train` or the same. `start`: the student's
    first weights, `auto` is the teacher's where the sizes agree. `alpha`: epochs until distillation fades.

    With tt = h_T(F_T), ss = h_S(F_S), fi = h_S(g(F_T)), ri = h_T(f(F_S)) and D(a -> b) the divergence of b from
    a fixed a, `reading` chooses between what the paper says in prose, L_ri = D(tt -> ri) and L_fi = D(tt -> fi),
    and equations 4 and 5 as printed, L_ri = D(ss -> fi) and L_fi = D(tt -> ri). `ri_target: ss` makes it
    L_ri = D(ss -> ri), as if subscripts named the head first; it has no effect under `printed`. `inject_at`:
    whether features of the backbone or maps of the final convolution change places. `fm_reduction`: see `losses`.
    """

    uses: ClassVar[frozenset[str]] = frozenset({"teacher", "teacher_data"})

    teacher: str
    teacher_data: str
    start: Literal["auto", "teacher", "random"] = "auto"
    lambdas: Lambdas = Lambdas()
    alpha: NonNegativeFloat = 1.0
    fm_reduction: Literal["mean", "sum"] = "mean"
    reading: Literal["prose", "printed"] = "prose"
    ri_target: Literal["tt", "ss"] = "tt"
    inject_at: InjectionPoint = "backbone"

    @property
    def injected(self) -> tuple[float, float]:
        """The weights of the terms that inject forward and in reverse: as printed, they change places."""
        weight = self.lambdas
        return (weight.ri, weight.fi) if self.reading == "printed" else (weight.fi, weight.ri)
