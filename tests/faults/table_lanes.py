# ruff: noqa: E501 - a row of a table is one line
"""The matrix, part six: the closing lane, with rivals and between each two steps.

A short of one lot (two for PART) is closed. What a rival finds closed already is 400
and told; what it cannot know yet is 503, and told when its resends are used up.
"""

from tests.faults.cells import Cell, read

STEPS = """
goes wrong                                  | alert    | replies | orders | claim | told
-                                           | ALL      | 200 | 1 | DONE     | -
sending kill before                         | PART     | cut 200 | 1 | DONE     | -
sending kill after                          | PART     | cut 202 | 0 | NOT_SENT | outcome_unknown not_sent
place kill before                           | PART     | cut 202 | 0 | NOT_SENT | outcome_unknown not_sent
place kill after                            | PART     | cut 202 | 1 | DONE     | outcome_unknown order_found
done kill before                            | PART     | cut 202 | 1 | DONE     | outcome_unknown order_found
done kill after                             | PART     | cut 200 | 1 | DONE     | -
book kill@2 before,after                    | BUY PART | cut 200 | 1 | DONE     | -
book kill@2 after                           | BUY PART | gone    | 1 | DONE     | -
positions kill@2 before,after               | BUY PART | cut 200 | 1 | DONE     | -
resize kill@2 before,after                  | PART     | cut 200 | 1 | DONE     | -
resize kill before                          | PART     | gone    | 1 | DONE     | -
back kill before,after                      | BUY PART | gone    | 1 | DONE     | -
sending lost + look unavailable             | BUY      | 503 200 | 1 | DONE     | -
sending late:0.1                            | PART     | 503 200 | 1 | DONE     | -
sending hangs                               | PART     | 503 200 | 1 | DONE     | -
sending stuck                               | PART     | 503 202 | 0 | NOT_SENT | outcome_unknown not_sent
released unavailable,lost,late:0.2 + book error | BUY  | 503 200 | 1 | DONE     | -
released kill before,after + book error     | BUY      | cut 200 | 1 | DONE     | -
done lost + place not_allowed               | BUY      | 424     | 0 | DONE     | order_rejected
done late:0.2 + place not_allowed           | BUY      | 424     | 0 | DONE     | order_rejected order_rejected
done unavailable + place not_allowed        | BUY      | 424     | 0 | NOT_SENT | order_rejected not_sent
done kill before + place not_allowed        | BUY      | cut 202 | 0 | NOT_SENT | outcome_unknown not_sent
back late:0.2                               | BUY      | 200     | 1 | DONE     | -
"""

RIVALS = """
goes wrong                                  | alert    | replies | orders | claim | told
-                                           | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
-                                           | 5+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position no_short_position no_short_position no_short_position
-                                           | 2+PART   | 200     | 2 | DONE | -
create lost                                 | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
create unavailable                          | 2+BUY    | 200/400 | 1 | DONE+RELEASED | delivery_failed no_short_position
lane unavailable,lost,late:0.2,hangs,stuck  | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
sending unavailable,lost,late:0.2,hangs     | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
sending stuck                               | 2+BUY    | 202/503 | 0 | NOT_SENT | outcome_unknown not_sent exit_not_sent
back unavailable,late:0.2,hangs             | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
done lost,late:0.2                          | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
done unavailable                            | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position order_found
released unavailable,lost,late:0.2 + book error | 2+BUY | 200/400 | 1 | DONE+RELEASED | no_short_position
lane kill before,after                      | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
lane kill before,after                      | 2+PART   | 200     | 2 | DONE | -
ledger kill after                           | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
book kill before,after                      | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
sending kill before                         | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
sending kill before                         | 2+PART   | 200     | 2 | DONE | -
sending kill after                          | 2+BUY 2+PART | 202/503 | 0 | NOT_SENT | outcome_unknown not_sent exit_not_sent
place kill before                           | 2+BUY 2+PART | 202/503 | 0 | NOT_SENT | outcome_unknown not_sent exit_not_sent
place kill after                            | 2+BUY    | 202/400 | 1 | DONE+RELEASED | no_short_position outcome_unknown order_found
place kill after                            | 2+PART   | 202/200 | 2 | DONE | outcome_unknown order_found
done kill before                            | 2+BUY    | 202/400 | 1 | DONE+RELEASED | no_short_position outcome_unknown order_found
done kill before                            | 2+PART   | 202/200 | 2 | DONE | outcome_unknown order_found
done kill after                             | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
done kill after                             | 2+PART   | 200     | 2 | DONE | -
book kill@2 after                           | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
cancel kill before,after                    | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
back kill before                            | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
back kill before                            | 2+PART   | 200     | 2 | DONE | -
place reset before                          | 2+BUY    | 202/503 | 0 | NOT_SENT | outcome_unknown not_sent exit_not_sent
place reset after                           | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
place rms                                   | 2+BUY    | 200/400/424 | 2 | DONE+RELEASED/DONE | no_short_position/order_rejected
place unfilled                              | 2+BUY    | 200     | 2 | DONE | order_rejected
place rate:30                               | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
"""

