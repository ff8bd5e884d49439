"""A post is a template in which every number is the name of a result: `{{ nme_io.ktl_s.tfake }}`.

Templates are Jinja2's. A name that nothing has is an error that names the nearest one; text from files is escaped
for Markdown, so that no contestant's name can become markup. What `Markdown` holds is printed as it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from thermark.core import templates
from thermark.core.config import nearest
from thermark.core.errors import ConfigError
from thermark.report import markdown

TAGS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.S)
NUMBER = re.compile(r"\d+\.\d+")


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


class Key:
    """What stands at a dotted name: further names, and maybe a text of its own.

    `absent` is why a number that could stand here does not exist.
    """

    __slots__ = ("_absent", "_names", "_text", "_where")

    def __init__(self, where: str, names: Mapping[str, Any], text: str | None = None, absent: str = "") -> None:
        self._where, self._names, self._text, self._absent = where, names, text, absent

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            if self._absent:
                raise self._missing()
            raise ConfigError(f"there is no `{self._where}.{name}`", nearest(str(name), sorted(self._names)))
        return self._names[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what Python and Jinja2 ask of any object
            raise AttributeError(name)
        return self[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __str__(self) -> str:
        if self._absent:
            raise self._missing()
        if self._text is None:
            names = nearest("", sorted(self._names))
            raise ConfigError(f"`{self._where}` is no number yet: a name is missing at its end", names)
        return self._text

    def _missing(self) -> ConfigError:
        return ConfigError(f"`{self._where}` has no number: {self._absent}", "leave it out, or name another one")


def tree(where: str, names: Mapping[str, Any]) -> Key:
    """Return nested mappings as keys, whose last names are texts or numbers."""
    return Key(
        where,
        {
            name: tree(f"{where}.{name}", child) if isinstance(child, Mapping) else child
            for name, child in names.items()
        },
    )


def escaped(text: str) -> str:
    """Return text that Markdown, HTML, Quarto and Hugo leave alone; `{{` starts a shortcode in the latter two."""
    return markdown.escaped(text).replace("{{", r"\{\{").replace("}}", r"\}\}")


def code(name: str) -> Markdown:
    """Return a name as code, or as escaped text where it is not plain."""
    return Markdown(markdown.code(name) if markdown.PLAIN.fullmatch(name) else escaped(name))


def codes(names: Iterable[str]) -> Markdown:
    """Return names as code, with commas."""
    return Markdown(", ".join(map(code, names)))


def bare_numbers(template: str) -> list[str]:
    """Return the numbers with a decimal point that stand outside of tags: nothing keeps them true."""
    return NUMBER.findall(TAGS.sub("", template))


def render(template: str, names: Mapping[str, Any], where: str) -> str:
    """Return the text of a template; `where` names it in errors.

    Raises ConfigError for an unknown name, with the nearest, for a number that does not exist, and for a template
    that cannot be read.
    """
    options = {"finalize": _printed, "keep_trailing_newline": True, "extensions": ["jinja2.ext.loopcontrols"]}
    environment = templates.environment({"code": code, "codes": codes}, SandboxedEnvironment, **options)
    try:
        return environment.from_string(template).render(names)
    except TemplateSyntaxError as error:
        cause = f"{where}:{error.lineno} is no template: {error.message}"
        raise ConfigError(cause, "see https://jinja.palletsprojects.com/templates") from error
    except UndefinedError as error:
        named = re.search(r"'(\w+)'(?: is undefined)?$", str(error))
        remedy = nearest(named[1], sorted(names)) if named else "see docs/publishing.md for what can stand there"
        raise ConfigError(f"{where}: {error}", remedy) from error
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.cause}", error.remedy) from error
    except (TemplateError, TypeError) as error:
        raise ConfigError(f"{where}: {error}", "see docs/publishing.md for what can stand there") from error


def _printed(value: Any) -> Any:
    return escaped(value) if isinstance(value, str) and not isinstance(value, (Markdown, Markup)) else value
