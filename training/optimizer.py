"""Muon for the hidden matrices, AdamW for the rest, and one flat buffer for everything, so that processes average
gradients with one copy. Imported by detector_train.py; no step by itself.

torch.optim.Muon takes matrices alone; here convolutions are matrices too, of one row for each output channel.
"""

import math

import torch

# Parts of names of parameters that Muon does not take.
NOT_FOR_MUON = (
    "embed",
    "geometry",
    "reference_points",
    "presence_token",
    "position_embeddings",
    "layer3",
    "box_rpb",
    "semantic_projection",
    "fpn_layers.3",
    "heads.",
)
# What is trained in the trunk's stage.
TRUNK = (
    "vision_encoder.backbone",
    "fpn_layers.2",
    "text_encoder",
    "text_projection",
    "dot_product_scoring.text",
)


def is_for_muon(name, parameter):
    """True for the hidden matrices of the model."""
    may = "patch_embeddings" in name or not any(part in name for part in NOT_FOR_MUON)
    return parameter.dim() >= 2 and may


def orthogonalised(matrices):
    """Five Newton-Schulz steps in bfloat16 for a stack of matrices [N, r, c]."""
    is_tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.to(torch.bfloat16)
    if is_tall:
        x = x.transpose(1, 2).contiguous()
    x = x / (x.float().flatten(1).norm(dim=1)[:, None, None] + 1e-7).to(x.dtype)
    for _ in range(5):
        a = torch.bmm(x, x.transpose(1, 2))
        b = -4.7750 * a + 2.0315 * torch.bmm(a, a)
        x = 3.4445 * x + torch.bmm(b, x)
    return (x.transpose(1, 2) if is_tall else x).float()


class Flat:
    """All parameters as views of one flat buffer, gradients too; hidden matrices first, the rest after. `modules` is a
    dictionary of modules by the first part of their parameters' names."""

    def __init__(self, modules, lr, adam_lr, decay):
        named = [(f"{first}.{n}", p) for first, m in modules.items() for n, p in m.named_parameters()]
        matrices = [(n, p) for n, p in named if is_for_muon(n, p)]
        rest = [(n, p) for n, p in named if not is_for_muon(n, p)]
        total = sum(p.numel() for _, p in named)
        self.matrix_count = sum(p.numel() for _, p in matrices)
        device = named[0][1].device
        self.lr, self.decay = lr, decay
        self.weights = torch.nn.Parameter(torch.empty(total, device=device))
        self.weights.grad = torch.zeros(total, device=device)
        self.groups = self._laid_out(matrices + rest, len(matrices))
        self.momentum = torch.zeros(self.matrix_count, device=device)
        self.rest = torch.nn.Parameter(self.weights.data[self.matrix_count :])
        self.rest.grad = self.weights.grad[self.matrix_count :]
        self.adam = torch.optim.AdamW([self.rest], lr=adam_lr, weight_decay=0.0, betas=(0.9, 0.98), fused=True)
        self.adam_lr = adam_lr

    def _laid_out(self, named, matrices):
        """Moves parameters into the buffer; offsets of the matrices by (rows, columns, is of the trunk)."""
        offset, groups = 0, {}
        for index, (name, p) in enumerate(named):
            count = p.numel()
            self.weights.data[offset : offset + count] = p.data.flatten()
            p.data = self.weights.data[offset : offset + count].view(p.shape)
            p.grad = self.weights.grad[offset : offset + count].view(p.shape)
            if index < matrices:
                key = (p.shape[0], count // p.shape[0], any(part in name for part in TRUNK))
                groups.setdefault(key, []).append(offset)
            offset += count
        return groups

    def clipped(self, longest):
        """Shortens the gradient; its norm before, a tensor."""
        norm = self.weights.grad.norm()
        self.weights.grad.mul_((longest / norm.clamp(min=1e-12)).clamp(max=1))
        return norm

    @torch.no_grad()
    def step(self, share, is_trunk_alone=False):
        """One step at a share of the learning rates, and zero gradients after it."""
        for group in self.adam.param_groups:
            group["lr"] = self.adam_lr * share
        self.adam.step()
        self._muon(self.lr * share, is_trunk_alone)
        self.weights.grad.zero_()

    def _muon(self, lr, is_trunk_alone):
        gradient = self.weights.grad[: self.matrix_count]
        self.momentum.lerp_(gradient, 0.05)
        update = gradient.lerp(self.momentum, 0.95)
        for (rows, columns, is_trunk), offsets in self.groups.items():
            if is_trunk_alone and not is_trunk:
                continue
            count = rows * columns
            stacked = torch.stack([update[o : o + count] for o in offsets]).view(-1, rows, columns)
            length = lr * 0.2 * math.sqrt(max(rows, columns))
            for offset, moved in zip(offsets, orthogonalised(stacked).reshape(-1, count)):
                weights = self.weights.data[offset : offset + count]
                weights.mul_(1 - lr * self.decay).sub_(moved, alpha=length)

    def state_dict(self):
        """All but the weights."""
        return dict(adam=self.adam.state_dict(), momentum=self.momentum)

    def load_state_dict(self, state):
        """What state_dict gave."""
        self.adam.load_state_dict(state["adam"])
        self.momentum.copy_(state["momentum"])
