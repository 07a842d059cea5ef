"""What comes of each single public frame of ../shared/recorded/current, by its file.

Many are samples of documentation. A frame that changes a book says nothing without the book before it. Books
whose checksum is not that of their levels are not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

EXPECTED: Mapping[str, Sequence[str]] = {
    "binance/jkorf_transcripts/Spot_ExchangeData_AggregatedTrades.txt": [
        "BNB-BTC trade 105 sell 100 for 0.001 at 1672515782136000",
    ],
    "binance/jkorf_transcripts/Spot_ExchangeData_BookTicker.txt": [
        "BNB-USDT quote 31.21 for 25.3519, 40.66 for 25.3652",
    ],
    "binance/jkorf_transcripts/Spot_ExchangeData_Concurrent.txt": [
        "left out: bad_message 2",
    ],
    "binance/jkorf_transcripts/Spot_ExchangeData_Klines.txt": [
        "left out: other_kind 1",
    ],
    "binance/jkorf_transcripts/Spot_ExchangeData_MiniTicker.txt": [
        "left out: other_kind 1",
    ],
    "binance/jkorf_transcripts/Spot_ExchangeData_PartialBook.txt": [
        "left out: other_kind 1",
    ],
    "binance/jkorf_transcripts/Spot_ExchangeData_Ticker.txt": [
        "BNB-BTC day 0.001 0.0025 0.001 volume 10000 at 1672515782136000",
    ],
    "binance/jkorf_transcripts/Spot_ExchangeData_Trades.txt": [
        "BNB-BTC trade 12345 sell 100 for 0.001 at 1672515782136000",
    ],
    "binance/nautilus_ws/ws_spot_agg_trade.json": [
        "ETH-USDT trade 228423 buy 0.34305 for 1632.46 at 1675759520847000",
    ],
    "binance/nautilus_ws/ws_spot_ticker_24hr.json": [
        "BNB-BTC day 0.001 0.0025 0.001 volume 10000 at 123456789000",
    ],
    "binance/nautilus_ws/ws_spot_ticker_book.json": [
        "ETH-USDT quote 2.3595 for 4507.24, 2.8457 for 4507.25 at 1646199228123000",
    ],
    "binance/nautilus_ws/ws_spot_trade.json": [
        "ETH-USDT trade 705291099 sell 0.4387 for 4149.74 at 1639351062243000",
    ],
    "bybit/jkorf_transcripts/V5_Spot_Concurrent.txt": [
        "left out: bad_message 2",
    ],
    "bybit/jkorf_transcripts/V5_Spot_PriceLimit.txt": [
        "left out: other_kind 1",
    ],
    "bybit/jkorf_transcripts/V5_Spot_SystemStatus.txt": [
        "left out: other_kind 1",
    ],
    "bybit/jkorf_transcripts/V5_Spot_Ticker.txt": [
        "BTC-USDT day 20704.93 21426.99 20575 volume 6780.866843 at 1673853746003000",
    ],
    "bybit/jkorf_transcripts/V5_Spot_Trades.txt": [
        "BTC-USDT trade 20f43950-d8dd-5b31-9112-a178eb6023af buy 0.001 for 16578.5 at 1672304486865000",
    ],
    "bybit/nautilus/ws_kline.json": [
        "BTC-USDT candle 300s from 1672324800: 16649.5 16677 16608 16677 volume 2.081 at 1672324988882000",
    ],
    "bybit/nautilus/ws_orderbook_delta.json": [],
    "bybit/nautilus/ws_orderbook_snapshot.json": [
        "BTC-USDT quote 0.5 for 27450, 0.75 for 27451 at 1709891679000000",
    ],
    "bybit/nautilus/ws_public_trade.json": [
        "left out: other_kind 1",
    ],
    "bybit/nautilus/ws_subscription_ack.json": [],
    "bybit/nautilus/ws_subscription_failure.json": [
        "left out: refused 1",
    ],
    "coinbase/jkorf_transcripts/AdvancedTrade_BatchTicker.txt": [],
    "coinbase/jkorf_transcripts/AdvancedTrade_Concurrent.txt": [
        "left out: bad_message 1",
        "left out: out_of_order 1",
    ],
    "coinbase/jkorf_transcripts/AdvancedTrade_Heartbeat.txt": [
        "left out: other_kind 1",
    ],
    "coinbase/jkorf_transcripts/AdvancedTrade_Klines.txt": [
        "ETH-USDT candle 300s from 1688998200: 1867.38 1867.72 1865.63 1866.81 volume 0.20269406 at "
        "1686341975396251",
    ],
    "coinbase/jkorf_transcripts/AdvancedTrade_Symbol.txt": [
        "left out: other_kind 1",
    ],
    "coinbase/jkorf_transcripts/AdvancedTrade_Ticker.txt": [
        "ETH-USDT quote 8000.21 for 21931.98, 8038.07770938 for 21933.98 at 1675974637167359",
    ],
    "coinbase/jkorf_transcripts/AdvancedTrade_Trades.txt": [
        "ETH-USDT trade 22381690 sell 0.5 for 2375.56 at 1728026011084859",
        "ETH-USDT trade 22381691 sell 0.5 for 2375.56 at 1728026011088388",
    ],
    "coinbase/nautilus/ws_candles.json": [
        "BTC-USD candle 300s from 1775521800: 68900 68950 68850 68920.5 volume 42.15 at 1775572205000000",
    ],
    "coinbase/nautilus/ws_heartbeats.json": [
        "left out: other_kind 1",
    ],
    "coinbase/nautilus/ws_l2_data_snapshot.json": [
        "BTC-USD book 1.5 for 68900, 0.75 for 68899.5, 2.3 for 68899 | 0.5 for 68901, 1.2 for "
        "68901.5, 0.8 for 68902 at 1775572200123456",
        "BTC-USD quote 1.5 for 68900, 0.5 for 68901 at 1775572200123456",
        "BTC-USD live synced",
    ],
    "coinbase/nautilus/ws_l2_data_update.json": [],
    "coinbase/nautilus/ws_market_trades.json": [
        "BTC-USD trade 995098700 sell 0.0015 for 68900.5 at 1775572202789012",
        "BTC-USD trade 995098701 buy 0.05 for 68900 at 1775572202800000",
    ],
    "coinbase/nautilus/ws_subscriptions.json": [
        "left out: other_kind 1",
    ],
    "coinbase/nautilus/ws_ticker.json": [
        "BTC-USD quote 1.5 for 68900, 0.5 for 68901 at 1775572203000000",
    ],
    "kraken/crossbook/kraken_heartbeat.json": [],
    "kraken/crossbook/kraken_snapshot.json": [
        "BTC-USD book 0.25761908 for 63388.7, 0.7887911 for 63388.1, 0.23660683 for 63387.4, "
        "0.7888063 for 63386.9, 0.01612983 for 63386.8, 0.23660676 for 63386.4, 0.05955181 for "
        "63386.1, 0.000051 for 63385.9, 0.74197679 for 63385.8, 0.78883523 for 63384.5, 0.10565856 "
        "for 63382.9, 0.000051 for 63382.7, 0.055 for 63382.3, 0.1842625 for 63381.2, 0.61566605 for "
        "63381.1, 0.00157776 for 63381, 0.000051 for 63379.5, 0.00127392 for 63379, 1.08344573 for "
        "63378.6, 2.36673245 for 63378.5, 0.504488 for 63378.2, 0.04891288 for 63378, 0.04998575 for "
        "63377.2, 0.000454 for 63377.1, 0.52836882 for 63376.6 | 0.34887114 for 63388.8, 0.000051 "
        "for 63389, 0.00012 for 63389.8, 0.01586649 for 63390.2, 0.000051 for 63392.1, 0.0301695 for "
        "63392.2, 0.000051 for 63395.3, 0.00157739 for 63396, 0.22148007 for 63398.1, 0.74355413 for "
        "63398.2, 0.000051 for 63398.5, 0.00157732 for 63399, 0.25229913 for 63399.8, 0.78864593 for "
        "63399.9, 0.055 for 63401.6, 0.04889436 for 63402, 0.31887063 for 63402.2, 0.78861592 for "
        "63402.3, 0.07413055 for 63402.8, 0.11 for 63403.1, 0.09391965 for 63404.6, 0.03154314 for "
        "63405.2, 0.40629064 for 63405.4, 0.504271 for 63405.5, 0.01939584 for 63407.3 at "
        "1785641751302928",
        "BTC-USD quote 0.25761908 for 63388.7, 0.34887114 for 63388.8 at 1785641751302928",
        "BTC-USD live synced",
    ],
    "kraken/crossbook/kraken_status.json": [],
    "kraken/crossbook/kraken_subscribe_ack.json": [],
    "kraken/crossbook/kraken_update.json": [],
    "kraken/crossbook/kraken_update_2.json": [],
    "kraken/crossbook/kraken_update_3.json": [],
    "kraken/crossbook/kraken_update_4.json": [],
    "kraken/jkorf_transcripts/Spot_AggBook.txt": [],
    "kraken/jkorf_transcripts/Spot_Concurrent.txt": [
        "left out: bad_message 2",
    ],
    "kraken/jkorf_transcripts/Spot_IndividualBook.txt": [
        "left out: other_kind 1",
    ],
    "kraken/jkorf_transcripts/Spot_Kline.txt": [
        "ETH-USDT candle 300s from 1696436700: 0.5624 0.5628 0.5622 0.5627 volume 30927.68066226",
    ],
    "kraken/jkorf_transcripts/Spot_Ticker.txt": [
        "ETH-USDT quote 740 for 0.10025, 740 for 0.10035",
        "ETH-USDT day 0.10052 0.10285 0.09979 volume 997038.98383185",
    ],
    "kraken/jkorf_transcripts/Spot_Trades.txt": [
        "ETH-USDT trade 4665906 sell 40 for 0.5117 at 1695628177708706",
    ],
    "kraken/nautilus/ws_book_snapshot.json": [],
    "kraken/nautilus/ws_book_update.json": [],
    "kraken/nautilus/ws_ohlc_update.json": [
        "BTC-USD candle 60s from 1696436700: 106038.2 106044.3 106038.1 106040.1 volume 30927.68066226",
    ],
    "kraken/nautilus/ws_pong.json": [],
    "kraken/nautilus/ws_subscribe_response.json": [],
    "kraken/nautilus/ws_ticker_snapshot.json": [
        "BTC-USD quote 2.5 for 105944.2, 3.2 for 105944.3 at 1671960659123456",
        "BTC-USD day 105649.4 106613.1 104711 volume 163.28908096 at 1671960659123456",
    ],
    "kraken/nautilus/ws_trade_update.json": [
        "BTC-USD trade 10218208 buy 0.00027625 for 105944.2 at 1696613755440295",
        "BTC-USD trade 10218209 sell 0.0001246 for 105910.5 at 1696613756123456",
    ],
    "kraken/xchange_v2/book-snapshot.json": [
        "left out: bad_message 1",
    ],
    "kraken/xchange_v2/book-update.json": [
        "left out: bad_message 1",
    ],
    "kraken/xchange_v2/heartbeat.json": [],
    "kraken/xchange_v2/method.json": [],
    "kraken/xchange_v2/ohlc.json": [
        "left out: bad_message 1",
    ],
    "kraken/xchange_v2/status.json": [],
    "kraken/xchange_v2/trade.json": [
        "BTC-USD trade 86881079 buy 0.00037711 for 111399.1 at 1757453510716224",
    ],
    "okx/jkorf_transcripts/Unified_ExchangeData_Concurrent.txt": [
        "left out: bad_message 2",
    ],
    "okx/jkorf_transcripts/Unified_ExchangeData_Klines.txt": [
        "left out: other_kind 1",
    ],
    "okx/jkorf_transcripts/Unified_ExchangeData_OrderBook.txt": [],
    "okx/jkorf_transcripts/Unified_ExchangeData_Symbol.txt": [],
    "okx/jkorf_transcripts/Unified_ExchangeData_SystemStatus.txt": [
        "left out: other_kind 1",
    ],
    "okx/jkorf_transcripts/Unified_ExchangeData_Ticker.txt": [
        "ETH-USDT day 9000 10000 8888.88 volume 2222 at 1597026383085000",
    ],
    "okx/jkorf_transcripts/Unified_ExchangeData_Trades.txt": [
        "ETH-USDT trade 130639474 buy 0.12060306 for 42219.9 at 1630048897897000",
    ],
    "okx/nautilus/ws_bbo_tbt.json": [
        "BTC-USDT quote 256 for 8476.97, 415 for 8476.98 at 1597026383085000",
    ],
    "okx/nautilus/ws_books_snapshot.json": [],
    "okx/nautilus/ws_books_update.json": [],
    "okx/nautilus/ws_candle.json": [
        "left out: other_kind 1",
    ],
    "okx/nautilus/ws_instruments.json": [
        "left out: bad_listing 1",
    ],
    "okx/nautilus/ws_tickers.json": [
        "BTC-USDT day 9000 10000 8888.88 volume 2222 at 1597026383085000",
    ],
    "okx/nautilus/ws_trades.json": [
        "BTC-USD trade 130639474 buy 0.12060306 for 42219.9 at 1630048897897000",
    ],
}
