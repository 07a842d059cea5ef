cimport cython
from libc.stdint cimport int64_t

from floorwire.venues.binance.depth_book cimport DepthBook
from floorwire.venues.binance.mapping cimport scanned_diff, scanned_quote, scanned_trade
from floorwire.venues.binance.messages cimport read as read_message
from floorwire.venues.binance.scanned_messages cimport ScannedDepth, ScannedQuote, ScannedTrade
from floorwire.venues.common.decimals cimport epoch_us
from floorwire.venues.common.level_reader cimport LevelReader
from floorwire.venues.common.scanned_message cimport ScannedMessage
from floorwire.venues.common.subscribed_symbol cimport SubscribedSymbol
from floorwire.venues.common.trade_ids cimport TradeIds
from floorwire.venues.common.venue_book cimport VenueBook
from floorwire.venues.common.venue_clock cimport VenueClock


@cython.final
cdef class Binance:
    cdef readonly object skipped
    cdef readonly VenueClock clock
    cdef readonly object snapshots
    cdef str _prefix
    cdef object _request_ids
    cdef dict _trade_ids

    @cython.locals(levels=VenueBook, reader=LevelReader, best=ScannedQuote, traded=ScannedTrade)
    cpdef object apply(self, object message, SubscribedSymbol symbol, object now_us, list out)
    @cython.locals(book=DepthBook, levels=VenueBook)
    cdef object _depth(self, object message, SubscribedSymbol symbol, object now_us, list out)
    @cython.locals(book=DepthBook, levels=VenueBook)
    cdef object _quote(self, int64_t update, object best, SubscribedSymbol symbol, object now_us, list out)
    @cython.locals(levels=VenueBook, ids=TradeIds)
    cdef object _trade(self, object message, object trade_id, object trade_time, SubscribedSymbol symbol, object now_us, list out)
    cdef object _candle(self, object message, SubscribedSymbol symbol, list out)
