"""Write the 178 wines of UCI as a table: `python examples/wine_table.py wine.csv`.

They come with scikit-learn: Aeberhard and Forina, "Wine", UCI Machine Learning Repository, 1991,
https://doi.org/10.24432/C5PC7J.
"""

import csv
import sys

from sklearn.datasets import load_wine

CULTIVARS = ("barolo", "grignolino", "barbera")

if len(sys.argv) != 2:
    sys.exit("which file? python examples/wine_table.py wine.csv")
wines = load_wine()
with open(sys.argv[1], "w", encoding="utf-8", newline="") as file:
    table = csv.writer(file)
    table.writerow([*wines.feature_names, "cultivar"])
    for measurements, cultivar in zip(wines.data.tolist(), wines.target, strict=True):
        table.writerow([*measurements, CULTIVARS[cultivar]])
