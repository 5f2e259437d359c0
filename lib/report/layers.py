"""The layers of a network as they run."""

import torch
from torch import nn


def layers(module: nn.Module, *inputs: torch.Tensor) -> str:
    """Name and weights of a network, then a line for each layer with what leaves it, on `inputs`.

    Only layers with weights are named; shapes are those of one item.
    """
    lines = [f"{type(module).__name__}, {sum(w.numel() for w in module.parameters()):,} weights"]
    leaves = [each for each in module.modules() if isinstance(each, nn.Conv2d | nn.Linear)]
    hooks = [
        each.register_forward_hook(
            lambda layer, _, out: lines.append(f"   {layer} -> {tuple(out.shape[1:])}")
        )
        for each in leaves
    ]
    with torch.no_grad():
        module(*inputs)
    for hook in hooks:
        hook.remove()
    return "\n".join(lines)
