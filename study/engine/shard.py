"""One worker's part of a batch, when several devices train the same runs."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor


class Shard(NamedTuple):
    """Worker ``rank`` of ``world``. Every worker holds all parameters and sees a part of each batch."""

    rank: int = 0
    world: int = 1

    def of(self, size: int) -> slice:
        """This worker's rows of ``size``: the first workers take one more where they do not divide evenly."""
        each, more = divmod(size, self.world)
        start = self.rank * each + min(self.rank, more)
        return slice(start, start + each + (self.rank < more))

    def sum(self, *tensors: Tensor) -> None:
        """Add ``tensors`` up over all workers, in place; the same bits on each."""
        if self.world > 1:
            whole = torch.cat([tensor.flatten() for tensor in tensors])  # one exchange: each costs its latency
            dist.all_reduce(whole)
            for tensor, part in zip(tensors, torch.split(whole, [tensor.numel() for tensor in tensors]), strict=True):
                tensor.copy_(part.view_as(tensor))


ALONE = Shard()
