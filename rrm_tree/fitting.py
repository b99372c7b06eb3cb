"""Whether plug-ins fit their places in a tree, and each other along its edges.

In: sketches of nodes. Out: complaints, by path.
Touches users' modules: naming a plug-in imports it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rrm_tree.contracts import JUDGED, MOST_RANKED
from rrm_tree.errors import PluginError
from rrm_tree.feedback import DEMONSTRATED
from rrm_tree.mistakes import Path
from rrm_tree.node_spec import CriterionSpec, GateSpec, JudgeSpec, NodeSpec, PluginSpec, edit_node
from rrm_tree.registry import Plugin, PluginKind, find, load_attribute
from rrm_tree.steered import steering_of
from rrm_tree.wording import Complaint, validate


@dataclass(frozen=True, slots=True)
class Use:
    """One criterion's use of one helper."""

    criterion: str
    position: int
    helper: str


@dataclass(frozen=True, slots=True)
class Sketch:
    """A node as far as it can be understood; a part that has mistakes is None."""

    path: Path
    task: PluginSpec | None
    judge: JudgeSpec | None
    network: PluginSpec | None
    agent: PluginSpec | None
    gate: GateSpec | None
    uses: tuple[Use, ...]
    knows_uses: bool = True
    """False where mistakes in the criteria may hide helpers."""
    spec: NodeSpec | None = None

    @property
    def helpers(self) -> tuple[str, ...]:
        """Every helper once, in the order written."""
        return tuple(dict.fromkeys(use.helper for use in self.uses))


COMPARES_MEMBERS: Final = ("disagreement", "information")
"""Queries that a single member has no say in."""

SLOTS: Final[Mapping[PluginKind, tuple[str, ...]]] = {
    "task": ("task",),
    "judge": ("judge",),
    "network": ("reward_model", "network"),
    "algorithm": ("agent",),
}
"""Where in a node each kind of plug-in stands."""


def sketch_node(path: Path, node: NodeSpec) -> Sketch:
    """A node without mistakes."""
    uses = (
        Use(name, position, helper)
        for name, criterion in node.criteria.items()
        for position, helper in enumerate(criterion.helpers)
    )
    network = node.reward_model.network
    return Sketch(path, node.task, node.judge, network, node.agent, node.gate, tuple(uses), spec=node)


def sketch_document(path: Path, document: Mapping[str, Any]) -> Sketch:
    """A node that has mistakes somewhere: whatever of it can be understood."""
    reward_model, criteria = document.get("reward_model"), document.get("criteria")
    network = reward_model.get("network") if isinstance(reward_model, Mapping) else None
    return Sketch(
        path,
        validate(PluginSpec, document.get("task"))[0],
        validate(JudgeSpec, document.get("judge"))[0],
        validate(PluginSpec, network)[0],
        validate(PluginSpec, document.get("agent"))[0],
        validate(GateSpec, document.get("gate"))[0],
        tuple(_written_uses(criteria)),
        knows_uses=all(validate(CriterionSpec, one)[0] for one in _each(criteria)) and bool(_each(criteria)),
    )


def _each(criteria: object) -> list[object]:
    return list(criteria.values()) if isinstance(criteria, Mapping) else []


def _written_uses(criteria: object) -> Iterator[Use]:
    for name, criterion in criteria.items() if isinstance(criteria, Mapping) else ():
        helpers = criterion.get("helpers") if isinstance(criterion, Mapping) else None
        for position, helper in enumerate(helpers if isinstance(helpers, list) else ()):
            if isinstance(helper, str):
                yield Use(str(name), position, helper)


def check_fit(sketches: Mapping[str, Sketch], root: str | None) -> Iterator[Complaint]:
    """Everything about plug-ins that can be known before anything is built."""
    tasks: dict[str, Plugin] = {}
    for name, sketch in sketches.items():
        yield from _check_node(sketch, tasks, name)
        yield from _check_arms(sketch)
    for name in tasks:
        yield from _check_edges(name, sketches[name], tasks, is_root=name == root)


