"""Judgments taken along: archives, other tools' files, training from them, and files that mean harm."""

import contextlib
import hashlib
import json
import struct

import numpy as np
import pytest
from answering import Person, call, write_spec
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from rrm_tree.archive import Part, read_archive, write_archive
from rrm_tree.errors import UsageError
from rrm_tree.exchange import from_label_studio, from_lines
from rrm_tree.outcomes import Advice, Answers, Items, Judged, Outcomes
from rrm_tree.states import load_rounds
from rrm_tree.store import Store


def judged(kind="preference"):
    outcomes = Outcomes(
        {"observation": np.arange(24.0).reshape(4, 2, 3)},
        np.zeros((4, 1), np.int64),
        np.ones(4, np.int64),
        {},
    )
    second = np.array([2, 3]) if kind == "preference" else None
    items = Items(np.array([0, 1]), second, np.zeros(2, np.int64), np.zeros(2, np.int64))
    return Judged(outcomes, Advice(), kind, items, Answers(np.array([1.0, 0.0]), np.ones(2, np.int64)))


@pytest.fixture
def archive(tmp_path):
    file = tmp_path / "some.safetensors"
    file.write_bytes(write_archive([Part("bit", "logic.circuit", ("Which?",), judged())]))
    return file


def test_an_archive_comes_back_as_it_was(archive):
    (part,) = read_archive(archive)
    assert part.questions == ("Which?",) and part.judged.kind == "preference"
    assert write_archive([part]) == archive.read_bytes()


def changed(file, change, about=None):
    data = file.read_bytes()
    header = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
    note = json.loads(header["__metadata__"]["rrm"])
    arrays = load(data)
    change(arrays)
    if about is not None:
        about(note["about"])
    note["order"] = [name for name in note["order"] if name in arrays]
    file.write_bytes(save(arrays, {"rrm": json.dumps(note)}))


HARM = {
    "an index beyond the outcomes": ("items.first", lambda old: old + 99),
    "an index below them": ("items.second", lambda old: old - 99),
    "a criterion that is none": ("items.criterion", lambda old: old + 1),
    "an answer that is none": ("answers.values", lambda old: old + 5),
    "answers that are too few": ("answers.values", lambda old: old[:1]),
    "answers of another type": ("answers.values", lambda old: old.astype(np.float32)),
    "looks below nothing": ("answers.looks", lambda old: old - 5),
    "outcomes that are not numbers": ("outcomes.observations.observation", lambda old: old * np.nan),
    "outcomes of another length": ("outcomes.observations.observation", lambda old: old[:, :1]),
    "episodes longer than they are": ("outcomes.lengths", lambda old: old + 7),
}


@pytest.mark.parametrize("name", HARM)
def test_an_archive_that_does_not_hold_together_is_refused(archive, name):
    where, change = HARM[name]

    def harm(arrays):
        arrays[f"00.{where}"] = np.ascontiguousarray(change(arrays[f"00.{where}"]))

    changed(archive, harm)
    with pytest.raises(UsageError, match="no archive of judgments"):
        read_archive(archive)


@settings(max_examples=60)
@given(data=st.data())
def test_whatever_bytes_are_turned_nothing_but_a_refusal_comes_of_it(tmp_path_factory, data):
    whole = write_archive([Part("bit", "logic.circuit", ("Which?",), judged())])
    place = data.draw(st.integers(0, len(whole) - 1))
    more = data.draw(st.binary(max_size=12))
    file = tmp_path_factory.mktemp("turned") / "file"
    file.write_bytes(whole[:place] + more + whole[place + len(more) :][: data.draw(st.integers(0, 5000))])
    with contextlib.suppress(UsageError):
        read_archive(file)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00" * 7, b"\xff" * 64, struct.pack("<Q", 10**18) + b"{}", b"\x80\x04cos\nsystem\n", b"{" * 99],
)
def test_what_is_no_archive_is_refused_in_words(tmp_path, data):
    file = tmp_path / "file"
    file.write_bytes(data)
    with pytest.raises(UsageError, match="no archive"):
        read_archive(file)
    with pytest.raises(UsageError, match="cannot be read"):
        read_archive(tmp_path / "none")


@pytest.mark.parametrize(
    "data",
    [
        {},
        [{}],
        [{"data": {"question": "../../etc/passwd", "kind": "label"}}],
        [{"data": {"question": "0" * 32, "kind": "label"}, "annotations": [{"result": [{"type": "x"}]}]}],
        [
            {
                "data": {"question": "0" * 32, "kind": "label"},
                "annotations": [{"result": [{"type": "choices", "value": {"choices": ["<script>"]}}]}],
            }
        ],
    ],
)
def test_what_label_studio_never_wrote_is_refused(data):
    with pytest.raises(UsageError):
        from_label_studio(data, "file.json")


@pytest.mark.parametrize("line", ["{", "[" * 5000, '{"question": "0"}', '{"answer": NaN}', "null"])
def test_lines_that_are_no_judgments_are_named_by_their_number(line):
    with pytest.raises(UsageError, match=r"file\.jsonl:2"):
        from_lines(["", line], "file.jsonl")


@pytest.mark.slow
def test_what_people_said_is_taken_along_and_trained_from_alone(tmp_path):
    spec, store, file = write_spec(tmp_path), tmp_path / "store", tmp_path / "said.safetensors"
    run = ("run", spec, "--store", store, "--executor", "inline", "--no-wait")
    call(*run, code=4)
    Person(store).answer()
    call(*run, code=0)
    said = call("labels", "export", "--store", store, "--as", "archive", "--to", file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert "24 judgments written" in said and digest in said
    # Through another tool and back: the answers fit the questions by their digests.
    for form in ("label-studio", "lines"):
        call("labels", "export", "--store", store, "--as", form, "--to", tmp_path / "tasks")
        back = tmp_path / f"{form}.safetensors"
        call("labels", "import", tmp_path / "tasks", "--archive", file, "--to", back, "--as", form)
        (before,), (after,) = read_archive(file), read_archive(back)
        assert sorted(after.judged.answers.values) == sorted(before.judged.answers.values)
    judge = f"{{use: recorded, kind: label, with: {{file: {file}, sha256: {digest}}}}}"
    again = write_spec(tmp_path, judge)
    call("run", again, "--store", tmp_path / "second", "--executor", "inline", code=0)
    one = Store(str(tmp_path / "second"))
    (state,) = load_rounds(one, next(iter(one.referred(one.runs()[-1]).values())))
    (part,) = read_archive(file)
    assert (state.judged.answers.values == part.judged.answers.values).all()
    assert state.record.off.distilled is not None and state.record.off.assisted is None
    # Another content under the same name is another node, and is said to be.
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(Exception, match="its content is not"):
        call("run", again, "--store", tmp_path / "second", "--executor", "inline")
