"""Coefficients of the guest example event-logistic by another implementation: prints logistic.tsv.

    trocar testkit cohort -o COHORT --patients 120 --seed 5
    python3 logistic.py COHORT/clinical.csv > logistic.tsv

scikit-learn minimises |w|^2 / 2 + C * sum of losses without a penalty on the intercept: C = 1 / l2. statsmodels' Newton fits
the same without a penalty, to hold the scaling of the predictors and the standard errors.
"""

import csv
import sys

import numpy
import sklearn
import statsmodels
import statsmodels.api
from sklearn.linear_model import LogisticRegression

rows = list(csv.DictReader(open(sys.argv[1])))
age = numpy.clip([(int(r["age_years"]) - 60) / 25 for r in rows], -1, 1)
male = numpy.array([1.0 if r["sex"] == "M" else -1.0 for r in rows])
event = numpy.array([int(r["event"]) for r in rows])
x = numpy.column_stack([age, male])
z = numpy.column_stack([numpy.ones(len(rows)), x])

print(f"# made by logistic.py with scikit-learn {sklearn.__version__}, statsmodels {statsmodels.__version__}; {len(rows)} patients")
print("l2\tquantity\tintercept\tage\tmale")
for l2 in (1.0, 10.0):
    fit = LogisticRegression(C=1 / l2, solver="newton-cholesky", tol=1e-12, max_iter=100).fit(x, event)
    beta = numpy.concatenate([fit.intercept_, fit.coef_[0]])
    p = 1 / (1 + numpy.exp(-z @ beta))
    hessian = z.T @ (z * (p * (1 - p))[:, None]) + l2 * numpy.diag([0, 1, 1])
    errors = numpy.sqrt(numpy.diag(numpy.linalg.inv(hessian)))
    print(l2, "coefficient", *map(repr, map(float, beta)), sep="\t")
    print(l2, "standard_error", *map(repr, map(float, errors)), sep="\t")
fit = statsmodels.api.Logit(event, z).fit(method="newton", tol=1e-14, disp=0)
print(0.0, "coefficient", *map(repr, map(float, fit.params)), sep="\t")
print(0.0, "standard_error", *map(repr, map(float, fit.bse)), sep="\t")
