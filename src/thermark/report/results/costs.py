"""What no chance moves about a contestant: how many parameters and multiply-adds its network has."""

from pathlib import Path

import torch

from thermark.core.runs import seed_folders
from thermark.nets import card, complexity


def costs(folder: Path) -> dict[str, int]:
    """Return `parameters` and `macs` (of one crop) of the network of a run's folder, nothing where it has none."""
    trained = seed_folders(folder) or ([folder] if (folder / "model.json").is_file() else [])
    if not trained:
        return {}
    net, about = card.read(trained[0])
    counted = complexity.macs(net, torch.zeros(1, 3, about.input_size, about.input_size))
    return {"parameters": complexity.parameters(net), "macs": counted.total()}
