cimport cython

from floorwire.venues.binance.depth_book cimport DepthBook
from floorwire.venues.binance.messages cimport read as read_message
from floorwire.venues.common.level_reader cimport LevelReader
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

    cpdef object apply(self, object message, SubscribedSymbol symbol, object now_us, list out)
    @cython.locals(book=DepthBook, levels=VenueBook, reader=LevelReader)
    cdef object _depth(self, object update, SubscribedSymbol symbol, object now_us, list out)
    @cython.locals(book=DepthBook, levels=VenueBook)
    cdef object _quote(self, object message, SubscribedSymbol symbol, object now_us, list out)
    @cython.locals(levels=VenueBook, ids=TradeIds)
    cdef object _trade(self, object message, SubscribedSymbol symbol, object now_us, list out)
    cdef object _candle(self, object message, SubscribedSymbol symbol, list out)