def _check_node(sketch: Sketch, tasks: dict[str, Plugin], name: str) -> Iterator[Complaint]:
    found: dict[PluginKind, Plugin] = {}
    for kind, slot in SLOTS.items():
        named = _named(sketch, kind)
        plugin = (yield from _check_plugin(kind, named, (*sketch.path, *slot))) if named else None
        if plugin is not None:
            found[kind] = plugin
    if "task" in found:
        tasks[name] = found["task"]
    if "judge" in found:
        yield from _check_judge(sketch, found["judge"])
    if "task" in found and "judge" in found:
        yield from _check_steering(sketch, found["task"], found["judge"])
    yield from _check_query(sketch)
    if "judge" in found and "algorithm" in found:
        yield from _check_imitation(sketch, found["judge"])
    if "task" in found and "algorithm" in found:
        yield from _check_algorithm(sketch, found["task"], found["algorithm"])


def _named(sketch: Sketch, kind: PluginKind) -> PluginSpec | None:
    by_kind: dict[PluginKind, PluginSpec | None] = {
        "task": sketch.task,
        "judge": sketch.judge,
        "network": sketch.network,
        "algorithm": sketch.agent,
    }
    return by_kind[kind]


def _check_plugin(
    kind: PluginKind, named: PluginSpec, path: Path
) -> Generator[Complaint, None, Plugin | None]:
    """Complaints about one plug-in; returns it if there is one of that name."""
    try:
        plugin = find(kind, named.use)
    except PluginError as error:
        yield Complaint((*path, "use"), str(error))
        return None
    if not isinstance(plugin.facts.version, str):
        yield Complaint((*path, "use"), f"{kind} '{named.use}' declares no `version` (a text)")
    wrong_options = plugin.check(named.options)
    for wrong in wrong_options:
        yield Complaint((*path, "with", *wrong.path), wrong.message, wrong.on_key, wrong.missing)
    if not wrong_options and (refusal := plugin.refuse(named.options)):
        yield Complaint((*path, "use"), refusal)
    return plugin


def _check_algorithm(sketch: Sketch, task: Plugin, algorithm: Plugin) -> Iterator[Complaint]:
    """What both declare; `Algorithm.check` knows more, and is asked before the node trains."""
    if algorithm.facts.one_step and task.facts.one_step is False:
        message = f"'{algorithm.name}' is for tasks of one step, but episodes of '{task.name}' have many"
        is_ours = algorithm.name == "greedy"
        yield Complaint((*sketch.path, "agent", "use"), message + ("; use `ppo`" if is_ours else ""))


def _kinds_asked(judge: JudgeSpec, plugin: Plugin) -> tuple[str, ...]:
    """Kinds of judgment that are asked for; the judge's first where the spec names none."""
    return tuple(judge.shares) or plugin.facts.kinds[:1]


def _check_imitation(sketch: Sketch, judge: Plugin) -> Iterator[Complaint]:
    """Whether the judge gives the demonstrations that the agent is to start from."""
    assert sketch.agent is not None and sketch.judge is not None
    if sketch.agent.options.get("demonstrations") != JUDGED:
        return
    if "demonstration" not in _kinds_asked(sketch.judge, judge):
        message = (
            f"'{JUDGED}' means those of the judge, who is asked for none; ask for some (judge.kind or"
            " judge.kinds: demonstration), or name a file"
        )
        yield Complaint((*sketch.path, "agent", "with", "demonstrations"), message)


