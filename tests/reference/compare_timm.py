"""A whole vision transformer beside timm's: random weights of ViT-S/16 pass both ways through safetensors, class features
must agree to 1e-4.

usage: python tests/reference/compare_timm.py        (from anywhere; needs torch, timm, safetensors, g++)
Last run with torch 2.15.0, timm 1.0.31, safetensors 0.8.0: 1.3e-6 at most. The tests do not need it.
"""
import os, subprocess, sys, tempfile
import timm, torch
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
    net = timm.create_model("vit_small_patch16_224", pretrained=False, num_classes=0).eval()
    for parameter in net.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    save_file(net.state_dict(), path("weights"))
    for direction in ("read", "write"):
        subprocess.run([path("encode"), "vit_small", direction, path("images"), path("weights"), path("out")], check=True)
        if direction == "write":
            net.load_state_dict(load_file(path("weights")))  # strict: every name and shape is timm's
        with torch.no_grad():
            expected = net(images)
        found = load_file(path("out"))["features"]
        difference = ((found - expected).abs().max() / expected.abs().max()).item()
        worst = max(worst, difference)
        print(f"vit_small: {'timm weights here' if direction == 'read' else 'our weights in timm'}: "
              f"largest difference {difference:.1e} of the largest feature")
sys.exit(worst > 1e-4)
