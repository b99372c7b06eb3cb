"""Frames as a clip that a web page can play: VP9 in WebM, or an animated WebP; one frame as PNG.

In: frames [height, width, 3] of bytes. Out: a clip, or why there is none.
Touches nothing; loads PyAV or Pillow when it is called, whichever there is.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from importlib.util import find_spec
from io import BytesIO
from typing import Any

import numpy as np

from rrm_tree.contracts import Clip
from rrm_tree.outcomes import Array

WIDTH = 300
"""Widest frame in pixels; wider ones are made smaller."""

MISSING = "neither PyAV nor Pillow is there to encode it; install rrm-tree[clips]"

QUALITY = {"crf": "40", "b": "0", "deadline": "realtime", "cpu-used": "8", "row-mt": "0", "threads": "1"}


def encode(
    frames: Sequence[Array], per_second: Fraction, installed: Callable[[str], object] = find_spec
) -> Clip | str:
    """The frames as a clip; why not, if there is nothing to encode them with.

    The same frames are the same bytes on one machine, whatever the clock says.

    Args:
        frames: all of one size.
        per_second: how fast they are shown.
        installed: tells a module that is there from one that is not (None).
    """
    if installed("av") is not None:
        return Clip(_webm(frames, per_second), "video/webm", float(per_second))
    if installed("PIL") is not None:
        return Clip(_webp(frames, per_second), "image/webp", float(per_second))
    return MISSING


def png(frame: Array) -> bytes:
    """One frame as it is."""
    height, width = frame.shape[:2]
    lines = b"".join(b"\0" + line.tobytes() for line in np.ascontiguousarray(frame, np.uint8))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    written = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def _webm(frames: Sequence[Array], per_second: Fraction) -> bytes:
    import av  # noqa: PLC0415 - an extra

    width, height = _size(frames[0])
    held = BytesIO()
    # Without this the container holds a random id and the time.
    with av.open(held, "w", format="webm", options={"fflags": "+bitexact"}) as container:
        stream: Any = container.add_stream("libvpx-vp9", rate=per_second, options=QUALITY)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.thread_count = 1
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(picture.reformat(width, height, "yuv420p", interpolation="AREA")))
        container.mux(stream.encode(None))
    return held.getvalue()


def _webp(frames: Sequence[Array], per_second: Fraction) -> bytes:
    from PIL import Image  # noqa: PLC0415 - an extra

    pictures = [Image.fromarray(frame).resize(_size(frame)) for frame in frames]
    held = BytesIO()
    pictures[0].save(
        held,
        "WEBP",
        save_all=True,
        append_images=pictures[1:],
        duration=int(1000 / per_second),
        loop=0,
        quality=50,
        method=4,
    )
    return held.getvalue()


def _size(frame: Array) -> tuple[int, int]:
    """Width and height of the clip: even, as VP9's half-size colours need them."""
    height, width = frame.shape[:2]
    scale = min(1.0, WIDTH / width)
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)
