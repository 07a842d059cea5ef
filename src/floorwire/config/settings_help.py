"""What to say of a setting that does not fit: its name, what it takes, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache

import msgspec
from msgspec import inspect

PLACE = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?\Z", re.DOTALL)
UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`\Z", re.DOTALL)
INDEX = re.compile(r"\[(\d+|\.\.\.)\]\Z")
MAX_QUOTED = 64


def explain(problem: str, tree: Mapping[str, object], root: type[msgspec.Struct]) -> str:
    """Return msgspec's message about the tree of settings as a sentence for people.

    ``root``: the Struct that the tree was to become.
    """
    found = PLACE.match(problem)
    assert found is not None, "it matches everything"
    path = INDEX.sub("", found["path"] or "")
    unknown = UNKNOWN.match(found["what"])
    if unknown is not None:
        return _no_such(f"{path}.{unknown['name']}".removeprefix("."), root)
    kind = _settings(root).get(path)
    if kind is None:
        return problem
    value, choices = _value(tree, path), _choices(kind)
    return f"{path} takes {_takes(kind)}, not {_quoted(value)}{_meant(_wrong(value, choices), choices)}"


def _no_such(name: str, root: type[msgspec.Struct]) -> str:
    names = [each for each, kind in _settings(root).items() if not isinstance(kind, inspect.StructType)]
    group = name.rpartition(".")[0]
    beside = [each for each in _settings(root) if each.rpartition(".")[0] == group]
    meant = _meant(name, beside) or _meant(name, names)
    if not meant:
        last = [each for each in names if each.rpartition(".")[2] == name.rpartition(".")[2]]
        meant = f"; did you mean {', '.join(last)}?" if last else f"; {_there_are(group, beside)}"
    return f"{name[:MAX_QUOTED]}: there is no such setting{meant}"


def _there_are(group: str, beside: list[str]) -> str:
    return f"{group or 'there'} {'has' if group else 'are'} {', '.join(beside)}"


def _meant(text: str, names: list[str]) -> str:
    close = get_close_matches(text, names, n=1)
    return f"; did you mean {close[0]}?" if close else ""


@cache  # msgspec needs milliseconds to describe a type
def _settings(root: type[msgspec.Struct]) -> Mapping[str, inspect.Type]:
    """Return the groups and the settings, by their whole names."""
    return dict(_walk(root))


def _walk(kind: type[msgspec.Struct], prefix: str = "") -> Iterator[tuple[str, inspect.Type]]:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        inner = _plain(field.type)
        yield prefix + field.name, inner
        if isinstance(inner, inspect.StructType):
            yield from _walk(inner.cls, f"{prefix}{field.name}.")
        elif isinstance(inner, inspect.DictType) and isinstance(inner.value_type, inspect.StructType):
            yield from _walk(inner.value_type.cls, f"{prefix}{field.name}.ID.")


def _plain(kind: inspect.Type) -> inspect.Type:
    """Return the type without what describes it, and without None, which nobody can write."""
    if isinstance(kind, inspect.Metadata):
        return _plain(kind.type)
    if isinstance(kind, inspect.UnionType):
        return _plain(next(each for each in kind.types if not isinstance(each, inspect.NoneType)))
    return kind


def _choices(kind: inspect.Type) -> list[str]:
    """Return the words that the setting takes, or each of its parts; none: it takes others too."""
    match kind:
        case inspect.LiteralType(values=values):
            return [str(value) for value in values]
        case inspect.EnumType(cls=cls):
            return [str(member.value) for member in cls]
        case inspect.VarTupleType(item_type=item):
            return _choices(_plain(item))
        case inspect.BoolType():
            return ["true", "false"]
        case _:
            return []


def _takes(kind: inspect.Type) -> str:
    choices = _choices(kind)
    match kind:
        case inspect.VarTupleType():
            return f"one or more of {', '.join(choices)}" if choices else "a list of texts"
        case inspect.StructType(cls=cls):
            return f"settings: {', '.join(field.name for field in msgspec.structs.fields(cls))}"
        case inspect.IntType() | inspect.FloatType():
            return ("a whole number" if isinstance(kind, inspect.IntType) else "a number") + _bounds(kind)
        case _:
            return ", ".join(choices) or "a text"


def _bounds(kind: inspect.IntType | inspect.FloatType) -> str:
    bounds = (("of at least", kind.ge), ("above", kind.gt), ("of at most", kind.le), ("below", kind.lt))
    told = [f"{word} {bound:g}" if isinstance(bound, float) else f"{word} {bound}"
            for word, bound in bounds if bound is not None]  # fmt: skip
    return " " + " and ".join(told) if told else ""


def _value(tree: Mapping[str, object], path: str) -> object:
    """Return what stands at the path."""
    node: object = tree
    for name in path.split("."):
        node = node.get(name) if isinstance(node, Mapping) else None
    return node


def _wrong(value: object, choices: list[str]) -> str:
    """Return the part of the value that is none of the choices."""
    parts = value if isinstance(value, list | tuple) else [value]
    return next((str(part) for part in parts if str(part) not in choices), "")


def _quoted(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return repr(text[:MAX_QUOTED])
