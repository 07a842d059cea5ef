cimport cython
from libc.stdint cimport int64_t

from floorwire.venues.common.frame_scanner cimport FrameScanner
from floorwire.venues.common.level_reader cimport LevelReader
from floorwire.venues.common.price_levels cimport PriceLevels
from floorwire.venues.common.venue_book cimport VenueBook
from floorwire.venues.kraken.scanned_book cimport ScannedBook


cdef int64_t NO_CHECKSUM

@cython.final
cdef class CheckedBook:
    cdef readonly VenueBook levels
    cdef object _instrument
    cdef public Py_ssize_t depth
    cdef readonly bint has_left_out
    cdef readonly object off_tick
    cdef list _top_asks
    cdef list _top_bids
    cdef bytes _text_of_bids
    cdef object _rows
    cdef int64_t _crc_asks
    cdef int64_t _crc

    cpdef object clear(self)
    @cython.locals(levels=VenueBook, bids=tuple, asks=tuple)
    cpdef object apply_snapshot(self, object message, object ts_us)
    @cython.locals(levels=VenueBook, bids=tuple, asks=tuple, bids_out=tuple, asks_out=tuple)
    cpdef object apply_change(self, object message, object ts_us)
    @cython.locals(scanned=ScannedBook)
    cdef tuple _bids(self, object message)
    @cython.locals(scanned=ScannedBook)
    cdef tuple _asks(self, object message)
    @cython.locals(frame=FrameScanner, reader=LevelReader, side=tuple, rows=list)
    cdef tuple _scan_side(self, ScannedBook scanned, Py_ssize_t at, PriceLevels kept)
    @cython.locals(side=tuple)
    cdef tuple _read_side(self, object rows)
    @cython.locals(scanned=ScannedBook, is_same=bint)
    cdef object _check(self, object message)
    @cython.locals(asks=list, bids=list)
    cdef int64_t _checksum(self) except -1


cdef tuple _with_removed(tuple changed, tuple prices)
cpdef bytes checksum_text(object row)
