"""The JSON schema by which editors check and complete specs.

In: the spec's models and the plug-ins that can be used here. Out: JSON schema text.
Touches users' modules through the registry. Nothing inside a node is required, since `defaults:`
may give it; `rrm validate` knows better than any schema can.
"""

from __future__ import annotations

import json
from typing import Any, Final, TypeAlias

from pydantic import BaseModel

from rrm_tree.errors import PluginError
from rrm_tree.node_spec import NAME, STANDARD_ARMS, JudgeSpec, NodeSpec, Part, PluginSpec
from rrm_tree.registry import Plugin, PluginKind, find, known
from rrm_tree.spec import TreeSpec

SCHEMA_FILE: Final = "spec.schema.json"
"""What the sample specs' first line names."""

Json: TypeAlias = dict[str, Any]

SLOT_KINDS: Final[dict[str, PluginKind]] = {
    "task": "task",
    "judge": "judge",
    "network": "network",
    "agent": "algorithm",
}
"""What kind of plug-in stands under which key."""


BOUNDS: Final = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
}


def write_schema() -> str:
    """The schema as text."""
    return json.dumps(build_schema(), indent=1, ensure_ascii=False) + "\n"


def build_schema() -> Json:
    """The schema of a whole spec; options of each plug-in by an if/then on its `use`."""
    schema: Json = TreeSpec.model_json_schema()
    definitions: Json = schema["$defs"]
    shapes = {"judge": definitions.pop(JudgeSpec.__name__)}
    _add_bounds(shapes["judge"], JudgeSpec)
    shapes = {slot: shapes.get(slot, definitions[PluginSpec.__name__]) for slot in SLOT_KINDS}
    del definitions[PluginSpec.__name__]
    models = {model.__name__: model for model in Part.__subclasses__()}
    for name, definition in definitions.items():
        _loosen(definition)
        _add_bounds(definition, models[name])
        for slot in SLOT_KINDS.keys() & definition["properties"].keys():
            definition["properties"][slot] = {"$ref": f"#/$defs/{slot}"}
    for slot, kind in SLOT_KINDS.items():
        definitions[slot] = _plugin_schema(kind, json.loads(json.dumps(shapes[slot])), definitions)
    node: Json = {"$ref": f"#/$defs/{NodeSpec.__name__}"}
    definitions[NodeSpec.__name__]["properties"]["arms"] = _arms_schema(node)
    required = schema["required"]
    _loosen(schema)
    schema["required"] = required
    schema["properties"]["defaults"] = node
    schema["properties"]["nodes"] = _named(node)
    _name_bounds(schema)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "rrm-tree/" + SCHEMA_FILE,
        **schema,
    }


def _add_bounds(definition: Json, model: type[BaseModel]) -> None:
    """Bounds of numbers with units, which pydantic leaves out."""
    for name, field in model.model_fields.items():
        for ours, theirs in BOUNDS.items():
            for one in field.metadata:
                if hasattr(one, ours):
                    definition["properties"][field.alias or name][theirs] = getattr(one, ours)


def _name_bounds(schema: object) -> None:
    """Give bounds of numbers with units, which pydantic leaves alone, their names in JSON schema."""
    if isinstance(schema, dict):
        for ours, theirs in BOUNDS.items():
            if isinstance(schema.get(ours), int | float):
                schema[theirs] = schema.pop(ours)
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _name_bounds(inner)


def _loosen(definition: Json) -> None:
    """Keys that begin with `x-` are free, and whatever is not here may stand in `defaults:`."""
    definition.pop("required", None)
    definition["patternProperties"] = {"^x-": {}}
    for of_property in definition["properties"].values():
        of_property.pop("default", None) if "$ref" in of_property else None


def _named(value: Json) -> Json:
    return {
        "type": "object",
        "patternProperties": {"^x-": {}, f"^(?!x-){NAME}$": value},
        "additionalProperties": False,
    }


def _arms_schema(node: Json) -> Json:
    names: Json = {"type": "array", "items": {"enum": list(STANDARD_ARMS)}, "uniqueItems": True}
    return {
        "description": "The same node trained or judged another way, for comparison",
        "anyOf": [names, _named({"anyOf": [node, {"type": "null"}]})],
    }


def _plugin_schema(kind: PluginKind, shape: Json, definitions: Json) -> Json:
    """A name, or a mapping whose `with:` is checked by what `use:` says."""
    _loosen(shape)
    names = known(kind)
    shape["properties"]["use"] = {"anyOf": [{"enum": names}, {"type": "string"}]}
    shape["allOf"] = []
    for name in names:
        try:
            options = _options_schema(find(kind, name), definitions)
        except PluginError:
            # What cannot be imported here may well be elsewhere.
            continue
        named = {"properties": {"use": {"const": name}}, "required": ["use"]}
        shape["allOf"].append({"if": named, "then": {"properties": {"with": options}}})
    return {"anyOf": [{"enum": names}, {"type": "string"}, shape]}


def _options_schema(plugin: Plugin, definitions: Json) -> Json:
    prefix = f"{plugin.kind}.{plugin.name}."
    schema = plugin.options.model_json_schema(ref_template=f"#/$defs/{prefix}{{model}}")
    for name, definition in schema.pop("$defs", {}).items():
        definitions[prefix + name] = definition
    schema.pop("required", None)
    schema["patternProperties"] = {"^x-": {}}
    _add_bounds(schema, plugin.options)
    if plugin.doc:
        schema["description"] = plugin.doc
    return schema
