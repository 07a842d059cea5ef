"""The trading desk: order requests, the journal of accounts, and the private channels.

An order goes this way: ``Desk.submit`` -> ``handlers`` -> ``OrderManager`` (engine) -> ``DecisionExecutor``
(venues) -> ``Committer`` -> ``CommitBatch`` -> journal -> replies -> ``PrivateFanout``.
"""
