"""What scikit-learn's scalers and encoders make of columns that are constant, whole, tiny, large, or words."""

import numpy as np
from sklearn import preprocessing

from common import Exact, flat

ROWS = 23
CATEGORIES = [["red", 4], ["blue", 6], ["red", 8], ["green", 4], ["Blue", -1], ["", 6]]
LABELS = ["setosa", "virginica", "Setosa", "versicolor", "virginica", "10", "9", ""]


def columns():
    """Whole numbers, a constant that binary fractions do not hold, a large mean, a tiny scale, zeros, one outlier."""
    rng = np.random.default_rng(5)
    return np.column_stack(
        [
            rng.integers(-9, 9, ROWS),
            np.full(ROWS, 0.1),
            1.6e9 + rng.integers(0, 90, ROWS),
            rng.standard_normal(ROWS) * 1e-6,
            np.zeros(ROWS),
            np.where(np.arange(ROWS) == 7, 1000.5, 0.25),
        ]
    ).astype(np.float64)


def scaled(scaler, x, parts):
    """What a scaler learns, at once and in parts, and what it makes of the rows and of twice the rows."""
    whole = scaler().fit(x)
    pieces = scaler()
    for part in np.split(x, parts):
        pieces.partial_fit(part)
    learned = ["mean_", "var_", "scale_"] if hasattr(whole, "mean_") else ["data_min_", "data_max_"]
    for name in learned:
        assert np.allclose(getattr(whole, name), getattr(pieces, name), rtol=1e-9, atol=1e-20), name
    return {
        "learned": {name.rstrip("_"): flat(getattr(whole, name)) for name in learned},
        "transformed": flat(whole.transform(x)),
        "twice": flat(whole.transform(2 * x)),
        "inverse": flat(whole.inverse_transform(x / 4)),
    }


def one_hot():
    table = np.array(CATEGORIES, dtype=object)
    encoder = preprocessing.OneHotEncoder(handle_unknown="ignore").fit(table)
    unknown = np.array([["red", 5], ["pink", 8]], dtype=object)
    return {
        "table": CATEGORIES,
        "categories": [list(c) for c in encoder.categories_],
        "encoded": [flat(r) for r in encoder.transform(table).toarray()],
        "unknown": [list(r) for r in unknown],
        "ignored": [flat(r) for r in encoder.transform(unknown).toarray()],
        "inverse": [list(r) for r in encoder.inverse_transform(encoder.transform(unknown))],
    }


def labels():
    words, numbers = preprocessing.LabelEncoder().fit(LABELS), preprocessing.LabelEncoder().fit([30, -2, 4, 100, 4])
    return {
        "words": {"given": LABELS, "classes": flat(words.classes_), "encoded": flat(words.transform(LABELS))},
        "numbers": {"given": [30, 4], "classes": flat(numbers.classes_), "encoded": flat(numbers.transform([30, 4]))},
    }


def build():
    x = columns()
    parts = [1, 4, 17]
    return {
        "columns": x.shape[1],
        "x": Exact(flat(x)),
        "parts": parts,
        "standard": scaled(preprocessing.StandardScaler, x, parts),
        "minMax": scaled(preprocessing.MinMaxScaler, x, parts),
        "symmetric": scaled(lambda: preprocessing.MinMaxScaler(feature_range=(-1, 3)), x, parts),
        "oneHot": one_hot(),
        "labels": labels(),
    }
