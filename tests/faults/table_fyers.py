# ruff: noqa: E501 - a row of a table is one line
"""The matrix, part one: FYERS goes wrong."""

from tests.faults.cells import Cell, read

PLACE = """
goes wrong                                                | alert    | replies | orders | claim | told
-                                                         | SELL BUY PART KEYLESS | 200 | 1 | DONE | -
place reset,close,cut,error,error:503 after               | SELL BUY | 200 | 1 | DONE     | -
place html,empty,garbage,no_ack,no_id,redirect after      | SELL BUY | 200 | 1 | DONE     | -
place reset,close,cut,error,error:503 before              | SELL BUY | 202 | 0 | NOT_SENT | outcome_unknown not_sent
place html,empty,garbage,no_ack,no_id,redirect before     | SELL BUY | 202 | 0 | NOT_SENT | outcome_unknown not_sent
place slow:0.8 before,after                               | SELL BUY | 200 | 1 | DONE     | -
place slow:3 before,after                                 | SELL BUY | 202 | 1 | DONE     | outcome_unknown order_found
place hang:4,drip:0.1 after                               | SELL BUY | 202 | 1 | DONE     | outcome_unknown order_found
place drip:0.1 before                                     | SELL     | 202 | 1 | DONE     | outcome_unknown order_found
place hang:4 before                                       | SELL BUY | 202 | 0 | NOT_SENT | outcome_unknown not_sent
place reset after + book html*                            | SELL     | 202 | 1 | DONE     | outcome_unknown order_found
place rate:0.5 before                                     | SELL BUY | 200 | 1 | DONE     | -
place rate:30 before                                      | SELL BUY | 503 200 | 1 | DONE | -
place rate:30* before                                     | SELL     | 503 503 503 503 | 0 | NOT_SENT | not_sent
place rate:30* before                                     | BUY      | 503 503 503 503 | 0 | NOT_SENT | exit_not_sent
place expired before                                      | SELL BUY | 424 | 0 | RELEASED | login_needed not_logged_in
place expired before + fyers renewing                     | SELL BUY | 200 | 1 | DONE     | -
place not_allowed before                                  | SELL BUY | 424 | 0 | DONE     | order_rejected
place rms                                                 | SELL     | 424 | 1 | DONE     | order_rejected
place rms                                                 | BUY      | 200 | 2 | DONE     | -
place rms                                                 | PART     | 200 | 2 | DONE     | exits_missing
place rms*                                                | BUY      | 424 | 2 | DONE     | order_rejected exits_missing
place rms + place reset after                             | BUY      | 424 | 1 | DONE     | order_rejected
place rms_later                                           | SELL BUY | 200 | 1 | DONE     | order_rejected
place unfilled                                            | SELL BUY | 200 | 1 | DONE     | unfilled
place partfill                                            | SELL ALL | 200 | 1 | DONE     | part_filled
place exits_vanish,exits_rejected                         | SELL     | 200 | 1 | DONE     | exits_missing
place rms + place reset after                             | SELL     | 424 | 1 | DONE     | order_rejected
place rms + place hang:4 after                            | SELL     | 202 | 1 | DONE     | outcome_unknown order_rejected
place unfilled + place reset after                        | SELL     | 200 | 1 | DONE     | unfilled
place partfill + place reset after                        | SELL     | 200 | 1 | DONE     | part_filled
place reset before + hand same                            | SELL     | 202 | 0 | UNKNOWN  | outcome_unknown exits_missing
place reset before + hand other                           | SELL     | 202 | 0 | NOT_SENT | outcome_unknown not_sent
place reset after + hand same                             | SELL     | 200 | 1 | DONE     | exits_missing
place reset after                                         | PART KEYLESS | 200 | 1 | DONE | -
place reset before                                        | PART KEYLESS | 202 | 0 | NOT_SENT | outcome_unknown not_sent
"""

