cimport cython
from libc.stdint cimport int64_t

from floorwire.venues.common.frame_scanner cimport FrameScanner, scanner_of
from floorwire.venues.common.scanned_message cimport ScannedMessage
from floorwire.venues.kraken.pair_names cimport current_pair


cdef int64_t MAX_CHECKSUM
cdef int64_t MICROSECOND_DECIMALS
cdef int64_t LEAST_US
cdef int64_t MOST_US
cdef Py_ssize_t NOWHERE
cdef Py_ssize_t TIME_LENGTH


@cython.no_gc
@cython.final
cdef class ScannedBook(ScannedMessage):
    cdef public FrameScanner frame
    cdef public bint is_snapshot
    cdef public Py_ssize_t bids_at
    cdef public Py_ssize_t asks_at
    cdef public Py_ssize_t most_levels
    cdef public int64_t checksum
    cdef public int64_t ts_us


@cython.locals(frame=FrameScanner, book=ScannedBook, name=str)
cpdef ScannedBook scan(bytes data)
cdef object _side(FrameScanner frame, ScannedBook book)
@cython.locals(begin=Py_ssize_t, count=Py_ssize_t, is_next=bint, at_us=int64_t)
cdef Py_ssize_t _levels(FrameScanner frame, ScannedBook book) except -2
@cython.locals(at_us=int64_t)
cpdef int64_t time_of_v1(FrameScanner frame) except -1
@cython.locals(plain=int64_t)
cdef int64_t _checksum(FrameScanner frame) except -2
