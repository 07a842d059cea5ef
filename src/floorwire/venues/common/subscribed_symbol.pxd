cimport cython
from libc.stdint cimport int64_t

from floorwire.venues.common.venue_book cimport VenueBook


cdef int64_t QUOTE_LATE_US
cdef int64_t NEVER


@cython.final
cdef class SubscribedSymbol:
    cdef readonly object book
    cdef readonly VenueBook levels
    cdef readonly str name
    cdef public object link
    cdef public frozenset wanted
    cdef public bint is_heard
    cdef public object requested_us
    cdef public object tries
    cdef object _wait_us
    cdef public object fetch
    cdef public object next_fetch_us
    cdef public bint is_book_silent
    cdef public bint is_regular
    cdef public bint is_silent
    cdef int64_t _quoted_us
    cdef object _differs_since_us

    cpdef object clear(self, object now_us)
    cpdef object link_lost(self, object now_us)
    cpdef object book_synced(self)
    cpdef object book_came(self)
    cpdef bint quoted(self, tuple bid, tuple ask, object now_us) except -1
    cpdef object quote_came(self, object now_us)
    @cython.locals(at_us=int64_t)
    cpdef bint quotes_ended(self, object now_us) except -1
    @cython.locals(at_us=int64_t)
    cpdef bint has_quotes(self, object now_us) except -1
