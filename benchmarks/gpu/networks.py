"""The networks, losses and augmentations of PyTorch's whole steps on a GPU."""

import torch
from torch import nn
from torchvision.models import resnet50
from torchvision.transforms import v2

from peer.contrastive import ProjectionHead, nt_xent
from peer.resnet import ResNet18
from peer.vit import MaskedAutoencoder

NORMALISE = v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class Simclr(nn.Module):
    def __init__(self, backbone, features):
        super().__init__()
        backbone.fc = nn.Identity()
        self.backbone, self.projection_head = backbone, ProjectionHead(features)

    def forward(self, views):
        return nt_xent(self.projection_head(self.backbone(views)).float())


class Mae(MaskedAutoencoder):
    """Masks are drawn on the device unless `restore` is given: the rank of each patch in its image's order."""

    restore = None

    def random_masking(self, n, g):
        device = self.cls_token.device
        order = torch.rand(n, self.length, device=device).argsort(1) if self.restore is None else self.restore.argsort(1)
        restore = order.argsort(1)
        return order[:, : self.kept], restore, (restore >= self.kept).float()

    def forward(self, views):
        return super().forward(views, None)


def two(view):
    return lambda images: torch.cat([view(images), view(images)])


def simclr_view(side, blur):
    jitter = v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], 0.8)
    view = [v2.RandomResizedCrop(side, antialias=False), v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True),
            jitter, v2.RandomGrayscale(0.2)]
    return v2.Compose(view + ([v2.RandomApply([v2.GaussianBlur(23, (0.1, 2.0))], 0.5)] if blur else []))


def kornia_view(side, blur):
    """Draws for each image; None if kornia is not installed."""
    try:
        from kornia import augmentation as k
    except ImportError:
        return None
    view = [k.RandomResizedCrop((side, side)), k.RandomHorizontalFlip(), k.ColorJitter(0.4, 0.4, 0.4, 0.1, p=0.8),
            k.RandomGrayscale(p=0.2)] + ([k.RandomGaussianBlur((23, 23), (0.1, 2.0), p=0.5)] if blur else [])
    augmentation = k.AugmentationSequential(*view, same_on_batch=False)
    return lambda images: augmentation(images.float() / 255)


def mae_view(side):
    return v2.Compose([v2.RandomResizedCrop(side, (0.2, 1), interpolation=v2.InterpolationMode.BICUBIC, antialias=True),
                       v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True), NORMALISE])


def sizes(tiny):
    """Per case: side of images, side of views, batch; for ViTs also (width, depth, heads) of encoder and decoder."""
    if tiny:
        return {"simclr-resnet18": (32, 32, 4), "simclr-resnet50": (40, 32, 2),
                "mae-vit-base": (40, 32, 4, (32, 2, 2), (32, 1, 2)), "mae-vit-large": (40, 32, 4, (32, 2, 2), (32, 1, 2))}
    return {"simclr-resnet18": (32, 32, 512), "simclr-resnet50": (256, 224, 256),
            "mae-vit-base": (256, 224, 256, (768, 12, 12), (512, 8, 16)),
            "mae-vit-large": (256, 224, 256, (1024, 24, 16), (512, 8, 16))}


def model_of(case, tiny=False):
    """The network with its loss, and the augmentation, of a whole step."""
    _, side, _, *widths = sizes(tiny)[case]
    if case == "simclr-resnet18":
        return Simclr(ResNet18(64), 512), two(simclr_view(side, False))
    if case == "simclr-resnet50":
        return Simclr(resnet50(), 2048), two(simclr_view(side, True))
    return Mae(side, 16, *widths), mae_view(side)


def losses_on(case, state, views, restore, device, tiny=False):
    """The loss of a step with these weights, views (n, 3, H, W) and masks: in float32 and under autocast."""
    model, _ = model_of(case, tiny)
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or any(not name.endswith(("num_batches_tracked", "layers.4.bias")) for name in missing):
        raise ValueError(f"the weights of {case} do not fit: missing {missing}, unexpected {unexpected}")
    model = model.to(device)
    if restore is not None:
        model.restore = restore.to(device)
    losses = []
    for autocast in (False, True):
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=autocast):
            losses.append(model(views.to(device)).item())
    return losses
