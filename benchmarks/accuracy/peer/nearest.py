"""Weighted k-nearest-neighbour accuracy of a frozen feature (Wu et al. 2018)."""

import torch
from torch.nn import functional as F

from .images import normalise, to_unit


@torch.no_grad()
def extract(function, images, statistics, batch=500):
    parts = [function(normalise(to_unit(images[i : i + batch]), statistics)) for i in range(0, len(images), batch)]
    return F.normalize(torch.cat(parts).flatten(1), dim=1)


def knn(bank, bank_labels, queries, labels, k=200, tau=0.1):
    """Cosine similarity, weights exp(s / tau); rows are unit vectors."""
    right, classes = 0, int(bank_labels.max()) + 1
    for i in range(0, len(queries), 500):
        s, index = (queries[i : i + 500] @ bank.T).topk(k, dim=1)
        votes = torch.zeros(len(s), classes).scatter_add_(1, bank_labels[index], torch.exp((s - s[:, :1]) / tau))
        right += int((votes.argmax(1) == labels[i : i + 500]).sum())
    return right / len(queries)


def knn_accuracy(function, images, statistics):
    """Accuracy of the features that `function` computes from normalised images: bank = training set, queries = test set."""
    return knn(extract(function, images.train, statistics), images.labels,
               extract(function, images.test, statistics), images.test_labels)
