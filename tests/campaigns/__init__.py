"""Campaigns: thousands of damaged inputs, kills and failing writes, counted by how they end.

``python -m tests.campaigns`` runs them (``make campaign``), and ``test_campaigns.py`` a short version of each.
docs/campaigns.md explains them and shows the counts.
"""
