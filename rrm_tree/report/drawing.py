"""Where the boxes and lines of a drawn tree go.

In: a RunResult and its Analysis. Out: a Drawing in pixels; helpers below, their parents above.
Touches nothing. Large trees are folded: of each level the worst nodes, of many levels some.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from rrm_tree.propagation import FINISHED, Analysis, NodeAnalysis, rank_worst
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.records import RunResult
from rrm_tree.report.verdict import STATES, worth_of
from rrm_tree.report.words import clean, plural, share, signed

WIDTH, HEIGHT = 156, 62
GAP, RISE, BEND = 26, 46, 12
LEFT = 62
PER_LEVEL, LEVELS, SWEEPS = 6, 12, 6
THIN, WIDEST = 1.4, 9.0
REST, BENT = "\0rest ", "\0bend "
"""How the keys of what is not a node begin; no name can."""
SHADES = (0.6, 0.7, 0.8, 0.9)
"""Accuracies at which a box changes its shade."""


Edge = tuple[str, str]
"""A parent and one of its helpers."""


@dataclass(frozen=True)
class Box:
    """A node, or the rest of its level."""

    x: float
    y: float
    title: str
    lines: tuple[str, ...]
    shade: str
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Row:
    """A level's place, or that of levels left out."""

    y: float
    label: str


