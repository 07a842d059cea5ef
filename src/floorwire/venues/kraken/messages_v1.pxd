cimport cython
from libc.stdint cimport int64_t

from floorwire.venues.kraken.pair_names cimport current_pair
from floorwire.venues.kraken.scanned_book cimport ScannedBook, scan
from floorwire.venues.kraken.scanned_messages cimport scan_v1


cdef bint IS_COMPILED
cdef unsigned char OPENING


@cython.locals(encoded=bytes)
cpdef bint is_array(object data) except -1
@cython.locals(scanned=ScannedBook)
cpdef object read(object data)
cpdef object decode_frame(object data)
cdef object _read_book(object data)
@cython.locals(bids=list, asks=list)
cdef object _book(str pair, tuple parts)
@cython.locals(at_us=int64_t, latest_us=int64_t, side=list)
cdef int64_t _latest_us(list bids, list asks) except -1
cdef int64_t _time_us(str seconds) except -1
cdef object _checksum(str text)
