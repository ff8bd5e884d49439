"""The losses of MLCM-KD against the goldens of DWPose and against `equations`, written from the paper alone."""

import copy
import json
from dataclasses import dataclass
from functools import cache
from math import log

import numpy as np
import pytest
import torch
from torch import nn

import drawn_faces
import mlcmkd_equations
import reference_vectors
import tiny_runs
from thermark.core.config import parse
from thermark.nets import card, cspnext
from thermark.nets.rtmpose import RTMPose
from thermark.train import schedule
from thermark.train.codecs.simcc import SimCC
from thermark.train.data import Batch
from thermark.train.distillation import injection, losses, training
from thermark.train.distillation.injection import AdaptedStudent
from thermark.train.distillation.terms import weighted
from thermark.train.losses import simcc
from thermark.train.pairs import PairBatch
from thermark.train.recipes import ktl
from thermark.train.run import Ready

FACES, POINTS, SIDE, EPOCHS = 2, 3, 64, 10
SIGMA = 2.83  # bins at 64 px: 5.66 at 256, with the root of the side
MEAN, STD = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
RUN = drawn_faces.RUN | {
    "recipe": "ktl",
    "train": "thermal",
    "teacher": "pretrain_s",
    "teacher_data": "rgb",
    "input_size": SIDE,
    "epochs": EPOCHS,
    "threads": 1,
    "precision": "fp32",
    "batch": 8,
}
TERMS = ("kp", "fm", "lg", "ri", "fi")


def config_of(**changed) -> ktl.Config:
    return parse(RUN | changed, ktl.Config, "runs.ktl.x")


def alone(term: str, weight: float = 1.0) -> dict[str, float]:
    return {name: weight * (name == term) for name in TERMS}


# The losses themselves.


def stored(golden, name: str) -> dict[str, torch.Tensor]:
    with np.load(golden(name)) as arrays:
        return {key: torch.from_numpy(arrays[key]) for key in arrays.files}


@pytest.mark.parametrize(
    ("case", "weight", "beta"),
    [
        ("KDLoss weight=0.1 beta=10", 0.1, 10),
        ("KDLoss weight=1.0 beta=10", 1.0, 10),
        ("KDLoss weight=1.0 beta=1", 1.0, 1),
        ("KDLoss weight=1.0 beta=10, all target_weight = 0 (argument is ignored)", 1.0, 10),
    ],
)
@pytest.mark.parametrize("loss", [losses.logits, mlcmkd_equations.d], ids=["product", "equations"])
def test_logits_are_compared_as_dwpose_does(loss, case, weight, beta, golden):
    wanted = json.loads(golden("losses.json").read_text())["DWPose_KDLoss"][case]
    values = stored(golden, "simcc_losses.npz")
    x, y = values["student_x"].requires_grad_(), values["student_y"].requires_grad_()
    value = weight * loss((values["teacher_x"], values["teacher_y"]), (x, y), beta)
    value.backward()
    assert value.item() == pytest.approx(wanted["value"], rel=1e-5)
    assert x.grad.norm().item() == pytest.approx(wanted["grad_x_norm"], rel=1e-5)
    assert y.grad.norm().item() == pytest.approx(wanted["grad_y_norm"], rel=1e-5)
    # In float32 a softmax over logits of some tens has no digits left below 1e-9 of its largest value.
    np.testing.assert_allclose(x.grad.flatten()[:6], wanted["grad_x_first6"], rtol=1e-4, atol=weight * 1e-9)


def test_the_default_sharpness_is_ten(golden):
    values = stored(golden, "simcc_losses.npz")
    pairs = [(values[f"{who}_x"], values[f"{who}_y"]) for who in ("teacher", "student")]
    assert losses.logits(*pairs).item() == losses.logits(*pairs, 10.0).item() != losses.logits(*pairs, 9.0).item()


@pytest.mark.parametrize("alpha", [7e-5, 5e-5])
@pytest.mark.parametrize("loss", [losses.features, mlcmkd_equations.fm], ids=["product", "equations"])
def test_features_are_compared_as_dwpose_does(loss, alpha, golden):
    wanted = json.loads(golden("losses.json").read_text())["DWPose_FeaLoss"]
    values = stored(golden, "feature_loss.npz")
    aligned = nn.functional.conv2d(values["student"], values["align_weight"], values["align_bias"])
    for student, case in ((aligned, "align 24->40"), (values["teacher_width_student"], "same width")):
        value = alpha * loss(values["teacher"], student, "sum").item()
        assert value == pytest.approx(wanted[f"{case} alpha={alpha:.0e}"], rel=1e-5)
    value = loss(values["teacher"], aligned, "mean").item()
    assert value == pytest.approx(wanted["eq1 mean((T-f(S))^2), align"], rel=1e-5)


