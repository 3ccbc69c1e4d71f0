"""Pins tests/oracles/epsilon.csv with Python dp-accounting: an implementation that shares nothing with runtime/filter.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install dp-accounting==0.6.0
    /tmp/oracle/bin/python tests/oracles/epsilon.py > tests/oracles/epsilon.csv

For one Gaussian mechanism of cost rho: `pld` is the tight epsilon (numerically integrated privacy loss), `rdp` the one
from Renyi orders alone. Ours, which holds for any rho-zCDP mechanism, must lie between them.
"""

import math

from dp_accounting import dp_event
from dp_accounting.pld import pld_privacy_accountant
from dp_accounting.rdp import rdp_privacy_accountant

# Orders as fine as ours are searched, so that the loose side is loose by its method and not by its grid.
ORDERS = [1 + math.exp(t / 50) for t in range(-350, 500)]


def epsilon(accountant, rho, delta):
    accountant.compose(dp_event.GaussianDpEvent(1 / math.sqrt(2 * rho)))
    return accountant.get_epsilon(delta)


# From a count of a tenth of its usual price to a lifetime, and the deltas that bundles and years leave.
RHOS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
DELTAS = (1e-5, 1e-6, 9.9e-7, 5e-7, 1e-8, 1e-10)


def main():
    print("rho,delta,pld,rdp")
    for rho in RHOS:
        for delta in DELTAS:
            pld = epsilon(pld_privacy_accountant.PLDAccountant(), rho, delta)
            rdp = epsilon(rdp_privacy_accountant.RdpAccountant(orders=ORDERS), rho, delta)
            print(f"{rho},{delta},{pld:.6f},{rdp:.6f}")


if __name__ == "__main__":
    main()
