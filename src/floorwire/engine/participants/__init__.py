"""Simulated participants, pure and seeded: their orders make the market of the ``sim`` venue.

Nobody writes a price. Everyone here trades on the plain ``Exchange`` as any account would, each kind for its
own reason, and the market is what comes of it:

- ``makers`` quote both sides around what they have learnt from the prints, and lean against what they hold;
- the ``crowd`` leaves patient orders at all distances, which make the book deep, and takes them back;
- ``takers`` want to have it now; many split a large order into small ones, so that sides come in runs;
- ``informed`` traders have an opinion of the value (``opinion``) and trade when the price is off it: they
  carry the news into the prices, and keep prices of days where an opinion of days keeps them;
- ``trend`` followers buy what has risen and sell what has fallen, and let go when it turns.

Activity excites itself (``arrivals``): orders come in bursts between quiet spells, under a mood that all
markets share. ``profile`` has the parameters of one instrument and of one asset.
"""
