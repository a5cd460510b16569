"""Classifiers that read a category from a token: linear (ridge, in closed form), and a small perceptron."""

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import nn
from torch.nn import functional

Features = Float[np.ndarray, "rows width"]
Labels = Int64[np.ndarray, " rows"]
Reader = Callable[[Features, Labels, Features], Labels]
"""Takes rows to fit on, their labels and rows to read; returns the label that it reads of each of these."""

_PENALTY: Final = (
    1e-2  # of the ridge, beside features of unit variance: chosen, accuracy is flat from 1e-3 to 1e-1
)
_HIDDEN: Final = 192  # chosen: twice the width of mini's encoders
_STEPS: Final = 400
_BATCH: Final = 256
_RATE: Final = 3e-3
_DECAY: Final = 1e-2


def standardised(fitted: Features, others: Features) -> tuple[Features, Features]:
    """Returns both with the first one's mean and deviation taken out."""
    mean, deviation = fitted.mean(axis=0), fitted.std(axis=0) + 1e-8
    return (fitted - mean) / deviation, (others - mean) / deviation


def ridge_scores(
    fitted: Features, targets: Float[np.ndarray, "rows classes"], others: Features
) -> Float[np.ndarray, "others classes"]:
    """Returns what a ridge regression on standardised features says of other rows, about the mean of its targets."""
    fitted, others = standardised(fitted, others)
    covariance = fitted.T @ fitted / len(fitted) + _PENALTY * np.eye(fitted.shape[1])
    mean = targets.mean(axis=0)
    weights = np.linalg.solve(covariance, fitted.T @ (targets - mean) / len(fitted))
    return np.asarray(others @ weights + mean)


def read_linearly(fitted: Features, labels: Labels, others: Features) -> Labels:
    """Reads the class of the highest ridge score."""
    classes, numbers = np.unique(labels, return_inverse=True)
    return np.asarray(classes[ridge_scores(fitted, np.eye(len(classes))[numbers], others).argmax(axis=1)])


def read_by_perceptron(fitted: Features, labels: Labels, others: Features) -> Labels:
    """Reads with a perceptron of one hidden layer, trained for 400 batches; the same rows give the same readings."""
    names, numbers = np.unique(labels, return_inverse=True)
    inputs, queries = (torch.from_numpy(array.astype(np.float32)) for array in standardised(fitted, others))
    classes, order = torch.from_numpy(numbers), np.random.default_rng(0)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(inputs.shape[1], _HIDDEN), nn.GELU(), nn.Linear(_HIDDEN, len(names)))
        optimiser = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=_DECAY)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, _STEPS)
        for _ in range(_STEPS):
            rows = torch.from_numpy(order.integers(0, len(inputs), _BATCH))
            optimiser.zero_grad()
            functional.cross_entropy(model(inputs[rows]), classes[rows]).backward()
            optimiser.step()
            schedule.step()
    with torch.no_grad():
        return np.asarray(names[model(queries).argmax(dim=1).numpy()])


def read_crosswise(
    reader: Reader, features: Features, labels: Labels, second: Bool[np.ndarray, " rows"]
) -> Labels:
    """Returns what is read of every row by a reader that was fitted on the other half of them."""
    read = np.empty_like(labels)
    for scored in (second, ~second):
        read[scored] = reader(features[~scored], labels[~scored], features[scored])
    return read
