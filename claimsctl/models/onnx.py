"""Models as ONNX graphs: ours taken elsewhere, others' brought here. Needs the extra `onnx`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from claimsctl.errors import DriverMissing, InputError
from claimsctl.score.estimators import Estimator, Floats, Kernel, Linear, Network, Occluded, Trees, logit
from claimsctl.score.trained import Calibration, TrainedModel

OPSET: Final = 18
ML_OPSET: Final = 3
INPUT: Final = "columns"
OUTPUT: Final = "probability"
_HINT: Final = 'Install it with `pip install "claimsctl[onnx]"`.'


class OnnxEstimator(Occluded):
    """A graph that ONNX Runtime evaluates: a float matrix in, a probability of denial out.

    `input` and `output` name them; None: the only input, and the output that holds probabilities. Raises
    DriverMissing without the extra, InputError for a graph that is none or gives something else.
    """

    def __init__(self, data: bytes, input_: str | None = None, output: str | None = None) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise DriverMissing("Models in ONNX need the package onnxruntime.", hint=_HINT) from None
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception:  # its errors have no common base, and quote paths of its own sources
            raise InputError(
                "The file is no ONNX model that ONNX Runtime can load.",
                hint="Check that it is complete, and that its opset is one that the runtime knows.",
            ) from None
        self.data = data
        self.input = _one([each.name for each in self._session.get_inputs()], input_, "input")
        outputs = [each.name for each in self._session.get_outputs()]
        # Classifiers give labels first and probabilities last.
        self.output = _one(outputs, output or (outputs[-1] if outputs else None), "output")
        double = "double" in next(e.type for e in self._session.get_inputs() if e.name == self.input)
        self._dtype = np.float64 if double else np.float32

    def margins(self, matrix: Floats) -> Floats:
        """The log odds of its probabilities."""
        try:
            (found,) = self._session.run([self.output], {self.input: matrix.astype(self._dtype)})
        except Exception as error:
            raise InputError(
                f"The ONNX model does not take {matrix.shape[1]} columns ({type(error).__name__}).",
                hint="The map must name as many columns, in the same order, as the model was made with.",
            ) from None
        risk = _denied(found, len(matrix))
        if len(risk) and not (np.isfinite(risk).all() and risk.min() >= 0 and risk.max() <= 1):
            raise InputError(
                f"The output {self.output!r} of the ONNX model is no probability.",
                hint="Name the one that is, with `output = ...` in the map.",
            )
        return logit(risk)


def _one(names: Sequence[str], wanted: str | None, what: str) -> str:
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted is None or wanted not in names:
        raise InputError(
            f"The ONNX model has no {what} {wanted or '(one of several)'}.",
            hint=f"It has {', '.join(names)}: name one in the map.",
        )
    return wanted


def _denied(found: Any, rows: int) -> Floats:
    """The probability of a denial: the last column, or the entry 1 of classifiers that give dicts."""
    if isinstance(found, list) and found and isinstance(found[0], dict):
        last = max(found[0])
        found = [row[last] for row in found]
    risk = np.asarray(found)
    if risk.dtype.kind != "f" or len(risk) != rows or risk.ndim > 2:
        raise InputError(
            "The output of the ONNX model is no row of probabilities for each claim.",
            hint="Name the one that is, with `output = ...` in the map.",
        )
    return np.asarray(risk[:, -1] if risk.ndim == 2 else risk, dtype=np.float64)


def to_onnx(model: TrainedModel) -> bytes:
    """The graph of a model: its columns as floats in, the calibrated probability out."""
    if isinstance(model.estimator, OnnxEstimator):
        return model.estimator.data
    try:
        from onnx import TensorProto, checker, helper
    except ImportError:
        raise DriverMissing("Writing ONNX needs the package onnx.", hint=_HINT) from None
    graph = _Graph()
    wide = graph.add("Cast", INPUT, to=TensorProto.DOUBLE)
    risk = _calibrated(graph, _margin(graph, wide, model.estimator), model.calibration)
    graph.nodes.append(helper.make_node("Cast", [risk], [OUTPUT], to=TensorProto.FLOAT))
    made = helper.make_graph(
        graph.nodes,
        "claimsctl",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, len(model.columns)])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 1])],
        graph.constants,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    whole = helper.make_model(made, opset_imports=opsets, producer_name="claimsctl", ir_version=9)
    checker.check_model(whole)
    return bytes(whole.SerializeToString())


class _Graph:
    """Nodes and constants, each named by its number."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, values: Any) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=np.float64), name))
        return name

    def add(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        from onnx import helper

        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], domain=domain, **attributes))
        return name

    def with_(self, kind: str, given: str, values: Any) -> str:
        """A node of what is given and a constant."""
        return self.add(kind, given, self.constant(values))


