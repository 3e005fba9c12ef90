"""Zhang, Isola, Efros: "Colorful Image Colorization" (ECCV 2016) and Zhang et al.: "Real-Time
User-Guided Image Colorization with Learned Deep Priors" (SIGGRAPH 2017).

Names and order of the layers are those of the released checkpoints: in `modelK.i` every convolution
and every ReLU takes one position, and batch norm comes after the last ReLU of its group.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

AB = 110.0  # the networks' unit of a and b, in CIELAB units
STRIDE = 8  # height and width of the input must be multiples of this


def group(
    cin: int, cout: int, convs: int, stride: int = 1, dilation: int = 1, first: bool = False
) -> nn.Sequential:
    """`convs` 3x3 convolutions with ReLU, the last with `stride`, then batch norm.

    `first`: a ReLU comes before all, because the input is a sum.
    """
    layers: list[nn.Module] = [nn.ReLU()] if first else []
    for index in range(convs):
        step = stride if index == convs - 1 else 1
        conv = nn.Conv2d(cin if index == 0 else cout, cout, 3, step, dilation, dilation)
        layers += [conv, nn.ReLU()]
    return nn.Sequential(*layers, nn.BatchNorm2d(cout))


def centred(luma: Tensor) -> Tensor:
    return (luma - 50) / 100


class ECCV16(nn.Module):
    """ab (B, 2, H, W) in CIELAB units of luma (B, 1, H, W), 0..100."""

    def __init__(self) -> None:
        super().__init__()
        self.model1 = group(1, 64, 2, stride=2)
        self.model2 = group(64, 128, 2, stride=2)
        self.model3 = group(128, 256, 3, stride=2)
        self.model4 = group(256, 512, 3)
        self.model5 = group(512, 512, 3, dilation=2)
        self.model6 = group(512, 512, 3, dilation=2)
        self.model7 = group(512, 512, 3)
        self.model8 = nn.Sequential(
            nn.ConvTranspose2d(512, 256, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 313, 1),
        )
        self.model_out = nn.Conv2d(313, 2, 1, bias=False)  # the centres of the ab bins / 110

    def forward(self, luma: Tensor) -> Tensor:
        x = self.model3(self.model2(self.model1(centred(luma))))
        x = self.model7(self.model6(self.model5(self.model4(x))))
        ab = self.model_out(self.model8(x).softmax(1))
        return F.interpolate(ab, scale_factor=4.0, mode="bilinear", align_corners=False) * AB


class SIGGRAPH17(nn.Module):
    """ab (B, 2, H, W) in CIELAB units of luma (B, 1, H, W), 0..100, and hints.

    input_B (B, 2, H, W): ab of the hints in CIELAB units, 0 elsewhere; mask_B (B, 1, H, W): 1 where
    there is a hint, else 0.
    """

    def __init__(self) -> None:
        super().__init__()
        self.model1 = group(4, 64, 2)
        self.model2 = group(64, 128, 2)
        self.model3 = group(128, 256, 3)
        self.model4 = group(256, 512, 3)
        self.model5 = group(512, 512, 3, dilation=2)
        self.model6 = group(512, 512, 3, dilation=2)
        self.model7 = group(512, 512, 3)
        self.model8up = nn.Sequential(nn.ConvTranspose2d(512, 256, 4, 2, 1))
        self.model3short8 = nn.Sequential(nn.Conv2d(256, 256, 3, padding=1))
        self.model8 = group(256, 256, 2, first=True)
        self.model9up = nn.Sequential(nn.ConvTranspose2d(256, 128, 4, 2, 1))
        self.model2short9 = nn.Sequential(nn.Conv2d(128, 128, 3, padding=1))
        self.model9 = group(128, 128, 1, first=True)
        self.model10up = nn.Sequential(nn.ConvTranspose2d(128, 128, 4, 2, 1))
        self.model1short10 = nn.Sequential(nn.Conv2d(64, 128, 3, padding=1))
        self.model10 = nn.Sequential(
            nn.ReLU(), nn.Conv2d(128, 128, 3, padding=1), nn.LeakyReLU(0.2)
        )
        # A second head for training; in the checkpoint, never computed.
        self.model_class = nn.Sequential(nn.Conv2d(256, 529, 1))
        self.model_out = nn.Sequential(nn.Conv2d(128, 2, 1), nn.Tanh())

    def forward(
        self, luma: Tensor, input_B: Tensor | None = None, mask_B: Tensor | None = None
    ) -> Tensor:
        if input_B is None:
            input_B = luma.new_zeros(1).expand(luma.shape[0], 2, *luma.shape[2:])
        if mask_B is None:
            mask_B = torch.zeros_like(luma)
        at1 = self.model1(torch.cat([centred(luma), input_B / AB, mask_B], 1))
        at2 = self.model2(at1[:, :, ::2, ::2])
        at4 = self.model3(at2[:, :, ::2, ::2])
        x = self.model4(at4[:, :, ::2, ::2])
        x = self.model7(self.model6(self.model5(x)))
        x = self.model8(self.model8up(x) + self.model3short8(at4))
        x = self.model9(self.model9up(x) + self.model2short9(at2))
        x = self.model10(self.model10up(x) + self.model1short10(at1))
        ab: Tensor = self.model_out(x) * AB
        return ab
