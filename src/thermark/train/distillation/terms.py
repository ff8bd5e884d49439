"""The terms of equations 8 and 9 for one batch."""

from thermark.nets.pixels import normalised
from thermark.nets.rtmpose import RTMPose
from thermark.train.distillation import injection, losses
from thermark.train.distillation.distillation_config import Config
from thermark.train.distillation.injection import AdaptedStudent
from thermark.train.loop import Terms
from thermark.train.pairs import PairBatch
from thermark.train.run import Ready


def weighted(
    model: AdaptedStudent, teacher: RTMPose, batch: PairBatch, epoch: int, at: Ready, config: Config
) -> Terms:
    """Return the weighted terms kp, fm, lg, ri, fi, those with a weight; the teacher's weights get no gradient.

    0.1 kp + gamma(t) 1e-3 (fm + lg + ri + fi) is equation 8, without ri and fi it is equation 9.
    """
    weight, point = config.lambdas, config.inject_at
    forward, reverse = config.injected
    with at.autocast():
        features = model.student.backbone(normalised(batch.student.images, at.device))
        maps = model.student.head.maps(features)
        ss = model.student.head.classify(maps)
        terms = {"kp": weight.kp * at.labelled(ss, batch.student)} if weight.kp else {}
        if not weight.distilled:
            return terms
        outputs = injection.teacher_outputs(teacher, normalised(batch.teacher, at.device))
        adapted = model.to_teacher(features)
        fi = injection.forward_injection(model, outputs, point) if forward else ss
        ri = injection.reverse_injection(teacher, adapted, maps, point) if reverse else ss
    fade = losses.gamma(epoch, config.epochs, config.alpha)
    tt, printed = outputs.logits, config.reading == "printed"
    if weight.fm:
        terms["fm"] = fade * weight.fm * losses.features(outputs.features, adapted, config.fm_reduction)
    if weight.lg:
        terms["lg"] = fade * weight.lg * losses.logits(tt, ss)
    if weight.ri and printed:
        terms["ri"] = fade * weight.ri * losses.logits(ss, fi)
    elif weight.ri:
        terms["ri"] = fade * weight.ri * losses.logits(ss if config.ri_target == "ss" else tt, ri)
    if weight.fi:
        terms["fi"] = fade * weight.fi * losses.logits(tt, ri if printed else fi)
    return terms
