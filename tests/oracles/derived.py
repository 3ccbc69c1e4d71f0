#!/usr/bin/env python3
"""Statistics of made-up patients by scikit-learn, lifelines and numpy: an oracle that shares no code with Trocar.

Pinned (derived.tsv beside this script was made with exactly these, on Python 3.11):
    lifelines==0.30.3 numpy==2.4.6 pandas==2.3.3 scikit-learn==1.9.1 scipy==1.17.1

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install <the line above>
    /tmp/oracle/bin/python tests/oracles/derived.py > tests/oracles/derived.tsv

Rows `case  patient  -  -  numbers` say what one patient returns: for a table the place of each axis, else the values. All
other rows are `case  part  group  at  value` with the parts of CONTRACT.md section 6.

Values lie on the grid that the filter rounds to, so that both sides see the same numbers. Variances and covariances are those
of the patients themselves (divided by n). A score stands for its bin, a survival time for the end of its interval.
"""
import numpy as np
from lifelines import KaplanMeierFitter
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_score, recall_score
from sklearn.metrics import roc_auc_score, roc_curve

RNG = np.random.default_rng(20261124)


def row(case, part, value, at="-", group="-"):
    print(case, part, group, at, value, sep="\t")


def patients(case, *columns):
    for values in zip(*columns):
        row(case, "patient", " ".join(f"{v:.17g}" for v in values))


def number(value):
    return f"{float(value):.17g}"


def roc():
    label = RNG.integers(0, 2, 500)
    score = np.clip(RNG.normal(0.4 + 0.2 * label, 0.2, 500), 0, 0.999)
    edges = np.array([0.0, 0.1, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0])
    place = np.digitize(score, edges) - 1
    patients("roc", place, label)
    lower = edges[place]
    row("roc", "auc", number(roc_auc_score(label, lower)))
    fpr, tpr, thresholds = roc_curve(label, lower, drop_intermediate=False)
    for f, t, at in zip(fpr, tpr, thresholds):
        at = edges[-1] if np.isinf(at) else at
        row("roc", "true_positive_rate", number(t), f"{at:g}")
        row("roc", "false_positive_rate", number(f), f"{at:g}")


def calibration():
    predicted = RNG.uniform(0, 0.999, 400)
    label = (RNG.uniform(0, 1, 400) < 0.1 + 0.7 * predicted).astype(int)
    place = np.floor(predicted * 5).astype(int)
    patients("calibration", place, label)
    middle = (place + 0.5) / 5
    observed, at = calibration_curve(label, middle, n_bins=5, strategy="uniform")
    for o, m in zip(observed, at):
        row("calibration", "observed", number(o), f"{m:.1f}")
    row("calibration", "observed_less_predicted", number(label.mean() - middle.mean()))


def confusion():
    names = ["a", "b", "c"]
    truth = RNG.integers(0, 3, 300)
    said = np.where(RNG.uniform(size=300) < 0.6, truth, RNG.integers(0, 3, 300))
    patients("confusion", truth, said)
    row("confusion", "accuracy", number(accuracy_score(truth, said)))
    matrix = confusion_matrix(truth, said)
    for i, name in enumerate(names):
        own_t, own_s = truth == i, said == i
        row("confusion", "sensitivity", number(recall_score(own_t, own_s)), name)
        row("confusion", "specificity", number(recall_score(~own_t, ~own_s)), name)
        row("confusion", "positive_predictive_value", number(precision_score(own_t, own_s)), name)
        row("confusion", "negative_predictive_value", number(precision_score(~own_t, ~own_s)), name)
        row("confusion", "f1", number(f1_score(own_t, own_s)), name)
    assert matrix.sum() == 300


def survival():
    edges = np.array([0.0, 90.0, 180.0, 365.0, 730.0, 1095.0, 1825.0])
    group = RNG.integers(0, 2, 400)
    days = np.minimum(RNG.exponential(np.where(group == 0, 500.0, 1100.0)), 1824)
    censored = (RNG.uniform(size=400) < 0.3).astype(int)
    place = np.digitize(days, edges) - 1
    patients("survival", group, place, censored)
    for g, name in enumerate(["F", "M"]):
        mine = group == g
        fitter = KaplanMeierFitter().fit(edges[1:][place[mine]], 1 - censored[mine])
        row("survival", "median", number(fitter.median_survival_time_), group=name)
        for start, end in zip(edges, edges[1:]):
            row("survival", "survival", number(fitter.survival_function_at_times(end).iloc[0]), f"{end:g}", name)
            row("survival", "at_risk", number(fitter.event_table["at_risk"].loc[end]), f"{start:g}", name)


def moments():
    def on_grid(x, steps):
        return np.round(x * steps) / steps

    # Ranges 0..128, -1..1 and 0..512: the grids are 2^-10, 2^-16 and 2^-8.
    age = on_grid(np.clip(RNG.normal(60, 12, 350), 0, 128), 2**10)
    dose = on_grid(RNG.uniform(-1, 1, 350), 2**16)
    size = on_grid(np.clip(40 + 2.5 * age - 30 * dose + RNG.normal(0, 25, 350), 0, 512), 2**8)
    data, names = np.array([age, dose, size]), ["age", "dose", "size"]
    patients("moments", *data)
    cov, corr = np.cov(data, ddof=0), np.corrcoef(data)
    for i, a in enumerate(names):
        row("moments", "mean", number(data[i].mean()), a)
        for j in range(i, 3):
            row("moments", "covariance", number(cov[i, j]), f"{a}, {names[j]}")
            if j > i:
                row("moments", "correlation", number(corr[i, j]), f"{a}, {names[j]}")
    design = np.column_stack([np.ones_like(age), age, dose])
    beta, residual, _, _ = np.linalg.lstsq(design, size, rcond=None)
    for name, b in zip(["intercept", "age", "dose"], beta):
        row("moments", "coefficient", number(b), name)
    row("moments", "r_squared", number(1 - residual[0] / (350 * cov[2, 2])))


def alone():
    value = np.round(np.clip(RNG.gamma(3, 10, 333), 0, 128) * 16) / 16
    patients("alone", value)
    row("alone", "variance", number(np.var(value)))
    edges = np.array([0, 5, 10, 15, 20, 25, 30, 40, 60, 100, 128.0])
    place = np.clip(np.digitize(value, edges) - 1, 0, len(edges) - 2)
    for p in [0.05, 0.25, 0.5, 0.9]:
        row("alone", "quantile", number(np.quantile(edges[1:][place], p, method="inverted_cdf")), f"{p:g}")


if __name__ == "__main__":
    for case in [roc, calibration, confusion, survival, moments, alone]:
        case()