THEN = """
goes wrong                                  | alert    | replies | orders | claim | told
- + then other:1                            | BUY      | 200 400 | 1 | DONE+RELEASED | no_short_position
- + then other:1                            | PART     | 200 200 | 2 | DONE | -
place reset before + then other:1           | BUY      | 202 503 | 0 | NOT_SENT | outcome_unknown not_sent exit_not_sent
place reset before + then other:20          | BUY      | 202 200 | 1 | DONE+NOT_SENT | outcome_unknown not_sent
place reset before + then other:40          | BUY      | 202 200 | 1 | DONE+NOT_SENT | outcome_unknown not_sent
place slow:3 after + then other:1           | BUY      | 202 400 | 1 | DONE+RELEASED | outcome_unknown no_short_position order_found
place unfilled + then other:1               | BUY      | 200 200 | 2 | DONE | order_rejected
place unfilled + then other:20              | BUY PART | 200 200 | 2 | DONE | order_rejected
place partfill + then other:20              | ALL      | 200 200 | 2 | DONE | part_filled
place partfill + then other:1               | ALL      | 200 200 | 2 | DONE | part_filled
place rms_later + then other:5              | BUY      | 200 200 | 2 | DONE | order_rejected
lane kill after + then other:5              | BUY      | gone 200 | 1 | DONE+NOT_SENT | exit_not_sent
sending kill after + then other:5           | BUY      | gone 503 | 0 | NOT_SENT | not_sent exit_not_sent
sending kill after + then other:40          | BUY      | gone 200 | 1 | DONE+NOT_SENT | not_sent
place kill after + then other:5             | BUY      | gone 400 | 1 | DONE+RELEASED | no_short_position order_found
done kill before + then other:5             | BUY      | gone 400 | 1 | DONE+RELEASED | no_short_position order_found
done kill after + then other:5              | BUY      | gone 400 | 1 | DONE+RELEASED | no_short_position
back kill before + then other:5             | BUY      | gone 400 | 1 | DONE+RELEASED | no_short_position
back kill before + then other:5             | PART     | gone 200 | 2 | DONE | -
look unavailable + back unavailable + then other:5 | BUY | 200 400 | 1 | DONE+RELEASED | no_short_position
book error + released kill before + then other:5 | BUY | gone 200 | 1 | DONE+NOT_SENT | exit_not_sent
"""

LAGS = """
goes wrong                                  | alert    | replies | orders | claim | told
lag book:3                                  | BUY PART | 503 200 | 1 | DONE     | -
lag positions:3                             | BUY PART | 200     | 1 | DONE     | -
lag fills:3                                 | BUY PART | 503 200 | 1 | DONE     | -
lag book:3 + lag positions:3                | BUY PART | 503 200 | 1 | DONE     | -
lag fills:3 + lag positions:3               | BUY PART | 503 200 | 1 | DONE     | -
lag positions:3                             | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
lag fills:3                                 | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
lag book:3                                  | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
lag book:3 + lag positions:3                | 2+BUY    | 200/400 | 1 | DONE+RELEASED | no_short_position
lag book:3 + lag positions:3                | 2+PART   | 200     | 2 | DONE | -
lag book:8 + lag positions:8                | 2+BUY    | 200/503 | 1 | DONE+NOT_SENT | exit_not_sent
lag positions:3 + then other:1              | BUY      | 200 400 | 1 | DONE+RELEASED | no_short_position
lag fills:3 + then other:1                  | BUY      | 200 400 | 1 | DONE+RELEASED | no_short_position
lag book:3 + then other:1                   | BUY      | 200 400 | 1 | DONE+RELEASED | no_short_position
"""

LANES: list[Cell] = [
    *read("lane", STEPS),
    *read("rivals", RIVALS),
    *read("then", THEN),
    *read("lag", LAGS),
]
