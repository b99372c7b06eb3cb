"""Every error raised on purpose, and the exit codes that scripts may rely on.

    RrmError                     1   something failed
      UsageError                 2   the command line asks for what cannot be
      SpecError                  2   a task-decomposition spec has mistakes
      PluginError                1   a user's class or function raised, or broke its contract
      TrainingError              1   a node cannot be trained: NaN loss, a budget that buys nothing
      WaitsForPeople             4   people have not answered enough yet
      NodesFailed                1   some nodes of a run failed; the others finished
      StoreError                 5   the store or the ledger cannot be read or written
      Interrupted              130   the user asked to stop

The command line catches `RrmError` alone; anything else is a bug and shows its traceback.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a process of ours may end with; a public contract."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    GATE_MISSED = 3
    WAITING_FOR_PEOPLE = 4
    UNREACHABLE = 5
    WORK_TO_DO = 6
    WORSE = 7
    INTERRUPTED = 130


class RrmError(Exception):
    """Base of every error that tells the user where, what, and what to do."""

    exit_code: ExitCode = ExitCode.FAILED


class UsageError(RrmError):
    """The command line asks for what cannot be."""

    exit_code = ExitCode.USAGE


class SpecError(RrmError):
    """A spec has mistakes; the message lists all of them."""

    exit_code = ExitCode.USAGE


class PluginError(RrmError):
    """Code that a user plugged in raised, or broke its contract."""


class TrainingError(RrmError):
    """A node cannot be trained as its spec asks."""


class WaitsForPeople(RrmError):
    """People have not answered enough yet; the node goes on when they have."""

    exit_code = ExitCode.WAITING_FOR_PEOPLE


class NodesFailed(RrmError):
    """Some nodes of a run failed; every other branch has finished."""


class StoreError(RrmError):
    """The store or the ledger cannot be read or written."""

    exit_code = ExitCode.UNREACHABLE


class Interrupted(RrmError):
    """The user asked to stop; what was finished is kept."""

    exit_code = ExitCode.INTERRUPTED
