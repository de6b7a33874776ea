"""kernel: event, verb, money, time, bilingual text, errors, canonical JSON, plug-ins.

It knows no domain: nothing here would change if Pilotbase were about something else.
"""
