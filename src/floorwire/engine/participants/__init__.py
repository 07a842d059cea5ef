"""The simulated participants whose orders make the market of the ``sim`` venue. Pure and seeded.

No price is written by hand. Every participant trades on the ``SimulatedExchange`` as an account would, each
kind for its own reason. The market is the result:

- market makers (``market_maker``) quote both sides around a fair price that they estimate from trades,
  and shift their quotes against their inventory;
- the limit order crowd (``limit_order_crowd``) places patient orders at all distances, which make the book
  deep, and cancels some of them;
- takers (``takers``) trade at once; many split a large order into small ones, so that sides come in runs;
- informed traders (``informed``) know the fair value (``fair_value``) and trade when the price is away from
  it: they carry news into prices, and keep prices near the fair value over days;
- trend followers (``trend_follower``) buy what has risen, sell what has fallen, and close when it turns.

Trades cause more orders (``arrivals``): orders come in bursts between quiet spells. A market regime that all
markets share sets the pace. ``profile`` has the parameters of one instrument and of one asset.
"""
