"""Networks of transformers with a few narrow layers of random weights."""

import torch

from thermark.nets import pretrained


def sapiens2(points=308):
    """Return a random network of four narrow layers, two of which share keys between heads."""
    torch.manual_seed(0)
    head = pretrained.Sapiens2HeadConfig(upsample_out_channels=[16, 12], conv_out_channels=[8, 8, 10])
    config = pretrained.Sapiens2Config(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=4,
        num_attention_heads=2,
        num_key_value_heads_per_layer=[2, 1, 1, 2],
        num_register_tokens=3,
        num_labels=points,
        head_config=head,
    )
    net = pretrained.Sapiens2ForPoseEstimation(config).eval()
    with torch.no_grad():
        # As they are drawn, layers hardly change what they are given.
        for weight in net.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return net


def vitpose(points, experts=6):
    """Return a random network of two narrow layers."""
    torch.manual_seed(1)
    backbone = {
        "model_type": "vitpose_backbone",
        "image_size": [64, 48],
        "patch_size": [16, 16],
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "mlp_ratio": 2,
        "num_experts": experts,
        "part_features": 8 if experts > 1 else 0,
        "out_indices": [2],
    }
    config = pretrained.VitPoseConfig(backbone_config=backbone, num_labels=points, use_simple_decoder=False)
    net = pretrained.VitPoseForPoseEstimation(config).eval()
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return net
