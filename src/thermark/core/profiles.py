"""Profiles: what differs from the default, merged into the whole params file that DVC reads."""

import json
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from thermark.core.config import nearest, read
from thermark.core.errors import ConfigError
from thermark.core.files import write_text

DEFAULT, NAME, WHOLE, EXTENDS = "default", "profile", "replace", "extends"
Params = dict[str, Any]


def switch(name: str, profiles: Path, params: Path) -> None:
    """Make `params` the profile `name`; what stood there and is in no profile is kept as `<params>.bak`.

    The default itself lies in `params` alone: when it gives way to another profile it is set aside beside it, as
    `<stem>.default.yaml`, and `default` brings it back. Raises ConfigError for an unknown profile, for one that is
    no YAML or names what the default lacks, and where the default is gone.
    """
    aside = params.with_name(f"{params.stem}.default.yaml")
    names = [DEFAULT, *sorted(path.stem for path in profiles.glob("*.yaml"))]
    if name not in names:
        raise ConfigError(f"there is no profile {name!r} in {profiles}", nearest(name, names))
    now = read(params) if params.exists() else {}
    if now.get(NAME) == DEFAULT:
        if aside.exists() and aside.read_bytes() != params.read_bytes():
            print(f"an earlier default was kept as {keep(aside)}")
        write_text(aside, params.read_text(encoding="utf-8"))
    if not aside.exists():
        raise ConfigError(f"the default is neither in {params} nor in {aside}", f"git checkout {params}")
    default = read(aside)
    if now and not _known(now, default, profiles):
        print(f"your own {params} was kept as {keep(params)}")
    if name == DEFAULT:
        write_text(params, aside.read_text(encoding="utf-8"))
    else:
        write_text(params, text(resolved(default, profiles, name)))
    print(f"{params} is now the profile {name}; `make repro` runs it")


def resolved(default: Mapping[str, Any], profiles: Path, name: str, *above: str) -> Params:
    """Return the default with the changes of a profile in the folder `profiles`, after those of what it extends.

    `above`: profiles that extend this one. Raises ConfigError as `merged` does, and for a profile that is not
    there or extends itself.
    """
    path = profiles / f"{name}.yaml"
    if name in above:
        raise ConfigError(f"profile {name} extends itself", f"mend `{EXTENDS}` in {path}")
    if not path.is_file():
        names = sorted(other.stem for other in profiles.glob("*.yaml"))
        wanted = f", which {above[-1]} extends" if above else ""
        raise ConfigError(f"there is no profile {name!r} in {profiles}{wanted}", nearest(name, names))
    delta = dict(read(path))
    first = delta.pop(EXTENDS, None)
    return merged(default if first is None else resolved(default, profiles, str(first), *above, name), delta, name)


def merged(default: Mapping[str, Any], delta: Mapping[str, Any], name: str) -> Params:
    """Return the default with the changes of a profile: mappings merge, null takes away, all else is replaced.

    Of the sections that the profile lists under `replace` nothing of the default stays, whether the profile states
    them or not. Raises ConfigError for a section that the default does not have.
    """
    whole = list(delta.get(WHOLE, []))
    for section in (*whole, *delta):
        if section not in (*default, WHOLE):
            raise ConfigError(f"profile {name} names the section {section}", nearest(section, list(default)))
    kept = {section: {} if section in whole else value for section, value in default.items()}
    changes = {section: value for section, value in delta.items() if section != WHOLE}
    return json.loads(json.dumps(_merged(kept, changes) | {NAME: name}))  # type: ignore[no-any-return]


def text(params: Params) -> str:
    """Return params as YAML in which no value is shared between two places."""
    head = f"# Made by `make profile P={params[NAME]}` from the default and profiles/{params[NAME]}.yaml.\n"
    return head + str(yaml.safe_dump(params, sort_keys=False, width=115, default_flow_style=None))


def keep(path: Path) -> Path:
    """Copy a file to `<path>.bak`, or `.bak2` and so on where that holds something else; return the copy."""
    content = path.read_text(encoding="utf-8")
    for number in count(1):
        backup = path.with_name(f"{path.name}.bak{number if number > 1 else ''}")
        if not backup.exists():
            write_text(backup, content)
            break
        if backup.read_text(encoding="utf-8") == content:
            break
    return backup


def _known(now: Params, default: Params, profiles: Path) -> bool:
    """Tell whether a params file is that of a profile as it stands."""
    name = str(now.get(NAME))
    if name == DEFAULT:
        return True
    return (profiles / f"{name}.yaml").is_file() and now == resolved(default, profiles, name)


def _merged(first: Any, second: Any) -> Any:
    if not (isinstance(first, Mapping) and isinstance(second, Mapping)):
        return second
    both = {key: _merged(first[key], second[key]) if key in first else second[key] for key in second}
    return {key: value for key, value in {**first, **both}.items() if value is not None}
