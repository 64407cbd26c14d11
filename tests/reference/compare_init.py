"""`pretrain --init` on networks of timm and torchvision with random weights, in the forms in which published weights come:
what `embed` writes after a run with learning rate zero beside their own features; 1e-4 is allowed.

usage: python tests/reference/compare_init.py build/examples        (needs torch, timm, torchvision, safetensors, Pillow)
The tests do not need it. With torch 2.15.0, timm 1.0.31 and torchvision 0.29.2 the largest differences were 8.0e-7 to 1.3e-6 of
the largest feature, and the ResNet's weights were the same.
"""
import os, subprocess, sys, tempfile
import numpy as np, timm, torch, torch.nn.functional as F, torchvision
from PIL import Image
from safetensors.torch import load_file, save_file
from timm.models.vision_transformer import VisionTransformer

programs = os.path.abspath(sys.argv[1])
torch.manual_seed(1)
size = dict(patch_size=4, embed_dim=128, depth=6, num_heads=4, num_classes=10)  # vit-micro


def shaken(net):
    for parameter in net.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    return net.eval()


def fitted(net, grid):
    """timm's network for 32 pixels with the positions of `net` interpolated as MAE's fine-tuning does it."""
    other = VisionTransformer(img_size=32, init_values=1.0 if hasattr(net.blocks[0].ls1, "gamma") else None, **size).eval()
    state = dict(net.state_dict())
    table = state["pos_embed"]
    inner = table[:, 1:].reshape(1, grid, grid, -1).permute(0, 3, 1, 2)
    inner = F.interpolate(inner, size=(8, 8), mode="bicubic", align_corners=False).permute(0, 2, 3, 1).reshape(1, 64, -1)
    state["pos_embed"] = torch.cat([table[:, :1], inner], 1)
    other.load_state_dict(state)
    return other


def run(folder, *words):
    subprocess.run([os.path.join(programs, words[0]), *words[1:]], cwd=folder, check=True, stdout=subprocess.DEVNULL)


plain = shaken(VisionTransformer(img_size=32, **size))
dinov2 = shaken(VisionTransformer(img_size=56, init_values=1e-1, **size))
no_class_position = shaken(VisionTransformer(img_size=32, no_embed_class=True, **size))
theirs = shaken(torchvision.models.VisionTransformer(image_size=32, patch_size=4, num_layers=6, num_heads=4, hidden_dim=128,
                                                     mlp_dim=512, num_classes=10))
theirs.heads = torch.nn.Identity()


class ThinResNet(torchvision.models.ResNet):
    """ResNet-18 with a quarter of the channels and a 3x3 stem: resnet18-thin, which the programs have by default."""

    def __init__(self):
        super().__init__(torchvision.models.resnet.BasicBlock, [2, 2, 2, 2])
        self.conv1, self.bn1 = torch.nn.Conv2d(3, 16, 3, padding=1, bias=False), torch.nn.BatchNorm2d(16)
        self.fc = torch.nn.Linear(128, 10)

    def _make_layer(self, block, planes, *rest, **named):
        if planes == 64:
            self.inplanes = 16
        return super()._make_layer(block, planes // 4, *rest, **named)


state = lambda net, prefix="": {prefix + name: value.clone() for name, value in net.state_dict().items()}
features = lambda net: lambda images: net.forward_head(net.forward_features(images), pre_logits=True)
cases = {  # name: tensors of the file, the features that they mean
    "timm": (state(plain), features(plain)),
    "MoCo v3": (state(plain, "module.base_encoder.") | state(dinov2, "module.momentum_encoder."), features(plain)),
    "DINO": (state(plain, "teacher.backbone.") | state(no_class_position, "student.backbone."), features(plain)),
    "DINOv2, 14 x 14 positions, LayerScale": (state(dinov2) | {"mask_token": torch.zeros(1, 128)}, features(fitted(dinov2, 14))),
    "DeiT III, no position of the class token": (state(no_class_position), features(no_class_position)),
    "torchvision": (state(theirs), theirs)}
worst = 0.0
with tempfile.TemporaryDirectory() as folder:
    os.mkdir(os.path.join(folder, "pictures"))
    pictures = np.random.default_rng(1).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(os.path.join(folder, "pictures", f"{i:02}.png"))
    images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    images = (images - torch.tensor([.485, .456, .406]).view(3, 1, 1)) / torch.tensor([.229, .224, .225]).view(3, 1, 1)
    for name, (tensors, network) in cases.items():
        save_file(tensors, os.path.join(folder, "weights"))
        run(folder, "pretrain", "mae", "--init", "weights", "--learning-rate", "0", "--data", "pictures", "--epochs", "1", "--batch",
            "12", "--threads", "2", "--out", "run", "--overwrite")
        run(folder, "embed", "--run", "run", "--format", "safetensors", "--out", "features")
        with torch.no_grad():
            expected = network(images)
        found = load_file(os.path.join(folder, "features", "features.safetensors"))["features"]
        difference = ((found - expected).abs().max() / expected.abs().max()).item()
        worst = max(worst, difference)
        print(f"{name}: largest difference {difference:.1e} of the largest feature")
    net = ThinResNet()
    save_file(state(shaken(net), "module.encoder_q."), os.path.join(folder, "weights"))
    run(folder, "pretrain", "byol", "--init", "weights", "--learning-rate", "0", "--encoder", "resnet18-thin", "--data", "pictures",
        "--epochs", "1", "--batch", "12", "--threads", "2", "--out", "run", "--overwrite", "--keep-going")
    written = load_file(os.path.join(folder, "run", "encoder.safetensors"))
    for name, value in net.named_parameters():
        if not name.startswith("fc.") and not torch.equal(value.data, written[name]):
            sys.exit(f"torchvision's ResNet: {name} differs")
    print("torchvision's ResNet: the same weights")
sys.exit(worst > 1e-4)
