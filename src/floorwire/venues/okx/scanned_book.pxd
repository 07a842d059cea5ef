cimport cython
from libc.stdint cimport int64_t

from floorwire.venues.common.frame_scanner cimport FrameScanner


cdef bytes HEAD
cdef int64_t MAX_MS


@cython.final
cdef class ScannedBook:
    cdef public FrameScanner frame
    cdef public str symbol
    cdef public bint is_snapshot
    cdef public int64_t ts
    cdef public Py_ssize_t bids_at
    cdef public Py_ssize_t asks_at
    cdef public object seq_id
    cdef public object prev_seq_id
    cdef public int64_t checksum


@cython.locals(frame=FrameScanner, book=ScannedBook)
cpdef ScannedBook scan(bytes data)
cdef object _sequence_id(FrameScanner frame)
@cython.locals(begin=Py_ssize_t, is_next=bint)
cdef Py_ssize_t _levels(FrameScanner frame) except -2
