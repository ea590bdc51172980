"""Fixtures that start the product and what it runs beside, on free ports and in directories of their own."""
