"""Plug-ins by name: tasks, judges, networks, algorithms, with their facts and options.

In: a kind and a name. Out: a Plugin.
Touches `sys.path` and imports users' modules. Built-ins stand in a table, so that nothing is
imported before it is asked for; entry points are looked at when the table does not know a name.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
import traceback
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, create_model

from rrm_tree.errors import PluginError
from rrm_tree.mistakes import suggest
from rrm_tree.node_spec import PluginSpec
from rrm_tree.units import PLAIN
from rrm_tree.wording import Complaint, validate

PluginKind: TypeAlias = Literal["task", "judge", "network", "algorithm"]

GROUPS: Final[Mapping[PluginKind, str]] = {
    "task": "rrm_tree.domains",
    "judge": "rrm_tree.judges",
    "network": "rrm_tree.networks",
    "algorithm": "rrm_tree.algorithms",
}
"""Where other distributions announce their plug-ins: entry point groups."""

BUILT_IN: Final[Mapping[PluginKind, Mapping[str, str]]] = {
    "task": {
        "chess.ray": "rrm_tree.domains.chess:ray",
        "chess.attacked": "rrm_tree.domains.chess:attacked",
        "chess.defended": "rrm_tree.domains.chess:defended",
        "chess.verdict": "rrm_tree.domains.chess:verdict",
        "chess.player": "rrm_tree.domains.chess:player",
        "logic.bit": "rrm_tree.domains.logic:bit",
        "logic.gate": "rrm_tree.domains.logic:gate",
        "logic.circuit": "rrm_tree.domains.logic:circuit",
        "synthetic.leaf": "rrm_tree.domains.synthetic:leaf",
        "synthetic.gate": "rrm_tree.domains.synthetic:gate",
        "synthetic.root": "rrm_tree.domains.synthetic:root",
        "spider": "rrm_tree.domains.spider:spider",
        "blocks": "rrm_tree.domains.blocks:blocks",
        "gym": "rrm_tree.domains.gym:environment",
    },
    "judge": {
        "chess.person": "rrm_tree.domains.chess:person",
        "logic.person": "rrm_tree.domains.logic:person",
        "synthetic.person": "rrm_tree.domains.synthetic:person",
        "teacher": "rrm_tree.judges:teacher",
        "truth": "rrm_tree.judges:truth",
        "panel": "rrm_tree.judges:panel",
        "person": "rrm_tree.judges:person",
        "recorded": "rrm_tree.judges:recorded",
    },
    "network": {
        "mlp": "rrm_tree.learning:mlp",
        "board": "rrm_tree.learning:board",
        "lines": "rrm_tree.learning:scans",
    },
    "algorithm": {
        "greedy": "rrm_tree.learning:greedy",
        "ppo": "rrm_tree.learning:ppo",
        "maskable_ppo": "rrm_tree.learning:maskable_ppo",
        "sac": "rrm_tree.learning:sac",
        "search": "rrm_tree.learning:search",
        "td3": "rrm_tree.learning:td3",
        "dqn": "rrm_tree.learning:dqn",
    },
}

ENVIRONMENT: Final = "rrm_tree.domains.gym:environment"
ANSWERING: Final = "rrm_tree.judges:answering"
_ENVIRONMENT_ID: Final = re.compile(r"(?:[\w.]+:)?(?:(?:[\w.-]+/)?[\w.-]+-v\d+|[\w.-]+/[\w.-]+)")
"""What gymnasium calls its environments: `CartPole-v1`, `ALE/Pong-v5`, `space/name`, `module:Name-v0`."""

_registered: dict[tuple[PluginKind, str], Callable[..., Any]] = {}

Target = TypeVar("Target", bound=Callable[..., Any])


def register(kind: PluginKind, name: str) -> Callable[[Target], Target]:
    """Give a class or function of a module in the spec's `imports:` a name for `use:`."""

    def put(target: Target) -> Target:
        _registered[kind, name] = target
        find.cache_clear()
        return target

    return put


@dataclass(frozen=True, slots=True)
class Facts:
    """What a plug-in declares about itself, read before anything trains."""

    version: str | None
    subject: str | None
    advice: str | None
    accepts: Mapping[str, str]
    parts: int
    kinds: tuple[str, ...]
    direct: bool
    tasks: tuple[str, ...] | None
    one_step: bool | None
    """Of a task: whether its episodes are one step, None where it does not say. Of an algorithm:
    True if it is for such tasks alone."""
    noiseless: Mapping[str, Any] | None
    """Of a judge: the options with which it makes no slips, its patience left as it is; None where it
    does not say."""
    deferred: bool
    """Of a judge: whether its answers come later (`contracts.Deferred`)."""
    taped: bool
    """Of a judge: whether all that it says is there, and it can be asked nothing new (`contracts.Taped`)."""
    consults: str | None
    """Of a judge: the option under which it is given other judges, whose versions then count as well."""


