"""The freqtrade source against payloads that freqtrade itself sent (see tests/bots/freqtrade/record.py)."""
