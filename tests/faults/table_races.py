# ruff: noqa: E501 - a row of a table is one line
"""The matrix, part four: the same alert at both instances at once, and overlaps.

Which instance meets the fault is open; how it ends for the alert is not. The loser of a
race waits half a second for the winner: it replays (200), finds it at FYERS (409), or
comes again (503, so not an end).
"""

from tests.faults.cells import Cell, read

AT_ONCE = """
goes wrong                                     | alert         | replies | orders | claim | told
-                                              | 2xSELL 2xBUY 8xSELL 8xBUY | 200/409 | 1 | DONE | -
-                                              | 2xKEYLESS     | 200/409 | 1 | DONE     | -/equal_alert
place reset,close,cut,error,html,empty,garbage,no_ack,no_id,redirect after        | 2xSELL 2xBUY  | 200/409 | 1 | DONE     | -
place reset,close,cut,error,html,empty,garbage,no_ack,no_id,redirect before       | 2xSELL 2xBUY  | 202/409 | 0 | NOT_SENT | outcome_unknown not_sent
place slow:0.8 after                           | 2xSELL 2xBUY 8xSELL | 200/409 | 1 | DONE | -
place hang:4 after                             | 2xSELL        | 202/409 | 1 | DONE     | outcome_unknown order_found
place hang:4 before                            | 2xSELL        | 202/409 | 0 | NOT_SENT | outcome_unknown not_sent
place rate:30 before                           | 2xSELL 2xBUY  | 200/409 | 1 | DONE     | -
place not_allowed before                       | 2xSELL        | 424/409 | 0 | DONE     | order_rejected
place rms                                      | 2xSELL        | 424/409 | 1 | DONE     | order_rejected
quote reset,close,cut,error,html,empty,garbage,no_ack,redirect | 2xSELL  | 200/409 | 1 | DONE     | -
quote hang:4                                   | 2xSELL        | 200/409 | 1 | DONE     | -
positions reset,close,cut,error,html,empty,garbage,no_ack,hang:4 | 2xSELL 2xBUY  | 200/409 | 1 | DONE     | -
book reset,close,cut,error,html,empty,garbage,no_ack,hang:4 | 2xBUY         | 200/409 | 1 | DONE     | -
cancel reset after                             | 2xBUY         | 200/409 | 1 | DONE     | -
create unavailable,lost,late:0.3,hangs,stuck   | 2xSELL 2xBUY  | 200/409 | 1 | DONE     | -/delivery_failed/delivery_failed delivery_failed
create unavailable,lost,late:0.3,hangs,stuck   | 2xKEYLESS     | 200/409 | 1 | DONE     | -/equal_alert/delivery_failed/delivery_failed equal_alert/equal_alert delivery_failed/delivery_failed delivery_failed
create lost + read unavailable                 | 2xSELL 2xBUY  | 200/409 | 1 | DONE     | -/delivery_failed/delivery_failed delivery_failed
create slow:0.3                                | 2xSELL 8xSELL | 200/409 | 1 | DONE     | -
read unavailable                               | 2xSELL 2xBUY  | 200/409 | 1 | DONE     | -/delivery_failed/delivery_failed delivery_failed
sending unavailable,lost,late:0.2,hangs        | 2xSELL 2xBUY  | 200/409 | 1 | DONE     | -
sending slow:0.3                               | 2xSELL 8xSELL | 200/409 | 1 | DONE     | -
sending stuck                                  | 2xSELL        | 202/409 | 0 | NOT_SENT | outcome_unknown not_sent
done unavailable,hangs                         | 2xSELL 2xBUY  | 200/409 | 1 | DONE     | order_found
done lost,late:0.2                             | 2xSELL 2xBUY  | 200/409 | 1 | DONE     | -
released unavailable,lost + positions error    | 2xSELL 2xBUY  | 200/409 | 1 | DONE     | -
unknown unavailable,lost + place reset before  | 2xSELL        | 202/409 | 0 | NOT_SENT | outcome_unknown not_sent
mark lost + place reset before                 | 2xSELL        | 202/409 | 0 | NOT_SENT | outcome_unknown not_sent
token unavailable + delivery cold              | 2xSELL        | 200/409 | 1 | DONE     | -
phone down + place reset before                | 2xSELL        | 202/409 | 0 | NOT_SENT | outcome_unknown not_sent
create kill after                              | 2xSELL 2xBUY 8xSELL | 200/409 | 1 | DONE | -
create kill after                              | 2xKEYLESS     | 200/409 | 1 | DONE     | -/equal_alert
create kill after                              | 2xSELL        | 200/409/gone | 1 | DONE | -
positions kill after                           | 2xSELL 2xBUY  | 200/409 | 1 | DONE     | -
sending kill before                            | 2xSELL 2xBUY  | 200/409 | 1 | DONE     | -
sending kill after                             | 2xSELL 2xBUY 2xKEYLESS | 202/409 | 0 | NOT_SENT | outcome_unknown not_sent
place kill after                               | 2xSELL 2xBUY 2xKEYLESS | 202/409 | 1 | DONE | outcome_unknown order_found
place kill:0.3 before + place slow:0.8 after   | 2xSELL        | 202/409 | 1 | DONE     | outcome_unknown order_found
done kill before                               | 2xSELL 2xBUY  | 202/409 | 1 | DONE     | outcome_unknown order_found
done kill after                                | 2xSELL 2xBUY  | 200/409 | 1 | DONE     | -
delivery kill after                            | 2xSELL 2xBUY  | 200/409 | 1 | DONE     | -
unknown kill before,after + place reset before | 2xSELL        | 202/409 | 0 | NOT_SENT | outcome_unknown not_sent
released kill before,after + positions error   | 2xSELL        | 200/409 | 1 | DONE     | -
take kill before,after + positions error*2     | 2xSELL        | 200/409 | 1 | DONE     | -
"""

