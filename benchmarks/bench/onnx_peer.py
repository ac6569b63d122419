# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The network kinds as ONNX graphs, run by onnxruntime on one thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Graph"]

Array = NDArray[Any]
Constant = NDArray[Any] | np.floating[Any]


class Graph:
    """Nodes and constants of a graph with the input `x` (1, d) float64."""

    def __init__(self, columns: int) -> None:
        self._onnx = import_module("onnx")
        self._columns, self._nodes, self._constants = columns, list[Any](), list[Any]()

    def add(self, operator: str, *inputs: str | Constant, **attributes: Any) -> str:
        """Append a node; returns the name of its output. Arrays become constants."""
        name = f"{operator.lower()}{len(self._nodes)}"
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        self._nodes.append(self._onnx.helper.make_node(operator, names, [name], **attributes))
        return name

    def scaled_relu(self, z: str) -> str:
        """2z where z > 1, else 0."""
        above = self.add("Greater", z, np.float32(1))
        return self.add("Where", above, self.add("Add", z, z), np.float32(0))

    def known(self, z: str) -> str:
        """0 where NaN, as float32."""
        zero = self.add("Where", self.add("IsNaN", z), np.float64(0), z)
        return self.add("Cast", zero, to=self._onnx.TensorProto.FLOAT)

    def compile(self, outputs: Sequence[str]) -> Callable[[Array], Sequence[Array]]:
        """The graph as a function of x (1, d) float64."""
        helper, types = self._onnx.helper, self._onnx.TensorProto
        graph = helper.make_graph(
            self._nodes,
            "network",
            [helper.make_tensor_value_info("x", types.DOUBLE, [1, self._columns])],
            [helper.make_tensor_value_info(name, types.FLOAT, None) for name in outputs],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        runtime = import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
        session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        names = list(outputs)

        def run(x: Array) -> Sequence[Array]:
            result: Sequence[Array] = session.run(names, {"x": x})
            return result

        return run

    def _constant(self, array: Constant) -> str:
        name = f"constant{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(np.asarray(array), name))
        return name
