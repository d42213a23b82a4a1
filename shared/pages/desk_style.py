"""The desk's one stylesheet: a phone first, two columns where there is room."""

from shared.pages.frame import STYLE

DESK_STYLE = (
    STYLE
    + """
.desk { max-width: 1080px; padding: 20px 16px 24px; }
.narrow { max-width: 640px; }
header { display: flex; justify-content: space-between; align-items: center;
  margin-bottom: 6px; }
header .state { margin: 0; }
a { color: var(--go); }
.small { font-size: 14px; padding: 8px 0; }
.desk h1 { font-size: 23px; margin-bottom: 4px; }
.desk h1 span { display: block; }
.desk h1 span + span { font-size: 18px; font-weight: 500; line-height: 1.4;
  letter-spacing: 0; }
.desk h2 { margin: 28px 0 10px; padding-top: 20px; font-size: 16px; }
section.card h2 { border: 0; margin: 0 0 6px; padding: 0; }
h3 { margin: 0; font-size: 16px; }
ul, ol { margin: 0; padding: 0; list-style: none; }
.card, .alarm { margin: 0 0 12px; padding: 14px; border: 1px solid var(--line);
  border-radius: 12px; background: var(--code); }
section.card { margin-top: 28px; }
.card > .how { display: flex; flex-wrap: wrap; justify-content: space-between;
  gap: 0 12px; margin: 2px 0 10px; }
.alarm { border-color: var(--bad); border-left-width: 5px; }
.alarm p { margin: 0 0 4px; font-weight: 600; }
.alarm .ask p { font-weight: 400; margin-bottom: 10px; }
.alarm .soft { font-weight: 400; }
.alarms h2 { color: var(--bad); }
.row { display: grid; gap: 8px; margin-top: 10px; }
.stack { display: grid; gap: 10px; }
.numbers { display: grid; grid-template-columns: repeat(3, 1fr); gap: 10px 12px;
  margin: 0 0 12px; }
.numbers dt, .facts dt { color: var(--soft); font-size: 13px; }
dd { margin: 0; font-variant-numeric: tabular-nums; }
.numbers dd { font-weight: 600; }
.facts > div, .rail { display: flex; flex-wrap: wrap; justify-content: space-between;
  gap: 2px 12px; padding: 7px 0; }
.facts dt { font-size: 15px; } .facts { margin: 0; }
.facts dd { text-align: right; }
.rail { font-size: 15px; }
.rail strong { margin-left: auto; font-weight: 600; text-align: right;
  font-variant-numeric: tabular-nums; }
.bar { width: 100%; } .bar rect { fill: var(--line); }
.bar .used { fill: var(--go); } .bar.idle .used { fill: var(--idle); }
.word { font-weight: 600; } .word.good { color: var(--good); }
.word.bad { color: var(--bad); } .word.idle { color: var(--idle); }
.word.plain { color: var(--text); }
.paper { padding: 1px 6px; border: 1px solid var(--idle); border-radius: 6px;
  color: var(--idle); font-size: 11px; font-weight: 600; vertical-align: 1px; }
summary { cursor: pointer; border-radius: 10px; }
summary:focus-visible, button:focus-visible, a:focus-visible {
  outline: 3px solid var(--go); outline-offset: 2px; }
.ask summary, .desk button { display: block; width: 100%; min-height: 44px;
  padding: 10px 14px; border: 1px solid var(--line); border-radius: 10px;
  background: var(--card); color: var(--go); font: inherit; font-size: 15px;
  font-weight: 600; text-align: center; list-style: none; }
.ask summary::-webkit-details-marker { display: none; }
.ask[open] summary { color: var(--soft); }
.ask form { padding: 12px 0 0; } .ask form p { font-size: 15px; }
.ask form button { background: var(--text); color: var(--card);
  border-color: var(--text); }
.desk .go { margin: 0; padding: 10px 14px; min-height: 44px; font-size: 15px;
  border-radius: 10px; }
.tale { border-bottom: 1px solid var(--line); } .tale:last-child { border: 0; }
.tale summary { display: grid; grid-template-columns: 66px 1fr; gap: 0 12px;
  padding: 10px 0; list-style: none; font-size: 15px; }
.tale summary::-webkit-details-marker { display: none; }
.tale time, .none { color: var(--soft); font-size: 14px;
  font-variant-numeric: tabular-nums; }
.tale .what { overflow-wrap: anywhere; }
.tale summary .word { grid-column: 2; font-size: 14px; }
.tale ol { padding: 0 0 12px; }
.tale li { display: grid; grid-template-columns: 66px 1fr; gap: 12px; padding: 4px 0;
  font-size: 14px; overflow-wrap: anywhere; }
.total { margin: 0 0 8px; font-size: 26px; font-weight: 600;
  font-variant-numeric: tabular-nums; }
.total .soft { font-weight: 400; }
.curve { display: block; width: 100%; height: 88px; }
.curve path { fill: none; vector-effect: non-scaling-stroke; }
.curve .line { stroke: var(--go); stroke-width: 2.5; stroke-linejoin: round; }
.curve .zero { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 4; }
.ends { display: flex; justify-content: space-between; margin: 4px 0 10px;
  font-variant-numeric: tabular-nums; }
.days { margin-bottom: 10px; }
.days li { display: flex; justify-content: space-between; align-items: baseline;
  font-variant-numeric: tabular-nums; }
.days a, .desk section p a { display: inline-block; padding: 8px 0; }
.foot { margin-top: 24px; padding-top: 20px; border-top: 1px solid var(--line); }
@media (min-width: 900px) {
  .desk { padding: 28px 32px 32px; } .desk h1 { font-size: 28px; }
  .desk h1 span + span { font-size: 20px; }
  .columns { display: grid; grid-template-columns: 3fr 2fr; gap: 0 48px; }
  .narrow .columns { display: block; }
  .tale summary { grid-template-columns: 66px 1fr auto; }
  .tale summary .word { grid-column: 3; }
  .row { grid-template-columns: 1fr 1fr; align-items: start; }
}
"""
)
