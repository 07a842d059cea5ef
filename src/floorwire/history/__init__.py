"""The market-data store: trades, candles and holes, written off the event loop and read in pages."""
