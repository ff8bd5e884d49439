"""LaTeX that no name can break out of: tables with the rules of `booktabs`."""

from collections.abc import Sequence

import pandas as pd

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "–": "--",
    "±": r"$\pm$",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "−": "$-$",
}


def escaped(text: str) -> str:
    """Return text on one line in which every character stands for itself."""
    return "".join(SPECIAL.get(character, character) for character in " ".join(text.split()))


def table(caption: str, label: str, header: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """Return a floating table whose first `texts` columns are left-aligned and whose others are right-aligned.

    It needs `\\usepackage{booktabs}` and, for `\\textquotedbl`, `\\usepackage[T1]{fontenc}`.
    """
    frame = pd.DataFrame([_cells(row) for row in rows], columns=_cells(header))
    text = frame.style.hide(axis="index").to_latex(
        column_format="l" * texts + "r" * (len(header) - texts),
        position_float="centering",
        hrules=True,
        caption=escaped(caption),
        label=f"tab:{label}",
    )
    return f"% needs \\usepackage{{booktabs}} and \\usepackage[T1]{{fontenc}}\n{text}"


def _cells(row: Sequence[str]) -> list[str]:
    """Return escaped cells; [ or * at the start would be read as an argument of the \\\\ of the row above."""
    first, *others = map(escaped, row)
    return [f"{{}}{first}" if first.startswith(("[", "*")) else first, *others]
