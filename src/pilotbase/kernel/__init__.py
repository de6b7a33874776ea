"""kernel: event, verb, money, time, bilingual text, errors, canonical JSON, plug-ins; knows no domain."""
