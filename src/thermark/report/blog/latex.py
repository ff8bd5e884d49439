"""LaTeX that no name can break out of: tables with the rules of `booktabs`."""

from collections.abc import Sequence

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
    columns = "l" * texts + "r" * (len(header) - texts)
    lines = [
        r"% needs \usepackage{booktabs} and \usepackage[T1]{fontenc}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(caption)}}}",
        rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _row(header),
        r"\midrule",
        *map(_row, rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    text = " & ".join(map(escaped, cells)) + r" \\"
    # After the \\ of the row above, these would be read as its argument.
    return "{}" + text if text.startswith(("[", "*")) else text
