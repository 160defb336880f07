"""`make bench`: this application beside its peers, on one embedded cloud: lag, cost and cold start of the same runs.

It must never touch an AWS account, or start anything outside 127.0.0.1. What it measures is the control plane's
own time and money; the model is a stand-in whose runs end when the bench says.
"""