def _check_judge(sketch: Sketch, judge: Plugin) -> Iterator[Complaint]:
    assert sketch.judge is not None
    facts, path, use = judge.facts, (*sketch.path, "judge"), sketch.judge.use
    if not facts.kinds:
        yield Complaint((*path, "use"), f"judge '{use}' declares no `kinds` of judgment")
    for kind in sketch.judge.shares if facts.kinds else ():
        if kind not in facts.kinds:
            known = ", ".join(facts.kinds)
            key = "kind" if sketch.judge.kinds is None else "kinds"
            yield Complaint((*path, key), f"judge '{use}' cannot give a {kind}; it gives {known}")
    if "ranking" in _kinds_asked(sketch.judge, judge) and (sketch.judge.alternatives or 0) > MOST_RANKED:
        yield Complaint((*path, "alternatives"), f"at most {MOST_RANKED} can be ranked")
    yield from _check_next_in_line(sketch, path, judge)
    if (facts.deferred or facts.taped) and sketch.gate is not None:
        message = "its judge cannot be asked for the hundreds of judgments that a gate takes; leave it out"
        yield Complaint((*sketch.path, "gate"), message, on_key=True)
    if facts.deferred:
        yield from _check_people(sketch, path, sketch.judge, has_next=bool(sketch.judge.fallback))
        if isinstance(sketch.judge.options.get("overlap"), int | float) and sketch.judge.overlap is None:
            yield Complaint((*path, "with", "overlap"), "say how many people by `judge.overlap`")
    if facts.tasks is not None and sketch.task is not None and sketch.task.use not in facts.tasks:
        known = ", ".join(facts.tasks)
        message = f"judge '{use}' does not know the task '{sketch.task.use}'; it knows {known}"
        yield Complaint((*path, "use"), message)
    sees = sketch.judge.sees
    grounded = (facts.direct and "outcome" in sees) or (sketch.uses and "advice" in sees)
    if grounded or not sketch.knows_uses:
        return
    if "outcome" not in sees:
        reason = "its judge sees advice only, and no criterion names a helper"
    else:
        reason = f"judge '{use}' cannot judge without advice, and "
        reason += "does not see it" if sketch.uses else "no criterion names a helper"
    yield Complaint(path, f"nothing grounds this node: {reason}", on_key=True)


def _check_steering(sketch: Sketch, task: Plugin, judge: Plugin) -> Iterator[Complaint]:
    """Whether people who shall show how it is done can act in the task: it is made to find out."""
    spec, named = sketch.judge, sketch.task
    assert spec is not None and named is not None
    asked = DEMONSTRATED.intersection(_kinds_asked(spec, judge))
    if not asked or not judge.facts.deferred or task.check(named.options) or task.refuse(named.options):
        return
    try:
        found = steering_of(task.build(named.options))
    except PluginError as error:
        yield Complaint((*sketch.path, "task"), str(error))
        return
    if isinstance(found, str):
        yield Complaint((*sketch.path, "judge", "kind" if spec.kinds is None else "kinds"), found)


def _check_people(sketch: Sketch, path: Path, people: PluginSpec, *, has_next: bool) -> Iterator[Complaint]:
    """Whether people are asked for no more than they can be, wherever in line they stand."""
    assert sketch.judge is not None
    if people.options.get("gold") and DEMONSTRATED.issuperset(sketch.judge.shares or {""}):
        message = "what is shown is compared with nothing: `gold` is for answers; leave it out"
        yield Complaint((*path, "with", "gold"), message)
    elif people.options.get("gold") and not has_next:
        message = "nobody knows the answers: name whom they are compared with, under `fallback`, after people"
        yield Complaint((*path, "with", "gold"), message)
    advised = not sketch.knows_uses or (sketch.uses and "advice" in sketch.judge.sees)
    if people.options.get("hidden") and not advised:
        yield Complaint(
            (*path, "with", "hidden"), "there is no advice to hide: name helpers, and let it be seen"
        )


