"""Measures the product against the floor of the hardware, in ratios."""
