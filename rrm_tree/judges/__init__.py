"""Who judges, in general: simulated teachers for any task whose truth can be computed.

Bounded people belong to their domains. Holds doors alone: what they return is imported when they
are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from rrm_tree.contracts import declare

if TYPE_CHECKING:
    from rrm_tree.judges.flawless import Truth
    from rrm_tree.judges.simulated import Teacher

Rate: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Discount: TypeAlias = Annotated[float, Field(gt=0, le=1)]
AboveZero: TypeAlias = Annotated[float, Field(gt=0)]
AtLeastZero: TypeAlias = Annotated[float, Field(ge=0)]
Units: TypeAlias = Literal["absolute", "of the mean"]


@declare(version="1", kinds=("preference", "label", "rating"), direct=True, tasks=None)
def teacher(  # noqa: PLR0913 - an option for each flaw in the paper
    *,
    beta: AboveZero | None = 1.0,
    mistake: Rate = 0.0,
    skip_below: float | None = None,
    equal_within: AtLeastZero = 0.0,
    thresholds: Units = "absolute",
    gamma: Discount = 1.0,
    right_above: float = 0.5,
) -> Teacher:
    """A simulated person for plain tasks: truth seen through B-Pref's flaws.

    Lee et al., "B-Pref: Benchmarking Preference-Based Reinforcement Learning" (2021), section 3.

    Args:
        beta: rationality; the inverse temperature of its choices and of its labels, and one over
            the standard deviation of its ratings. null makes no random errors.
        mistake: chance that a preference or label is turned round.
        skip_below: "cannot tell" where no outcome's utility is above this; null never skips.
        equal_within: a tie where two utilities differ by less than this.
        thresholds: whether the two above are utilities, or shares of the mean utility of all
            outcomes that are asked about together (the paper's; only where utilities are positive).
        gamma: myopia; a reward counts gamma^k when k steps follow it. 1 counts all alike.
        right_above: the utility above which an outcome is labelled right.
    """
    from rrm_tree.judges.simulated import Teacher

    return Teacher(beta, mistake, skip_below, equal_within, thresholds, gamma, right_above)


@declare(version="1", kinds=("label", "preference", "rating"), direct=True, tasks=None)
def truth(*, right_above: float = 0.5) -> Truth:
    """Truth itself as a judge, for the arm that shows what is lost by judging: no errors, no looks.

    Args:
        right_above: the utility above which an outcome, or a part of one, is labelled right.
    """
    from rrm_tree.judges.flawless import Truth

    return Truth(right_above)
