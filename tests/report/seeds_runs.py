"""Made-up runs of several seeds: one tree's records with the numbers that a test gives."""

from collections.abc import Sequence

from rrm_tree.records import Mean, NodeResult, RunResult, SeedsResult, Share


def over_seeds(*results: RunResult) -> SeedsResult:
    """The results as seeds 0, 1, … of one run."""
    first = results[0]
    return SeedsResult(
        name=first.name,
        run=first.run,
        root=first.root,
        command=f"{first.command} --seeds {len(results)}",
        versions=first.versions,
        results=tuple(one.model_copy(update={"seed": seed}) for seed, one in enumerate(results)),
    )


def shift(result: RunResult, by: float) -> RunResult:
    """The same run with every share and truth a little higher or lower."""
    return result.model_copy(update={"nodes": tuple(_shift_node(node, by) for node in result.nodes)})


def _shift_node(node: NodeResult, by: float) -> NodeResult:
    records = [record.model_copy(update=_shifted(record, by)) for record in node.rounds]
    return node.model_copy(update={"rounds": tuple(records)})


def _shifted(record: object, by: float) -> dict[str, object]:
    found: dict[str, object] = {}
    for part in ("off", "on"):
        shares = getattr(record, part)
        if shares is not None:
            names = ("alone", "heuristic", "assisted", "ideal", "distilled")
            known = {name: one for name in names if (one := getattr(shares, name)) is not None}
            moved = {name: _move(one, by) for name, one in known.items()}
            found[part] = shares.model_copy(update=moved)
    for name in ("agent_truth", "proposal_truth", "heuristic_truth"):
        mean = getattr(record, name)
        if mean is not None:
            found[name] = mean.model_copy(update={"mean": min(max(mean.mean + by, 0.0), 1.0)})
    return found


def _move(share: Share, by: float) -> Share:
    right = min(max(share.right + round(by * share.pairs), 0.0), float(share.pairs))
    return share.model_copy(update={"right": right})


def replace_node(result: RunResult, name: str, **fields: object) -> RunResult:
    """The run with some fields of one node changed."""
    nodes = [node.model_copy(update=fields if node.name == name else {}) for node in result.nodes]
    return result.model_copy(update={"nodes": tuple(nodes)})


def jitter(count: int, size: float = 0.02) -> Sequence[float]:
    """Shifts around 0 that differ: 0, +size, −size, +size/2, …"""
    signs = (0.0, 1.0, -1.0, 0.5, -0.5, 0.75, -0.75, 0.25, -0.25, 0.9)
    return [size * signs[place % len(signs)] for place in range(count)]


def truth(mean: float, deviation: float = 10.0, count: int = 100) -> Mean:
    """A mean truth in some unit."""
    return Mean(mean=mean, deviation=deviation, count=count)