def random_pair(seed: int, faces: int = 2, points: int = 4, bins: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    x, y = 0.3 * torch.randn(2, faces, points, bins, generator=torch.Generator().manual_seed(seed))
    return x.requires_grad_(), y.requires_grad_()


def test_equal_logits_cost_nothing_up_to_a_constant():
    a = random_pair(0)
    value = losses.logits(a, tuple(axis + 3.0 for axis in a))
    assert value.item() == pytest.approx(0, abs=1e-5)
    value.backward()
    assert all(axis.grad.abs().max() < 1e-6 for axis in a)


def test_the_printed_cross_entropy_is_larger_by_the_entropy_of_the_target_and_has_the_same_gradient():
    a, b = random_pair(0), random_pair(1)
    ours, printed = losses.logits(a, b), mlcmkd_equations.d(a, b, printed=True)
    rows = [row for axis in a for row in axis.flatten(0, 1)]
    entropies = [float(mlcmkd_equations.entropy(mlcmkd_equations.probabilities(row.detach()))) for row in rows]
    # Two axes of 2 x 4 rows: the sum over axes of means over faces and points.
    assert (printed - ours).item() == pytest.approx(sum(entropies) / 8, rel=1e-5)
    for first, second in zip(torch.autograd.grad(ours, b), torch.autograd.grad(printed, b), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-6)


def test_a_divergence_by_hand():
    """Two bins: p = (3/4, 1/4) against q = (1/2, 1/2), on x alone, in one of two faces and one of two points."""
    target = torch.zeros(2, 2, 2)
    target[1, 0, 0] = log(3) / 10
    flat = torch.zeros(2, 2, 2)
    by_hand = (0.75 * log(0.75 / 0.5) + 0.25 * log(0.25 / 0.5)) / 4
    assert losses.logits((target, flat), (flat, flat)).item() == pytest.approx(by_hand, rel=1e-5)


def test_no_gradient_reaches_a_target():
    a, b = random_pair(0), random_pair(1)
    losses.logits(a, b).backward()
    assert all(axis.grad is None for axis in a) and all(axis.grad.abs().sum() > 0 for axis in b)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_feature_distance_by_hand(reduction):
    teacher, student = torch.zeros(2, 3, 2, 2), torch.zeros(2, 3, 2, 2)
    student[0, 0, 0, 0], teacher[1, 2, 1, 1] = 3.0, 4.0
    value = losses.features(teacher, student, reduction).item()
    assert value == pytest.approx(25 / 24 if reduction == "mean" else 25 / 2)


def test_losses_are_float32_whatever_comes_in():
    a, b = (tuple(axis.bfloat16() for axis in random_pair(seed)) for seed in (0, 1))
    value = losses.logits(a, b)
    assert value.dtype == torch.float32
    widened = (tuple(axis.float() for axis in pair) for pair in (a, b))
    assert value.item() == losses.logits(*widened).item()
    maps = torch.randn(2, 3, 4, 4).bfloat16()
    assert losses.features(maps, maps + 1).dtype == torch.float32


@pytest.mark.parametrize(
    ("alpha", "wanted"),
    [
        (0, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]),
        (1, [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]),
        (5, [1.0, 1.0, 1.0, 1.0, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5]),
        (10, [1.0] * 10),
        (0.5, [0.95, 0.85, 0.75, 0.65, 0.55, 0.45, 0.35, 0.25, 0.15, 0.05]),
    ],
)
def test_distillation_fades_as_by_hand(alpha, wanted):
    actual = [losses.gamma(epoch, 10, alpha) for epoch in range(10)]
    assert actual == pytest.approx(wanted, abs=1e-12)
    assert [mlcmkd_equations.gamma(t, 10, alpha) for t in range(1, 11)] == pytest.approx(actual, abs=1e-12)
    assert min(actual) >= 0


