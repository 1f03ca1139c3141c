"""Plugins that answer at once, from memory: what is left is the cost of everything around them."""
