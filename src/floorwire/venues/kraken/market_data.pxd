cimport cython

from floorwire.venues.common.scanned_message cimport ScannedMessage
from floorwire.venues.common.subscribed_symbol cimport SubscribedSymbol
from floorwire.venues.common.trade_ids cimport TradeIds
from floorwire.venues.common.venue_book cimport VenueBook
from floorwire.venues.common.venue_clock cimport VenueClock
from floorwire.venues.kraken.checked_book cimport CheckedBook
from floorwire.venues.kraken.mapping cimport scanned_day, scanned_quote, scanned_trade
from floorwire.venues.kraken.messages cimport read as read_v2
from floorwire.venues.kraken.messages_v1 cimport is_array
from floorwire.venues.kraken.messages_v1 cimport read as read_v1
from floorwire.venues.kraken.scanned_book cimport ScannedBook
from floorwire.venues.kraken.scanned_messages cimport ScannedTicker, ScannedTrade


@cython.final
cdef class Kraken:
    cdef readonly object skipped
    cdef readonly VenueClock clock
    cdef str _prefix
    cdef dict _depths
    cdef dict _ticker_kinds
    cdef dict _trade_ids
    cdef dict _unnumbered
    cdef dict _days
    cdef dict _candles

    @cython.locals(scanned=ScannedBook, traded=ScannedTrade, best=ScannedTicker)
    cpdef object apply(self, object message, SubscribedSymbol symbol, object now_us, list out)
    @cython.locals(book=CheckedBook, levels=VenueBook)
    cdef object _book(self, object frame, bint is_snapshot, object told_us, Py_ssize_t most_levels, SubscribedSymbol symbol, object now_us, list out)
    cdef object _day(self, object day, list out)
    cdef object _quoted(self, object quote, SubscribedSymbol symbol, object now_us)
    @cython.locals(ids=TradeIds)
    cdef object _trade(self, object message, object trade_id, object ts_us, SubscribedSymbol symbol, list out)
    cdef object _candle(self, object message, object of, object now_us, list out)
