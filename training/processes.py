"""Several processes train one model: equal weights, other clips, gradients averaged. On two cores two processes of one
thread each are almost twice as fast as one process of two threads. Imported by detector_train.py
and tracker_train.py; no step by itself."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing


def start(count, work, args):
    """Calls work(rank, args) in `count` processes that can `average`, or in this one."""
    if count == 1:
        work(0, args)
        return
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(_join, (count, str(Path(folder) / "meeting"), work, args), count)


def _join(rank, count, meeting, work, args):
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=count)
    work(rank, args)
    dist.destroy_process_group()


def average(parameters, number):
    """Averages the gradients over all processes, and `number`, which is returned. A parameter without a gradient counts
    as one of zeros."""
    if not dist.is_initialized():
        return number
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    flat = torch.cat([p.grad.flatten() for p in parameters] + [parameters[0].new_tensor([number])])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for parameter, gradient in zip(parameters, flat.split([p.numel() for p in parameters] + [1])):
        parameter.grad.copy_(gradient.view_as(parameter))
    return float(flat[-1])
