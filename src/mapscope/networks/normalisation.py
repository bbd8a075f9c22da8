"""Batch renormalisation: statistics that are the same numbers for a tile and a whole map."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

_MOMENTUM = 0.1
_WARM_UP = 200
_SETTLED = 2000
_LARGEST_SCALE, _LARGEST_SHIFT = 3.0, 5.0


class BatchRenorm(nn.BatchNorm3d):
    """Batch normalisation that learns with nearly the statistics that it predicts with.

    At prediction it is batch normalisation with running statistics: a fixed scale and shift for
    each channel, so that a tile gives what the whole map gives, and which fold into the
    convolution before. While learning, a batch's own statistics are corrected towards the
    running ones, which batches of a few 3D maps need: the statistics of such a batch differ too
    much from the running ones for weights learned with the first to serve with the second.
    The correction is none at first, and is let in little by little.

    Parameters
    ----------
    num_features : int
        Channels.

    References
    ----------
    Ioffe (2017) arXiv:1702.03275, algorithm 1; the bounds grow to r = 3 and d = 5 as there.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  torch's name
        """Normalised maps, of the shape of the input."""
        if not self.training:
            return super().forward(input)
        with torch.autocast(input.device.type, enabled=False):
            return self._learning(input.float()).to(input.dtype)

    def _learning(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps normalised by the batch, corrected towards the running statistics."""
        mean, variance = torch.zeros_like(self.bias), torch.ones_like(self.bias)
        alike = functional.batch_norm(
            maps, mean, variance, training=True, momentum=1.0, eps=self.eps
        )
        with torch.no_grad():
            scale, shift = self._correction(mean, variance)
            running_mean, running_variance, batches = self._running()
            running_mean.lerp_(mean, _MOMENTUM)
            running_variance.lerp_(variance, _MOMENTUM)
            batches.add_(1)
        weight, bias = self.weight * scale, self.bias + self.weight * shift
        around = (1, -1, *(1,) * (maps.dim() - 2))
        return alike * weight.view(around) + bias.view(around)

    def _correction(
        self, mean: torch.Tensor, variance: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Scale and shift, (channels,) each, within the bounds of the time."""
        running_mean, running_variance, batches = self._running()
        share = ((batches - _WARM_UP) / (_SETTLED - _WARM_UP)).clamp(0, 1)
        deviation, running = (v.add(self.eps).sqrt() for v in (variance, running_variance))
        largest = 1 + share * (_LARGEST_SCALE - 1)
        scale = (deviation / running).clamp(1 / largest, largest)
        farthest = share * _LARGEST_SHIFT
        return scale, ((mean - running_mean) / running).clamp(-farthest, farthest)

    def _running(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mean and variance that it predicts with, (channels,), and how many batches made them."""
        found = self.running_mean, self.running_var, self.num_batches_tracked
        assert found[0] is not None
        assert found[1] is not None
        assert found[2] is not None
        return found[0], found[1], found[2]
