"""The package every function shares: symbols, tokens, pricing, claims, orders."""
