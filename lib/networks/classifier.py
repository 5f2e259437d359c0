"""The small convolutional classifier of 64x64 images."""

from itertools import pairwise

from torch import Tensor, nn

FEATURES = 64  # width of the penultimate layer, the d of FD-domain


class SmallCNN(nn.Module):
    """Four strided 3x3 convolutions, global mean, one linear layer: about 60,000 weights."""

    def __init__(self, classes: int = 3, width: int = 16, features: int = FEATURES):
        super().__init__()
        widths = (1, width, 2 * width, features, features)
        layers = []
        for c_in, c_out in pairwise(widths):
            conv = nn.Conv2d(c_in, c_out, 3, stride=2, padding=1, bias=False)
            layers += [conv, nn.BatchNorm2d(c_out), nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(features, classes)

    def maps(self, images: Tensor) -> Tensor:
        """(B, 1, 64, 64) -> the last feature maps (B, features, 4, 4)."""
        return self.body(images)

    def features(self, images: Tensor) -> Tensor:
        """(B, 1, 64, 64) -> (B, features), non-negative."""
        return self.maps(images).mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, 64, 64) -> class logits (B, classes)."""
        return self.head(self.features(images))
