"""Whole encoders beside torchvision's: random weights pass both ways through safetensors, features must agree to 1e-4.

usage: python tests/reference/compare_torchvision.py        (from anywhere; needs torch, torchvision, safetensors, g++)
Last run with torch 2.15.0, torchvision 0.29.2, safetensors 0.8.0: 4.7e-6 at most, 1.3e-6 for MobileNetV3.
The tests do not need it.
"""
import os, subprocess, sys, tempfile
import torch, torchvision
from safetensors.torch import load_file, save_file

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
torch.manual_seed(1)
worst = 0.0
with tempfile.TemporaryDirectory() as folder:
    path = lambda name: os.path.join(folder, name)
    subprocess.run(["g++", "-std=c++20", "-O2", "-I", os.path.join(root, "include"), "-isystem", "/usr/include/eigen3",
                    os.path.join(root, "tests/reference/encode.cpp"), "-o", path("encode"), "-pthread"], check=True)
    images = torch.randn(4, 3, 224, 224)
    save_file({"images": images}, path("images"))
    for name in ("resnet18", "resnet50", "mobilenet_v3_small", "mobilenet_v3_large"):
        net = getattr(torchvision.models, name)(weights=None)
        for parameter in net.parameters():
            parameter.data.add_(0.02 * torch.randn_like(parameter))
        for key, buffer in net.named_buffers():
            if buffer.dtype.is_floating_point:
                buffer.add_(0.2 * torch.rand_like(buffer))
        save_file(net.state_dict(), path("weights"))
        if name.startswith("mobilenet"):
            net.classifier[3] = torch.nn.Identity()
        else:
            net.fc = torch.nn.Identity()
        net.eval()
        for direction in ("read", "write"):
            subprocess.run([path("encode"), name, direction, path("images"), path("weights"), path("out")], check=True)
            if direction == "write":
                net.load_state_dict(load_file(path("weights")))  # strict: every name and shape is torchvision's
            with torch.no_grad():
                expected = net(images)
            found = load_file(path("out"))["features"]
            difference = ((found - expected).abs().max() / expected.abs().max()).item()
            worst = max(worst, difference)
            print(f"{name}: {'torchvision weights here' if direction == 'read' else 'our weights in torchvision'}: "
                  f"largest difference {difference:.1e} of the largest feature")
sys.exit(worst > 1e-4)
