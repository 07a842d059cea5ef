cimport cython

from floorwire.venues.common.followed_symbols cimport FollowedSymbols
from floorwire.venues.common.links cimport ActivityTracker, Links
from floorwire.venues.common.message_handler cimport MessageHandler
from floorwire.venues.common.scanned_message cimport ScannedMessage
from floorwire.venues.common.subscribed_symbol cimport SubscribedSymbol
from floorwire.venues.common.venue_clock cimport VenueClock


@cython.final
cdef class MarketDataAdapter:
    cdef readonly str name
    cdef readonly object skipped
    cdef readonly bint streams_on_demand
    cdef object _exchange
    cdef object _read_frame
    cdef object _requested
    cdef bint _is_recorded
    cdef object _stale_us
    cdef object _limits
    cdef object _jitter
    cdef VenueClock _clock
    cdef object _ids
    cdef object _catalogue
    cdef object _streams
    cdef Links _links
    cdef FollowedSymbols _followed
    cdef ActivityTracker _activity
    cdef object _books
    cdef object _past
    cdef object _rotations
    cdef dict _by_new
    cdef object _wish
    cdef MessageHandler _messages
    cdef dict _symbols
    cdef bint _list_failed

    cpdef object receive(self, object happened, object now_us)
    @cython.locals(out=list, receipt=str, scanned=ScannedMessage, symbol=SubscribedSymbol)
    cdef list _frame(self, str link, object data, object now_us)
    @cython.locals(symbol=SubscribedSymbol, native=str)
    cdef object _read(self, object reading, str link, object now_us, list out)
    @cython.locals(symbol=SubscribedSymbol)
    cdef SubscribedSymbol _symbol(self, str native, str link, object now_us, list out)
    cdef SubscribedSymbol _heard(self, str native, str link, object now_us, list out)
