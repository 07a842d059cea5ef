cimport cython

from floorwire.venues.common.level_reader cimport LevelReader
from floorwire.venues.common.venue_book cimport VenueBook
from floorwire.venues.okx.scanned_messages cimport ScannedBook


cdef unsigned char QUOTE
cdef Py_ssize_t BETWEEN


@cython.final
cdef class NumberedBook:
    cdef readonly VenueBook levels
    cdef readonly bint has_left_out
    cdef readonly object off_tick
    cdef object _last
    cdef list _top_bids
    cdef list _top_asks
    cdef object _crc

    cpdef object clear(self)
    @cython.locals(bids=tuple, asks=tuple, is_kept=bint)
    cpdef object apply_snapshot(self, object message)
    @cython.locals(levels=VenueBook, bids=tuple, asks=tuple, is_kept=bint)
    cpdef object apply_change(self, object message)
    @cython.locals(reader=LevelReader, scanned=ScannedBook, bids=tuple, asks=tuple, written_bids=list, written_asks=list)
    cdef tuple _read(self, object message, bint is_kept)
    @cython.locals(levels=VenueBook, bids=list, asks=list, texts=list, both=Py_ssize_t)
    cdef object _check(self, object checksum)


@cython.locals(text=bytes, at=Py_ssize_t)
cpdef bytes checksum_text(object row)
