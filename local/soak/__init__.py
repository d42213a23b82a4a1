"""Hours of trading in minutes, with everything failing: `./dev.sh soak`."""
