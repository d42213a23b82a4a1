# ruff: noqa: E501 - a row of a table is one line
"""The matrix, part three: an instance dies by SIGKILL between two steps.

`cut`: the platform answers 5xx in its place and TradingView resends. `gone`: nobody
answers and TradingView does not.
"""

from tests.faults.cells import Cell, read

DELIVERY = """
goes wrong                                    | alert    | replies | orders | claim | told
delivery kill before                          | SELL BUY | cut 200 | 1 | DONE     | -
create kill before                            | SELL BUY | cut 200 | 1 | DONE     | -
create kill after                             | SELL BUY KEYLESS | cut 200 | 1 | DONE | -
create kill after                             | SELL     | gone    | 0 | NOT_SENT | not_sent
create kill after                             | BUY      | gone    | 0 | NOT_SENT | exit_not_sent
quote kill before,after                       | SELL BUY | cut 200 | 1 | DONE     | -
positions kill before,after                   | SELL BUY | cut 200 | 1 | DONE     | -
positions kill after                          | SELL     | gone    | 0 | NOT_SENT | not_sent
positions kill after                          | BUY      | gone    | 0 | NOT_SENT | exit_not_sent
lane kill before,after                        | BUY PART | cut 200 | 1 | DONE     | -
lane kill after                               | BUY      | gone    | 0 | NOT_SENT | exit_not_sent
ledger kill before,after                      | BUY      | cut 200 | 1 | DONE     | -
back kill before,after                        | BUY PART | cut 200 | 1 | DONE     | -
back kill before                              | BUY      | gone    | 1 | DONE     | -
book kill after                               | BUY      | cut 200 | 1 | DONE     | -
sending kill before                           | SELL BUY | cut 200 | 1 | DONE     | -
sending kill before                           | SELL     | gone    | 0 | NOT_SENT | not_sent
sending kill after                            | SELL BUY KEYLESS | cut 202 | 0 | NOT_SENT | outcome_unknown not_sent
sending kill after                            | SELL BUY | gone    | 0 | NOT_SENT | not_sent
place kill before                             | SELL BUY | cut 202 | 0 | NOT_SENT | outcome_unknown not_sent
place kill:0.3 before + place slow:0.8 after  | SELL BUY | cut 202 | 1 | DONE     | outcome_unknown order_found
place kill:0.3 before + place slow:0.8 before | SELL BUY | cut 202 | 1 | DONE     | outcome_unknown order_found
place kill after                              | SELL BUY KEYLESS | cut 202 | 1 | DONE | outcome_unknown order_found
place kill after                              | SELL BUY | gone    | 1 | DONE     | order_found
done kill before                              | SELL BUY | cut 202 | 1 | DONE     | outcome_unknown order_found
done kill before                              | SELL     | gone    | 1 | DONE     | order_found
done kill after                               | SELL BUY | cut 200 | 1 | DONE     | -
done kill after                               | KEYLESS  | cut 200 | 1 | DONE     | equal_alert
done kill after                               | SELL BUY | gone    | 1 | DONE     | -
cancel kill before,after                      | BUY      | cut 200 | 1 | DONE     | -
cancel kill before                            | BUY      | gone    | 1 | DONE     | -
resize kill before,after                      | PART     | cut 200 | 1 | DONE     | -
delivery kill after                           | SELL BUY | cut 200 | 1 | DONE     | -
delivery kill after                           | SELL     | gone    | 1 | DONE     | -
done kill before + place not_allowed          | SELL     | cut 202 | 0 | NOT_SENT | outcome_unknown not_sent
done kill after + place not_allowed           | SELL BUY | cut 424 | 0 | DONE     | order_rejected
notify kill before + place not_allowed        | SELL     | cut 424 | 0 | DONE     | order_rejected
notify kill after + place not_allowed         | SELL     | cut 424 | 0 | DONE     | order_rejected order_rejected
mark kill before + place not_allowed          | SELL     | cut 424 | 0 | DONE     | order_rejected order_rejected
mark kill after + place not_allowed           | SELL     | cut 424 | 0 | DONE     | order_rejected
released kill before + positions error        | SELL BUY | cut 200 | 1 | DONE     | -
released kill after + positions error         | SELL BUY | cut 200 | 1 | DONE     | -
released kill after + positions error         | SELL     | gone    | 0 | NOT_SENT | not_sent
released kill before + place rate:30          | SELL     | cut 202 | 0 | NOT_SENT | outcome_unknown not_sent
released kill after + place rate:30           | SELL     | cut 200 | 1 | DONE     | -
take kill before + positions error            | SELL BUY | 503 cut 200 | 1 | DONE | -
take kill after + positions error             | SELL BUY | 503 cut 200 | 1 | DONE | -
unknown kill before + place reset before      | SELL BUY | cut 202 | 0 | NOT_SENT | outcome_unknown not_sent
unknown kill after + place reset before       | SELL BUY | cut 202 | 0 | NOT_SENT | outcome_unknown not_sent
unknown kill after + place reset before       | SELL     | gone    | 0 | NOT_SENT | outcome_unknown not_sent
notify kill before + place reset before       | SELL     | cut 202 | 0 | NOT_SENT | outcome_unknown not_sent
notify kill after + place reset before        | SELL     | cut 202 | 0 | NOT_SENT | outcome_unknown outcome_unknown not_sent
mark kill before + place reset before         | SELL     | cut 202 | 0 | NOT_SENT | outcome_unknown outcome_unknown not_sent
mark kill after + place reset before          | SELL     | cut 202 | 0 | NOT_SENT | outcome_unknown not_sent
"""

RECONCILE = """
goes wrong                                     | alert | replies | orders | claim | told
later watched kill after + place reset before  | SELL | 202 | 0 | NOT_SENT | outcome_unknown not_sent
later book kill after + place reset before     | SELL | 202 | 0 | NOT_SENT | outcome_unknown not_sent
later not_sent kill before + place reset before | SELL | 202 | 0 | NOT_SENT | outcome_unknown not_sent
later not_sent kill after + place reset before | SELL | 202 | 0 | NOT_SENT | outcome_unknown not_sent
later notify kill before + place reset before  | SELL | 202 | 0 | NOT_SENT | outcome_unknown not_sent
later notify kill after + place reset before   | SELL | 202 | 0 | NOT_SENT | outcome_unknown not_sent not_sent
later mark kill before + place reset before    | SELL | 202 | 0 | NOT_SENT | outcome_unknown not_sent not_sent
later mark kill after + place reset before     | SELL | 202 | 0 | NOT_SENT | outcome_unknown not_sent
later done kill before + done unavailable      | SELL BUY | 200 | 1 | DONE  | order_found
later done kill after + done unavailable       | SELL BUY | 200 | 1 | DONE  | order_found
later notify kill after + done unavailable     | SELL | 200 | 1 | DONE     | order_found order_found
later cancel kill before + cancel reset* before | BUY | 200 | 1 | DONE     | -
later cancel kill after + cancel reset* before | BUY  | 200 | 1 | DONE     | -
later guard kill before,after + place unfilled | SELL | 200 | 1 | DONE     | unfilled
later notify kill after + place unfilled       | SELL | 200 | 1 | DONE     | unfilled unfilled
"""

KILLS: list[Cell] = [*read("kill", DELIVERY), *read("kill-reconcile", RECONCILE)]
