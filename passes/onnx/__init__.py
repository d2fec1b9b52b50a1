"""ONNX graphs read as StableHLO: the file format, the graph, and a function per operator."""
