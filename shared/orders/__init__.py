"""The main use case: one alert becomes at most one order."""

from shared.orders.accounts import Orders, Paper
from shared.orders.building import Terms
from shared.orders.ports import Answer, Delivery, Parts

__all__ = ["Answer", "Delivery", "Orders", "Paper", "Parts", "Terms"]
