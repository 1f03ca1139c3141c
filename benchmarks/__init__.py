"""How fast it is, measured beside what it is compared with: `python -m benchmarks [NAME...]`.

Absolute figures are worth little on a machine that others use, too. So each measure runs in turns with a peer (a bare outbox, a
bare handler, an empty Python), and the ratio is what counts.
"""
