"""The steps of an order's life. None imports another; only the pipeline knows their order."""
