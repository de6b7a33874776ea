"""The environment ``service_desk``: a small municipal service desk, and two scripted agents for it.

People are invented; orders, permits, bookings and fees are drawn for each case.
"""