STANDING_STILL = """
goes wrong                                                                   | alert    | replies | orders | claim | told
create hold after + meanwhile resend                                         | SELL BUY | 200 200 | 1 | DONE     | -
create hold after + meanwhile resend                                         | KEYLESS  | 200 200 | 1 | DONE     | equal_alert
create hold after + meanwhile reconcile                                      | SELL     | 410     | 0 | NOT_SENT | not_sent
create hold after + meanwhile reconcile                                      | BUY      | 410     | 0 | NOT_SENT | exit_not_sent
positions hold after + meanwhile resend                                      | SELL BUY | 200 200 | 1 | DONE     | -
positions hold after + meanwhile reconcile                                   | SELL     | 410     | 0 | NOT_SENT | not_sent
sending hold before + meanwhile resend                                       | SELL BUY | 200 200 | 1 | DONE     | -
sending hold before + meanwhile resend                                       | KEYLESS  | 200 200 | 1 | DONE     | equal_alert
sending hold before + meanwhile reconcile                                    | SELL     | 410     | 0 | NOT_SENT | not_sent
sending hold after + meanwhile resend                                        | SELL BUY | 200 202 | 1 | DONE     | outcome_unknown order_found
sending hold after + meanwhile reconcile                                     | SELL BUY | 200     | 1 | DONE     | not_sent order_found
place hold after + meanwhile resend                                          | SELL BUY | 200 202 | 1 | DONE     | outcome_unknown order_found
place hold after + meanwhile reconcile                                       | SELL BUY | 200     | 1 | DONE     | order_found
done hold before + meanwhile resend                                          | SELL     | 200 202 | 1 | DONE     | outcome_unknown order_found
done hold before + meanwhile reconcile                                       | SELL     | 200     | 1 | DONE     | order_found
done hold after + meanwhile resend                                           | SELL     | 200 200 | 1 | DONE     | -
done hold after + meanwhile reconcile                                        | SELL     | 200     | 1 | DONE     | -
done hold before + place not_allowed + meanwhile resend                      | SELL     | 202 202 | 0 | NOT_SENT | outcome_unknown not_sent
released hold before + positions error + meanwhile resend                    | SELL BUY | 200 200 | 1 | DONE     | -
released hold before + positions error + meanwhile reconcile                 | SELL     | 410     | 0 | NOT_SENT | not_sent
released hold before + place rate:30 + meanwhile resend                      | SELL     | 202 202 | 0 | NOT_SENT | outcome_unknown not_sent
released hold after + place rate:30 + meanwhile resend                       | SELL     | 503 200 | 1 | DONE     | -
unknown hold before + place reset before + meanwhile resend                  | SELL BUY | 202 202 | 0 | NOT_SENT | outcome_unknown not_sent
unknown hold before + place reset before + meanwhile reconcile               | SELL     | 202     | 0 | NOT_SENT | not_sent
unknown hold after + place reset before + meanwhile resend                   | SELL     | 202 202 | 0 | NOT_SENT | outcome_unknown not_sent
unknown hold after + place reset before + meanwhile reconcile                | SELL     | 202     | 0 | NOT_SENT | outcome_unknown not_sent outcome_unknown
place slow:4 before + meanwhile reconcile                                    | SELL BUY | 202     | 1 | DONE     | outcome_unknown not_sent order_found
later not_sent hold before + place reset before + meanwhile reconcile        | SELL     | 202     | 0 | NOT_SENT | outcome_unknown not_sent
later not_sent hold after + place reset before + meanwhile reconcile         | SELL     | 202     | 0 | NOT_SENT | outcome_unknown not_sent
later done hold before + done unavailable + meanwhile reconcile              | SELL BUY | 200     | 1 | DONE     | order_found
later guard hold before + place unfilled + meanwhile reconcile               | SELL     | 200     | 1 | DONE     | unfilled
later guard hold after + place unfilled + meanwhile reconcile                | SELL     | 200     | 1 | DONE     | unfilled unfilled
"""

RACES: list[Cell] = [*read("race", AT_ONCE), *read("still", STANDING_STILL)]