@dataclass(frozen=True)
class Drawing:
    """A drawn tree."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    paths: tuple[str, ...]
    """SVG path data of the lines, from a helper up to its parent."""
    widths: tuple[float, ...]
    """How wide each of these lines is: the more, the more error its parent inherits."""
    faint: tuple[str, ...]
    """Lines of nodes that are not drawn one by one."""
    rows: tuple[Row, ...]
    words: str
    """What a reader who does not see it should know."""


@dataclass
class _Layer:
    """One drawn row: keys from left to right; bends of long lines are keys too."""

    label: str
    keys: list[str] = field(default_factory=list)


def draw_tree(
    result: RunResult,
    analysis: Analysis,
    remarks: Mapping[str, str] = MappingProxyType({}),
    inherited: Mapping[Edge, float] = MappingProxyType({}),
) -> Drawing:
    """The tree, level by level.

    Args:
        result: what the lines follow.
        analysis: what the boxes say.
        remarks: what a node's box says last instead of what its helpers are worth.
        inherited: what each edge's helper costs its parent's judge, where that was measured.
    """
    layers, place, boxes = _fold(analysis)
    links = _link(result, place, layers)
    _order(layers, links)
    x = _spread(layers, boxes)
    top = {key: row * (HEIGHT + RISE) + 8.0 for row, layer in enumerate(layers) for key in layer.keys}
    placed = tuple(_make_box(node, x[key], top[key], remarks) for key, node in boxes.items())
    paths, faint = (
        tuple(_draw_path(chain, x, top) for chain in links if _is_folded(chain) == folded)
        for folded in (False, True)
    )
    shares = {node.name: share_inherited(node, result) for node in analysis.nodes}
    widths = tuple(
        _width(max(inherited.get((chain[0], chain[-1]), shares.get(chain[0], 0.0)), 0.0))
        for chain in links
        if not _is_folded(chain)
    )
    rows = tuple(
        Row(row * (HEIGHT + RISE) + 8.0 + HEIGHT / 2, layer.label) for row, layer in enumerate(layers)
    )
    right = max((box.x + box.width for box in placed), default=LEFT)
    levels = {node.level for node in analysis.nodes}
    words = f"The tree: {plural(len(analysis.nodes), 'node')} on {plural(len(levels), 'level')}"
    return Drawing(
        right + 8,
        max(len(layers) * (HEIGHT + RISE) - RISE + 16, 16),
        placed,
        paths,
        widths,
        faint,
        rows,
        words,
    )


# --- what is drawn -----------------------------------------------------------------------------

Drawn = NodeAnalysis | tuple[NodeAnalysis, ...]
"""A node, or several in one box."""


def _fold(analysis: Analysis) -> tuple[list[_Layer], dict[str, str], dict[str, Drawn]]:
    """The rows to draw, the box that each node is drawn in, and what each box holds."""
    levels: dict[int, list[NodeAnalysis]] = {}
    for node in analysis.nodes:
        levels.setdefault(node.level, []).append(node)
    shown = _choose_levels(sorted(levels, reverse=True), analysis)
    layers: list[_Layer] = []
    place: dict[str, str] = {}
    boxes: dict[str, Drawn] = {}
    for level in shown:
        nodes = levels[level]
        layer = _Layer(f"level {level}")
        room = len(nodes) if len(nodes) <= PER_LEVEL + 1 else PER_LEVEL
        for node in rank_worst(nodes)[:room] if room < len(nodes) else nodes:
            layer.keys.append(node.name)
            place[node.name], boxes[node.name] = node.name, node
        rest = tuple(rank_worst(nodes)[room:])
        if rest:
            key = f"{REST}{level}"
            layer.keys.append(key)
            boxes[key] = rest
            place.update((node.name, key) for node in rest)
        layers.append(layer)
    return layers, place, boxes


def _choose_levels(levels: Sequence[int], analysis: Analysis) -> list[int]:
    """All levels; of too many the top, the bottom and those of the worst nodes."""
    if len(levels) <= LEVELS:
        return list(levels)
    chosen = {*levels[:3], *levels[-3:]}
    for node in rank_worst(analysis.nodes):
        if len(chosen) == LEVELS:
            break
        chosen.add(node.level)
    return sorted(chosen, reverse=True)


def _link(result: RunResult, place: Mapping[str, str], layers: Sequence[_Layer]) -> list[list[str]]:
    """A chain of keys for each drawn line, parent first; bends are put into the rows between."""
    row_of = {key: row for row, layer in enumerate(layers) for key in layer.keys}
    seen: dict[tuple[str, str], None] = {}
    for entry in result.nodes:
        if entry.arm is None and entry.name in place:
            seen.update(((place[entry.name], place[name]), None) for name in entry.helpers if name in place)
    chains = []
    for parent, helper in seen:
        bends = [f"{BENT}{row} {parent} {helper}" for row in range(row_of[parent] + 1, row_of[helper])]
        for row, bend in enumerate(bends, row_of[parent] + 1):
            layers[row].keys.append(bend)
        chains.append([parent, *bends, helper])
    return chains


# --- where it goes -----------------------------------------------------------------------------


def _order(layers: Sequence[_Layer], chains: Iterable[Sequence[str]]) -> None:
    """Fewer crossings: each key at the mean place of its neighbours, down and up (barycentre)."""
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for chain in chains:
        for upper, lower in pairwise(chain):
            above.setdefault(lower, []).append(upper)
            below.setdefault(upper, []).append(lower)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        neighbours = above if down else below
        order = range(1, len(layers)) if down else range(len(layers) - 2, -1, -1)
        for row in order:
            fixed = layers[row - 1 if down else row + 1].keys
            # Shares of the row's width, so that rows of different length line up by their middles.
            spot = {key: (index + 0.5) / len(fixed) for index, key in enumerate(fixed)}
            keys = layers[row].keys
            own = {key: (index + 0.5) / len(keys) for index, key in enumerate(keys)}
            keys.sort(key=lambda key: _mean([spot[n] for n in neighbours.get(key, ())], own[key]))
            # The rest of a level always stands last, where nobody looks for a node.
            keys.sort(key=lambda key: key.startswith(REST))


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _spread(layers: Sequence[_Layer], boxes: Mapping[str, Drawn]) -> dict[str, float]:
    """Left edges: every row centred on the widest."""
    widths = [sum(WIDTH if key in boxes else BEND for key in layer.keys) for layer in layers]
    spans = [width + GAP * (len(layer.keys) - 1) for width, layer in zip(widths, layers, strict=True)]
    x: dict[str, float] = {}
    for layer, span in zip(layers, spans, strict=True):
        left = LEFT + (max(spans) - span) / 2
        for key in layer.keys:
            x[key] = left
            left += (WIDTH if key in boxes else BEND) + GAP
    return x


def share_inherited(node: NodeAnalysis, result: RunResult) -> float:
    """What each helper of a node costs its judge if all cost alike; 0 where that is not known."""
    split = node.best_known.split if node.best_known else None
    helpers = next((len(entry.helpers) for entry in result.nodes if entry.name == node.name), 0)
    return max(split.inherited, 0.0) / helpers if split and split.inherited and helpers else 0.0


def inherited_by_edge(studies: Sequence[NodeStudy]) -> dict[Edge, float]:
    """What each helper's errors cost its parent's judge, by Shapley's value, where causes were measured."""
    return {
        (study.name, cause.helper): cause.size.value
        for study in studies
        if study.causes is not None and (found := study.causes.off or study.causes.on) is not None
        for cause in found.causes
        if cause.helper is not None
    }


