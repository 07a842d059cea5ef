cimport cython

from floorwire.venues.common.scanned_message cimport ScannedMessage
from floorwire.venues.common.subscribed_symbol cimport SubscribedSymbol
from floorwire.venues.common.trade_ids cimport TradeIds
from floorwire.venues.common.venue_book cimport VenueBook
from floorwire.venues.common.venue_clock cimport VenueClock
from floorwire.venues.okx.mapping cimport scanned_day, scanned_quote, scanned_trade
from floorwire.venues.okx.messages cimport read as read_message
from floorwire.venues.okx.numbered_book cimport NumberedBook
from floorwire.venues.okx.scanned_messages cimport ScannedTrade


@cython.final
cdef class Okx:
    cdef readonly object skipped
    cdef readonly VenueClock clock
    cdef str _prefix
    cdef dict _trade_ids

    @cython.locals(levels=VenueBook, traded=ScannedTrade)
    cpdef object apply(self, object message, SubscribedSymbol symbol, object now_us, list out)
    @cython.locals(book=NumberedBook, levels=VenueBook)
    cdef object _book(self, bint is_snapshot, object row, SubscribedSymbol symbol, object now_us, list out)
    cdef object _quote(self, object quote, SubscribedSymbol symbol, object now_us, list out)
    @cython.locals(ids=TradeIds)
    cdef object _trade(self, object message, object trade_id, object ts_ms, SubscribedSymbol symbol, object now_us, list out)
    cdef object _candles(self, object frame, object of, object now_us, list out)