def _check_next_in_line(sketch: Sketch, path: Path, first: Plugin) -> Iterator[Complaint]:
    """Whether those to whom questions are passed on are there and give what is asked for."""
    judge = sketch.judge
    assert judge is not None
    asked_before = first.facts.deferred
    for place, named in enumerate(judge.fallback):
        where = (*path, "fallback", place)
        plugin = yield from _check_plugin("judge", named, where)
        if plugin is None:
            continue
        if plugin.facts.deferred:
            yield from _check_later_people(where, named, asked_before=asked_before)
            has_next = place + 1 < len(judge.fallback)
            yield from _check_people(sketch, where, named, has_next=has_next)
            asked_before = True
        for kind in _kinds_asked(judge, first):
            if kind in DEMONSTRATED and not (first.facts.deferred and place == 0):
                message = f"nobody comes to '{named.use}' with a {kind}: people alone pass one on, and once"
                yield Complaint((*where, "use"), message)
            elif kind in DEMONSTRATED and plugin.facts.taped:
                yield Complaint((*where, "use"), f"judge '{named.use}' shows no {kind} of anything new")
            elif plugin.facts.kinds and kind not in plugin.facts.kinds:
                yield Complaint((*where, "use"), f"judge '{named.use}' cannot give a {kind}")


def _check_later_people(where: Path, named: PluginSpec, *, asked_before: bool) -> Iterator[Complaint]:
    """What people who are asked after others cannot be asked for."""
    if asked_before:
        message = (
            f"people stand in line once, and are asked before '{named.use}'; to have a question answered by"
            " several people write `overlap`"
        )
        yield Complaint((*where, "use"), message)
    if "overlap" in named.options:
        message = "as many people answer what others left to them as could not tell; leave it out"
        yield Complaint((*where, "with", "overlap"), message)


def _check_query(sketch: Sketch) -> Iterator[Complaint]:
    """Whether what chooses what is asked is there, and has enough members to go by."""
    query = "random" if sketch.judge is None else sketch.judge.query
    path = (*sketch.path, "judge", "query")
    if ":" in query:
        try:
            version = getattr(load_attribute("query", query), "version", None)
        except PluginError as error:
            yield Complaint(path, str(error))
            return
        if not isinstance(version, str):
            yield Complaint(path, f"query '{query}' declares no `version` (a text)")
    elif query in COMPARES_MEMBERS and sketch.spec is not None and sketch.spec.reward_model.ensemble == 1:
        message = f"'{query}' compares the members of an ensemble, and there is one; raise"
        yield Complaint(path, f"{message} reward_model.ensemble, or ask by `entropy`")


def _check_arms(sketch: Sketch) -> Iterator[Complaint]:
    """What is wrong with arms alone; what an arm shares with its node is said once."""
    if sketch.spec is None or not sketch.spec.arms:
        return
    said = {(one.path[len(sketch.path) :], one.message) for one in _check_node(sketch, {}, "")}
    for arm, edits in sketch.spec.arms.items():
        path = (*sketch.path, "arms", arm)
        edited = sketch_node(path, edit_node(sketch.spec, edits))
        for one in _check_node(edited, {}, ""):
            if (one.path[len(path) :], one.message) not in said:
                yield one


def _check_edges(
    node: str, sketch: Sketch, tasks: Mapping[str, Plugin], is_root: bool
) -> Iterator[Complaint]:
    """Whether helpers of these tasks can advise about this one."""
    facts, use = tasks[node].facts, tasks[node].name
    if is_root and facts.subject is not None:
        message = f"a root starts by itself, but '{use}' is asked about a {facts.subject}"
        yield Complaint((*sketch.path, "task", "use"), message)
    for one in sketch.uses:
        if one.helper not in tasks:
            continue
        helper, name = tasks[one.helper].facts, tasks[one.helper].name
        path = (*sketch.path, "criteria", one.criterion, "helpers", one.position)
        if helper.advice is None:
            yield Complaint(path, f"'{one.helper}' can help nobody: '{name}' gives no advice")
        elif helper.advice not in facts.accepts:
            known = ", ".join(facts.accepts) or "none"
            message = f"'{one.helper}' gives {helper.advice}, but '{use}' accepts {known}"
            yield Complaint(path, message)
        elif helper.subject != facts.accepts[helper.advice]:
            about = facts.accepts[helper.advice]
            message = (
                f"'{one.helper}' is asked about a {helper.subject}, but '{use}' has a {about} to ask about"
            )
            yield Complaint(path, message)
