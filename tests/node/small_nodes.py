"""Small nodes, trained in this process."""

from rrm_tree.node import train_node
from rrm_tree.rounds import Artifacts, Setup
from rrm_tree.spec import TreeSpec

PERSON = {"use": "logic.person", "with": {"look_error": 0.1, "read_error": 0.01, "looks": 8}}
MEASURE = {"pairs": 60, "agent_outcomes": 40}

CARTPOLE = {
    "doc": "does this keep the pole up?",
    "task": {"use": "CartPole-v1", "with": {"max_episode_steps": 30}},
    "criteria": {"better": {"question": "which of the two?"}},
    "judge": {"use": "teacher", "with": {"beta": None}},
    "agent": {"use": "ppo", "with": {"n_steps": 64, "n_epochs": 1}},
    "reward_model": {"ensemble": 1, "epochs": 2},
    "budget": {"judgments": 40, "steps": 2000, "rounds": 2},
}


def logic_tree(bit=(), root=(), **measure):
    """A root that is judged with the help of a bit; parts of both may be changed."""
    node = {
        "doc": "does the bit differ from the next one?",
        "task": "logic.bit",
        "criteria": {"right": {"question": "is it right?"}},
        "judge": PERSON,
        "reward_model": {"ensemble": 1, "epochs": 10},
        "budget": {"judgments": 300},
    }
    above = {
        "task": {"use": "logic.circuit", "with": {"gates": ["majority"]}},
        "criteria": {"right": {"question": "is it right?", "helpers": ["bit"]}},
    }
    return make_tree({"root": {**node, **above, **dict(root)}, "bit": {**node, **dict(bit)}}, **measure)


def train_both(tree):
    """All rounds of the bit, then all of the root that it helps."""
    bit = train(tree, "bit")
    return bit, train(tree, "root", {"bit": artifacts_of(bit)})


def make_tree(nodes, **measure):
    spec = {"version": 1, "name": "small", "measure": {**MEASURE, **measure}, "nodes": nodes}
    return TreeSpec.model_validate(spec)


def set_up(tree, name, artifacts=()):
    """What one node trains from; its fingerprint is its name, whatever its plug-ins are called."""
    return Setup(tree, name, tree.nodes[name], f"{name}@0", name, dict(artifacts))


def train(tree, name, artifacts=()):
    """All rounds of one node."""
    return list(train_node(set_up(tree, name, artifacts)))


def first_round(node, **parts):
    """The first round of a tree of one node, some of whose parts are changed, whatever comes of it."""
    return next(train_node(set_up(make_tree({"only": {**node, **parts}}), "only")))


def train_node_of(node, **parts):
    """All rounds of a tree of one node, some of whose parts are changed."""
    return train(make_tree({"only": {**node, **parts}}), "only")


def artifacts_of(rounds):
    return Artifacts(rounds[-1].agent, rounds[-1].reward)
