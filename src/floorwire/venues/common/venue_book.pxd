cimport cython
from libc.stdint cimport int64_t

from floorwire.venues.common.frame_scanner cimport FrameScanner
from floorwire.venues.common.level_reader cimport LevelReader
from floorwire.venues.common.price_levels cimport PriceLevels


@cython.final
cdef class VenueBook:
    cdef public object instrument
    cdef readonly LevelReader reader
    cdef public bint is_synced
    cdef readonly PriceLevels bids
    cdef readonly PriceLevels asks
    cdef object _told
    cdef tuple _told_bid
    cdef tuple _told_ask

    cpdef object clear(self)
    cpdef object apply_snapshot(self, tuple bids, tuple asks, object ts_us, bid_rows=*, ask_rows=*)
    cpdef object snapshot(self, object ts_us)
    cpdef object apply_change(self, tuple bids, tuple asks, object ts_us, bid_rows=*, ask_rows=*)
    cpdef object scanned_rows(self, FrameScanner frame, Py_ssize_t at)
    cpdef tuple best(self)
    cpdef object quoted(self, object quote)
    @cython.locals(bid=tuple, ask=tuple)
    cpdef object changed_quote(self, object ts_us)
    @cython.locals(bid=int64_t, ask=int64_t)
    cdef object _check(self)
