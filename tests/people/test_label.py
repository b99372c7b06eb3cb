"""Labelling in a terminal: a scripted standard input does all that a person can."""

import os
import pty
import shutil
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from answering import Person, call, write_spec

from rrm_tree.errors import ExitCode

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def waiting(tmp_path_factory):
    folder = tmp_path_factory.mktemp("waiting")
    call("run", write_spec(folder), "--store", folder / "store", "--executor", "inline", "--no-wait", code=4)
    return folder / "store"


@pytest.fixture
def parked(waiting, tmp_path):
    """A run of 24 questions, none of them answered."""
    return Path(shutil.copytree(waiting, tmp_path / "store"))


def test_one_key_answers_and_undo_confidence_and_not_knowing_are_kept(parked):
    said = call(
        "label", "--store", parked, "--as", "ann", says="y 3w n2 y u w q", code=ExitCode.WAITING_FOR_PEOPLE
    )
    assert "Is the claim right?" in said and "[y] right" in said and "4 answered; 20 answers" in said
    person = Person(parked)
    given = sorted(person.desk.answers_for(person.keys[0], 0), key=lambda one: one.at)
    assert [one.value for one in given] == [1.0, 0.0, None, 0.0]
    assert [one.confidence for one in given] == [None, 3, None, None]
    assert [one.reason for one in given] == [None, None, 2, None]
    assert all(one.seconds >= 0 for one in given)


def test_the_end_of_input_loses_nothing_and_what_is_left_goes_to_others(parked):
    before = Person(parked).desk.people(Person(parked).keys)
    call("label", "--store", parked, "--as", "bob", says="", code=4)
    call("label", "--store", parked, "--as", "bob", says="xx?\n", code=4)
    assert Person(parked).desk.people(Person(parked).keys) == before
    held = Person(parked, "eve").desk.take("eve", Person(parked).keys, 50)
    assert len(held) == 24
    person = Person(parked)
    person.desk.give_back("eve", [one.id for one in held])


def test_skipped_questions_are_left_to_others(parked):
    call("label", "--store", parked, "--as", "bob", says="ssyq", code=4)
    person = Person(parked)
    assert next(one for one in person.desk.people(person.keys) if one.person == "bob").given == 1


def test_ctrl_d_on_a_terminal_ends_it_like_quitting(parked):
    mine, its = pty.openpty()
    words = [sys.executable, "-m", "rrm_tree", "label", "--store", str(parked), "--as", "bob"]
    with subprocess.Popen(words, stdin=its, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        for key in (b"y", b"\x04"):
            while "[y] right" not in process.stdout.readline():
                assert process.poll() is None
            # What is typed before somebody waits for a key is thrown away.
            while termios.tcgetattr(its)[3] & termios.ICANON:
                assert process.poll() is None
            os.write(mine, key)
        assert "1 answered; 23 answers are still wanted" in process.stdout.read()
    os.close(mine)
    os.close(its)
    assert process.returncode == ExitCode.WAITING_FOR_PEOPLE
