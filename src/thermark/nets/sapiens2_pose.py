"""The pose networks of Sapiens2 from their published files, whole and in float32, or not at all."""

import re
from pathlib import Path

from thermark.core.errors import DataError
from thermark.nets import pretrained
from thermark.nets.pretrained import Sapiens2Config, Sapiens2ForPoseEstimation, Sapiens2HeadConfig


def load_pose_model(path: Path) -> Sapiens2ForPoseEstimation:
    """Return the pose network in a safetensors file, float32, for inference; its backbone is `.model`.

    The file has the original names of tensors, as the Hub's `model.safetensors` and
    `sapiens2_*_pose.safetensors` do. A `config.json` beside it is obeyed; without one the architecture is read
    from the shapes. Raises DataError for a damaged file and for one with a tensor more, less or of another
    shape.
    """
    beside = path.parent / "config.json"
    shapes = pretrained.shapes(path)
    config = pretrained.described(beside, Sapiens2Config) if beside.is_file() else architecture(shapes, path.name)
    # The only buffer of the original that transformers computes instead; it would overlook others of that name.
    strange = [key for key in shapes if "periods" in key and key != "backbone.rope_embed.periods"]
    if strange:
        raise DataError(f"{path} does not fit the network: {strange[0]} is unexpected", pretrained.AGAIN)
    return pretrained.built(Sapiens2ForPoseEstimation, config, path)


def architecture(shapes: dict[str, tuple[int, ...]], name: str) -> Sapiens2Config:
    """Return the configuration of a pose network with tensors of these original names and shapes.

    Sizes differ in width, depth and head only. Raises DataError when an essential tensor is absent.
    """
    try:
        hidden = shapes["backbone.cls_token"][-1]
        head = shapes["backbone.blocks.0.attn.q_norm.weight"][0]
        keys = [shapes[key][0] // head for key in _numbered(shapes, r"backbone\.blocks\.(\d+)\.attn\.wk\.weight")]
        deconvs = _numbered(shapes, r"decode_head\.deconv_layers\.(\d+)\.weight")
        convs = _numbered(shapes, r"decode_head\.conv_layers\.(\d+)\.weight")
        return Sapiens2Config(  # type: ignore[call-arg]
            patch_size=shapes["backbone.patch_embed.projection.weight"][-1],
            hidden_size=hidden,
            intermediate_size=shapes["backbone.blocks.0.ffn.w3.weight"][1],
            num_hidden_layers=len(keys),
            num_attention_heads=hidden // head,
            num_key_value_heads_per_layer=keys,
            num_register_tokens=shapes["backbone.storage_tokens"][1],
            num_labels=shapes["decode_head.conv_pose.weight"][0],
            head_config=Sapiens2HeadConfig(
                upsample_out_channels=[shapes[key][1] for key in deconvs],
                upsample_kernel_sizes=[shapes[key][2] for key in deconvs],
                conv_out_channels=[shapes[key][0] for key in convs],
                conv_kernel_sizes=[shapes[key][2] for key in convs],
            ),
        )
    except (KeyError, IndexError) as error:
        raise DataError(f"{name} is no pose network of Sapiens2: {error} is missing", pretrained.AGAIN) from error


def _numbered(shapes: dict[str, tuple[int, ...]], pattern: str) -> list[str]:
    """Return the names that match, in the order of their number."""
    found = {int(match[1]): key for key in shapes if (match := re.fullmatch(pattern, key))}
    return [found[number] for number in sorted(found)]
