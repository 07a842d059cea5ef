"""Market data that Binance and Tardis publish as CSV files."""