@dataclass(frozen=True)
class Plugin:
    """One class or function that a spec may name."""

    kind: PluginKind
    name: str
    target: Callable[..., Any]
    options: type[BaseModel]
    """What it takes under `with:`."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Options that its name already says."""

    @cached_property
    def facts(self) -> Facts:
        """What it declares about itself."""

        def fact(name: str, default: Any) -> Any:
            return getattr(self.target, name, default)

        return Facts(
            version=fact("version", None),
            subject=fact("subject", None),
            advice=fact("advice", None),
            accepts=fact("accepts", {}),
            parts=fact("parts", 1),
            kinds=tuple(fact("kinds", ())),
            direct=bool(fact("direct", False)),
            tasks=fact("tasks", None),
            one_step=fact("one_step", None),
            noiseless=fact("noiseless", None),
            deferred=bool(fact("deferred", False)),
            taped=bool(fact("taped", False)),
            consults=fact("consults", None),
        )

    @property
    def doc(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.target) or "").partition("\n")[0]

    def check(self, options: Mapping[str, Any]) -> list[Complaint]:
        """What is wrong with options, by path below `with:`."""
        return validate(self.options, options)[1]

    def refuse(self, options: Mapping[str, Any]) -> str | None:
        """Why these options, valid as they are, cannot be used; None where nothing is known against them."""
        asked: Callable[[Mapping[str, Any]], str | None] | None = getattr(self.target, "refuse", None)
        return asked({**self.fixed, **options}) if asked is not None else None

    def build(self, options: Mapping[str, Any]) -> Any:
        """The task, judge, network or algorithm with these options.

        Raises:
            PluginError: for wrong options, and if its code raises.
        """
        valid, complaints = validate(self.options, options)
        if valid is None:
            said = "; ".join(f"{'.'.join(map(str, one.path))}: {one.message}" for one in complaints)
            raise PluginError(f"{self.kind} '{self.name}': wrong options: {said}")
        given = {name: getattr(valid, name) for name in valid.model_fields_set}
        try:
            return self.target(**self.fixed, **given)
        except PluginError:
            raise
        except Exception as error:
            raise PluginError(f"{self.kind} '{self.name}' cannot be built: {_blame(error)}") from error


def declared_version(kind: PluginKind, named: PluginSpec) -> str:
    """The version that a plug-in declares, and those of the judges that it consults.

    Raises:
        PluginError: there is none of that name.
    """
    facts = find(kind, named.use).facts
    own = facts.version or ""
    if facts.consults is None:
        return own
    others = [PluginSpec.model_validate(one) for one in named.options.get(facts.consults, ())]
    return f"{own} of {', '.join(declared_version(kind, one) for one in others)}"


@cache
def find(kind: PluginKind, name: str) -> Plugin:
    """The plug-in that a spec names.

    Raises:
        PluginError: if there is none of that name, or importing it raises; says where and why.
    """
    fixed: dict[str, Any] = {}
    if (kind, name) in _registered:
        target: Any = _registered[kind, name]
    elif name in BUILT_IN[kind]:
        target = _load(kind, name, BUILT_IN[kind][name])
    elif announced := _announced(kind).get(name):
        target = _load(kind, name, announced)
    elif kind == "task" and _ENVIRONMENT_ID.fullmatch(name):
        target, fixed = _load(kind, name, ENVIRONMENT), {"id": name}
    elif ":" in name:
        target = _load(kind, name, name)
        if kind == "judge" and _is_function(target):
            target = _load(kind, name, ANSWERING)(target, name)
        if kind == "task" and _is_environment(target):
            target, fixed = _load(kind, name, ENVIRONMENT), {"id": name}
    else:
        raise PluginError(f"no {kind} is named '{name}'{_suggest(kind, name)}")
    if not callable(target):
        raise PluginError(f"{kind} '{name}' is {type(target).__name__}, not a class or function")
    return Plugin(kind, name, target, _options_of(kind, name, target, fixed), fixed)


def _is_function(target: Any) -> bool:
    """Whether this answers a request itself, rather than being a class, or a door to one."""
    if inspect.isclass(target) or not callable(target):
        return False
    return not hasattr(target, "kinds") or next(iter(inspect.signature(target).parameters), "") == "request"


def _is_environment(target: Any) -> bool:
    """Whether this is the class of an environment, which is no task yet."""
    return inspect.isclass(target) and hasattr(target, "step") and not hasattr(target, "make_vec")


def _suggest(kind: PluginKind, name: str) -> str:
    if near := suggest(name, known(kind)):
        return near
    return "; see `rrm list`, or name your own as module:attr"