def test_the_fade_of_the_paper_is_that_of_dwpose_and_never_negative():
    assert [losses.gamma(epoch, 150) for epoch in range(150)] == pytest.approx([1 - e / 150 for e in range(150)])
    assert all(losses.gamma(epoch, epochs, 0.0) >= 0 for epochs in range(1, 400) for epoch in range(epochs))


# Real networks, small: the teacher in evaluation mode, the student in training mode.
NARROW = {"t": (0.167, 0.125), "s": (0.167, 0.1875)}  # depth and width: a third of theirs, unequal as they are


@cache
def built(size: str, seed: int) -> tuple[RTMPose, dict[str, torch.Tensor]]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(cspnext.SCALES, size, NARROW[size])
        model = RTMPose(size, POINTS, SIDE)
    entries = [(name, tuple(tensor.shape)) for name, tensor in model.state_dict().items()]
    state = {name: torch.from_numpy(array) for name, array in reference_vectors.weights(entries, seed).items()}
    # Logits of a tenth: softmax(10 z) is then neither flat nor a spike.
    state["head.cls_x.weight"] *= 0.1
    state["head.cls_y.weight"] *= 0.1
    return model, state


def network(size: str, seed: int) -> RTMPose:
    """Return the one network of a size and seed as if it were new: copies take longer than steps."""
    model, state = built(size, seed)
    model.load_state_dict(state)
    model.zero_grad(set_to_none=True)
    return model


@dataclass(frozen=True)
class Bench:
    """A student beside its teacher, and a batch for both."""

    config: ktl.Config
    teacher: RTMPose
    model: AdaptedStudent
    batch: PairBatch

    def weighted(self, epoch: int = 0) -> dict[str, torch.Tensor]:
        codec = SimCC((SIDE, SIDE), self.config.label)
        at = Ready(self.config, 0, (), (), torch.device("cpu"), "fp32", None, None, simcc.loss, codec)
        return weighted(self.model, self.teacher, self.batch, epoch, at, self.config)


def bench(teacher_size: str = "t", student_size: str = "t", **changed) -> Bench:
    config = config_of(**changed)
    teacher = network(teacher_size, 1).eval().requires_grad_(False)
    student = network(student_size, 2)  # whose first building draws from the generator
    torch.manual_seed(3)
    model = AdaptedStudent(student, teacher, *training.adapters(config)).train()
    rng = np.random.default_rng(4)
    rgb = rng.integers(0, 256, (FACES, SIDE, SIDE, 3), np.uint8)
    thermal = rng.integers(0, 256, (FACES, SIDE, SIDE), np.uint8)
    xy = rng.uniform(4, 60, (FACES, POINTS, 2)).astype(np.float32)
    weight = np.array([[1, 1, 0], [1, 1, 1]], np.float32)
    return Bench(config, teacher, model, PairBatch(Batch(thermal, xy, weight), rgb))


def images(pixels: np.ndarray) -> torch.Tensor:
    three = torch.from_numpy(pixels if pixels.ndim == 4 else np.repeat(pixels[..., None], 3, -1)).float()
    return ((three - MEAN) / STD).permute(0, 3, 1, 2)


def after_conv(head: nn.Module):
    """Return what follows the final convolution of a head."""

    def rest(maps: torch.Tensor):
        tokens = head.gau(head.mlp(maps.flatten(2)))
        return head.cls_x(tokens), head.cls_y(tokens)

    return rest


def expected(on: Bench, epoch: int = 0) -> dict[str, torch.Tensor]:
    """Return the weighted terms of equations 8 and 9 from the independent reference."""
    config, student, teacher = on.config, on.model.student, on.teacher
    behind = config.inject_at == "final_layer"
    heads = [after_conv(model.head) if behind else model.head for model in (teacher, student)]
    f, g = on.model.to_teacher, on.model.to_student
    nets = mlcmkd_equations.Nets(teacher.backbone, heads[0], student.backbone, heads[1], f, g)
    wanted = {name for name in TERMS if getattr(config.lambdas, name)}
    options = (config.reading, config.ri_target, config.fm_reduction)
    places = (teacher.head.final_layer, student.head.final_layer) if behind else None
    rgb, thermal = images(on.batch.teacher), images(on.batch.student.images)
    given = mlcmkd_equations.transfer(nets, rgb, thermal, wanted, *options, places)
    label = mlcmkd_equations.one_hot_label if config.label == "one_hot" else mlcmkd_equations.gaussian_label
    more = () if config.label == "one_hot" else (SIGMA,)
    xy = on.batch.student.xy.tolist()
    labels = [
        torch.stack([torch.stack([label(point[axis], 2 * SIDE, *more) for point in face]) for face in xy])
        for axis in (0, 1)
    ]
    ss = student.head(student.backbone(thermal))
    fade = mlcmkd_equations.gamma(epoch + 1, config.epochs, config.alpha)
    terms = {"kp": config.lambdas.kp * mlcmkd_equations.kp(ss, labels, torch.from_numpy(on.batch.student.weight))}
    terms |= {name: fade * getattr(config.lambdas, name) * value for name, value in given.items()}
    return {name: terms[name] for name in TERMS if name in wanted}


