"""The token's daily renewal."""
