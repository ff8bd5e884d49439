import subprocess
import sys

from thermark.core.seeds import integer, rng


def test_keys_name_independent_streams():
    first = rng(1, "train", "a").integers(1 << 40, size=4).tolist()
    assert first == rng(1, "train", "a").integers(1 << 40, size=4).tolist()
    others = [rng(2, "train", "a"), rng(1, "train", "b"), rng(1, "a", "train"), rng(1, "train", "a", 0)]
    assert all(other.integers(1 << 40, size=4).tolist() != first for other in others)


def test_keys_do_not_run_together_or_confuse_types():
    assert len({integer("ab", "c"), integer("a", "bc"), integer("abc"), integer(1), integer("1")}) == 5


def test_the_stream_does_not_depend_on_the_process():
    code = "from thermark.core.seeds import integer; print(integer('x', 3))"
    other = {"PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], env=other, capture_output=True, text=True, check=True)
    assert done.stdout == f"{integer('x', 3)}\n"
