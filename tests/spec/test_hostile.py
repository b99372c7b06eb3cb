"""Hostile text ends in a message within seconds, never in a traceback."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrm_tree.errors import SpecError
from rrm_tree.spec import draft_tree, load_tree
from rrm_tree.yaml_source import read_text

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)
)
SPEC = (Path(__file__).parent / "chess.yaml").read_text(encoding="utf-8")

HOSTILE: dict[str, tuple[bytes, str]] = {
    "python tag": (b"!!python/object/apply:os.system ['echo hello']", "tag"),
    "python name tag": (b"name: !!python/name:os.system", "tag"),
    "bomb of anchors": (BOMB.encode(), "aliases unfolded"),
    "bomb of merges": (BOMB.replace("[", "{k: [").replace("]", "]}").encode(), "aliases unfolded"),
    "anchor inside itself": (b"a: &a [*a]", "stands inside what it names"),
    "no such anchor": (b"a: *nobody", "nothing is anchored"),
    "10 MB": (b"x-a: " + b"y" * 10_000_000, "at most 1,000,000 bytes"),
    "deep lists": (b"a: " + b"[" * 100_000, "deep"),
    "deep mappings": (b"a: " + b"{a: " * 100_000, "deep"),
    "deep blocks": (b"".join(b" " * level + b"a:\n" for level in range(1_300)), "deep"),
    "deep dashes": (b"- " * 400_000, "deep"),
    "question marks": (b"? " * 400_000, "deep"),
    "key twice": (b"version: 1\nversion: 1\n", "twice"),
    "tabs": (b"nodes:\n\tx: 1\n", "tab"),
    "binary": (bytes(range(256)) * 50, "UTF-8"),
    "NUL": (b"version: 1\nname: \x00\n", "character"),
    "escape": (b"version: 1\nname: \x1b[31m\n", "character"),
    "empty": (b"", "empty"),
    "spaces": (b"  \n \n", "empty"),
    "UTF-16": ("version: 1".encode("utf-16"), "UTF-8"),
    "Latin-1": ("name: Zürich".encode("latin-1"), "UTF-8"),
    "list at the top": (b"- 1\n", "mapping"),
    "text at the top": (b"hello", "mapping"),
    "huge number": (b"version: " + b"9" * 100_000, "too long"),
    "huge float": (b"version: 1e999", "finite"),
    "many values": (b"a: [" + b"1," * 400_000 + b"]", "values"),
    "long tag": (b"a: !" + b"t" * 900_000, "tag"),
    "many tags": (b"x-a: [" + b"!t 1," * 50_000 + b"]", "more than 100 mistakes"),
    "many infinities": (b"x-a: [" + b".inf," * 50_000 + b"]", "more than 100 mistakes"),
    "many numbers as keys": (b"".join(b"%d: 1\n" % n for n in range(29_000)), "more than 100 mistakes"),
    "a key many times": (b"x-a: {" + b"k: 1," * 29_000 + b"}", "more than 100 mistakes"),
    "many lines": (b'name: "' + b"x\n" * 60_000 + b'"', "at most 50,000 lines"),
    "many values that are too long": (
        b"x-a: [" + b",".join([b"9" * 5_000] * 190) + b"]",
        "more than 100 mistakes",
    ),
    "many anchors": (b"".join(b"k%d: &a%d 1\n" % (n, n) for n in range(22_000)), "there is no key"),
    "long line of colons": (b":" * 900_000, ""),
    "open quote": (b'name: "' + b"x\n" * 49_000, "not YAML"),
    "bad escape": (b'name: "\\U99999999"', ""),
    "bad directive": (b"%YAML 1.\n---\nname: x", ""),
    "comments": (b"#" * 900_000, "empty"),
    "blank lines": (b"\n" * 49_000, "empty"),
    "many blank lines": (b"\n" * 900_000, "at most 50,000 lines"),
    "many documents": (b"---\n" * 49_000, "document"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_ends_in_a_message_in_time(name: str, tmp_path: Path) -> None:
    data, word = HOSTILE[name]
    file = tmp_path / "hostile.yaml"
    file.write_bytes(data)
    start = time.process_time()
    with pytest.raises(SpecError) as caught:
        load_tree(file)
    took = time.process_time() - start
    assert str(caught.value).startswith(str(file))
    assert word in str(caught.value)
    assert took < 6, f"{took:.1f} s of CPU; two is wanted, the rest is for slow and busy machines"


def test_messages_about_huge_texts_stay_short(tmp_path: Path) -> None:
    file = tmp_path / "wide.yaml"
    file.write_text(f"version: 1\nname: {'n' * 100_000}\nnodes: {{{'k' * 900}: 1}}\n")
    with pytest.raises(SpecError) as caught:
        load_tree(file)
    assert len(str(caught.value)) < 5_000


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200) | st.text("-?:,[]{}#&*!|>'\"%@` \n\tab1", max_size=60))  # noqa: E501  # fmt: skip
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        draft_tree(read_text(text)).finish()
    except SpecError as error:
        assert str(error)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, len(SPEC) - 1),
    st.integers(0, 30),
    st.text("-?:,[]{}#&*!|>'\"% \n\tab1", max_size=8),
)
def test_a_spec_with_a_random_cut_and_paste_is_read_or_refused(start: int, cut: int, paste: str) -> None:
    try:
        draft_tree(read_text(SPEC[:start] + paste + SPEC[start + cut :])).finish()
    except SpecError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.with_name("speck.yaml").touch(), "did you mean"),
        (lambda path: None, "there is no such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_to_be_so(
    make: Callable[[Path], None], word: str, tmp_path: Path
) -> None:
    make(tmp_path / "spec.yaml")
    with pytest.raises(SpecError, match=word):
        load_tree(tmp_path / "spec.yaml")
