"""The main use case: one alert becomes at most one order."""

from shared.orders.building import Market, Terms, Times, build
from shared.orders.flow import Orders
from shared.orders.ports import Answer, Delivery, Fork, Parts

__all__ = [
    "Answer",
    "Delivery",
    "Fork",
    "Market",
    "Orders",
    "Parts",
    "Terms",
    "Times",
    "build",
]