OPTIONS = [
    {},
    {"reading": "printed"},
    {"ri_target": "ss"},
    {"reading": "printed", "ri_target": "ss"},
    {"fm_reduction": "sum"},
    {"inject_at": "final_layer"},
    {"inject_at": "final_layer", "reading": "printed"},
    {"inject_at": "final_layer", "ri_target": "ss", "label": "one_hot", "alpha": 0.0},
    {"label": "one_hot"},
    {"lambdas": {"kp": 1.0, "fm": 0.5, "lg": 0.4, "ri": 0.3, "fi": 0.2}},
    {"lambdas": {"ri": 0.0, "fi": 0.0}},
    {"alpha": 3.5},
]


# Networks of unequal sizes need adapters on every way; with equal ones, one option of each way is enough.
@pytest.mark.parametrize(
    ("sizes", "changed"),
    [(("s", "t"), changed) for changed in OPTIONS] + [(("t", "t"), OPTIONS[n]) for n in (0, 3, 5, 6)],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "-".join(value),
)
def test_terms_and_their_gradient_are_those_of_the_equations(sizes, changed):
    on = bench(*sizes, **changed)
    parameters = list(on.model.parameters())
    actual, wanted = on.weighted(epoch=5), expected(on, epoch=5)
    assert values(actual) == pytest.approx(values(wanted), rel=1e-4)
    first, second = (
        torch.cat([grad.flatten() for grad in torch.autograd.grad(sum(terms.values()), parameters)])
        for terms in (actual, wanted)
    )
    assert (first - second).norm() < 1e-3 * second.norm()


def values(terms: dict[str, torch.Tensor]) -> dict[str, float]:
    return {name: value.item() for name, value in terms.items()}


@cache
def unchanged() -> dict[str, float]:
    return values(bench("s", "t").weighted(epoch=4))