def _width(inherited: float) -> float:
    """In pixels: a tenth of inherited error is five more."""
    return round(THIN + min(50 * inherited, WIDEST - THIN), 1)


def _is_folded(chain: Sequence[str]) -> bool:
    return any(key.startswith(REST) for key in chain)


def _draw_path(chain: Sequence[str], x: Mapping[str, float], top: Mapping[str, float]) -> str:
    """From the helper's top edge up to the parent's bottom edge, through the bends."""
    upward = list(reversed(chain))
    parts: list[str] = []
    for lower, upper in pairwise(upward):
        start, end = _middle(lower, x), _middle(upper, x)
        low, high = top[lower], top[upper] + HEIGHT
        if not parts:
            parts.append(f"M{start:.1f} {low:.1f}")
        half = (low + high) / 2
        parts.append(f"C{start:.1f} {half:.1f} {end:.1f} {half:.1f} {end:.1f} {high:.1f}")
        if upper != chain[0]:
            parts.append(f"L{end:.1f} {top[upper]:.1f}")
    return "".join(parts)


def _middle(key: str, x: Mapping[str, float]) -> float:
    return x[key] + (BEND if key.startswith(BENT) else WIDTH) / 2


# --- what a box says ---------------------------------------------------------------------------


def _make_box(drawn: Drawn, x: float, y: float, remarks: Mapping[str, str]) -> Box:
    if isinstance(drawn, tuple):
        known = [node.distilled for node in drawn if node.distilled is not None]
        span = f"{share(min(known), 2)} to {share(max(known), 2)}" if known else "not measured"
        title = f"{plural(len(drawn), 'more node')} of this level, all better than those shown"
        return Box(x, y, title, (plural(len(drawn), "more node"), span), "rest")
    lines = (clean(drawn.name, 19), _shares(drawn), remarks.get(drawn.name) or _remark(drawn))
    return Box(x, y, clean(drawn.name, 200), lines, shade_of(drawn))


def describe_node(node: NodeAnalysis) -> str:
    """What a box says below the name, on one line."""
    return f"{_shares(node)} · {_remark(node)}"


def _shares(node: NodeAnalysis) -> str:
    both = [(policy, part.distilled) for policy, part in (("off", node.off), ("on", node.on)) if part]
    told = [f"{policy} {share(estimate.value)}" for policy, estimate in both if estimate]
    return " · ".join(told) or "not measured"


def _remark(node: NodeAnalysis) -> str:
    if node.state not in FINISHED:
        return f"✕ {STATES[node.state]}"
    if not node.helped:
        return "no helpers"
    worth = worth_of(node)
    return "helpers not measured" if worth is None else f"helpers {signed(worth.gain.value, 2)}"


def shade_of(node: NodeAnalysis) -> str:
    """The class of a box by the lower of its accuracies: `s0` (worst) to `s4`, or `unknown`."""
    known = [part.distilled.value for part in (node.off, node.on) if part is not None and part.distilled]
    if not known:
        return "unknown"
    return f"s{sum(min(known) >= bound for bound in SHADES)}"
