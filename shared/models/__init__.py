"""The values every layer shares, parsed once and frozen.

Units: quantities are contracts (not lots), prices and distances rupees as `Decimal`,
instants timezone-aware, exchange dates IST calendar dates.
"""

from shared.models.basics import (
    IST,
    Action,
    Alert,
    Clock,
    Contract,
    Deadline,
    Notice,
    OptionType,
    Product,
    Secret,
    Severity,
    Token,
    Wanted,
)
from shared.models.orders import (
    BookedOrder,
    Order,
    OrderResult,
    OrderStatus,
    Placed,
    Position,
    Rejected,
    Unknown,
)

__all__ = [
    "IST",
    "Action",
    "Alert",
    "BookedOrder",
    "Clock",
    "Contract",
    "Deadline",
    "Notice",
    "OptionType",
    "Order",
    "OrderResult",
    "OrderStatus",
    "Placed",
    "Position",
    "Product",
    "Rejected",
    "Secret",
    "Severity",
    "Token",
    "Unknown",
    "Wanted",
]
