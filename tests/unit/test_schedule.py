import json

import numpy as np
import pytest
import torch
from torch import nn

from thermark.nets.rtmpose import RTMPose
from thermark.train import schedule
from thermark.train.schedule import Ema, Rate

# warm-up 1000 iterations; cosine from half time to 0.05, or from a quarter to 0.005.
PUBLISHED = {
    "coco_wholebody_face": Rate(peak=4e-3, warmup=1000, flat=0.5, floor=0.05),
    "face6_m": Rate(peak=4e-3, warmup=1000, flat=0.25, floor=0.005),
}


@pytest.fixture(scope="module")
def reference(golden):
    return json.loads(golden("losses.json").read_text())


@pytest.mark.parametrize("name", PUBLISHED)
def test_learning_rate_is_the_published_trace(name, reference):
    trace = reference["lr_schedule"][name]
    steps = trace["iters_per_epoch"] * trace["max_epochs"]
    for step, wanted in trace["lr_at_iter"].items():
        got = schedule.learning_rate(PUBLISHED[name], int(step), steps)
        assert got == pytest.approx(wanted, rel=1e-9), step


def test_learning_rate_ends_near_its_floor_and_never_exceeds_its_peak():
    rate = Rate(peak=1.0, warmup=10, flat=0.3, floor=0.1)
    trace = [schedule.learning_rate(rate, step, 200) for step in range(200)]
    assert max(trace) == 1.0 and trace[-1] == pytest.approx(0.1, abs=1e-3)


def test_a_run_of_one_step_has_a_rate():
    assert 0 < schedule.learning_rate(Rate(), 0, 1) <= Rate().peak


def test_average_is_the_reference_trace(reference):
    trace = reference["ema_ExpMomentum"]
    ema = Ema(momentum=trace["momentum"], gamma=trace["gamma"])
    model, mean = nn.BatchNorm1d(1), nn.BatchNorm1d(1)
    for step in range(3001):
        with torch.no_grad():
            model.weight.fill_(1 + 0.001 * step)
            model.running_mean.fill_(1 + 0.001 * step)
            model.num_batches_tracked.fill_(step)
        schedule.average(mean, model, schedule.share(ema, step))
        if (wanted := trace["average_after_update_i"].get(str(step))) is not None:
            assert mean.weight.item() == pytest.approx(wanted, rel=2e-6), step
            assert mean.running_mean.item() == pytest.approx(wanted, rel=2e-6), step
            assert mean.num_batches_tracked.item() == step


def test_weight_decay_groups_are_the_reference_ones(reference):
    wanted = reference["weight_decay_groups_rtmpose_t"]
    model = RTMPose("t", 68)
    decayed, free = schedule.groups(model, 0.05)
    assert (len(decayed["params"]), len(free["params"])) == (wanted["n_decay"], wanted["n_no_decay"])
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.05, 0.0)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    thin = {names[id(p)] for p in decayed["params"] if p.ndim == 1}
    assert thin == set(wanted["one_dim_params_that_ARE_decayed"])
    assert set(wanted["gau_gamma_beta_decayed"]) <= {names[id(p)] for p in decayed["params"]}
    assert len(names) == len(decayed["params"]) + len(free["params"])


def test_frozen_parameters_are_in_no_group():
    model = RTMPose("t", 3, 64)
    model.backbone.requires_grad_(False)
    count = sum(len(group["params"]) for group in schedule.groups(model, 0.05))
    assert count == len(list(model.head.parameters()))


def test_share_falls_from_everything_to_the_momentum():
    trace = [schedule.share(Ema(momentum=0.1, gamma=10), step) for step in range(300)]
    assert trace[0] == 1 and np.all(np.diff(trace) < 0) and trace[-1] == pytest.approx(0.1, abs=1e-6)
