#!/usr/bin/env python3
"""The authors' test loop in plain PyTorch: a reference beside `faird bench`.

Run by hand with Debian's /usr/bin/python3 (python3-torch, python3-opencv); no
test and no build needs it. From a 1-megapixel BGR frame to a score: resize,
DFT high-pass in NumPy, the UNet in PyTorch, MSGMS in PyTorch, colour difference
with OpenCV's CIELAB, mean filter, maximum. Prints frames a second and the
median milliseconds of each stage.

    bench/reference.py --width 32 --size 256 --threads 2 --frames 50
"""
import argparse
import time

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from train_reference import UNet, transfer

PREWITT = torch.tensor([[1, 0, -1], [1, 0, -1], [1, 0, -1]], dtype=torch.float32) / 3


def gradient(x):
    """Prewitt magnitude of [1,1,h,w]."""
    gx = F.conv2d(x, PREWITT.view(1, 1, 3, 3), padding=1)
    gy = F.conv2d(x, PREWITT.t().reshape(1, 1, 3, 3), padding=1)
    return torch.sqrt(gx * gx + gy * gy + 1e-12)


def msgms(a, b, scales=2, c=0.0026):
    """Multi-scale gradient magnitude similarity of two BGR pictures (eq. 8)."""
    h, w = a.shape[2:]
    total = torch.zeros(1, 1, h, w)
    for _ in range(scales):
        ga, gb = gradient(a.mean(1, keepdim=True)), gradient(b.mean(1, keepdim=True))
        similar = (2 * ga * gb + c) / (ga * ga + gb * gb + c)
        total += F.interpolate(similar, (h, w), mode="bilinear", align_corners=False)
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return total / scales


def colour(a, b):
    """Squared difference of a and b of CIELAB (eq. 9)."""
    la, lb = (cv2.cvtColor(np.clip(x, 0, 1), cv2.COLOR_BGR2LAB) for x in (a, b))
    return ((la[..., 1:] - lb[..., 1:]) ** 2).sum(-1)


def judge(net, frame, size, h, k=3e-4, smooth=21):
    """The score of a frame, and the seconds of filter, network and score."""
    t0 = time.perf_counter()
    small = cv2.resize(frame, (size, size)).astype(np.float32) / 255
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    high = np.fft.ifft2(np.fft.fft2(grey) * h).real.astype(np.float32)
    t1 = time.perf_counter()
    with torch.no_grad():
        out = net(torch.from_numpy(high)[None, None])
    t2 = time.perf_counter()
    original = torch.from_numpy(small.transpose(2, 0, 1).copy())[None]
    structure = 1 - msgms(original, out)[0, 0].numpy()
    difference = colour(small, np.ascontiguousarray(out[0].numpy().transpose(1, 2, 0)))
    score = cv2.blur(structure + k * difference, (smooth, smooth)).max()
    return score, (t1 - t0, t2 - t1, time.perf_counter() - t2)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--width", type=int, default=32)
    p.add_argument("--size", type=int, default=256)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--frames", type=int, default=50)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    cv2.setNumThreads(a.threads)
    net = UNet(a.width).eval()
    h = transfer(a.size, a.size, 30, 2)
    frame = np.random.default_rng(0).integers(0, 256, (1000, 1000, 3), dtype=np.uint8)
    for _ in range(3):
        judge(net, frame, a.size, h)
    times = np.array([judge(net, frame, a.size, h)[1] for _ in range(a.frames)])
    medians = 1000 * np.median(times, 0)
    print(f"c={a.width} {a.size}x{a.size}, {a.threads} threads, {a.frames} frames: {1 / np.median(times.sum(1)):.2f} frames/s (median); "
          f"filter {medians[0]:.1f} ms, network {medians[1]:.1f} ms, score {medians[2]:.1f} ms")


if __name__ == "__main__":
    main()
