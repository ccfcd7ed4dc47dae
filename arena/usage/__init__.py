"""What tools report: records, sessions and daily totals. Each record counts once, however often and by whatever road it
is sent; one door per road (v1: the wire-compatible session API and the laptop's own; sync: ccusage; otlp)."""
