"""The encoder of multilingual-e5-small as an ONNX graph of standard operators, for any runtime.

The graph starts at the sum of word, position and type vectors and ends at unit vectors: transformer layers with
layer norm after each half, mean pooling over the real positions, L2 norm.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from transferase.engine.ranking._e5_file import WeightFile

OPSET = 20
IR_VERSION = 9
_MASKED = -10000.0


def write_graph(weights: WeightFile, path: Path) -> None:
    """Writes the graph as one file of about 85 MB.

    Inputs: `rows` float32 (texts, positions, hidden) and `real` float32 (texts, positions), 1 for a piece and 0 for
    padding. Output: `vectors` float32 (texts, hidden).
    """
    import onnx  # noqa: PLC0415 - slow

    onnx.save(_Writer(weights).model(), str(path))


class _Writer:
    """Collects nodes and constants; a value is known by its name."""

    def __init__(self, weights: WeightFile) -> None:
        from onnx import helper, numpy_helper  # noqa: PLC0415 - slow

        self._helper: Any = helper
        self._numpy_helper: Any = numpy_helper
        self._weights = weights
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def _constant(self, name: str, value: npt.ArrayLike, kind: type = np.float32) -> str:
        if name not in self._constants:
            array: npt.NDArray[Any] = np.ascontiguousarray(np.asarray(value, kind))
            self._constants[name] = self._numpy_helper.from_array(array, name)
        return name

    def _apply(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self._nodes.append(self._helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def _linear(self, value: str, tensor: str, outputs: int, inputs: int) -> str:
        matrix = self._constant(f"{tensor}.w", self._weights.matrix(f"{tensor}.w", outputs, inputs).T)
        bias = self._constant(f"{tensor}.b", self._weights.plain(f"{tensor}.b", outputs))
        return self._apply("Add", [self._apply("MatMul", [value, matrix], f"{tensor}.product"), bias], f"{tensor}.out")

    def _norm(self, value: str, tensor: str) -> str:
        hidden = self._weights.shape.hidden
        scale = self._constant(f"{tensor}.w", self._weights.plain(f"{tensor}.w", hidden))
        shift = self._constant(f"{tensor}.b", self._weights.plain(f"{tensor}.b", hidden))
        epsilon = self._weights.shape.epsilon
        return self._apply("LayerNormalization", [value, scale, shift], f"{tensor}.out", axis=-1, epsilon=epsilon)

    def _heads(self, value: str, order: list[int]) -> str:
        shape = self._weights.shape
        cut = self._constant("cut", [0, 0, shape.heads, shape.hidden // shape.heads], np.int64)
        return self._apply(
            "Transpose", [self._apply("Reshape", [value, cut], f"{value}.cut")], f"{value}.heads", perm=order
        )

    def _attention(self, value: str, layer: str, bias: str) -> str:
        shape = self._weights.shape
        query, key, content = (
            self._heads(self._linear(value, f"{layer}.{letter}", shape.hidden, shape.hidden), order)
            for letter, order in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3]))
        )
        scale = self._constant("scale", (shape.hidden / shape.heads) ** -0.5)
        closeness = self._apply("Mul", [self._apply("MatMul", [query, key], f"{layer}.qk"), scale], f"{layer}.scaled")
        masked = self._apply("Add", [closeness, bias], f"{layer}.masked")
        share = self._apply("Softmax", [masked], f"{layer}.share", axis=-1)
        mixed = self._apply("MatMul", [share, content], f"{layer}.mixed")
        turned = self._apply("Transpose", [mixed], f"{layer}.turned", perm=[0, 2, 1, 3])
        joined = self._apply(
            "Reshape", [turned, self._constant("join", [0, 0, shape.hidden], np.int64)], f"{layer}.joined"
        )
        return self._linear(joined, f"{layer}.ao", shape.hidden, shape.hidden)

    def _layer(self, value: str, layer: str, bias: str) -> str:
        shape = self._weights.shape
        attended = self._apply("Add", [value, self._attention(value, layer, bias)], f"{layer}.attended")
        middle = self._norm(attended, f"{layer}.aln")
        wide = self._apply(
            "Gelu", [self._linear(middle, f"{layer}.fi", shape.feed_forward, shape.hidden)], f"{layer}.wide"
        )
        narrow = self._linear(wide, f"{layer}.fo", shape.hidden, shape.feed_forward)
        return self._norm(self._apply("Add", [middle, narrow], f"{layer}.sum"), f"{layer}.oln")

    def _mask(self) -> str:
        one = self._constant("one", 1.0)
        axes = self._constant("between", [1, 2], np.int64)
        padding = self._apply("Sub", [one, self._apply("Unsqueeze", ["real", axes], "real.wide")], "padding")
        return self._apply("Mul", [padding, self._constant("masked", _MASKED)], "bias")

    def _pooled(self, value: str) -> str:
        last = self._constant("last", [2], np.int64)
        kept = self._apply("Mul", [value, self._apply("Unsqueeze", ["real", last], "real.tall")], "kept")
        # The norm makes the sum over positions as good as the mean.
        total = self._apply("ReduceSum", [kept, self._constant("along", [1], np.int64)], "total", keepdims=0)
        return self._apply("LpNormalization", [total], "vectors", axis=-1, p=2)

    def model(self) -> Any:
        """The whole graph."""
        bias = self._mask()
        value = self._norm("rows", "emb.ln")
        for layer in range(self._weights.shape.layers):
            value = self._layer(value, f"l{layer}", bias)
        self._pooled(value)
        helper, hidden = self._helper, self._weights.shape.hidden
        float32 = 1
        graph = helper.make_graph(
            self._nodes,
            "multilingual-e5-small",
            [
                helper.make_tensor_value_info("rows", float32, ["texts", "positions", hidden]),
                helper.make_tensor_value_info("real", float32, ["texts", "positions"]),
            ],
            [helper.make_tensor_value_info("vectors", float32, ["texts", hidden])],
            list(self._constants.values()),
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
