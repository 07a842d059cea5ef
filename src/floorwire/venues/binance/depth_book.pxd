cimport cython
from libc.stdint cimport int64_t

from floorwire.venues.common.diff_book cimport DiffBook
from floorwire.venues.common.venue_book cimport VenueBook


@cython.final
cdef class DepthBook:
    cdef readonly VenueBook levels
    cdef DiffBook _diffs
    cdef readonly bint has_left_out
    cdef readonly object off_tick
    cdef public int64_t quote_id
    cdef readonly object late_from_us
    cdef object _applied_us

    cpdef object clear(self)
    cpdef object count_off_tick(self, object levels)
    cpdef object apply(self, object diff, object venue_us, object now_us)
    cpdef object apply_snapshot(self, object last_id, tuple bids, tuple asks, object venue_us, object now_us)
