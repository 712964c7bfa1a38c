"""Which rows scikit-learn's folds hold, and how many rows of each class its stratified parts have."""

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

# Of each set the rows of its classes; no set has ties that scikit-learn breaks at random.
CLASSES = [[50, 30, 11], [7, 100], [13, 29, 41, 17], [3, 3, 60]]
TESTS = [13, 20, 33]


def labels(counts, seed):
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))


def folds(splitter, y):
    """The fold in which each row is tested."""
    found = np.full(len(y), -1)
    for fold, (train, test) in enumerate(splitter.split(y, y)):
        assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(len(y)))
        assert np.array_equal(train, np.sort(train)) and np.array_equal(test, np.sort(test))
        found[test] = fold
    return found.tolist()


def shares(y, tests):
    """The rows of each class in the test part: the same whatever the seed."""
    found = {
        tuple(np.bincount(train_test_split(y, test_size=tests, stratify=y, random_state=seed)[1]).tolist())
        for seed in range(9)
    }
    return list(found.pop()) if len(found) == 1 else None


def build():
    sets = [labels(counts, i) for i, counts in enumerate(CLASSES)]
    cases = []
    for y in sets:
        parts = [{"test": n, "classes": shares(y, n)} for n in TESTS]
        parts = [part for part in parts if part["classes"] is not None]
        assert parts
        cases.append(
            {
                "labels": y.tolist(),
                "kFold": {str(k): folds(KFold(k), y) for k in (2, 5, 7)},
                "stratified": {str(k): folds(StratifiedKFold(k), y) for k in (2, 3)},
                "parts": parts,
            }
        )
    return cases
