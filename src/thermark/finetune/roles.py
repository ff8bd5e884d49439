"""Who is a head, who its student, who a control without a head; and what they gain against each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from thermark.finetune.inputs import Numbers, Study
from thermark.report.markdown import code

Kind = Literal["head", "student", "control"]
ORDER: tuple[Kind, ...] = ("head", "student", "control")
CONTROL = "control: the published labels, no head"
ANOTHER = " (another network, too: not of the opinions alone)"
NETWORK = ("recipe", "size", "input_size", "teacher")


@dataclass(frozen=True)
class Roles:
    """`students`: contestant -> key of `taught`, whose reports say of which head. `large`: the row of the timings
    that the claim is about. `networks`: contestant -> row, where that has another name.
    """

    students: Mapping[str, str]
    taught: Mapping[str, Numbers]
    large: str
    networks: Mapping[str, str]

    def row(self, contestant: str) -> str:
        """Return what a contestant's network is called in the timings."""
        return self.networks.get(contestant, contestant)

    def kind(self, contestant: str) -> Kind:
        """Return what a contestant is: whoever learned from no pseudo-labels is a head."""
        if contestant not in self.students:
            return "head"
        return "control" if self._report(contestant).get("source") == "true" else "student"

    def head(self, contestant: str) -> str:
        """Return the contestant whose opinions a student learned, nothing for a head or a control."""
        return str(self._report(contestant).get("head", "")) if self.kind(contestant) == "student" else ""

    def what(self, contestant: str) -> str:
        """Return what a contestant is, in words."""
        kind, head = self.kind(contestant), self.head(contestant)
        return CONTROL if kind == "control" else f"student of {code(head)}" if head else kind

    def of(self, kind: Kind, names: Sequence[str]) -> list[str]:
        """Return the contestants of a kind."""
        return [name for name in names if self.kind(name) == kind]

    def _report(self, contestant: str) -> Numbers:
        return self.taught.get(self.students.get(contestant, ""), {})


def ran(study: Study, roles: Roles) -> list[str]:
    """Return the contestants that have numbers: heads, then students, then controls."""
    names = [name for name, own in study.contestants.items() if own.get("status") == "ok"]
    return [name for kind in ORDER for name in roles.of(kind, names)]


def differences(study: Study, roles: Roles) -> list[str]:
    """Return what each student loses or gains against its head and against each control, a line each."""
    names = ran(study, roles)
    said = []
    for name in roles.of("student", names):
        if change := against(study, name, roles.head(name)):
            said.append(f"- {code(name)} against its head {code(roles.head(name))}: {change}.")
        for control in roles.of("control", names):
            if change := against(study, name, control):
                other = ANOTHER if _another(study, roles.row(name), roles.row(control)) else ""
                start = f"- {code(name)} against the control {code(control)}"
                said.append(f"{start}, what a head's opinions change over the published labels: {change}{other}.")
    return said


def against(study: Study, name: str, other: str) -> str:
    """Return by how much a contestant differs from another, nothing where boxes differ or one is absent."""
    own, base = (study.contestants.get(each, {}) for each in (name, other))
    mean, pck = (
        None if own.get(metric) is None or base.get(metric) is None else own[metric] - base[metric]
        for metric in ("error_px_mean", "pck@5px")
    )
    if mean is None or pck is None or own.get("boxes") != base.get("boxes"):
        return ""
    return f"{mean:+.2f} px in the mean, {100 * pck:+.1f} points of PCK@5".replace("-", "−")


def _another(study: Study, a: str, b: str) -> bool:
    """Return whether the runs of two rows differ in their network or in what it started from, as far as known."""
    one, two = (study.runs.get(each) for each in (a, b))
    return bool(one and two and any(one.get(name) != two.get(name) for name in NETWORK))
