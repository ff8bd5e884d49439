"""One LiteRT graph from a .tflite file: a picture in, flat arrays of numbers out."""

from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from thermark.core.errors import DataError
from thermark.models.inference.quiet import quiet

ENGINE = "LiteRT"
REMEDY = "name the bundle that holds this model, or `dvc repro` to bring it again"
Floats = NDArray[np.float32]


class Graph:
    """A network with one square RGB input and outputs of known length; not to be shared between threads.

    It runs on one thread, one picture at a time: measured, a batch gains nothing (benchmarks/facemesh.py), and
    neither number changes the answer.
    """

    def __init__(self, path: Path, size: int, lengths: tuple[int, ...]) -> None:
        """Open a file that takes (1, size, size, 3) float32 and answers with arrays of these distinct lengths.

        Raises DataError for a file that is no such graph.
        """
        try:
            with quiet():
                self._engine = Interpreter(str(path), num_threads=1)
                self._engine.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise DataError(f"{path.name} is no graph that LiteRT can run", REMEDY) from error
        self.path = path
        inputs, outputs = self._engine.get_input_details(), self._engine.get_output_details()
        shapes = [tuple(map(int, detail["shape"])) for detail in inputs]
        by_length = {int(np.prod(detail["shape"])): detail["index"] for detail in outputs}
        if shapes != [(1, size, size, 3)] or inputs[0]["dtype"] != np.float32 or set(by_length) != set(lengths):
            returned = " and ".join(map(str, sorted(by_length)))
            raise DataError(
                f"{path.name} takes {shapes} and answers {returned} numbers, "
                f"not (1, {size}, {size}, 3) and {' and '.join(map(str, sorted(lengths)))}",
                REMEDY,
            )
        self._input = inputs[0]["index"]
        self._outputs = [by_length[length] for length in lengths]

    def __call__(self, picture: Floats) -> list[Floats]:
        """Return flat float32 arrays, in the order of `lengths`, for a picture (size, size, 3) float32."""
        self._engine.set_tensor(self._input, np.ascontiguousarray(picture[None], np.float32))
        self._engine.invoke()
        return [self._engine.get_tensor(index).ravel() for index in self._outputs]
