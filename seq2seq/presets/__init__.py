"""Presets, and configurations built from them.

A configuration combines the defaults, a preset (a TOML file in this folder), the user's TOML file and
`--set section.key=value`; later ones override earlier ones.
"""

import json
import reprlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from seq2seq.architectures import ARCHITECTURES
from seq2seq.config import ADAPTIVE, DEFAULT_PRESET, SECTIONS, Config, Section, did_you_mean, validate_config
from seq2seq.errors import InputError

_LARGEST_FILE = 2**20


def preset_names() -> list[str]:
    """The presets that ship with the program, the default first."""
    files = resources.files("seq2seq.presets").iterdir()
    names = sorted(Path(file.name).stem for file in files if file.name.endswith(".toml"))
    return sorted(names, key=lambda name: name != DEFAULT_PRESET)


def preset_text(name: str) -> str:
    """The TOML text of a preset. Raises InputError if there is none of that name."""
    if name not in preset_names():
        raise InputError(f"no preset {name!r}{did_you_mean(name, preset_names())} (`seq2seq presets` lists them)")
    return (resources.files("seq2seq.presets") / f"{name}.toml").read_text(encoding="utf-8")


def build_config(
    preset: str | None = None,
    file: Path | None = None,
    assignments: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    *,
    default_preset: str = DEFAULT_PRESET,
) -> Config:
    """Build a configuration.

    file: TOML with the sections of `Config`; its key `preset` is used if the argument is None.
    assignments: `section.key=value` strings, the value as in TOML; a bare word is a string.
    options: `section.key` to value; None means not given.
    Raises InputError that names the invalid key, file or option.
    """
    given: dict[str, Any] = _parse_toml(_read_text(file), str(file)) if file else {}
    for name in SECTIONS & given.keys():
        if not isinstance(given[name], dict):
            raise InputError(f"{file}: {name} = {reprlib.repr(given[name])}: expected the section [{name}]")
    if preset:
        given["preset"] = preset
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals or key.count(".") != 1:
            raise InputError(f"--set {assignment}: expected section.key=value, for example model.hidden_size=256")
        _merge(given, _nest(key.strip(), _parse_value(value.strip())))
    for key, value in (options or {}).items():
        if value is not None:
            _merge(given, _nest(key, value))
    name = str(given.get("preset", default_preset))
    settings = _parse_toml(preset_text(name), f"preset {name}")
    _merge(settings, {**given, "preset": name})
    config = validate_config(settings, str(file) if file else "configuration")
    config._given = frozenset(_keys(given)) | (ADAPTIVE & frozenset(_keys(settings)))
    return config


def describe_config(config: Config) -> str:
    """`config` as TOML that `build_config` reads back, each setting after its explanation."""
    lines = [f'preset = "{config.preset}"']
    unused = {f"model.{key}" for key in ARCHITECTURES[config.model.architecture].unused_keys(config.model)}
    for name, section in config:
        if isinstance(section, Section):
            lines += ["", f"# {' '.join((section.__doc__ or '').split())}", f"[{name}]"]
            for key, field in type(section).model_fields.items():
                value = getattr(section, key)
                lines += [f"# {' '.join((field.description or '').split())}"]
                is_unset = value is None or (f"{name}.{key}" in ADAPTIVE and not config.is_given(f"{name}.{key}"))
                if f"{name}.{key}" in unused:
                    lines += [f"# {key}: this network does not use it"]
                else:
                    lines += [f"# {key} =" if is_unset else f"{key} = {json.dumps(value)}"]
    return "\n".join(lines) + "\n"


def _read_text(file: Path) -> str:
    try:
        with open(file, "rb") as stream:
            content = stream.read(_LARGEST_FILE + 1)
        if len(content) > _LARGEST_FILE:
            raise InputError(f"{file}: larger than any configuration file (over {_LARGEST_FILE:,} bytes)")
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: not readable as UTF-8 text ({error})") from None


def _parse_toml(text: str, origin: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError also for numbers of thousands of digits
        raise InputError(f"{origin}: not valid TOML ({error})") from None


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _nest(key: str, value: Any) -> dict[str, Any]:
    section, name = key.split(".")
    return {section: {name: value}}


def _merge(target: dict[str, Any], overrides: Mapping[str, Any]) -> None:
    """Update `target` with `overrides`, section by section."""
    for key, value in overrides.items():
        if isinstance(value, Mapping) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = dict(value) if isinstance(value, Mapping) else value


def _keys(settings: Mapping[str, Any]) -> Iterator[str]:
    """`section.key` of each setting."""
    for name, value in settings.items():
        yield from (f"{name}.{key}" for key in value) if isinstance(value, Mapping) else (name,)
