cimport cython

from floorwire.venues.common.venue_book cimport VenueBook


@cython.final
cdef class DiffBook:
    cdef readonly VenueBook book
    cdef readonly bint is_live
    cdef object _last
    cdef bint _snapshot_is_last
    cdef object _newest
    cdef object _old_snapshots
    cdef object _buffered

    cpdef object reset_ids(self)
    cpdef object reset(self)
    cpdef object apply(self, object diff)
    cpdef object apply_snapshot(self, object last_id, tuple bids, tuple asks, object ts_us)
    cdef bint _is_older(self, object last_id) except -1
    cdef str _buffer(self, object diff)
    cdef bint _follows(self, object diff) except -1
    cdef object _apply(self, object diff)
