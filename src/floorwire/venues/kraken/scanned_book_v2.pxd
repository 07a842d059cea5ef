cimport cython

from floorwire.venues.common.frame_scanner cimport FrameScanner, scanner_of
from floorwire.venues.kraken.scanned_book cimport ScannedBook


cdef bytes HEAD


@cython.locals(frame=FrameScanner, book=ScannedBook)
cpdef ScannedBook scan(bytes data)
@cython.locals(begin=Py_ssize_t, count=Py_ssize_t, is_next=bint)
cdef Py_ssize_t _levels(FrameScanner frame, ScannedBook book) except -2
