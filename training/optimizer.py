"""Muon for hidden matrices and one flat buffer for everything, so that two processes average gradients with one copy.
Imported by train.py; no step by itself."""

import math

import torch

# Parts of names of parameters that Muon does not take.
NOMUON = (
    "embed",
    "geometry",
    "reference_points",
    "presence_token",
    "position_embeddings",
    "layer3",
    "box_rpb",
    "semantic_projection",
    "fpn_layers.3",
    "heads",
)


# What is trained in the trunk's stage.
TRUNK = (
    "vision_encoder.backbone",
    "fpn_layers.2",
    "text_encoder",
    "text_projection",
    "dot_product_scoring.text",
)


def is_for_muon(n, p):
    """True for the hidden matrices of the model; the heads that are dropped later ("1.") are AdamW's."""
    may = ("patch_embeddings" in n) or not any(x in n for x in NOMUON)
    return p.dim() >= 2 and may and not n.startswith("1.")


def orthogonalised(X):
    """Five Newton-Schulz steps in bf16 for a stack of matrices."""
    r, c = X.shape[1:]
    t = r > c
    if t:
        X = X.transpose(1, 2).contiguous()
    X = X / (X.float().flatten(1).norm(dim=1)[:, None, None] + 1e-7).to(X.dtype)
    for _ in range(5):
        A = torch.bmm(X, X.transpose(1, 2))
        B = -4.7750 * A + 2.0315 * torch.bmm(A, A)
        X = 3.4445 * X + torch.bmm(B, X)
    return X.transpose(1, 2) if t else X


class Flat:
    """All parameters as views of one flat buffer, gradients too; hidden matrices (Muon) first, the rest (AdamW) after."""

    def __init__(self, model):
        nm = list(model.named_parameters())
        vit = {id(p) for n, p in nm if any(x in n for x in TRUNK)}
        mu = [p for n, p in nm if is_for_muon(n, p)]
        re = [p for n, p in nm if not is_for_muon(n, p)]
        self.order = mu + re
        self.n = sum(p.numel() for p in self.order)
        self.nm = sum(p.numel() for p in mu)
        self.flat = torch.empty(self.n)
        self.g = torch.zeros(self.n)
        o = 0
        self.sh = {}
        for i, p in enumerate(self.order):
            k = p.numel()
            self.flat[o : o + k] = p.data.flatten()
            p.data = self.flat[o : o + k].view(p.shape)
            p.grad = self.g[o : o + k].view(p.shape)
            if i < len(mu):
                sh = (p.shape[0], k // p.shape[0], id(p) in vit)
                self.sh.setdefault(sh, []).append(o)
            o += k
        self.buf = torch.zeros(self.nm)
        a = torch.nn.Parameter(self.flat[self.nm :])
        a.grad = self.g[self.nm :]
        self.rest = a

    def muon(self, lr, wd, pre=False):
        """One step of Muon for the hidden matrices; of the trunk alone where `pre`."""
        if pre and not getattr(self, "z", 0):
            self.z = 1
            for (r, c, v), os_ in self.sh.items():
                if not v:
                    for o in os_:
                        self.buf[o : o + r * c] = 0
        g = self.g[: self.nm]
        self.buf.lerp_(g, 0.05)
        u = g.lerp(self.buf, 0.95)
        self.flat[: self.nm].mul_(1 - lr * wd if not pre else 1)
        for (r, c, v), os_ in self.sh.items():
            if pre and not v:
                continue
            k = r * c
            X = torch.stack([u[o : o + k] for o in os_]).view(-1, r, c).to(torch.bfloat16)
            X = orthogonalised(X)
            X = X.float().reshape(-1, k)
            al = -lr * 0.2 * math.sqrt(max(r, c))
            for i, o in enumerate(os_):
                self.flat[o : o + k].add_(X[i], alpha=al)
