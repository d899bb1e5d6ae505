#!/usr/bin/env python3
"""The paper's training in plain PyTorch: a reference beside `faird train`.

Run by hand with Debian's /usr/bin/python3 (python3-torch, python3-opencv); no
test and no build needs it. It trains on a folder of good pictures and writes a
plain ONNX file (no metadata) with batch norm folded, and prints seconds a step
and peak memory.

    bench/train_reference.py --good DIR --out plain.onnx --width 16 --size 256
    bench/train_reference.py --good DIR --speed 20 --width 16 --size 128 --batch 8

Textures for synthetic defects come from --textures DIR, else from the pictures
themselves.
"""
import argparse
import copy
import glob
import math
import os
import resource
import time

import cv2
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval


# ---- the network ----

def double(a, b, c):
    return nn.Sequential(
        nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(inplace=True),
        nn.Conv2d(b, c, 3, padding=1), nn.BatchNorm2d(c), nn.ReLU(inplace=True))


def single(a):
    return nn.Sequential(nn.Conv2d(a, a, 3, padding=1), nn.BatchNorm2d(a), nn.ReLU(inplace=True))


class UNet(nn.Module):
    """Five levels of c, 2c, 4c, 8c, 8c channels; skips are added."""

    def __init__(self, c, channels=1):
        super().__init__()
        w = [c, 2 * c, 4 * c, 8 * c, 8 * c]
        for i, (a, b) in enumerate(zip([channels] + w, w), 1):
            setattr(self, f"e{i}", double(a, b, b))
        for i, (a, b) in enumerate([(8 * c, 4 * c), (4 * c, 2 * c), (2 * c, c), (c, c)], 1):
            setattr(self, f"u{i}", single(a))
            setattr(self, f"d{i}", double(a, a, b))
        self.out = nn.Conv2d(c, 3, 3, padding=1)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.normal_(m.weight, 0, 0.02)
            if isinstance(m, nn.BatchNorm2d):
                nn.init.normal_(m.weight, 1, 0.02)
                nn.init.zeros_(m.bias)

    def forward(self, x):
        skips = []
        for i in range(1, 6):
            x = getattr(self, f"e{i}")(x)
            if i < 5:
                skips.append(x)
                x = F.max_pool2d(x, 2)
        for i in range(1, 5):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
            x = getattr(self, f"d{i}")(getattr(self, f"u{i}")(x) + skips[4 - i])
        return self.out(x)


def ssim(a, b):
    """11x11 Gaussian window, sigma 1.5, zero padding, dynamic range 1."""
    g = torch.exp(-(torch.arange(11, dtype=a.dtype, device=a.device) - 5) ** 2 / 4.5)
    g = g / g.sum()
    n = a.shape[1]

    def mean(x):
        x = F.conv2d(x, g.view(1, 1, 1, 11).expand(n, 1, 1, 11), padding=(0, 5), groups=n)
        return F.conv2d(x, g.view(1, 1, 11, 1).expand(n, 1, 11, 1), padding=(5, 0), groups=n)

    ma, mb = mean(a), mean(b)
    va, vb, ab = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    c1, c2 = 0.01 ** 2, 0.03 ** 2
    return ((2 * ma * mb + c1) * (2 * ab + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2))).mean()


# ---- high-pass (eq. 1-6) ----

def transfer(rows, cols, d0, order):
    v, u = np.mgrid[0:rows, 0:cols]
    d = np.hypot(v - rows // 2, u - cols // 2)
    with np.errstate(divide="ignore"):
        h = 1 / (1 + (d0 / d) ** (2 * order))
    return np.fft.ifftshift(h).astype(np.float32)


def highpass(batch, h):
    """batch [n,3,h,w] BGR 0..1 -> [n,1,h,w]."""
    grey = 0.114 * batch[:, 0] + 0.587 * batch[:, 1] + 0.299 * batch[:, 2]
    return torch.fft.ifft2(torch.fft.fft2(grey) * h).real.unsqueeze(1)


# ---- synthetic defects, on the input only ----

def rotated(img, degrees):
    h, w = img.shape[:2]
    m = cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), degrees, 1)
    return cv2.warpAffine(img, m, (w, h))


