"""What networks cost: counts by hand, times by a clock that we hold, and what is compared with what."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

import tiny_runs
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.report.speed import networks
from thermark.report.speed.networks import TimedNetwork
from thermark.report.speed.speed_config import Config

CONFIG = Config(students=("supervised_x",), points=1, threads=1, repeats=3)


def net(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, channels, 4, stride=4, bias=False))


@pytest.fixture
def clock(monkeypatch):
    """Time stands still but while a network computes, which takes as many seconds as it has channels / 1000."""
    now = SimpleNamespace(at=0.0, calls=[])

    def slowed(self, images):
        now.at += self.weight.shape[0] / 1000
        now.calls.append((self.weight.shape[0], torch.is_autocast_enabled("cpu"), images.shape[-1]))
        return images

    monkeypatch.setattr(nn.Conv2d, "forward", slowed)
    monkeypatch.setattr(networks, "time", SimpleNamespace(perf_counter=lambda: now.at))
    return now


def test_contestants_take_turns_and_the_first_call_of_a_turn_is_not_counted(clock):
    times = networks.timed({"a": TimedNetwork(net(5), 8), "b": TimedNetwork(net(20), 16)}, ["fp32", "bf16"], 2)
    turn = [(5, False, 8), (5, False, 8), (5, True, 8), (5, True, 8)]
    turn += [(20, False, 16), (20, False, 16), (20, True, 16), (20, True, 16)]
    assert clock.calls == turn * 2
    for name, wanted in (("a", 5), ("b", 20)):
        assert times[name] == {how: pytest.approx([wanted] * 2) for how in ("fp32", "bf16")}


def test_the_middle_and_the_quartiles_are_told():
    times = networks.spread({"fp32": [9.0, 1.0, 3.0, 5.0, 100.0]})
    assert times == {"fp32_ms": 5.0, "fp32_ms_low": 3.0, "fp32_ms_high": 9.0}


def test_costs_by_hand():
    costs = networks.costs(TimedNetwork(net(5), 8, "why"))
    assert costs == {"parameters": 240, "gmacs": 4 * 240 / 1e9, "input": 8, "note": "why"}


def test_factors_say_how_much_smaller_and_faster():
    large = {"parameters": 1000, "fp32_ms": 90.0, "bf16_ms": 60.0}
    small = {"parameters": 100, "fp32_ms": 3.0, "bf16_ms": 4.0}
    factors = networks.factors(large, small)
    assert factors == {"times_smaller": 10, "times_faster_fp32": 30, "times_faster_bf16": 15}
    assert set(networks.factors(large, large).values()) == {1}
    assert "times_faster_bf16" not in networks.factors(
        {"parameters": 1, "fp32_ms": 1}, {"parameters": 1, "fp32_ms": 1}
    )


def test_students_are_also_measured_at_the_size_of_the_large_network(tmp_path):
    tiny_runs.untrained(parent(tmp_path / "supervised_x") / "seed0", vocabulary="nose1", points=1)
    tiny_runs.untrained(parent(tmp_path / "whole") / "seed0", vocabulary="nose1", points=1, input_size=256)
    config = CONFIG.model_copy(update={"students": ("supervised_x", "whole")})
    students = networks.students(config, tmp_path)
    assert {name: each.side for name, each in students.items()} == {
        **{"supervised_x": 64, "supervised_x@256px": 256, "whole": 256}
    }
    assert students["supervised_x@256px"].note == networks.RANDOM and not students["supervised_x"].note


def parent(folder):
    folder.mkdir()
    return folder


def test_a_student_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="supervised_x"):
        networks.students(CONFIG, tmp_path)


def test_machine_and_rows_are_told(tmp_path):
    tiny_runs.untrained(parent(tmp_path / "supervised_x") / "seed0", vocabulary="nose1", points=1)
    reference = networks.headed(net(6), 2)
    report = networks.measured(CONFIG, tmp_path, {"large": TimedNetwork(reference, 256, networks.RANDOM)})
    assert list(report["rows"]) == ["large", "supervised_x", "supervised_x@256px"]
    assert (
        report["machine"]["threads"] == 1
        and report["machine"]["cpu"]
        and report["machine"]["precision"][0] == "fp32"
    )
    head = (6 + 1) * 256 + 2 * 256 + (9 * 256 + 1) * 64 + 2 * 64 + (64 + 1) * 2
    assert report["rows"]["large"]["parameters"] == 3 * 6 * 16 + head
    assert report["rows"]["large"]["times_smaller"] == report["rows"]["large"]["times_faster_fp32"] == 1
    for row in report["rows"].values():
        assert 0 < row["fp32_ms_low"] <= row["fp32_ms"] <= row["fp32_ms_high"]


@pytest.mark.parametrize("changed", [{"repeats": 0}, {"students": "t"}, {"thread": 2}])
def test_impossible_settings_are_config_errors(changed):
    with pytest.raises(ConfigError, match=next(iter(changed))):
        parse({"students": ["t"]} | changed, Config, "speed")


@pytest.mark.slow
def test_the_large_network_is_that_of_the_posts():
    """0.4B: 0.398 B parameters with the head for 308 points, and features of (1024, 16, 16) at 256 px."""
    with torch.device("meta"):
        vit = networks.sapiens2()
        images = torch.zeros(1, 3, 256, 256)
        assert vit(images).shape == (1, 1024, 16, 16)
        counted = networks.complexity.macs(vit, images)
    assert networks.complexity.parameters(vit) == 395_450_368
    # A weight is used once for each of 256 patches, the class token and 8 registers; attention comes on top.
    tokens = 256 + 1 + 8
    assert 1 < counted.total() / (395_450_368 * tokens) < 1.05
    assert counted["bmm"] + counted["attention"] == 24 * 2 * tokens**2 * 1024