READS = """
goes wrong                                                     | alert    | replies | orders | claim | told
quote reset,close,cut,error,html,empty,garbage before,after    | SELL     | 200     | 1 | DONE     | -
quote no_ack,no_id,redirect,not_allowed,slow:3,hang:4,drip:0.1 | SELL     | 200     | 1 | DONE     | -
quote reset*,cut*,error*,html*,empty*,garbage*,redirect*       | SELL     | 503 503 503 503 | 0 | NOT_SENT | not_sent
quote hang:4*2,drip:0.1*2                                      | SELL     | 503 200 | 1 | DONE     | -
quote rate:0.2                                                 | SELL     | 200     | 1 | DONE     | -
quote rate:30*2                                                | SELL     | 503 200 | 1 | DONE     | -
quote expired                                                  | SELL     | 424     | 0 | RELEASED | login_needed not_logged_in
quote expired + fyers renewing                                 | SELL     | 200     | 1 | DONE     | -
quote reset*,cut*,error*,html*,empty*,garbage*,redirect*       | BUY      | 200     | 1 | DONE     | -
quote no_ack*,no_id*,not_allowed*,hang:4*,drip:0.1*,rate:30*   | BUY      | 200     | 1 | DONE     | -
positions reset,close,cut,error,html,empty,garbage before,after | SELL BUY | 503 200 | 1 | DONE    | -
positions no_ack,no_id,redirect,not_allowed,hang:4,drip:0.1    | SELL BUY | 503 200 | 1 | DONE     | -
positions slow:0.8,rate:0.5                                    | SELL BUY | 200     | 1 | DONE     | -
positions rate:30                                              | SELL BUY | 503 200 | 1 | DONE     | -
positions expired                                              | SELL BUY | 424     | 0 | RELEASED | login_needed not_logged_in
positions reset*,html*,garbage*                                | SELL     | 503 503 503 503 | 0 | NOT_SENT | not_sent
positions reset*,html*,garbage*                                | BUY      | 503 503 503 503 | 0 | NOT_SENT | exit_not_sent
book reset,close,cut,error,html,empty,garbage before,after     | BUY      | 503 200 | 1 | DONE     | -
book no_ack,no_id,redirect,not_allowed,hang:4,drip:0.1         | BUY      | 503 200 | 1 | DONE     | -
book slow:0.8,rate:0.5                                         | BUY      | 200     | 1 | DONE     | -
book rate:30                                                   | BUY      | 503 200 | 1 | DONE     | -
book expired                                                   | BUY      | 424     | 0 | RELEASED | login_needed not_logged_in
book reset*,html*,garbage*                                     | BUY      | 503 503 503 503 | 0 | NOT_SENT | exit_not_sent
later book reset,html,cut,rate:30,hang:12 + place reset before | SELL     | 202     | 0 | NOT_SENT | outcome_unknown not_sent
later book expired + place hang:4 after                        | SELL     | 202     | 1 | DONE     | outcome_unknown login_needed order_found
"""

EXITS = """
goes wrong                                                 | alert | replies | orders | claim | told
cancel reset,close,cut,error,html,empty,garbage before,after | BUY | 200 | 1 | DONE | -
cancel no_ack,no_id,redirect,rate:30,not_allowed,hang:4,slow:1,drip:0.1 | BUY | 200 | 1 | DONE | -
cancel expired                                             | BUY   | 200 | 1 | DONE | login_needed
cancel reset* before + later cancel reset* before          | BUY   | 200 | 1 | DONE | exits_left_behind
resize reset,close,cut,error,html,empty,garbage before,after | PART | 200 | 1 | DONE | -
resize no_ack,no_id,redirect,rate:30,not_allowed,hang:4,slow:1,drip:0.1 | PART | 200 | 1 | DONE | -
resize reset* before + later resize reset* before          | PART  | 200 | 1 | DONE | exits_left_behind
cancel reset* before + later positions html*               | BUY   | 200 | 1 | DONE | -
place reset after + cancel reset* before                   | BUY   | 200 | 1 | DONE | -
place hang:4 after                                         | BUY PART | 202 | 1 | DONE | outcome_unknown order_found
"""

FYERS: list[Cell] = [
    *read("place", PLACE),
    *read("reads", READS),
    *read("exits", EXITS),
]
