"""Do my task, judge, network or algorithm keep their contracts? Run these on your own.

    from rrm_tree.testing import check_task
    check_task(MyTask())

Each returns nothing, or raises one PluginError that lists everything found: where, what, and what
to do. They try a handful of outcomes, so that a plug-in that passes may still be wrong.
"""

from __future__ import annotations

from rrm_tree.testing.judges import check_judge
from rrm_tree.testing.learners import check_algorithm, check_network
from rrm_tree.testing.scenes import subjects_for
from rrm_tree.testing.tasks import check_task

__all__ = ["check_algorithm", "check_judge", "check_network", "check_task", "subjects_for"]
