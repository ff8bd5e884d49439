"""Pages whose words are a template."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from thermark.report.markdown import code, escaped


def filled(template: Path, told: Mapping[str, Any]) -> str:
    """Return a template filled with what is told, without the empty lines that absent parts leave.

    It knows the filters `escaped` and `code`, through which every text of a file has to pass.
    """
    words = Environment(undefined=StrictUndefined, trim_blocks=True)
    words.filters |= {"escaped": escaped, "code": code}
    text = words.from_string(template.read_text(encoding="utf-8")).render(told)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