def known(kind: PluginKind) -> list[str]:
    """Names that can be used: built in, announced by distributions, registered by imports."""
    registered = [name for of_kind, name in _registered if of_kind == kind]
    return [*BUILT_IN[kind], *_announced(kind), *registered]


def _announced(kind: PluginKind) -> Mapping[str, str]:
    # By path, since a folder that is added to it may hold other distributions.
    return _entry_points(GROUPS[kind], tuple(sys.path))


@cache
def _entry_points(group: str, _path: tuple[str, ...]) -> Mapping[str, str]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - most specs need none

    return {point.name: point.value for point in entry_points(group=group)}


def import_modules(modules: Iterable[str], folder: Path | None) -> None:
    """Make the spec's folder importable and import the modules that it names.

    The folder comes last, so that a `chess.py` beside the spec does not hide the `chess` package.

    Raises:
        PluginError: naming the module, the file and line that raised, and the reason.
    """
    if folder is not None and str(folder) not in sys.path:
        sys.path.append(str(folder))
    for module in modules:
        _import(module, f"module '{module}'")


def load_attribute(kind: str, address: str) -> Any:
    """What `module:attr` names, for what is no plug-in with options.

    Raises:
        PluginError: there is no such module or attribute, or importing it raises.
    """
    return _load(kind, address, address)


def _load(kind: str, name: str, address: str) -> Any:
    module_name, _, attributes = address.partition(":")
    found: Any = _import(module_name, f"{kind} '{name}'")
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            where = getattr(sys.modules[module_name], "__file__", None) or module_name
            hint = suggest(attribute, [one for one in dir(found) if not one.startswith("_")])
            raise PluginError(f"{kind} '{name}': {where} has no '{attribute}'{hint}")
        found = getattr(found, attribute)
    return found


def _import(module: str, who: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            raise PluginError(f"{who}: there is no module '{error.name}'") from error
        raise PluginError(f"{who} cannot be imported: {_blame(error)}") from error
    # A user's module may raise anything at all, SystemExit included.
    except (Exception, SystemExit) as error:
        raise PluginError(f"{who} cannot be imported: {_blame(error)}") from error


def _blame(error: BaseException) -> str:
    """The reason, and the last line of the user's own code that led to it."""
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        return reason
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "importlib" not in frame.filename and frame.filename != __file__
    ]
    return f"{reason} ({own[-1].filename}:{own[-1].lineno})" if own else reason


# --- options -----------------------------------------------------------------------------------


def _options_of(
    kind: PluginKind, name: str, target: Callable[..., Any], fixed: Mapping[str, Any]
) -> type[BaseModel]:
    """A model of the keyword arguments."""
    try:
        parameters = list(inspect.signature(target).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    hints = _hints(kind, name, target, parameters)
    fields: dict[str, Any] = {}
    free = False
    for parameter in parameters:
        if parameter.kind is parameter.VAR_KEYWORD:
            free = True
        elif parameter.kind not in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            default = ... if parameter.default is parameter.empty else parameter.default
            if parameter.name not in fixed:
                fields[parameter.name] = (hints.get(parameter.name, Any), default)
    config = ConfigDict(extra="allow" if free else "forbid", arbitrary_types_allowed=True)
    try:
        return create_model(f"options of {name}", __config__=config, **fields)
    except Exception as error:
        raise PluginError(f"{kind} '{name}': its options cannot be read: {_blame(error)}") from error


def _hints(
    kind: PluginKind, name: str, target: Callable[..., Any], parameters: list[inspect.Parameter]
) -> dict[str, Any]:
    """The options' types. Return types are left alone: doors name heavy classes there."""
    function = target.__init__ if inspect.isclass(target) else target
    module = sys.modules.get(getattr(function, "__module__", "") or "")
    written = {
        one.name: one.annotation for one in parameters if one.annotation is not inspect.Parameter.empty
    }
    holder: Any = SimpleNamespace(__annotations__=written)
    try:
        found = typing.get_type_hints(holder, vars(module) if module else {}, include_extras=True)
    except Exception as error:
        raise PluginError(f"{kind} '{name}': its options' types cannot be read: {error}") from error
    return {one: _plain(hint) for one, hint in found.items()}


def _plain(hint: Any) -> Any:
    """The type with numbers read as a spec reads them: `50k`, and no truth value for a number."""
    if hint in PLAIN:
        return PLAIN[hint]
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, UnionType):
        return typing.Union[tuple(one if one is NoneType else _plain(one) for one in inner)]  # noqa: UP007
    if origin is Annotated:
        return Annotated[(_plain(inner[0]), *inner[1:])]
    return hint
