"""Layers, costs, optimisers and initialisers, which write equations; and the network of them."""
