"""From a context to one file of HTML that loads nothing from the network.

Scripts are allowed by their hash alone, so that no text of a file can become one; Vega evaluates its expressions
with an interpreter and needs no `unsafe-eval`. Styles may stand in attributes, which the figures use.
"""

import base64
import json
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import FileSystemLoader
from markupsafe import Markup

from thermark.core import files, templates
from thermark.report.number_format import long_unit, scale, unit

FOLDER = Path(__file__).parent
VENDOR = FOLDER / "vendor"
UNSAFE: dict[str, str | int | None] = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
DIGITS = 6


def page(context: dict[str, Any]) -> str:
    """Return the whole page; the same context gives the same bytes."""
    filters: dict[str, Callable[..., Any]] = {
        "unit": long_unit,
        "amount": _amount,
        "bare": _bare,
        "breakable": _breakable,
    }
    loader = FileSystemLoader(FOLDER)
    made = templates.environment(filters, loader=loader, autoescape=True, keep_trailing_newline=True)
    scripts = [bundle(), _text(VENDOR / "sortable.js"), _text(FOLDER / "page.js")]
    return made.get_template("template.html").render(
        **context,
        block=block(context["data"]),
        policy=policy(scripts),
        scripts=[Markup(script) for script in scripts],
        style=Markup(_text(FOLDER / "style.css")),
        licences=_text(VENDOR / "LICENSES.txt"),
    )


def block(content: Any) -> Markup:
    """Return plain data as JSON that is safe inside a script element, whatever texts are in it."""
    text = json.dumps(
        files.rounded(content, DIGITS), sort_keys=True, allow_nan=False, ensure_ascii=False, separators=(",", ":")
    )
    return Markup(text.translate(str.maketrans(UNSAFE)))


def policy(scripts: list[str]) -> str:
    """Return a content security policy under which these scripts run, and nothing is fetched from anywhere."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def bundle() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script."""
    script = str(vl_convert.javascript_bundle(None))  # type: ignore[arg-type]
    if "</script" in script.lower() or "\r" in script:
        raise ValueError("the bundle of Vega cannot stand in a page as it is")
    return script


def _amount(value: float, main: str) -> str:
    """Return a stated limit with its unit, such as `20 %`."""
    return f"{scale(main) * value:g} {unit(main)}"


def _breakable(name: str) -> Markup:
    """Return a name as text that may be broken behind an underscore."""
    return Markup("_<wbr>").join(name.split("_"))


def _bare(value: Any) -> str:
    """Return a cell of a file as text, empty where there is none."""
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
