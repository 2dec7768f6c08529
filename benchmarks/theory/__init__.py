"""The papers' theory in numbers: exact optima of small problems, and critics trained on them."""
