"""Open-loop load: pre-signed transfers at scheduled times, latency from the schedule to receipt."""
