# ruff: noqa: E501 - a row of a table is one line
"""The matrix, part two: a store or the owner's phone goes wrong."""

from tests.faults.cells import Cell, read

CLAIM = """
goes wrong                                          | alert    | replies | orders | claim | told
create unavailable                                  | SELL BUY | 503 200 | 1 | DONE     | delivery_failed
create unavailable + read unavailable               | SELL BUY | 503 200 | 1 | DONE     | delivery_failed
create unavailable*                                 | SELL BUY | 503 503 503 503 | 0 | none | delivery_failed delivery_failed
create hangs                                        | SELL BUY | 503 200 | 1 | DONE     | delivery_failed
create slow:0.5                                     | SELL BUY | 200     | 1 | DONE     | -
create lost                                         | SELL BUY KEYLESS | 200 | 1 | DONE | -
create lost + read unavailable                      | SELL BUY KEYLESS | 503 200 | 1 | DONE | delivery_failed
create stuck                                        | SELL BUY | 503 200 | 1 | DONE     | delivery_failed
create late:0.6                                     | SELL BUY KEYLESS | 503 200 | 1 | DONE | delivery_failed
create lost + read unavailable*                     | SELL     | 503 503 503 503 | 0 | NOT_SENT | delivery_failed delivery_failed not_sent
lane unavailable,late:0.2,hangs,stuck               | BUY      | 503 200 | 1 | DONE     | -
lane lost                                           | BUY      | 200     | 1 | DONE     | -
lane lost + look unavailable                        | BUY      | 503 200 | 1 | DONE     | -
lane lost + read unavailable                        | BUY      | 503 200 | 1 | DONE     | -
lane unavailable*                                   | BUY      | 503 503 503 503 | 0 | NOT_SENT | exit_not_sent
lane slow:0.5                                       | BUY      | 200     | 1 | DONE     | -
ledger unavailable                                  | SELL BUY | 503 200 | 1 | DONE     | -
back unavailable,lost,hangs                         | BUY PART | 200     | 1 | DONE     | -
sending unavailable,late:0.3                        | SELL BUY | 503 200 | 1 | DONE     | -
sending hangs                                       | SELL BUY | 503 200 | 1 | DONE     | -
sending slow:0.5                                    | SELL BUY | 200     | 1 | DONE     | -
sending lost                                        | SELL BUY | 200     | 1 | DONE     | -
sending lost + read unavailable                     | SELL BUY | 503 200 | 1 | DONE     | -
sending lost + read unavailable*2                   | SELL BUY | 503 202 | 0 | NOT_SENT | outcome_unknown not_sent
sending stuck                                       | SELL BUY | 503 202 | 0 | NOT_SENT | outcome_unknown not_sent
sending late:0.5 + released unavailable             | SELL BUY | 503 202 | 0 | NOT_SENT | outcome_unknown not_sent
sending unavailable + released unavailable          | SELL BUY | 503 200 | 1 | DONE     | -
sending unavailable + released lost                 | SELL BUY | 503 200 | 1 | DONE     | -
sending unavailable*                                | SELL     | 503 503 503 503 | 0 | NOT_SENT | not_sent
sending unavailable*                                | BUY      | 503 503 503 503 | 0 | NOT_SENT | exit_not_sent
take unavailable + positions error                  | SELL BUY | 503 503 200 | 1 | DONE | -
take lost + positions error                         | SELL BUY | 503 200 | 1 | DONE     | -
take lost + positions error + read unavailable*2    | SELL     | 503 503 503 200 | 1 | DONE | delivery_failed delivery_failed
take hangs + positions error                        | SELL     | 503 503 200 | 1 | DONE | delivery_failed
take late:0.1 + positions error                     | SELL     | 503 503 200 | 1 | DONE | -
read unavailable + positions error                  | SELL     | 503 503 200 | 1 | DONE | delivery_failed
done unavailable                                    | SELL BUY | 200     | 1 | DONE     | order_found
done unavailable + read unavailable*                | SELL BUY | 200     | 1 | DONE     | order_found
done hangs                                          | SELL BUY | 200     | 1 | DONE     | order_found
done lost                                           | SELL BUY | 200     | 1 | DONE     | -
done lost + read unavailable*                       | SELL BUY | 200     | 1 | DONE     | -
done stuck                                          | SELL     | 200     | 1 | DONE     | -
done late:0.2                                       | SELL BUY | 200     | 1 | DONE     | -
done unavailable + place not_allowed                | SELL     | 424     | 0 | NOT_SENT | order_rejected not_sent
done lost + place not_allowed                       | SELL     | 424     | 0 | DONE     | order_rejected
done unavailable + place rms                        | SELL     | 424     | 1 | DONE     | order_rejected order_rejected
released unavailable + positions error              | SELL BUY | 503 200 | 1 | DONE     | -
released lost + positions error                     | SELL BUY | 503 200 | 1 | DONE     | -
released hangs + positions error                    | SELL     | 503 200 | 1 | DONE     | -
released late:0.2 + positions error                 | SELL     | 503 200 | 1 | DONE     | -
released unavailable + place rate:30                | SELL BUY | 503 202 | 0 | NOT_SENT | outcome_unknown not_sent
released lost + place rate:30                       | SELL BUY | 503 200 | 1 | DONE     | -
released late:0.2 + place rate:30                   | SELL     | 503 200 | 1 | DONE     | -
unknown unavailable + place reset before            | SELL BUY | 202     | 0 | NOT_SENT | outcome_unknown not_sent
unknown lost + place reset before                   | SELL BUY | 202     | 0 | NOT_SENT | outcome_unknown not_sent
unknown hangs + place reset before                  | SELL     | 202     | 0 | NOT_SENT | not_sent
unknown late:0.2 + place reset before               | SELL     | 202     | 0 | NOT_SENT | outcome_unknown outcome_unknown not_sent
unknown unavailable + place hang:4 after            | SELL     | 202     | 1 | DONE     | outcome_unknown order_found
mark unavailable + place reset before               | SELL BUY | 202     | 0 | NOT_SENT | outcome_unknown outcome_unknown not_sent
mark lost + place reset before                      | SELL BUY | 202     | 0 | NOT_SENT | outcome_unknown not_sent
mark late:0.2 + place reset before                  | SELL     | 202     | 0 | NOT_SENT | outcome_unknown not_sent
mark unavailable + place not_allowed                | SELL     | 424     | 0 | DONE     | order_rejected order_rejected
"""

