"""A FYERS v3 stand-in over HTTP; no real account, no money.

with simulator.running(rate_limits=False) as sim:
    sim.url, sim.master_url, sim.login(), sim.faults.add(Fault(kind="reset"))
"""

from simulator.faults import Chaos, Fault
from simulator.options import Options
from simulator.server import Simulator, running

__all__ = ["Chaos", "Fault", "Options", "Simulator", "running"]
