"""The default needs no network: its code runs where every way out of the machine is closed."""

import os
import re
import runpy
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest
import yaml

import offline
from thermark.core import config, files
from thermark.core.predictions import Predictions
from thermark.portability import doctor

ROOT = Path(__file__).parents[2]
TELEMETRY = {
    "onnxruntime": ("thermark.models.inference.engine", "ORT_DISABLE_TELEMETRY"),
    "rtmlib": ("thermark.models.inference.sessions", "ORT_DISABLE_TELEMETRY"),
    "transformers": ("thermark.nets.pretrained", "HF_HUB_DISABLE_TELEMETRY"),
}
TALKERS = re.compile(r"\s*(import|from) (onnxruntime|rtmlib|transformers|huggingface_hub)\b")


@pytest.fixture
def left(monkeypatch, tmp_path) -> list[str]:
    """Close this process and those it starts; return what wanted to leave it."""
    log, attempts = offline.guard(tmp_path / "guard"), []
    for name, value in offline.blocked(attempts.append).items():
        monkeypatch.setattr(f"socket.{name}", value)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(log.parent), *sys.path]))
    for name in [name for name in os.environ if name.startswith("THERMARK_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("THERMARK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    return attempts


def udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("192.0.2.1", 53))


def tcp() -> None:
    with socket.socket() as one:
        one.connect(("192.0.2.1", 80))


@pytest.mark.parametrize(
    ("leave", "event"),
    [
        (lambda: socket.getaddrinfo("example.org", 443), "getaddrinfo example.org"),
        (lambda: socket.gethostbyname("example.org"), "gethostbyname example.org"),
        (lambda: urllib.request.urlopen("http://example.org", timeout=1), "getaddrinfo example.org"),
        (tcp, "connect 192.0.2.1"),
        (udp, "sendto 192.0.2.1"),
    ],
)
def test_the_guard_sees_every_way_out(left, leave, event):
    with pytest.raises(offline.Left):
        leave()
    assert left == [event]


def test_the_guard_lets_this_machine_talk_to_itself(left):
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: server.accept()[0].sendall(b"x"), daemon=True).start()
        with socket.create_connection(("localhost", server.getsockname()[1]), timeout=5) as one:
            assert one.recv(1) == b"x"
    assert left == []


def test_the_guard_reaches_processes_that_are_started(left, tmp_path):
    program = "import socket; socket.getaddrinfo('example.org', 1)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode and "Left" in done.stderr
    assert (tmp_path / "guard/left.log").read_text().startswith("getaddrinfo example.org")


def params(folder: Path) -> None:
    """Write the smallest params.yaml on which the first stages run."""
    settings = config.read(ROOT / "params.yaml")
    settings["render"]["tfake"] |= {"count": 12, "size": 64}
    settings["datasets"] = {"tfake": settings["datasets"]["tfake"] | {"split": {"val": 0.35, "test": 0.35}}}
    settings["scored"] = {"tfake": "test"}
    settings["jitter"]["datasets"] = ["tfake"]
    settings["contestants"] = {"mean_shape": {"family": "mean_shape", "train": "tfake"}}
    settings["weights"] = {"none": settings["weights"]["none"]}
    (folder / "params.yaml").write_text(yaml.safe_dump(settings))
    for name in ("requirements.txt", settings["weights"]["none"]["manifest"]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)


@pytest.mark.slow
def test_doctor_and_the_first_stages_never_leave_this_machine(left, stages, tmp_path, monkeypatch):
    checks = {check.name: check.mark for check in doctor.doctor(ROOT / "requirements.txt", ROOT / ".dvc/config")}
    assert checks["python"] == checks["cache"] == checks["dvc"] == "ok"
    params(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("env", "render@tfake", "prepare@tfake", "weights", "predict"):
        command = shlex.split(stages[name].cmd)
        _, script, *words = command[command.index("python") :]
        monkeypatch.setattr(sys, "argv", [script, *words])
        runpy.run_path(str(ROOT / script), run_name="__main__")
    assert files.read_json(tmp_path / "data/reports/tfake.json")["faces"]
    predictions = Predictions.open(tmp_path / "data/predictions/mean_shape/tfake.npz")
    assert predictions.status == "ok" and len(predictions)
    assert left == [] and not (tmp_path / "guard/left.log").exists()


@pytest.mark.slow
@pytest.mark.parametrize("package", TELEMETRY)
def test_packages_are_told_to_report_to_nobody_before_they_are_imported(left, package, tmp_path):
    """In a process without make's variables, as under `dvc repro` by hand: they are read once, at import."""
    module, variable = TELEMETRY[package]
    program = f"""
import builtins, os, sys
real, seen = builtins.__import__, []
def watching(name, *more, **others):
    if name.split(".")[0] in ("onnxruntime", "transformers", "huggingface_hub") and not seen:
        seen.append(os.environ.get({variable!r}))
    return real(name, *more, **others)
builtins.__import__ = watching
import {module}
print(seen, {package!r} in sys.modules)
"""
    clean = {name: value for name, value in os.environ.items() if name not in doctor.TELEMETRY}
    done = subprocess.run(
        [sys.executable, "-c", program], env=clean, capture_output=True, text=True, check=True
    ).stdout
    assert done.splitlines()[-1] == "['1'] True"
    assert not (tmp_path / "guard/left.log").exists()


def test_whoever_imports_these_packages_has_silenced_them_above():
    """A module that imported one by itself would report home when `make` is not there to forbid it."""
    modules = {}
    for path in (ROOT / "src/thermark").rglob("*.py"):
        # What only a type checker imports is indented below that line, and runs nowhere.
        text = re.sub(r"(?m)^if TYPE_CHECKING:\n((    .*)?\n)+", "", path.read_text(encoding="utf-8"))
        lines = text.splitlines()
        imported = [number for number, line in enumerate(lines) if TALKERS.match(line)]
        if imported:
            silenced = [number for number, line in enumerate(lines) if "DISABLE_TELEMETRY" in line]
            modules[path.name] = bool(silenced) and silenced[0] < imported[0]
    assert modules == dict.fromkeys(
        ["community.py", "compress.py", "engine.py", "hub.py", "pretrained.py", "sessions.py"], True
    )
    assert "analytics = false" in (ROOT / ".dvc/config").read_text()