RECONCILE = """
goes wrong                                          | alert | replies | orders | claim | told
later watched unavailable + place reset before      | SELL | 202 | 0 | NOT_SENT | outcome_unknown not_sent
later not_sent unavailable + place reset before     | SELL | 202 | 0 | NOT_SENT | outcome_unknown not_sent
later not_sent lost + place reset before            | SELL | 202 | 0 | NOT_SENT | outcome_unknown not_sent
later not_sent late:0.2 + place reset before        | SELL | 202 | 0 | NOT_SENT | outcome_unknown not_sent
later mark unavailable + place reset before         | SELL | 202 | 0 | NOT_SENT | outcome_unknown not_sent not_sent
later done unavailable + done unavailable           | SELL BUY | 200 | 1 | DONE  | order_found
later done lost + done unavailable                  | SELL BUY | 200 | 1 | DONE  | order_found
later guard unavailable,lost,late:0.2 + place unfilled | SELL | 200 | 1 | DONE  | unfilled
"""

OTHERS = """
goes wrong                                          | alert    | replies | orders | claim | told
token unavailable + delivery cold                   | SELL BUY | 503 200 | 1 | DONE     | -
token unavailable* + delivery cold*                 | SELL     | 503 503 503 503 | 0 | NOT_SENT | not_sent
token unavailable* + delivery cold*                 | BUY      | 503 503 503 503 | 0 | NOT_SENT | exit_not_sent
token hangs + delivery cold                         | SELL BUY | 503 200 | 1 | DONE     | -
token slow:0.5 + delivery cold                      | SELL BUY | 200     | 1 | DONE     | -
token unavailable + place expired                   | SELL BUY | 503 200 | 1 | DONE     | -
token unavailable* + place expired                  | SELL     | 503 200 | 1 | DONE     | -
login missing + delivery cold                       | SELL BUY | 424     | 0 | RELEASED | login_needed not_logged_in
login garbage + delivery cold                       | SELL BUY | 424     | 0 | RELEASED | login_needed not_logged_in
login ended                                         | SELL BUY | 424     | 0 | RELEASED | login_needed not_logged_in
once unavailable* + login ended                     | SELL     | 503 503 503 503 | 0 | NOT_SENT | not_sent
symbols unavailable + delivery cold                 | SELL BUY | 503 200 | 1 | DONE     | -
symbols unavailable* + delivery cold*               | SELL     | 503 503 503 503 | 0 | NOT_SENT | not_sent
symbols unavailable* + delivery cold*               | BUY      | 503 503 503 503 | 0 | NOT_SENT | exit_not_sent
symbols hangs + delivery cold                       | SELL BUY | 503 200 | 1 | DONE     | -
symbols slow:0.5 + delivery cold                    | SELL     | 200     | 1 | DONE     | -
phone down + place reset before                     | SELL     | 202     | 0 | NOT_SENT | outcome_unknown not_sent
phone hang + place reset before                     | SELL     | 202     | 0 | NOT_SENT | outcome_unknown not_sent
phone down + place not_allowed                      | SELL     | 424     | 0 | DONE     | order_rejected
phone down* + place hang:4 after                    | SELL     | 202     | 1 | DONE     | outcome_unknown order_found
phone down* + unknown unavailable + place reset before | SELL  | 202     | 0 | NOT_SENT | not_sent
later phone down + place reset before               | SELL     | 202     | 0 | NOT_SENT | outcome_unknown not_sent
"""

STORES: list[Cell] = [
    *read("claim", CLAIM),
    *read("reconcile", RECONCILE),
    *read("others", OTHERS),
]
