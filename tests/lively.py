"""A random network that says something: fresh weights give logits of 1e-9, where every difference is nothing."""

from pathlib import Path

import torch
from torch import nn

from running import untrained
from thermark.nets import card


def write(folder: Path, draw: int = 0, **changed) -> Path:
    """Write a model folder as `running.untrained` does, with weights under which signals keep their size."""
    untrained(folder, draw, **changed)
    net, about = card.read(folder)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(draw)
        for module in net.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)
            elif isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(std=0.2)
                module.running_mean.normal_(std=0.2)
                module.running_var.uniform_(0.5, 1.5)
    card.write(folder, about, net.state_dict())
    return folder