@pytest.mark.parametrize(
    ("changed", "moves"),
    [
        ({"reading": "printed"}, {"ri", "fi"}),
        ({"ri_target": "ss"}, {"ri"}),
        ({"fm_reduction": "sum"}, {"fm"}),
        ({"inject_at": "final_layer"}, {"ri", "fi"}),
        ({"label": "one_hot"}, {"kp"}),
        ({"alpha": 2.0}, {"fm", "lg", "ri", "fi"}),
        *(({"lambdas": {name: 0.0}}, {name}) for name in TERMS),
        *(({"lambdas": {name: 0.7}}, {name}) for name in TERMS),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_an_option_moves_its_terms_and_no_other(changed, moves):
    plain, other = unchanged(), values(bench("s", "t", **changed).weighted(epoch=4))
    different = {name for name in TERMS if plain[name] != pytest.approx(other.get(name, 0.0), rel=1e-6)}
    assert set(plain) == set(TERMS) and different == moves
    gone = {name for name, value in changed.get("lambdas", {}).items() if value == 0}
    assert set(other) == set(TERMS) - gone


def test_as_printed_the_target_of_reverse_injection_has_no_effect():
    first, second = (bench(reading="printed", ri_target=target).weighted() for target in ("tt", "ss"))
    assert all(first[name].item() == second[name].item() for name in TERMS)


def test_a_weight_is_a_factor_and_distillation_alone_fades():
    """That a term is the same without the others is tested above."""
    base, double, late = (
        values(bench("s", "t", lambdas=dict.fromkeys(TERMS, factor)).weighted(epoch))
        for factor, epoch in ((1.0, 0), (2.0, 0), (1.0, EPOCHS - 1))
    )
    assert double == pytest.approx({term: 2 * value for term, value in base.items()}, rel=1e-6)
    faded = {term: value * (1 if term == "kp" else 1 / EPOCHS) for term, value in base.items()}
    assert late == pytest.approx(faded, rel=1e-6) and set(late) == {*TERMS}


def test_labels_alone_ask_no_teacher():
    on = bench(lambdas=alone("kp"))
    assert set(Bench(on.config, None, on.model, on.batch).weighted()) == {"kp"}


def test_a_pair_of_equal_networks_and_images_agrees():
    """Nothing is left to learn from a teacher that one is: fm, lg, ri and fi are 0, with BatchNorm frozen."""
    on = bench(lambdas=alone("fm") | alone("lg") | {"fm": 1.0, "lg": 1.0, "ri": 1.0, "fi": 1.0, "kp": 0.0})
    on.model.student.load_state_dict(on.teacher.state_dict())
    same = PairBatch(on.batch.student, on.batch.student.images)
    terms = Bench(on.config, on.teacher, on.model.eval(), same).weighted()
    assert set(terms) == {"fm", "lg", "ri", "fi"}
    assert all(value.item() == pytest.approx(0, abs=1e-6) for value in terms.values())


# Where each gradient goes, by autograd.

BODY, CONV, REST, F, G = "student backbone", "student final_layer", "rest of student head", "f", "g"
DESTINATIONS = {
    ("backbone", "prose"): {
        "kp": {BODY, CONV, REST},
        "fm": {BODY, F},
        "lg": {BODY, CONV, REST},
        "ri": {BODY, F},
        "fi": {CONV, REST, G},
    },
    ("final_layer", "prose"): {
        "kp": {BODY, CONV, REST},
        "fm": {BODY, F},
        "lg": {BODY, CONV, REST},
        "ri": {BODY, CONV},
        "fi": {REST},
    },
    # As printed, `ri` is the student's head on the teacher's features, `fi` the teacher's on the student's.
    ("backbone", "printed"): {"ri": {CONV, REST, G}, "fi": {BODY, F}, "fm": {BODY, F}},
    ("final_layer", "printed"): {"ri": {REST}, "fi": {BODY, CONV}, "fm": {BODY, F}},
}


def parts(on: Bench) -> dict[str, list[nn.Parameter]]:
    def split(model: RTMPose, who: str):
        conv = list(model.head.final_layer.parameters())
        rest = [p for p in model.head.parameters() if all(p is not other for other in conv)]
        return {
            f"{who} backbone": list(model.backbone.parameters()),
            f"{who} final_layer": conv,
            f"rest of {who} head": rest,
        }

    return (
        split(on.model.student, "student")
        | split(on.teacher, "teacher")
        | {
            F: list(on.model.to_teacher.parameters()),
            G: list(on.model.to_student.parameters()),
        }
    )


def reached(on: Bench) -> set[str]:
    """Return the parts with a gradient; every part has it whole or not at all."""
    value = sum(on.weighted().values())
    value.backward()
    names = set()
    for name, parameters in parts(on).items():
        some = [p.grad is not None and bool(p.grad.abs().sum() > 0) for p in parameters]
        assert len(set(some)) <= 1 or sum(some) > 0.9 * len(some), name
        names |= {name} if any(some) else set()
    return names


@pytest.mark.parametrize("sizes", [("t", "t"), ("s", "t")], ids="-".join)
@pytest.mark.parametrize(
    ("place", "reading", "target", "term"),
    [
        *((*how, "tt", term) for how, terms in DESTINATIONS.items() for term in terms),
        ("backbone", "prose", "ss", "ri"),
        ("final_layer", "prose", "ss", "ri"),
    ],
)
def test_every_term_reaches_exactly_what_it_should(sizes, place, reading, target, term):
    options = {"inject_at": place, "reading": reading, "ri_target": target}
    on = bench(*sizes, lambdas=alone(term), **options)
    wanted = DESTINATIONS[place, reading][term]
    assert reached(on) == (wanted if sizes[0] != sizes[1] else wanted - {F, G})
    # Adapters are there only where they are used: an idle one would be decayed, averaged and saved.
    idle = {name for name, parameters in parts(on).items() if name in (F, G) and parameters} - wanted
    assert not idle


def test_injection_behind_the_final_layer_needs_no_adapter_but_that_of_the_feature_loss():
    on = bench("s", "t", inject_at="final_layer")
    assert isinstance(on.model.to_teacher, nn.Conv2d) and isinstance(on.model.to_student, nn.Identity)


def test_adapters_are_one_by_one_with_bias_and_fit():
    on = bench("s", "t")
    wide, narrow = on.teacher.backbone.channels, on.model.student.backbone.channels
    shapes = {name: tuple(tensor.shape) for name, tensor in on.model.named_parameters() if "to_" in name}
    assert shapes == {
        "to_teacher.weight": (wide, narrow, 1, 1),
        "to_teacher.bias": (wide,),
        "to_student.weight": (narrow, wide, 1, 1),
        "to_student.bias": (narrow,),
    }


@pytest.mark.parametrize("sizes", [("t", "t"), ("t", "s")], ids="-".join)
def test_one_batch_leaves_the_teacher_and_foreign_features_leave_the_student_as_they_were(sizes):
    """Neither weights nor running statistics: the student's are those of its own images alone."""
    on = bench(*sizes)
    before = {name: tensor.clone() for name, tensor in on.teacher.state_dict().items()}
    student = copy.deepcopy(on.model.student)
    sum(on.weighted().values()).backward()
    student(images(on.batch.student.images))
    assert all(torch.equal(tensor, before[name]) for name, tensor in on.teacher.state_dict().items())
    assert all(p.grad is None for p in on.teacher.parameters())
    for name, tensor in student.state_dict().items():
        torch.testing.assert_close(on.model.student.state_dict()[name], tensor, rtol=1e-5, atol=1e-6)


def test_a_lesson_can_be_learned_from_and_carries_no_gradient():
    teacher = network("t", 1).eval().requires_grad_(False)
    given = injection.teacher_outputs(teacher, torch.randn(2, 3, SIDE, SIDE))
    for tensor in (given.features, given.maps, *given.logits):
        assert not tensor.requires_grad and not tensor.is_inference()


# Real steps.


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("distilled")
    drawn_faces.write_pairs(folder / "faces", 16, 64)
    for size in ("s", "t"):
        tiny_runs.teach(folder / "models", f"pretrain_{size}", 0, size=size, trained_on=["rgb"])
    return folder


@pytest.mark.parametrize(("size", "place"), [("t", "backbone"), ("s", "final_layer")])
def test_steps_move_the_pupil_whole_and_never_the_teacher(root, tmp_path, monkeypatch, golden, size, place):
    seen, watched = [], []
    groups, step = schedule.groups, training.weighted

    def noted(model, decay):
        seen.append(model)
        return groups(model, decay)

    def noting(model, teacher, *more):
        if not watched:
            before = [{name: t.clone() for name, t in net.state_dict().items()} for net in (model, teacher)]
            watched.extend([model, teacher, *before])
        assert model.training and not teacher.training
        return step(model, teacher, *more)

    monkeypatch.setattr(schedule, "groups", noted)
    monkeypatch.setattr(training, "weighted", noting)
    config = config_of(size=size, inject_at=place, epochs=1, batch=6, lambdas=dict.fromkeys(TERMS, 1.0))
    done = ktl.train(config, 0, root / "faces", root / "models", tmp_path / "state")
    assert done.progress.step == 3
    assert list(done.progress.history[0]) == ["epoch", "lr", *TERMS, "grad_norm", "val_nme"]

    model, teacher, first, teacher_state = watched
    assert not {name for name, tensor in model.state_dict().items() if torch.equal(tensor, first[name])}
    file, _ = card.read(root / "models" / "pretrain_s" / "seed0")
    for name, tensor in teacher.state_dict().items():
        assert torch.equal(tensor, teacher_state[name]) and torch.equal(tensor, file.state_dict()[name]), name
    assert len(seen) == 1 and seen[0] is model
    optimised = {id(p) for group in groups(model, 0.0) for p in group["params"]}
    assert optimised == {id(p) for p in model.parameters()}
    assert not optimised & {id(p) for p in teacher.parameters()}
    assert all(p.grad is None and not p.requires_grad for p in teacher.parameters())

    # What is exported is RTMPose and nothing else.
    plain = RTMPose(size, 68, SIDE)
    official = [name for name, *_ in json.loads(golden("state_dict_keys.json").read_text())[size]]
    assert set(done.weights) == set(official) == set(plain.state_dict())
    assert done.card.params == sum(p.numel() for p in plain.parameters())
    (tmp_path / "model").mkdir()
    card.write(tmp_path / "model", done.card, done.weights)
    card.read(tmp_path / "model")
