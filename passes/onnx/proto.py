"""The messages of an ONNX file by their field numbers (onnx.proto, IR versions 3 to 11)."""

from __future__ import annotations

from cosmalloc.passes.onnx.wire import Field, schema

OPSET = schema("OperatorSetIdProto", {1: ("domain", "text"), 2: ("version", "int")})
ENTRY = schema("StringStringEntryProto", {1: ("key", "text"), 2: ("value", "text")})
TENSOR = schema(
    "TensorProto",
    {
        1: ("dims", "ints"),
        2: ("data_type", "int"),
        4: ("float_data", "floats"),
        5: ("int32_data", "ints"),
        6: ("string_data", "raws"),
        7: ("int64_data", "ints"),
        8: ("name", "text"),
        9: ("raw_data", "raw"),
        10: ("double_data", "doubles"),
        11: ("uint64_data", "ints"),
        13: ("external_data", ENTRY),
        14: ("data_location", "int"),
    },
    "external_data",
)
DIMENSION = schema("Dimension", {1: ("value", "int"), 2: ("param", "text")})
SHAPE = schema("TensorShapeProto", {1: ("dim", DIMENSION)}, "dim")
TENSOR_TYPE = schema("TypeProto.Tensor", {1: ("elem_type", "int"), 2: ("shape", SHAPE)})
TYPE = schema("TypeProto", {1: ("tensor_type", TENSOR_TYPE)})
VALUE_INFO = schema("ValueInfoProto", {1: ("name", "text"), 2: ("type", TYPE)})
ATTRIBUTE = schema(
    "AttributeProto",
    {
        1: ("name", "text"),
        2: ("f", "float"),
        3: ("i", "int"),
        4: ("s", "raw"),
        5: ("t", TENSOR),
        7: ("floats", "floats"),
        8: ("ints", "ints"),
        9: ("strings", "raws"),
        20: ("type", "int"),
        21: ("reference", "text"),
    },
)
NODE = schema(
    "NodeProto",
    {
        1: ("input", "texts"),
        2: ("output", "texts"),
        3: ("name", "text"),
        4: ("op_type", "text"),
        5: ("attribute", ATTRIBUTE),
        7: ("domain", "text"),
    },
    "attribute",
)
GRAPH = schema(
    "GraphProto",
    {
        1: ("node", NODE),
        2: ("name", "text"),
        5: ("initializer", TENSOR),
        11: ("input", VALUE_INFO),
        12: ("output", VALUE_INFO),
        13: ("value_info", VALUE_INFO),
    },
    "node",
    "initializer",
    "input",
    "output",
    "value_info",
)
ATTRIBUTE.fields[6] = Field("g", GRAPH)  # a branch or a loop's body
FUNCTION = schema(
    "FunctionProto",
    {
        1: ("name", "text"),
        4: ("input", "texts"),
        5: ("output", "texts"),
        7: ("node", NODE),
        9: ("opset_import", OPSET),
        10: ("domain", "text"),
        11: ("attribute", ATTRIBUTE),
    },
    "node",
    "opset_import",
    "attribute",
)
MODEL = schema(
    "ModelProto",
    {
        1: ("ir_version", "int"),
        7: ("graph", GRAPH),
        8: ("opset_import", OPSET),
        25: ("functions", FUNCTION),
    },
    "opset_import",
    "functions",
)
