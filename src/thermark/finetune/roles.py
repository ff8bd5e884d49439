"""Who is a head, who its student, who a control without a head."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from thermark.finetune.inputs import Numbers, Study
from thermark.report.markdown import code

Kind = Literal["head", "student", "control"]
ORDER: tuple[Kind, ...] = ("head", "student", "control")
CONTROL = "control: the published labels, no head"


@dataclass(frozen=True)
class Roles:
    """`students`: contestant -> key of `pseudo_labels`, whose reports say of which head. `large`: the row of the
    timings that the claim is about. `networks`: contestant -> row, where that has another name.
    """

    students: Mapping[str, str]
    pseudo_labels: Mapping[str, Numbers]
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
        return self.pseudo_labels.get(self.students.get(contestant, ""), {})


def ran(study: Study, roles: Roles) -> list[str]:
    """Return the contestants that have numbers: heads, then students, then controls."""
    names = [name for name, own in study.contestants.items() if own.get("status") == "ok"]
    return [name for kind in ORDER for name in roles.of(kind, names)]
