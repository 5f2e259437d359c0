"""What a call costs, counted and not timed."""

from collections.abc import Callable

import torch


def flops(call: Callable[[], object]) -> int:
    """Floating point operations of one call, counted from shapes (a product and a sum are two)."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()
