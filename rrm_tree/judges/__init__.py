"""Who judges, in general: simulated teachers for any task whose truth can be computed.

Bounded people belong to their domains. Holds doors alone: what they return is imported when they
are called.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from rrm_tree.asking import BY_PEOPLE, Order
from rrm_tree.contracts import declare
from rrm_tree.node_spec import PluginSpec
from rrm_tree.registry import find
from rrm_tree.units import Seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rrm_tree.contracts import Judge
    from rrm_tree.judges.flawless import Truth
    from rrm_tree.judges.people import People
    from rrm_tree.judges.several import Panel
    from rrm_tree.judges.simulated import Teacher
    from rrm_tree.judges.taken_along import Recorded

Rate: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Discount: TypeAlias = Annotated[float, Field(gt=0, le=1)]
AboveZero: TypeAlias = Annotated[float, Field(gt=0)]
AtLeastZero: TypeAlias = Annotated[float, Field(ge=0)]
Count: TypeAlias = Annotated[int, Field(ge=1)]
Units: TypeAlias = Literal["absolute", "of the mean"]


def _refuse_reward(options: Mapping[str, object]) -> str | None:
    from rrm_tree.domains.scripted import refuse_reward

    return refuse_reward(options) if options.get("reward") else None


KINDS = ("preference", "label", "rating")
"""Kinds that a judge is taken to give which does not say."""

CHOICES = ("best", "ranking", "demonstration", "correction", "goal", "critique")


@declare(
    version="2",
    kinds=(*KINDS, *CHOICES),
    direct=True,
    tasks=None,
    refuse=_refuse_reward,
    noiseless={"beta": None, "mistake": 0.0, "bias": 0.0},
)
def teacher(  # noqa: PLR0913 - an option for each flaw in the paper
    *,
    beta: AboveZero | None = 1.0,
    mistake: Rate = 0.0,
    skip_below: float | None = None,
    equal_within: AtLeastZero = 0.0,
    thresholds: Units = "absolute",
    gamma: Discount = 1.0,
    right_above: float = 0.5,
    bias: float = 0.0,
    looks: Count | None = None,
    reward: str | None = None,
    ties: AtLeastZero = 0.0,
) -> Teacher:
    """A simulated person for plain tasks: truth seen through B-Pref's flaws.

    Lee et al., "B-Pref: Benchmarking Preference-Based Reinforcement Learning" (2021), section 3.

    Args:
        beta: rationality; the inverse temperature of its choices and of its labels, and one over
            the standard deviation of its ratings. null makes no random errors.
        mistake: chance that a preference or label is turned round, or that a choice among several is
            any of them.
        skip_below: "cannot tell" where no outcome's utility is above this; null never skips.
        equal_within: a tie where two utilities differ by less than this.
        thresholds: whether the two above are utilities, or shares of the mean utility of all
            outcomes that are asked about together (the paper's; only where utilities are positive).
        gamma: myopia; a reward counts gamma^k when k steps follow it. 1 counts all alike.
        right_above: the utility above which an outcome is labelled right.
        bias: log-odds with which it prefers the outcome shown first to an equal one; below 0 the
            second. Added to `beta` times the difference, before mistakes. Without `beta` it never
            errs, so that a bias of any size decides between equals alone.
        looks: steps of an outcome that it looks at, evenly spread; what it sees there it takes for
            all the others. It sees every step if left out.
        reward: `module:attr` of a function of (observations [n, T+1, ...], actions [n, T, ...]) that
            gives rewards [n, T], by which it judges instead of by truth.
        ties: how many times likelier than either answer a tie is between equals (Davidson 1970);
            0: none but those of `equal_within`. Needs `beta`.
    """
    from rrm_tree.judges.simulated import Teacher

    return Teacher(
        beta, mistake, skip_below, equal_within, thresholds, gamma, right_above, bias, looks, reward, ties
    )


@declare(
    version="1", kinds=("label", "preference", "rating", *CHOICES), direct=True, tasks=None, noiseless={}
)
def truth(*, right_above: float = 0.5) -> Truth:
    """Truth itself as a judge, for the arm that shows what is lost by judging: no errors, no looks.

    Args:
        right_above: the utility above which an outcome, or a part of one, is labelled right.
    """
    from rrm_tree.judges.flawless import Truth

    return Truth(right_above)


def _refuse_people(options: Mapping[str, object]) -> str | None:
    """Why these people cannot sit on a panel; what is wrong with how they are written is said elsewhere."""
    from rrm_tree.errors import PluginError

    people = options.get("people")
    for one in people if isinstance(people, list | tuple) else ():
        named = PluginSpec.model_validate(one)
        try:
            plugin = find("judge", named.use)
            wrong = plugin.check(named.options)
        except PluginError as error:
            return str(error)
        if plugin.facts.deferred or plugin.facts.taped:
            return f"judge '{named.use}' cannot sit on a panel; it is several people by itself"
        if wrong:
            return f"judge '{named.use}': {'.'.join(map(str, wrong[0].path))}: {wrong[0].message}"
    return None


@declare(version="1", kinds=KINDS, direct=True, tasks=None, refuse=_refuse_people, consults="people")
def panel(*, people: Annotated[tuple[PluginSpec, ...], Field(min_length=2, max_length=64)]) -> Panel:
    """Several judges, of whom each question goes to one, or to as many as `judge.overlap` says.

    Args:
        people: judges as a spec names them: a name, or `{use: …, with: {…}}`.
    """
    from rrm_tree.judges.several import Panel

    found = [(find("judge", one.use), one.options) for one in people]
    kinds = tuple(kind for kind in KINDS if all(kind in plugin.facts.kinds for plugin, _ in found))
    return Panel([plugin.build(options) for plugin, options in found], "1", kinds)


@declare(version="1", kinds=BY_PEOPLE, direct=True, tasks=None, deferred=True)
def person(
    *,
    overlap: Rate = 1.0,
    hidden: Rate = 0.0,
    gold: Rate = 0.0,
    order: Order = "random",
    quota: Count | None = None,
    patience: Annotated[Seconds, Field(gt=0)] | None = None,
) -> People:
    """People: they answer on a page (`rrm ui`) or in the terminal (`rrm label`) while the node is parked.

    Args:
        overlap: share of the questions that go to as many people as `judge.overlap` says; others go to one.
        hidden: share of the questions that are shown without advice, to find out what the advice is worth.
        gold: share of the questions that the first of `judge.fallback` answers too, to compare people with.
        order: what is asked first: `random`, or `unsure`: what the reward model is least sure about.
        quota: answers that one person may give to the node.
        patience: after this time the node goes on with the answers that there are; the others count as
            "cannot tell". It waits for ever if left out.
    """
    from rrm_tree.asking import Asking
    from rrm_tree.judges.people import People

    return People(Asking(overlap, hidden, gold, order, quota, patience))


def _refuse_file(options: Mapping[str, object]) -> str | None:
    from rrm_tree.learning.demonstration_files import digest_file, find_demonstrations

    name, said = str(options.get("file")), options.get("sha256")
    file = find_demonstrations(name)
    if file is None:
        return f"there is no file {name}, in the working directory or beside the spec"
    if (found := digest_file(file)) == said:
        return None
    what = "its digest is missing" if said is None else f"its content is not {said}"
    return f"{file}: {what}; write `sha256: {found}` if it is the right one"


@declare(version="1", kinds=BY_PEOPLE, direct=True, tasks=None, taped=True, refuse=_refuse_file)
def recorded(*, file: str, sha256: str | None = None, node: str | None = None) -> Recorded:
    """Judgments from a file that `rrm labels export` or `import` wrote: nobody is asked, nothing collected.

    Args:
        file: an archive, in the working directory or beside the spec.
        sha256: digest of its content, which is part of the node's key: other judgments under the same name
            are another node.
        node: take those of this node alone.
    """
    from rrm_tree.errors import PluginError
    from rrm_tree.judges.taken_along import Recorded
    from rrm_tree.learning.demonstration_files import find_demonstrations

    refusal = _refuse_file({"file": file, "sha256": sha256})
    found = find_demonstrations(file)
    if refusal or found is None:
        raise PluginError(f"judge recorded: {refusal}")
    return Recorded(found, node)


def answering(function: Callable[..., object], name: str | None = None) -> Callable[..., Judge]:
    """A door to a judge that answers as a function of a Request does.

    The function returns Answers, or one number an item. Its other arguments are the judge's options.
    What it does not declare is taken to be version "0", good for every kind, alone and in any task.
    """
    called = name or str(getattr(function, "__name__", type(function).__name__))

    @functools.wraps(function)
    def door(**options: object) -> Judge:
        from rrm_tree.judges.function import FunctionJudge

        return FunctionJudge(function, called, options, *_facts(function))

    version, kinds, direct, tasks = _facts(function)
    declare(version=version, kinds=kinds, direct=direct, tasks=tasks)(door)
    others = list(inspect.signature(function).parameters.values())[1:]
    declare(__signature__=inspect.Signature(others))(door)
    return door


def _facts(
    function: Callable[..., object],
) -> tuple[str, tuple[str, ...], bool, tuple[str, ...] | None]:
    """What a function declares of itself as a judge, with what is taken for granted."""
    return (
        getattr(function, "version", "0"),
        getattr(function, "kinds", KINDS),
        getattr(function, "direct", True),
        getattr(function, "tasks", None),
    )
