cimport cython

from floorwire.venues.common.venue_book cimport VenueBook


@cython.final
cdef class CheckedBook:
    cdef readonly VenueBook levels
    cdef object _instrument
    cdef public Py_ssize_t depth
    cdef readonly bint has_left_out
    cdef readonly object off_tick
    cdef list _top_asks
    cdef list _top_bids
    cdef object _crc_asks
    cdef object _crc

    cpdef object clear(self)
    @cython.locals(levels=VenueBook, bids=tuple, asks=tuple)
    cpdef object apply_snapshot(self, object message, object ts_us)
    @cython.locals(levels=VenueBook, bids=tuple, asks=tuple, bids_out=list, asks_out=list)
    cpdef object apply_change(self, object message, object ts_us)
    cdef tuple _read(self, list rows)
    cdef list _each_once(self, tuple levels, list rows)
    @cython.locals(asks=list, bids=list)
    cdef object _check(self, object checksum)


cdef tuple _with_removed(tuple changed, list prices)
cpdef str checksum_text(object row)
