"""The shape in which such functions are published: Flask, pandas and the SDK as it is.

Rebuilt by us from what they have in common, to be measured beside ours and for nothing
else: the symbol master is read into a DataFrame by the first alert, each alert filters
it, reads the token's file, asks for the quote and places the order. No claim, no limit,
no second look: what it does not do is a part of its speed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import flask
import functions_framework
import pandas  # type: ignore[import-untyped]  # only where the bench installed it
from fyers_apiv3 import fyersModel

COLUMNS = {
    3: "lot",
    8: "expiry",
    9: "ticker",
    13: "underlying",
    15: "strike",
    16: "side",
}

fyersModel.Config.API = os.environ["FYERS_BASE_URL"] + "/api/v3"
fyersModel.Config.DATA_API = os.environ["FYERS_BASE_URL"] + "/data"

_master: list[Any] = []


def _symbols() -> Any:
    if not _master:
        url = os.environ["SYMBOL_MASTER_URL"]
        frame = pandas.read_csv(url, header=None, low_memory=False)
        _master.append(frame.rename(columns=COLUMNS))
    return _master[0]


@functions_framework.http
def seed(request: flask.Request) -> tuple[dict[str, object], int]:
    """Place the alert's order."""
    alert = json.loads(request.get_data())
    frame = _symbols()
    rows = frame[
        (frame["underlying"] == alert["symbol"])
        & (frame["strike"] == float(alert["strikeprice"]))
        & (frame["side"] == alert["optionType"])
    ]
    row = rows[rows["expiry"] == rows["expiry"].min()].iloc[0]
    token = json.loads(Path(os.environ["TOKEN_FILE"]).read_text())["access_token"]
    fyers = fyersModel.FyersModel(
        client_id=os.environ["FYERS_APP_ID"], token=token, log_path=os.environ["HOME"]
    )
    fyers.quotes({"symbols": row["ticker"]})
    order = {
        "symbol": row["ticker"],
        "qty": int(row["lot"]),
        "type": 2,
        "side": -1,
        "productType": "INTRADAY",
        "limitPrice": 0,
        "stopPrice": 0,
        "validity": "DAY",
        "disclosedQty": 0,
        "offlineOrder": False,
    }
    answer = fyers.place_order(order)
    return answer, 200 if answer.get("s") == "ok" else 500