def perlin(h, w, rng):
    ry, rx = 2 ** rng.integers(0, 6), 2 ** rng.integers(0, 6)
    angles = rng.uniform(0, 2 * math.pi, (ry + 1, rx + 1))
    gy, gx = np.sin(angles), np.cos(angles)
    y, x = np.linspace(0, ry, h, endpoint=False), np.linspace(0, rx, w, endpoint=False)
    iy, ix = y.astype(int), x.astype(int)
    fy, fx = (y - iy)[:, None], (x - ix)[None, :]

    def dot(oy, ox):
        j = np.ix_(iy + oy, ix + ox)
        return gy[j] * (fy - oy) + gx[j] * (fx - ox)

    sy, sx = fy ** 3 * (fy * (6 * fy - 15) + 10), fx ** 3 * (fx * (6 * fx - 15) + 10)
    top = dot(0, 0) * (1 - sx) + dot(0, 1) * sx
    low = dot(1, 0) * (1 - sx) + dot(1, 1) * sx
    return math.sqrt(2) * (top * (1 - sy) + low * sy)


def equalised(img):
    return cv2.merge([cv2.equalizeHist(c) for c in cv2.split(img)])


def stretched(img):
    low, high = img.min((0, 1)).astype(np.float32), img.max((0, 1)).astype(np.float32)
    return np.clip((img - low) * 255 / np.maximum(high - low, 1), 0, 255).astype(np.uint8)


def hue(img, rng):
    hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV).astype(np.int16)
    hsv[..., 0] = (hsv[..., 0] + rng.integers(-50, 51) * 180 // 255) % 180
    hsv[..., 1] = np.clip(hsv[..., 1] + rng.integers(-50, 51), 0, 255)
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2BGR)


def sharpened(img, rng):
    alpha, light = rng.uniform(0, 1), rng.uniform(0.75, 1.5)
    k = np.full((3, 3), -1.0) * alpha
    k[1, 1] = (1 - alpha) + alpha * (8 + light)
    return cv2.filter2D(img, -1, k)


AUGMENTERS = [
    lambda i, r: (255 * (i / 255.0) ** r.uniform(0.5, 2, 3)).astype(np.uint8),
    lambda i, r: np.clip(i * r.uniform(0.8, 1.2) + r.uniform(-30, 30), 0, 255).astype(np.uint8),
    sharpened, hue,
    lambda i, r: np.where(i >= r.integers(32, 129), 255 - i, i).astype(np.uint8),
    lambda i, r: i & np.uint8(256 - 2 ** r.integers(1, 8)),
    lambda i, r: 255 - i,
    lambda i, r: stretched(i),
    lambda i, r: equalised(i),
    lambda i, r: rotated(i, r.uniform(-45, 45)),
]


def textured(img, pool, rng):
    h, w = img.shape[:2]
    texture = pool[rng.integers(len(pool))]
    for k in rng.choice(len(AUGMENTERS), 3, replace=False):
        texture = AUGMENTERS[k](texture, rng)
    noise = rotated(perlin(h, w, rng).astype(np.float32), rng.uniform(-90, 90))
    mask = (noise > 0.5)[..., None]
    beta = rng.uniform(0, 0.8)
    return np.where(mask, beta * img + (1 - beta) * texture, img).astype(np.uint8)


def cut_paste(img, form, rng):
    h, w = img.shape[:2]
    if form == "paper":
        ph, pw = (int(s * rng.uniform(0.72, 0.95)) for s in (h, w))
        y, x = rng.integers(h - ph + 1), rng.integers(w - pw + 1)
        ty, tx = rng.integers(h - ph + 1), rng.integers(w - pw + 1)
        out = img.copy()
        out[ty:ty + ph, tx:tx + pw] = img[y:y + ph, x:x + pw]
        return out
    y, x = rng.integers(h), rng.integers(w)
    patch = img[y:y + int(h * rng.uniform(0.8, 0.9)), x:x + int(w * rng.uniform(0.8, 0.9))]
    ph, pw = patch.shape[:2]
    m = cv2.getRotationMatrix2D((0, 0), math.degrees(int(rng.integers(-6, 6))), 1)
    patch = cv2.warpAffine(patch, m, (pw, ph))
    ty, tx = rng.integers(h - ph + 1), rng.integers(w - pw + 1)
    out = img.copy()
    out[ty:ty + ph, tx:tx + pw] = patch
    return out


def sample(pictures, pool, form, rng):
    img = pictures[rng.integers(len(pictures))]
    if rng.random() < 0.3:
        img = rotated(img, rng.uniform(-90, 90))
    if rng.random() < 0.5:
        return img, img
    bad = textured(img, pool, rng) if rng.random() < 0.5 else cut_paste(img, form, rng)
    return bad, img


def batches(pictures, pool, args):
    rng = np.random.default_rng(args.seed)
    while True:
        pairs = [sample(pictures, pool, args.cutpaste, rng) for _ in range(args.batch)]
        yield tuple(torch.from_numpy(np.stack(side).transpose(0, 3, 1, 2).copy()).float() / 255 for side in zip(*pairs))


