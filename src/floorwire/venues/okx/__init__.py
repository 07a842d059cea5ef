"""OKX spot (API v5): its messages, their mapping to market events, and the adapter (market_data)."""
