cimport cython

from floorwire.venues.common.followed_symbols cimport FollowedSymbols
from floorwire.venues.common.subscribed_symbol cimport SubscribedSymbol
from floorwire.venues.common.venue_book cimport VenueBook


@cython.final
cdef class MessageHandler:
    cdef object _exchange
    cdef object _apply
    cdef FollowedSymbols _followed
    cdef object _books
    cdef object _rotations
    cdef object _catalogue
    cdef object _skipped
    cdef dict _by_new

    @cython.locals(levels=VenueBook, before=Py_ssize_t, was_synced=bint)
    cpdef object apply(self, str native, SubscribedSymbol symbol, object message, object now_us, list out)