# ---- ONNX, batch norm folded ----

def fold(net):
    for name, block in net.named_children():
        if isinstance(block, nn.Sequential):
            layers = list(block)
            folded = []
            for i in range(0, len(layers), 3):
                folded += [fuse_conv_bn_eval(layers[i], layers[i + 1]), layers[i + 2]]
            setattr(net, name, nn.Sequential(*folded))
    return net


def export(net, path, size, channels=1):
    net = fold(copy.deepcopy(net).eval())
    temporary = path + ".tmp"
    torch.onnx.export(net, torch.zeros(1, channels, size, size), temporary, opset_version=13,
                      input_names=["highpass"], output_names=["restored"],
                      dynamic_axes={"highpass": {0: "n"}, "restored": {0: "n"}})
    os.replace(temporary, path)


def average(mean, net, decay):
    """Moves mean towards net, batch-norm statistics included."""
    for a, b in zip(mean.state_dict().values(), net.state_dict().values()):
        a.copy_(decay * a + (1 - decay) * b if a.is_floating_point() else b)


def read(folder, size):
    paths = sorted(p for ext in ("png", "jpg", "bmp") for p in glob.glob(os.path.join(folder, "**", "*." + ext), recursive=True))
    if not paths:
        raise SystemExit(f"no pictures in {folder}")
    return [cv2.resize(cv2.imread(p), (size, size), interpolation=cv2.INTER_LINEAR) for p in paths]


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--good", required=True)
    a.add_argument("--out")
    a.add_argument("--textures", help="folder of texture pictures; default: the good pictures")
    a.add_argument("--width", type=int, default=32)
    a.add_argument("--size", type=int, default=256)
    a.add_argument("--batch", type=int, default=8)
    a.add_argument("--steps", type=int, default=1000)
    a.add_argument("--time", type=float, help="minutes to train instead of a number of steps")
    a.add_argument("--lr", type=float, default=1e-4)
    a.add_argument("--d0", type=float, default=30)
    a.add_argument("--order", type=int, default=2)
    a.add_argument("--cutpaste", choices=["authors", "paper"], default="paper")
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--average", type=float, default=0, help="decay of a running mean of the weights that is exported instead, e.g. 0.99")
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--resume", help="state written beside --out, e.g. m.onnx.pt: start from its weights")
    a.add_argument("--speed", type=int, help="only measure this many steps")
    args = a.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    pictures = read(args.good, args.size)
    pool = read(args.textures, args.size) if args.textures else pictures
    net = UNet(args.width)
    if args.resume:
        net.load_state_dict(torch.load(args.resume))
    net = net.to(memory_format=torch.channels_last)
    mean = copy.deepcopy(net).requires_grad_(False)
    h = torch.from_numpy(transfer(args.size, args.size, args.d0, args.order))
    adam = torch.optim.Adam(net.parameters(), lr=args.lr)
    steps = args.speed or args.steps
    feed = batches(pictures, pool, args)
    print(f"{sum(p.numel() for p in net.parameters())} parameters, {len(pictures)} pictures", flush=True)
    took, losses = [], []
    begun = saved = time.perf_counter()
    step, done = 0, 0.0
    while done < 1:
        step += 1
        for group in adam.param_groups:
            group["lr"] = args.lr * 0.2 ** ((done >= 0.8) + (done >= 0.9))
        bad, good = next(feed)
        x, good = (t.contiguous(memory_format=torch.channels_last) for t in (highpass(bad, h), good))
        start = time.perf_counter()
        restored = net(x)
        loss = F.mse_loss(restored, good) + 1 - ssim(restored, good)
        adam.zero_grad()
        loss.backward()
        adam.step()
        average(mean, net, min(args.average, step / (step + 10)))
        took.append(time.perf_counter() - start)
        losses.append(loss.item())
        minutes = (time.perf_counter() - begun) / 60
        done = minutes / args.time if args.time else step / steps
        if step % 20 == 0 or done >= 1:
            print(f"step {step} loss {np.mean(losses[-20:]):.4f} {np.median(took[-20:]):.3f} s/step, {minutes:.1f} min", flush=True)
        if args.out and not args.speed and (done >= 1 or time.perf_counter() - saved > 90):
            saved = time.perf_counter()
            torch.save(net.state_dict(), args.out + ".pt")
            export(mean, args.out, args.size)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"median {np.median(took):.3f} s/step, fastest {np.min(took):.3f}, peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