def _margin(graph: _Graph, given: str, estimator: Estimator) -> str:
    if isinstance(estimator, Linear):
        summed = graph.with_("MatMul", given, estimator.weights[:, None])
        return graph.with_("Add", summed, [estimator.intercept])
    if isinstance(estimator, Network):
        for n, (weights, biases) in enumerate(zip(estimator.weights, estimator.biases, strict=True)):
            given = graph.with_("Add", graph.with_("MatMul", given, weights), biases)
            given = graph.add("Relu", given) if n < len(estimator.weights) - 1 else given
        return given
    if isinstance(estimator, Kernel):
        squares = graph.with_("MatMul", graph.add("Mul", given, given), np.ones((_width(estimator), 1)))
        apart = graph.add("Add", squares, graph.with_("MatMul", given, -2 * estimator.landmarks.T))
        apart = graph.with_("Add", apart, (estimator.landmarks**2).sum(axis=1)[None, :])
        near = graph.add("Exp", graph.with_("Mul", graph.add("Relu", apart), -estimator.gamma))
        weights = (estimator.normalisation.T @ estimator.weights)[:, None]
        return graph.with_("Add", graph.with_("MatMul", near, weights), [estimator.intercept])
    if isinstance(estimator, Trees):
        return _forest(graph, given, estimator)
    raise InputError(f"{type(estimator).__name__} cannot be written as ONNX.")


def _width(estimator: Kernel) -> int:
    return int(estimator.landmarks.shape[1])


def _forest(graph: _Graph, given: str, trees: Trees) -> str:
    from onnx import TensorProto, numpy_helper

    number = np.arange(len(trees.left))
    tree = np.searchsorted(trees.roots, number, side="right") - 1
    own = number - trees.roots[tree]
    leaf = trees.left == number
    leaves = np.flatnonzero(leaf)

    def tensor(values: Floats) -> Any:
        return numpy_helper.from_array(np.asarray(values, dtype=np.float64))

    total = graph.add(
        "TreeEnsembleRegressor", given, domain="ai.onnx.ml", n_targets=1, aggregate_function="SUM",
        nodes_treeids=tree.tolist(), nodes_nodeids=own.tolist(), nodes_featureids=trees.columns.tolist(),
        nodes_modes=["LEAF" if each else "BRANCH_LEQ" for each in leaf],
        nodes_values_as_tensor=tensor(trees.thresholds),
        nodes_truenodeids=np.where(leaf, 0, trees.left - trees.roots[tree]).tolist(),
        nodes_falsenodeids=np.where(leaf, 0, trees.right - trees.roots[tree]).tolist(),
        target_treeids=tree[leaves].tolist(), target_nodeids=own[leaves].tolist(),
        target_ids=[0] * len(leaves), target_weights_as_tensor=tensor(trees.values[leaves]),
    )  # fmt: skip
    total = graph.add("Cast", total, to=TensorProto.DOUBLE)  # the operator gives floats, whatever it takes
    if not trees.mean:
        return graph.with_("Add", total, [trees.intercept])
    share = graph.with_("Div", graph.with_("Add", total, [trees.intercept]), [float(len(trees.roots))])
    share = graph.add("Clip", share, graph.constant(1e-6), graph.constant(1 - 1e-6))
    odds = graph.add("Div", share, graph.add("Sub", graph.constant([1.0]), share))
    return graph.add("Log", odds)


def _calibrated(graph: _Graph, margin: str, calibration: Calibration) -> str:
    if calibration.form != "isotonic":
        scaled = graph.with_("Add", graph.with_("Mul", margin, [calibration.slope]), [calibration.shift])
        return graph.add("Sigmoid", scaled)
    at, risk = np.asarray(calibration.at), np.asarray(calibration.risk)
    # A line that bends at every point is a sum of ramps.
    slopes = np.diff(risk) / np.diff(at)
    bends = np.diff(np.concatenate([[0.0], slopes, [0.0]]))
    ramps = graph.add("Relu", graph.with_("Sub", margin, at[None, :]))
    return graph.with_("Add", graph.with_("MatMul", ramps, bends[:, None]), [risk[0]])
